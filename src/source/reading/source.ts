import type { Resource } from "../../resource/resource.js";
import type { DumpFacts } from "../documents/dump-facts.js";
import type { Unserved } from "../documents/unserved.js";
import type { Place, Problem } from "../files/problem.js";
import type { Configuration } from "./layers.js";

export type { Configuration, Layer, RemovedResource } from "./layers.js";

/**
 * The result of reading: a complete configuration without problems, or the problems. A resource whose content did not
 * change since the previous configuration is the same object.
 */
export type Reading = GoodReading | { readonly problems: readonly Problem[] };

/** A configuration without problems, and the places of its resources. */
export interface GoodReading {
  readonly configuration: Configuration;
  /** Resource → its place. A `Locator` finds the places of fields. */
  readonly places: ReadonlyMap<Resource, Place>;
  /** Notes about parts of the files that are not served. */
  readonly notes: readonly Problem[];
  /** The unserved parts of files that are an Envoy's own. */
  readonly unserved?: readonly Unserved[];
  /** File → facts about it, if it is a config dump. */
  readonly dumps?: ReadonlyMap<string, DumpFacts>;
}

/**
 * The origin of the program's configuration. {@link Source.open} is called once, then {@link Source.close}. A class
 * that passes test/contract/source.ts is a source. A source does not keep the process running.
 */
export interface Source {
  /**
   * Reads everything, and then reports each change. A burst of edits is one change. If the result has not changed,
   * nothing is reported. After a reading with problems, the previous configuration must stay served. `onReading` is not
   * called before the promise is resolved, nor after {@link Source.close} was called.
   */
  open(onReading: (reading: Reading) => void): Promise<Reading>;
  /** Stops watching. Resolves when no timer, watcher or open file is left. Can be called at any time, and again. */
  close(): Promise<void>;
}
