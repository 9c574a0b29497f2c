import type { Sent } from "./held.js";
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
  /** The resources that the refused response changed or removed; the first hundred. */
  readonly names: readonly string[];
}

/** How many names of a refused response are kept for the status. */
const namesKept = 100;

/** What became of the responses of one type on one stream: the last of each kind. */
export class Ledger {
  sent: LedgerEntry | undefined;
  acked: LedgerEntry | undefined;
  /** Set while something that was refused has not been replaced. */
  nacked: NackEntry | undefined;

  onSent({ version, nonce }: Sent): void {
    this.sent = { version, nonce, at: Date.now() };
  }

  onAck({ version, nonce }: Sent): void {
    this.acked = { version, nonce, at: Date.now() };
  }

  onNack({ version, nonce, changed, removed }: Sent, error: ErrorDetail): NackEntry {
    const names = [...changed.slice(0, namesKept).map(({ name }) => name), ...removed].slice(0, namesKept);
    this.nacked = { version, nonce, at: Date.now(), error, names };
    return this.nacked;
  }
}
