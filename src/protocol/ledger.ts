import type { Changes } from "../cache/config-watcher.js";
import { canonicalName } from "../resource/names.js";
import type { Delivery } from "./client-state.js";
import type { ErrorDetail } from "./messages.js";

/** A response, when something happened to it: milliseconds since 1970. */
export interface LedgerEntry {
  readonly version: string;
  readonly nonce: string;
  readonly at: number;
}

export interface NackEntry extends LedgerEntry {
  /** The client's own words. */
  readonly error: ErrorDetail;
  /**
   * The names that are refused: alone where that could be found out, else all that were refused together. The first
   * hundred.
   */
  readonly names: readonly string[];
}

/** How many refused names are kept for the status. */
const namesKept = 100;

/** What became of the responses of one type on one stream: the last of each kind. */
export class Ledger {
  sent: LedgerEntry | undefined;
  acked: LedgerEntry | undefined;
  /** Set while something that was refused has not been replaced. */
  nacked: NackEntry | undefined;

  onSent({ version, nonce }: Pick<Delivery, "version" | "nonce">): void {
    this.sent = { version, nonce, at: Date.now() };
  }

  onAck({ version, nonce }: Delivery): void {
    this.acked = { version, nonce, at: Date.now() };
  }

  /** A refusal with its bad resources. `others` are the names of those that were refused alone before and still are. */
  onNack({ names, ...entry }: NackEntry, others: Iterable<string>): void {
    const all = new Set(names);
    for (const name of others) if (all.size < namesKept) all.add(name);
    this.nacked = { ...entry, names: [...all] };
  }

  /** Some of the refused names are replaced by now; the others still stand. */
  keepNames(isRefused: (name: string) => boolean): void {
    if (!this.nacked) return;
    const names = this.nacked.names.filter((name) => isRefused(canonicalName(name)));
    if (names.length < this.nacked.names.length) this.nacked = { ...this.nacked, names };
  }
}

/** The refusal of a response that came at a time; `refused` is what is bad in that response. */
export function nackEntry({ version, nonce }: Delivery, error: ErrorDetail, at: number, refused: Changes): NackEntry {
  return { version, nonce, at, error, names: namesIn(refused) };
}

/** The first names of a change: one list for all who ask. */
function namesIn(changes: Changes): readonly string[] {
  let names = namesMemo.get(changes);
  if (!names) {
    names = [...changes.changed.slice(0, namesKept).map(({ name }) => name), ...changes.removed].slice(0, namesKept);
    namesMemo.set(changes, names);
  }
  return names;
}
const namesMemo = new WeakMap<Changes, readonly string[]>();
