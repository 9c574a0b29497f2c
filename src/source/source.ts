import type { Resource } from "../resource/resource.js";
import type { Place, Problem } from "./problem.js";

/** All that is to be served. */
export interface Configuration {
  /** What every node is served. */
  readonly common: readonly Resource[];
  /** Node group → what its nodes are served beside that. No name is in both. */
  readonly groups: ReadonlyMap<string, readonly Resource[]>;
}

/**
 * What a source found: a configuration, whole and sound, or why there is none. A resource whose content did not change since
 * the configuration before is the same object.
 */
export type Reading = GoodReading | { readonly problems: readonly Problem[] };

export interface GoodReading {
  readonly configuration: Configuration;
  /** Where each resource of the configuration was read; a `Locator` finds the places of its fields. */
  readonly places: ReadonlyMap<Resource, Place>;
  /** What the files hold that is not served, and why. */
  readonly notes: readonly Problem[];
}

/**
 * Where the program's configuration comes from. {@link Source.open} is called once, then {@link Source.close}; a class
 * that passes test/contract/source.ts is a source. It does not keep the process running.
 */
export interface Source {
  /**
   * Reads everything, and from then on tells each change: a burst of edits as one, and nothing when what was found is the
   * same as before. A reading with problems means that what was served before is still to be.
   * `onReading` is not called before the promise is resolved, nor after {@link Source.close} was called.
   */
  open(onReading: (reading: Reading) => void): Promise<Reading>;
  /** Stops watching; resolves when no timer, watcher or open file is left. May be called at any time, and again. */
  close(): Promise<void>;
}
