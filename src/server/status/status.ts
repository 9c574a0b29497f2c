import type { Node } from "../../cache/node-group.js";
import type { Caller } from "../../caller.js";
import { isOwnCommand } from "../../own-command.js";
import type { LedgerEntry, NackEntry } from "../../protocol/ledger.js";
import type { StreamInfo } from "../../protocol/stream-events.js";
import type { Subscription } from "../../protocol/subscription.js";
import { type Waiting, waitsOf, waitsShown } from "./waits.js";

/**
 * How far a client has applied what is served.
 *
 * - SYNCED: the client has ACKed all that it is to have.
 * - DRAINING: as SYNCED, but the client also keeps resources that only its old listeners may still use (P54).
 * - NOT_SENT: nothing was sent yet.
 * - STALE: a response is unanswered, or the client has something other than what is served. This includes a change of
 *   which a part has to wait (P53, P54).
 * - ERROR: the client has NACKed a response, and has not yet ACKed what replaces it (P18).
 *
 * All but DRAINING are names of `envoy.service.status.v3.ConfigStatus`. CSDS reports DRAINING as SYNCED.
 */
export type SyncState = "SYNCED" | "DRAINING" | "NOT_SENT" | "STALE" | "ERROR";

/**
 * The status of one type on one stream or of one node: the last response, the last ACK, and a NACK whose response was
 * not replaced yet.
 */
export interface TypeStatus {
  readonly typeUrl: string;
  readonly state: SyncState;
  readonly wildcard: boolean;
  /** How many resource names are subscribed explicitly. */
  readonly names: number;
  readonly sent: LedgerEntry | undefined;
  readonly acked: LedgerEntry | undefined;
  readonly nacked: NackEntry | undefined;
  /**
   * When the next refused resource is sent again, in milliseconds since 1970 (P16). undefined if none is. Only
   * resources that were refused alone are sent again.
   */
  readonly retryAt: number | undefined;
  /** The first hundred resources whose change or removal waits (P53, P54). */
  readonly waits: readonly Waiting[];
}

export interface StreamStatus extends Caller {
  readonly id: number;
  readonly variant: "sotw" | "delta";
  /** The type URL of the stream's service. "" on ADS. */
  readonly typeUrl: string;
  readonly node: Node | undefined;
  /** When the stream was opened, in milliseconds since 1970. */
  readonly openedAt: number;
  readonly types: readonly TypeStatus[];
}

export function streamStatus(stream: StreamInfo, subscriptions: Iterable<Subscription>): StreamStatus {
  const { id, variant, typeUrl, peer, certificateNames, node, openedAt } = stream;
  const types = [...subscriptions].map(typeStatus);
  return { id, variant, typeUrl, peer, certificateNames, node, openedAt, types };
}

/** An open stream with its subscriptions, by type URL. */
export interface StreamOfNode extends StreamInfo {
  readonly caller: Caller;
  readonly subscriptions: ReadonlyMap<string, Subscription>;
}

/**
 * A node and all its streams. Node and caller are those of the oldest stream. A command of this program, such as `xds
 * watch --node-id edge-1`, describes a node only if the node has no other stream.
 */
export interface StreamsOfNode<S> {
  readonly node: Node;
  readonly caller: Caller;
  readonly streams: S[];
}

/**
 * Groups the streams whose node is known by the node's id. Each stream of a node with an empty id is a node of its own.
 */
export function streamsByNode<S extends StreamOfNode>(streams: Iterable<S>): StreamsOfNode<S>[] {
  const nodes = new Map<string | S, StreamsOfNode<S>>();
  for (const stream of streams) {
    const { node, caller } = stream;
    if (!node) continue;
    const known = nodes.get(node.id);
    const isBetter = known && isOwnCommand(known.node) && !isOwnCommand(node);
    known?.streams.push(stream);
    if (isBetter) nodes.set(node.id, { node, caller, streams: known.streams });
    if (!known) nodes.set(node.id || stream, { node, caller, streams: [stream] });
  }
  return [...nodes.values()];
}

