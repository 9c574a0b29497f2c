import type { Node } from "../../cache/node-group.js";
import type { Caller } from "../../caller.js";
import { nodeResources, type ResourceState, type TypeResources } from "./node-resources.js";
import {
  mergedStatus,
  type StreamOfNode,
  type StreamsOfNode,
  type SyncState,
  subscriptionsByType,
  type TypeStatus,
  typeStatus,
  worstState,
} from "./status.js";

/** One connected node with all its streams. All clients with the same node id count as one node. */
export class ConnectedNode {
  /** The node as its oldest stream describes it. */
  readonly node: Node;
  /** The client of its oldest stream. */
  readonly caller: Caller;
  /** The ids of its streams. */
  readonly streams: readonly number[];
  /** When its oldest stream was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** The worst state of its types. From worst to best: ERROR, STALE, NOT_SENT, DRAINING, SYNCED. */
  readonly state: SyncState;
  /**
   * Its types, in the order in which a change is sent. A type on several streams has the worst state of them, and the
   * latest of each entry.
   */
  readonly types: readonly TypeStatus[];
  readonly #streams: readonly StreamOfNode[];

  private constructor({ node, caller, streams }: StreamsOfNode<StreamOfNode>) {
    this.node = node;
    this.caller = caller;
    this.streams = streams.map(({ id }) => id);
    this.connectedAt = streams.reduce((first, { openedAt }) => Math.min(first, openedAt), Number.POSITIVE_INFINITY);
    this.types = [...subscriptionsByType(streams).values()].map((all) => all.map(typeStatus).reduce(mergedStatus));
    this.state = worstState(this.types.map(({ state }) => state));
    this.#streams = streams;
  }

  /** @internal The node that these streams are of. */
  static of(streams: StreamsOfNode<StreamOfNode>): ConnectedNode {
    return new ConnectedNode(streams);
  }

  /** The resources that the node has ACKed, or that it is served for its subscriptions, at the time of this call. */
  resources(state: ResourceState): TypeResources[] {
    return nodeResources(this.#streams, state);
  }
}
