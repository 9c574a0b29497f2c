import type { Node } from "../cache/node-group.js";
import type { LedgerEntry, NackEntry } from "../protocol/ledger.js";
import type { StreamInfo } from "../protocol/stream-events.js";
import type { Subscription } from "../protocol/subscription.js";

/**
 * SYNCED: the client has taken all that is to be sent. STALE: something is unanswered or not sent yet. ERROR: something was
 * refused and has not been replaced. NOT_SENT: there was nothing to send yet.
 */
export type SyncState = "SYNCED" | "NOT_SENT" | "STALE" | "ERROR";

/** One type on one stream: what was sent last, taken last, and refused and not replaced. */
export interface TypeStatus {
  readonly typeUrl: string;
  readonly state: SyncState;
  readonly wildcard: boolean;
  /** How many resources are named explicitly. */
  readonly names: number;
  readonly sent: LedgerEntry | undefined;
  readonly acked: LedgerEntry | undefined;
  readonly nacked: NackEntry | undefined;
}

export interface StreamStatus {
  readonly id: number;
  readonly variant: "sotw" | "delta";
  /** The type URL of the stream's service; "" on ADS. */
  readonly typeUrl: string;
  readonly peer: string;
  readonly node: Node | undefined;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly types: readonly TypeStatus[];
}

export function streamStatus(stream: StreamInfo, subscriptions: Iterable<Subscription>): StreamStatus {
  const { id, variant, typeUrl, peer, node, openedAt } = stream;
  return { id, variant, typeUrl, peer, node, openedAt, types: [...subscriptions].map(typeStatus) };
}

function typeStatus(subscription: Subscription): TypeStatus {
  const { type, wildcard, names, ledger } = subscription;
  const { sent, acked, nacked } = ledger;
  return { typeUrl: type.typeUrl, state: syncState(subscription), wildcard, names: names.size, sent, acked, nacked };
}

function syncState({ ledger, inFlight, upToDate }: Subscription): SyncState {
  if (ledger.nacked) return "ERROR";
  if (inFlight || !upToDate) return "STALE";
  return ledger.sent || ledger.acked ? "SYNCED" : "NOT_SENT";
}