/** Counts the nodes in each state, with the states of `ConnectedNode`. */
export function nodeStates(streams: Iterable<StreamOfNode>): Record<SyncState, number> {
  const counts = { SYNCED: 0, DRAINING: 0, NOT_SENT: 0, STALE: 0, ERROR: 0 };
  for (const { streams: own } of streamsByNode(streams)) {
    const all = own.flatMap(({ subscriptions }) => [...subscriptions.values()]);
    counts[worstState(all.map(syncState))]++;
  }
  return counts;
}

/** The subscriptions of several streams by type URL, in the order of the table of types. */
export function subscriptionsByType(streams: readonly StreamOfNode[]): Map<string, Subscription[]> {
  const byType = new Map<string, Subscription[]>();
  const all = streams.flatMap(({ subscriptions }) => [...subscriptions.values()]);
  for (const subscription of all.sort((a, b) => a.type.order - b.type.order)) {
    const { typeUrl } = subscription.type;
    const known = byType.get(typeUrl);
    if (known) known.push(subscription);
    else byType.set(typeUrl, [subscription]);
  }
  return byType;
}

const states: readonly SyncState[] = ["SYNCED", "DRAINING", "NOT_SENT", "STALE", "ERROR"];

/** The rank of a state: the worse the state, the higher the number. */
export const rankOf = (state: SyncState): number => states.indexOf(state);

/** The worst of several states. SYNCED if there are none. */
export function worstState(several: Iterable<SyncState>): SyncState {
  let rank = 0;
  for (const state of several) rank = Math.max(rank, rankOf(state));
  return states[rank] as SyncState;
}

/** The status of one type of one node, merged from two of its streams or polls. */
export function mergedStatus(a: TypeStatus, b: TypeStatus): TypeStatus {
  return {
    typeUrl: a.typeUrl,
    state: worstState([a.state, b.state]),
    wildcard: a.wildcard || b.wildcard,
    names: a.names + b.names,
    sent: laterEntry(a.sent, b.sent),
    acked: laterEntry(a.acked, b.acked),
    nacked: laterEntry(a.nacked, b.nacked),
    retryAt:
      a.retryAt !== undefined && b.retryAt !== undefined ? Math.min(a.retryAt, b.retryAt) : (a.retryAt ?? b.retryAt),
    waits: [...a.waits, ...b.waits].slice(0, waitsShown),
  };
}

/** The later of two entries. */
export function laterEntry<E extends LedgerEntry>(a: E | undefined, b: E | undefined): E | undefined {
  return a && b ? (a.at > b.at ? a : b) : (a ?? b);
}

export function typeStatus(subscription: Subscription): TypeStatus {
  const { type, wildcard, names, ledger } = subscription;
  const { sent, acked, nacked } = ledger;
  let retryAt: number | undefined;
  for (const [, at] of subscription.retries()) retryAt = Math.min(at, retryAt ?? at);
  return {
    typeUrl: type.typeUrl,
    state: syncState(subscription),
    wildcard,
    names: names.size,
    sent,
    acked,
    nacked,
    retryAt: retryAt === undefined ? undefined : Math.round(performance.timeOrigin + retryAt),
    waits: waitsOf(subscription),
  };
}

export function syncState(subscription: Subscription): SyncState {
  const { ledger, state, upToDate, view, waiting, wildcard, names } = subscription;
  if (ledger.nacked) return "ERROR"; // until the client ACKs what replaces the refused response (P18)
  if (state.inFlight.length > 0) return "STALE";
  // Nothing needs to be sent if the client has what is served from an earlier stream (P36, P49), or subscribes to
  // nothing.
  const wantsNothing = !wildcard && names.size === 0 && subscription.hasNamed;
  if (!ledger.sent && !(upToDate && (state.hasAnything || wantsNothing))) return "NOT_SENT";
  // If nothing is served any more, the client keeps what it has.
  if (!upToDate && view.serving) return "STALE";
  return waiting.size > 0 ? "DRAINING" : "SYNCED";
}
