import type { ConfigWatcher } from "../cache/config-watcher.js";
import { callerOf } from "../caller.js";
import { XdsError } from "../errors.js";
import { inOneStep } from "../in-turns.js";
import type { Logger } from "../logger.js";
import type { Account } from "../protocol/account.js";
import { type Exchange, fetchOnce } from "../protocol/fetch.js";
import type { FlushQueue } from "../protocol/flush-queue.js";
import { checkLengths, checkService } from "../protocol/request-checks.js";
import type { Response } from "../protocol/response.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { Node } from "../schema/node.js";
import type { DiscoveryRequest } from "../wire/messages.js";
import type { Permissions } from "./access/permissions.js";
import type { LimitCounts } from "./admission/limits.js";
import type { UnsentResponses } from "./admission/unsent.js";
import { type Callbacks, type FetchInfo, tellFetched } from "./callbacks.js";
import type { Counters, FetchResult } from "./counters.js";
import type { PollingNodes } from "./status/polling-nodes.js";

/** The part of its server that {@link Fetches} needs. */
export interface FetchHost {
  readonly cache: ConfigWatcher;
  readonly callbacks: Callbacks;
  readonly logger: Logger;
  readonly queue: FlushQueue;
  readonly limits: LimitCounts;
  readonly unsent: UnsentResponses;
  readonly permissions: Permissions;
  readonly counts: Counters;
  /** The node for a request without one. undefined if such a request is an error (P2). */
  anonymous(): Node | undefined;
  /** Whether requests are answered now. */
  isListening(): boolean;
}

/** Answers requests outside of streams: unary calls and REST requests. */
export class Fetches {
  constructor(
    private readonly host: FetchHost,
    private readonly polling: PollingNodes,
  ) {}

  /** Answers a unary Fetch call. The answer is always complete, because gRPC has no "not modified". */
  async fetch<T>(type: ResourceType, { caller, signal, read, write }: Exchange<T>): Promise<T> {
    const { queue } = this.host;
    const asked = await queue.finish(caller.account, inOneStep(read), signal);
    const info = { typeUrl: type.typeUrl, ...callerOf(caller), transport: "grpc" } as const;
    const response = await this.answer(info, type, { ...asked, versionInfo: "" }, caller.account, signal);
    return queue.finish(caller.account, write(response as Response), signal);
  }

  /** Answers a REST request. Returns undefined if the client has the served version already. */
  async poll<T>(type: ResourceType, { caller, signal, read, write }: Exchange<T>): Promise<T | undefined> {
    const { queue } = this.host;
    const asked = await queue.finish(caller.account, inOneStep(read), signal);
    const info = { typeUrl: type.typeUrl, ...callerOf(caller), transport: "rest" } as const;
    const response = await this.answer(info, type, asked, caller.account, signal);
    const { polling } = this;
    const finish = function* () {
      if (asked.node) polling.polled(type, asked.node, asked, caller.peer, response);
      return response && (yield* write(response));
    };
    return queue.finish(caller.account, finish(), signal);
  }

  private async answer(
    info: FetchInfo,
    type: ResourceType,
    asked: DiscoveryRequest,
    account: Account,
    signal: AbortSignal,
  ): Promise<Response | undefined> {
    const { cache, callbacks, logger, queue, limits, unsent, permissions, counts } = this.host;
    let result: FetchResult = "refused";
    try {
      if (!this.host.isListening()) throw new XdsError("DRAINING", "the server is shutting down; try again elsewhere");
      const node = asked.node ?? this.host.anonymous();
      if (!node) throw new XdsError("INVALID_REQUEST", "the request needs a node");
      // Over REST the path decides the type (P66).
      if (info.transport === "grpc") checkService(type, asked.typeUrl || type.typeUrl);
      limits.checkNames(asked.resourceNames.length, type.typeUrl);
      checkLengths(asked.resourceNames);
      unsent.check(account);
      await permissions.permit(info.transport === "rest" ? "rest" : "fetch", info, node);
      const request = { ...asked, node, typeUrl: type.typeUrl };
      await callbacks.onFetchRequest?.(info, request);
      const response = await queue.finish(account, fetchOnce(cache, type, node, info, request), signal);
      result = response ? "answered" : "not_modified";
      if (response) await tellFetched(callbacks, logger, info, request, response);
      return response;
    } finally {
      counts.fetched(info, result);
    }
  }
}
