import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Control
} from "./chunk-4KTSKWGM.js";
import {
  Revisions
} from "./chunk-ISRY64JR.js";
import "./chunk-22CGKJEQ.js";
import "./chunk-RZ4DQXNT.js";
import {
  HeadFollower,
  SnapshotCache,
  checkUndo
} from "./chunk-ID6UNV2B.js";
import "./chunk-HCKWFFCM.js";
import {
  configurationIn,
  viewing
} from "./chunk-UHTHQG76.js";
import "./chunk-KZCVAWTX.js";
import "./chunk-U7CKKRTO.js";
import {
  commonGroup
} from "./chunk-4DK7NEUR.js";
import "./chunk-BWU6O4MA.js";
import "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-R3YROBDM.js";
import "./chunk-MN2RV65N.js";
import "./chunk-BXRIZRRP.js";
import "./chunk-ZCNRJYSX.js";
import "./chunk-7P7SAT7Z.js";
import "./chunk-AIYMUFE6.js";
import "./chunk-3DMVKFOY.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-TCS7TSVQ.js";
import "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

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
