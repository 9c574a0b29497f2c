import type { Changes } from "../cache/config-watcher.js";
import { canonicalName } from "../resource/names.js";
import type { ErrorDetail } from "../wire/messages.js";

/** Identifies a response within its stream. */
export interface ResponseId {
  readonly version: string;
  readonly nonce: string;
}

/** A response, with the time when it was sent or answered. */
export interface LedgerEntry extends ResponseId {
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface NackEntry extends LedgerEntry {
  /** The client's error, as it was sent. */
  readonly error: ErrorDetail;
  /** The refused names: single ones if these could be found, else all that were refused together. At most 100. */
  readonly names: readonly string[];
}

/** How many refused names are remembered for the status. */
const maxNames = 100;

/** The last response of one type on one stream that was sent, ACKed and refused. */
export class Ledger {
  sent: LedgerEntry | undefined;
  acked: LedgerEntry | undefined;
  /** Set until everything that was refused is replaced. */
  nacked: NackEntry | undefined;

  onSent({ version, nonce }: ResponseId): void {
    this.sent = { version, nonce, at: Date.now() };
  }

  onAck({ version, nonce }: ResponseId): void {
    this.acked = { version, nonce, at: Date.now() };
  }

  /** A response was refused. `others`: the names that were refused before and still are. */
  onNack({ names, ...entry }: NackEntry, others: Iterable<string>): void {
    const all = new Set(names);
    for (const name of others) if (all.size < maxNames) all.add(name);
    this.nacked = { ...entry, names: [...all] };
  }

  /** Drops names that are replaced. */
  dropReplacedNames(isRefused: (name: string) => boolean): void {
    if (!this.nacked) return;
    const names = this.nacked.names.filter((name) => isRefused(canonicalName(name)));
    if (names.length < this.nacked.names.length) this.nacked = { ...this.nacked, names };
  }
}

/** The record of a NACK that came at the time `at`. `refused`: what is bad in the response. */
export function nackEntry({ version, nonce }: ResponseId, error: ErrorDetail, at: number, refused: Changes): NackEntry {
  return { version, nonce, at, error, names: namesIn(refused) };
}

/** The first names of a change. The same change gives the same list. */
function namesIn(changes: Changes): readonly string[] {
  let names = namesMemo.get(changes);
  if (!names) {
    names = [...changes.changed.slice(0, maxNames).map(({ name }) => name), ...changes.removed].slice(0, maxNames);
    namesMemo.set(changes, names);
  }
  return names;
}
const namesMemo = new WeakMap<Changes, readonly string[]>();
