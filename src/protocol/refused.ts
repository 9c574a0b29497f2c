import type { Changes } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import type { NackEntry } from "./ledger.js";

/** Content of one name that the client has refused. What the client had before is still in force. */
export interface Refused {
  /** The refused resource. `undefined` if its removal was refused. */
  readonly resource: Resource | undefined;
  /** When and why it was refused. */
  readonly nack: NackEntry;
  /** A removal was refused. The client may have removed the resource all the same, as Envoy does. */
  readonly mayBeGone: boolean;
  /** Names that the same response said do not exist. */
  readonly missing: readonly string[];
  /** How often this content was refused. */
  readonly tries: number;
  /** When it is offered again, as `performance.now()` (P16). Undefined: never. */
  readonly retryAt: number | undefined;
}

/** What a client may still use of a removed name. `at` is when it ACKed the removal, as `performance.now()`. */
export interface RemovedInUse {
  readonly inUse: readonly Resource[];
  readonly at: number;
}

/** How one NACK is taken. */
export interface NackOptions {
  /** The NACK as it is remembered for these refused changes. */
  entry(refused: Changes): NackEntry;
  /** The client says that it took nothing of the response. */
  readonly tookNothing: boolean;
  /** The names in a change that the client's message mentions. */
  mentioned(changes: Changes): ReadonlySet<string>;
  /** Called before a content counts as taken although its response is refused. */
  taking(name: string, now: Resource | undefined): void;
  /** When content that was refused so often is offered again, as `performance.now()`. Undefined: never. */
  retryAt(tries: number): number | undefined;
}
