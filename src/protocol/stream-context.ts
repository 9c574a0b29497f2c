import type { ConfigWatcher, Node, WatchRequest } from "../cache/config-watcher.js";
import type { Logger } from "../logger.js";
import type { Account } from "./account.js";
import type { FlushQueue } from "./flush-queue.js";
import type { Response } from "./messages.js";
import type { NodeStreams } from "./node-streams.js";
import type { OpenRefusals } from "./open-refusals.js";
import type { RetryTimes } from "./retry.js";
import type { Stream } from "./stream.js";
import type { StreamEvents, StreamInfo } from "./stream-events.js";
import type { TrafficByType } from "./traffic.js";

/** The way out, owned by the transport. */
export interface Transport {
  /** Address of the client. */
  readonly peer: string;
  /** As {@link StreamInfo} has them; by default none. */
  readonly certificateNames?: readonly string[];
  /** Whose work the stream's is. By default the stream's own. */
  readonly account?: Account;
  /** Takes one response. False: no more until the transport calls {@link Stream.writable}. */
  send(response: Response): boolean;
  /** Ends the stream with this error's status. */
  end(error: unknown): void;
}

/** Brings resources into being when they are asked for. */
export interface Resolver {
  /** Puts the resource into the cache, if there is one to be had. */
  resolve(request: WatchRequest & { readonly name: string }): void | Promise<void>;
  /** How long, in milliseconds, a client waits for it before it is told that there is none. */
  readonly timeoutMs: number;
}

/** What all streams of a server share. */
export interface StreamContext {
  readonly watcher: ConfigWatcher;
  readonly events: StreamEvents;
  /** Rations what clients cause, by the `peer` that is in all fields. */
  readonly logger: Logger;
  readonly queue: FlushQueue;
  readonly traffic: TrafficByType;
  /** Node of a first request that has none; undefined: such a request is an error (P2). */
  anonymous(): Node | undefined;
  /** The stream has sent what it can for now: after every request, and every change that it can see. */
  flushed?(stream: Stream<never>): void;
  /** The stream is ended with this error. */
  failed(stream: StreamInfo, error: unknown): void;
  /** The stream has ended. */
  ended(stream: Stream<never>): void;
  /** Changes go out in order, and removals after what refers to them (P53–P55). */
  readonly ordered: boolean;
  /**
   * Milliseconds: how long a type waits for another's answer, and further changes for the answer to the one before
   * (P25, P53).
   */
  readonly patience: number;
  /** Milliseconds: how long a client goes on using a listener that was replaced or removed (P54). */
  readonly drainTimeMs: number;
  /** Milliseconds: after this time a client stops waiting for a resource that does not exist (P54). */
  readonly missingAfterMs: number;
  /** When refused content is offered again (P16). */
  readonly retryTimes: RetryTimes;
  /** How many bytes a delta response may have. A larger one is divided. */
  readonly maxResponseBytes: number;
  readonly openRefusals: OpenRefusals;
  readonly nodeStreams: NodeStreams<Stream<never>>;
  /** Asked for names that do not exist (P62). */
  readonly resolver: Resolver | undefined;
  /** Throws where there is no memory for more; `grows` says whether more is asked for. */
  checkGrowth(grows: () => boolean): void;
  /** Throws for more names than one subscription may have. */
  checkNames(names: number, typeUrl: string): void;
}
