import type { Node } from "../cache/node-group.js";
import type { Caller } from "../protocol/caller.js";
import type { LedgerEntry, NackEntry } from "../protocol/ledger.js";
import type { StreamInfo } from "../protocol/stream-events.js";
import type { Subscription } from "../protocol/subscription.js";
import { type Waiting, waitsOf, waitsShown } from "./waits.js";

/**
 * SYNCED: the client has taken all that is to be sent. DRAINING: it has too, and also keeps something that only its old
 * listeners may still use (P54). NOT_SENT: nothing was sent yet. STALE: a response is unanswered, or the client has
 * something else than what is served, also because a part of a change has to wait (P53, P54). ERROR: something was
 * refused, and what replaces it has not been taken yet (P18). All but DRAINING are names of
 * `envoy.service.status.v3.ConfigStatus`; CSDS says SYNCED for it.
 */
export type SyncState = "SYNCED" | "DRAINING" | "NOT_SENT" | "STALE" | "ERROR";

/** One type on one stream, or of one node: what was sent last, taken last, and refused and not replaced. */
export interface TypeStatus {
  readonly typeUrl: string;
  readonly state: SyncState;
  readonly wildcard: boolean;
  /** How many resources are named explicitly. */
  readonly names: number;
  readonly sent: LedgerEntry | undefined;
  readonly acked: LedgerEntry | undefined;
  readonly nacked: NackEntry | undefined;
  /**
   * When the first of what was refused alone is offered again, in milliseconds since 1970 (P16); undefined: nothing is.
   */
  readonly retryAt: number | undefined;
  /** The first hundred resources whose change or removal waits (P53, P54). */
  readonly waits: readonly Waiting[];
}

export interface StreamStatus extends Caller {
  readonly id: number;
  readonly variant: "sotw" | "delta";
  /** The type URL of the stream's service; "" on ADS. */
  readonly typeUrl: string;
  readonly node: Node | undefined;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly types: readonly TypeStatus[];
}

export function streamStatus(stream: StreamInfo, subscriptions: Iterable<Subscription>): StreamStatus {
  const { id, variant, typeUrl, peer, certificateNames, node, openedAt } = stream;
  const types = [...subscriptions].map(typeStatus);
  return { id, variant, typeUrl, peer, certificateNames, node, openedAt, types };
}

/** One connected node, all its streams together: whoever says that it is this node counts as it. */
export interface ConnectedNode {
  /** As its oldest stream describes it. */
  readonly node: Node;
  /** Ids of its streams. */
  readonly streams: readonly number[];
  /** Of its oldest stream, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** The worst of its types': ERROR, then STALE, NOT_SENT, DRAINING, SYNCED. */
  readonly state: SyncState;
  /** In the order in which a change goes out. Of a type on several streams: the worst state, and the latest of each entry. */
  readonly types: readonly TypeStatus[];
}

/** An open stream, as its node's status is made of it. */
export interface StreamOfNode extends StreamInfo {
  readonly subscriptions: ReadonlyMap<string, Subscription>;
}

/** The streams that have said whose they are, by node. Nodes are told apart by id; of those without one, each stream is one. */
export function streamsByNode<S extends StreamOfNode>(streams: Iterable<S>): { node: Node; streams: S[] }[] {
  const nodes = new Map<string | S, { node: Node; streams: S[] }>();
  for (const stream of streams) {
    const { node } = stream;
    if (!node) continue;
    const known = nodes.get(node.id);
    if (known) known.streams.push(stream);
    else nodes.set(node.id || stream, { node, streams: [stream] });
  }
  return [...nodes.values()];
}

export function connectedNode(node: Node, streams: readonly StreamOfNode[]): ConnectedNode {
  const types = [...subscriptionsByType(streams).values()].map((all) => all.map(typeStatus).reduce(together));
  return {
    node,
    streams: streams.map(({ id }) => id),
    connectedAt: streams.reduce((first, { openedAt }) => Math.min(first, openedAt), Number.POSITIVE_INFINITY),
    state: worst(types.map(({ state }) => state)),
    types,
  };
}

/** How many nodes there are in each state, as {@link connectedNode} has them. */
export function nodeStates(streams: Iterable<StreamOfNode>): Record<SyncState, number> {
  const counts = { SYNCED: 0, DRAINING: 0, NOT_SENT: 0, STALE: 0, ERROR: 0 };
  for (const { streams: own } of streamsByNode(streams)) {
    const all = own.flatMap(({ subscriptions }) => [...subscriptions.values()]);
    counts[worst(all.map(syncState))]++;
  }
  return counts;
}

/** All that several streams subscribe, by type URL in the order of the table of types. */
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

/** How much attention a state needs. */
export const rankOf = (state: SyncState): number => states.indexOf(state);

/** Of several states the one that needs most attention; SYNCED where there are none. */
export function worst(several: Iterable<SyncState>): SyncState {
  let rank = 0;
  for (const state of several) rank = Math.max(rank, rankOf(state));
  return states[rank] as SyncState;
}

/** One type of one node, of two of its streams or polls. */
export function together(a: TypeStatus, b: TypeStatus): TypeStatus {
  return {
    typeUrl: a.typeUrl,
    state: worst([a.state, b.state]),
    wildcard: a.wildcard || b.wildcard,
    names: a.names + b.names,
    sent: latest(a.sent, b.sent),
    acked: latest(a.acked, b.acked),
    nacked: latest(a.nacked, b.nacked),
    retryAt:
      a.retryAt !== undefined && b.retryAt !== undefined ? Math.min(a.retryAt, b.retryAt) : (a.retryAt ?? b.retryAt),
    waits: [...a.waits, ...b.waits].slice(0, waitsShown),
  };
}

/** The later of two entries. */
export function latest<E extends LedgerEntry>(a: E | undefined, b: E | undefined): E | undefined {
  return a && b ? (a.at > b.at ? a : b) : (a ?? b);
}

function typeStatus(subscription: Subscription): TypeStatus {
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
  if (ledger.nacked) return "ERROR"; // until the ACK of what replaces it (P18)
  if (state.inFlight.length > 0) return "STALE";
  // Nothing needs to be sent where the client brought what is served from an earlier stream (P36, P49), or wants
  // nothing.
  const wantsNothing = !wildcard && names.size === 0 && subscription.named;
  if (!ledger.sent && !(upToDate && (state.hasAnything || wantsNothing))) return "NOT_SENT";
  // Where nothing is configured any more, what the client has stays in force.
  if (!upToDate && view.serving) return "STALE";
  return waiting.size > 0 ? "DRAINING" : "SYNCED";
}
