import { SnapshotCache } from "../cache/snapshot-cache.js";
import { Control } from "../control/control.js";
import { Revisions } from "../revisions/revisions.js";
import type { Store } from "../store/store.js";
import { HeadFollower } from "./head-follower.js";
import { commonGroup } from "./node-groups.js";
import { configurationIn, viewing } from "./stored-configuration.js";
import { checkUndo } from "./undo-check.js";

/** Takes orders for a store, without a server. */
export class StoreControl {
  readonly control: Control;
  private follower: HeadFollower | undefined;

  private constructor(
    private readonly store: Store,
    private readonly revisions: Revisions,
    liveTypes: readonly string[],
  ) {
    this.control = new Control(revisions, {
      liveTypes,
      // Only an undo needs the revision that is served now, so it is loaded here.
      checkUndo: (revision) => checkUndo(revision, revisions, this.follow()),
    });
  }

  /** Opens a store, and closes it if it cannot be read. `liveTypes` are the URLs of the live types. */
  static async open(store: Store, liveTypes: readonly string[]): Promise<StoreControl> {
    try {
      return new StoreControl(store, await Revisions.open(store), liveTypes);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Closes the store. */
  async close(): Promise<void> {
    this.follower?.close();
    this.revisions.close();
    await this.store.close();
  }

  private follow(): HeadFollower {
    this.follower ??= new HeadFollower(this.revisions, new SnapshotCache({ fallbackGroup: commonGroup }), {
      viewing: (layers, rules) => viewing(configurationIn(layers, rules)),
      fallbackGroup: commonGroup,
    });
    return this.follower;
  }
}
