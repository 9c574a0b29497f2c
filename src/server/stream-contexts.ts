import type { ConfigWatcher } from "../cache/config-watcher.js";
import type { Logger } from "../logger.js";
import type { FlushQueue } from "../protocol/flush-queue.js";
import { NodeStreams } from "../protocol/node-streams.js";
import { OpenRefusals } from "../protocol/open-refusals.js";
import { retryTimes, retryWaits } from "../protocol/retry.js";
import type { OpenStream, StreamContext } from "../protocol/stream-context.js";
import type { XdsApi } from "../resource/xds-api.js";
import type { Node } from "../schema/node.js";
import type { Permissions } from "./access/permissions.js";
import type { Balance } from "./admission/balance.js";
import type { LimitCounts } from "./admission/limits.js";
import type { RefusalLog } from "./admission/refusal-log.js";
import { type Callbacks, streamEvents } from "./callbacks.js";
import type { Counters } from "./counters.js";
import type { AppliedWaits } from "./status/applied.js";
import { milliseconds, responseBytes, type XdsServerOptions } from "./xds-server-options.js";

/** What all streams of a server share, by variant. */
export interface StreamContexts {
  readonly sotw: StreamContext;
  readonly delta: StreamContext;
}

/** The parts of a server that its streams use. */
export interface StreamOwner {
  readonly cache: ConfigWatcher;
  readonly api: XdsApi;
  readonly callbacks: Callbacks;
  readonly logger: Logger;
  readonly queue: FlushQueue;
  readonly limits: LimitCounts;
  readonly permissions: Permissions;
  readonly counts: Counters;
  readonly refused: RefusalLog;
  /** The open streams. */
  readonly streams: Set<OpenStream>;
  readonly waits: AppliedWaits;
  readonly balance: Balance;
  /** The node for a first request without one. undefined if such a request is an error (P2). */
  anonymous(): Node | undefined;
}

/** @throws XdsError INVALID_OPTION */
export function streamContexts(owner: StreamOwner, options: XdsServerOptions): StreamContexts {
  const { cache, api, callbacks, logger, queue, limits, permissions, counts, refused } = owner;
  const { streams, waits, balance, anonymous } = owner;
  const shared: Omit<StreamContext, "traffic" | "events"> = {
    watcher: cache,
    api,
    logger,
    queue,
    resolver: options.onDemand && { timeoutMs: 1_000, ...options.onDemand },
    ordered: options.makeBeforeBreak ?? true,
    patience: milliseconds("orderTimeoutMs", options.orderTimeoutMs, 5_000),
    drainTimeMs: milliseconds("drainTimeMs", options.drainTimeMs, 600_000),
    missingAfterMs: 15_000, // Envoy's initial fetch timeout
    retryTimes: retryTimes(options.retryRefused === false ? undefined : retryWaits),
    maxResponseBytes: responseBytes(options.maxResponseBytes),
    openRefusals: options.openRefusals ?? new OpenRefusals(),
    nodeStreams: new NodeStreams<OpenStream>(),
    anonymous,
    permit: (stream, node) => {
      const permitted = permissions.permit("stream", stream, node);
      return permitted ? permitted.then(() => balance.check(stream, node)) : balance.check(stream, node);
    },
    checkGrowth: (account, grows) => limits.checkGrowth(account, grows),
    mayGrow: (account) => limits.mayGrow(account),
    checkNames: (names, typeUrl) => limits.checkNames(names, typeUrl),
    failed: ({ id, peer }, error, node) => refused.tell("stream", error, { stream: id, node: node?.id, peer }),
    flushed: (stream) => waits.flushed(stream),
    ended: (stream) => {
      streams.delete(stream);
      balance.closed(stream);
      waits.ended(stream);
    },
  };
  return {
    sotw: { ...shared, traffic: counts.traffic.sotw, events: streamEvents(callbacks, "sotw") },
    delta: { ...shared, traffic: counts.traffic.delta, events: streamEvents(callbacks, "delta") },
  };
}
