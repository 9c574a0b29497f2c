import type { ConfigWatcher, Node, WatchRequest } from "../cache/config-watcher.js";
import type { Caller } from "../caller.js";
import type { Logger } from "../logger.js";
import type { XdsApi } from "../resource/xds-api.js";
import type { Account } from "./account.js";
import type { FlushQueue } from "./flush-queue.js";
import type { NodeStreams } from "./node-streams.js";
import type { OpenRefusals } from "./open-refusals.js";
import type { Response } from "./response.js";
import type { RetryTimes } from "./retry.js";
import type { StreamEvents, StreamInfo } from "./stream-events.js";
import type { Subscription } from "./subscription.js";
import type { TrafficByType } from "./traffic.js";

/** The way out of a stream, owned by its transport. */
export interface Transport {
  /** The address of the client. */
  readonly peer: string;
  /** As in {@link StreamInfo}. Default: none. */
  readonly certificateNames?: readonly string[];
  /** Pays for the stream's work. Default: an account of the stream's own. */
  readonly account?: Account;
  /** Takes one response. False: take no more until the transport calls `Stream.writable()`. */
  send(response: Response): boolean;
  /** Ends the stream with this error's status. */
  end(error: unknown): void;
}

/** Makes resources when they are requested. */
export interface Resolver {
  /** Puts the resource into the cache, if it can be made. */
  resolve(request: WatchRequest & { readonly name: string }): void | Promise<void>;
  /** How many milliseconds a client waits before it is answered that the resource does not exist. */
  readonly timeoutMs: number;
}

/** An open stream of either variant, as its server and its client's other streams see it. */
export interface OpenStream extends StreamInfo {
  readonly caller: Caller;
  /** The account of its connection. */
  readonly account: Account;
  /** Whether the client has an answer: something was sent, or there is nothing to send. */
  readonly answered: boolean;
  /** By type URL. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** Looks again at everything that waits: an answer may have come, or a time may be over. */
  reconsider(): void;
  /** The transport has lost the client, or ends the stream. */
  close(): void;
  /** Ends the stream with this error's status. */
  fail(error: unknown): void;
}

/** What all streams of a server share. */
export interface StreamContext {
  readonly watcher: ConfigWatcher;
  /** Has the types that clients may subscribe to. */
  readonly api: XdsApi;
  readonly events: StreamEvents;
  /** Limits the log lines that a client can cause, by the field `peer`. */
  readonly logger: Logger;
  readonly queue: FlushQueue;
  readonly traffic: TrafficByType;
  /** The node for a first request without one. Undefined: such a request is an error (P2). */
  anonymous(): Node | undefined;
  /** Decides whether a stream may have what its first request asks for as this node. A rejection ends the stream. */
  permit?(stream: OpenStream, node: Node): Promise<void> | undefined;
  /** The stream has sent what it can for now. Called after every request and every change that the stream can see. */
  flushed?(stream: OpenStream): void;
  /**
   * Called when the stream is ended with this error. `node` is the stream's node, or the node that the client claimed
   * and was refused.
   */
  failed(stream: StreamInfo, error: unknown, node: Node | undefined): void;
  /** The stream has ended. */
  ended(stream: OpenStream): void;
  /** Changes are sent in order, and removals after the resources that refer to them have changed (P53–P55). */
  readonly ordered: boolean;
  /**
   * How long a type waits for the answer to another type, and further changes for the answer to the last one, in
   * milliseconds (P25, P53).
   */
  readonly patience: number;
  /** How many milliseconds a client goes on using a replaced or removed listener (P54). */
  readonly drainTimeMs: number;
  /** After how many milliseconds a client stops waiting for a resource that does not exist (P54). */
  readonly missingAfterMs: number;
  /** When refused content is offered again (P16). */
  readonly retryTimes: RetryTimes;
  /** The most bytes of a delta response. A larger one is divided. */
  readonly maxResponseBytes: number;
  readonly openRefusals: OpenRefusals;
  readonly nodeStreams: NodeStreams<OpenStream>;
  /** Makes resources for requested names that do not exist (P62). */
  readonly resolver: Resolver | undefined;
  /**
   * Throws if there is no memory for more, or none for the address of this account. `grows`: whether the request asks
   * for more.
   */
  checkGrowth(account: Account, grows: () => boolean): void;
  /** Whether there is memory for more for the address of this account. */
  mayGrow(account: Account): boolean;
  /** Throws if one subscription would have too many names. */
  checkNames(names: number, typeUrl: string): void;
}
