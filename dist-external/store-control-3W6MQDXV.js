import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Control
} from "./chunk-PDIT7NKD.js";
import {
  HeadFollower,
  SnapshotCache,
  checkUndo
} from "./chunk-QDUVZKKI.js";
import {
  Revisions
} from "./chunk-LPJSCUVL.js";
import "./chunk-NRBZXTYV.js";
import "./chunk-LJEOXCCV.js";
import "./chunk-3OQ52QZQ.js";
import {
  configurationIn,
  viewing
} from "./chunk-UHTHQG76.js";
import "./chunk-ESPHAOJ2.js";
import "./chunk-U7CKKRTO.js";
import {
  commonGroup
} from "./chunk-4DK7NEUR.js";
import "./chunk-BWU6O4MA.js";
import "./chunk-C24J2H5X.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-R3YROBDM.js";
import "./chunk-MN2RV65N.js";
import "./chunk-BXRIZRRP.js";
import "./chunk-AKMKR4LC.js";
import "./chunk-342YQNNX.js";
import "./chunk-FZLOJTJW.js";
import "./chunk-Y6GK5AYW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-ZG5KWCWM.js";
import "./chunk-QMJ32M3M.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-27MTFUNG.js";

// dist/serving/store-control.js
var StoreControl = class _StoreControl {
  store;
  revisions;
  control;
  follower;
  constructor(store, revisions, liveTypes) {
    this.store = store;
    this.revisions = revisions;
    this.control = new Control(revisions, {
      liveTypes,
      // Only an undo needs the revision that is served now, so it is loaded here.
      checkUndo: (revision) => checkUndo(revision, revisions, this.follow())
    });
  }
  /** Opens a store, and closes it if it cannot be read. `liveTypes` are the URLs of the live types. */
  static async open(store, liveTypes) {
    try {
      return new _StoreControl(store, await Revisions.open(store), liveTypes);
    } catch (error) {
      await store.close();
      throw error;
    }
  }
  /** Closes the store. */
  async close() {
    this.follower?.close();
    this.revisions.close();
    await this.store.close();
  }
  follow() {
    this.follower ??= new HeadFollower(this.revisions, new SnapshotCache({ fallbackGroup: commonGroup }), {
      viewing: (layers, rules) => viewing(configurationIn(layers, rules)),
      fallbackGroup: commonGroup
    });
    return this.follower;
  }
};
export {
  StoreControl
};
