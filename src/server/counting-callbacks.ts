import { type Logger, silentLogger } from "../logger.js";
import type { Response } from "../protocol/response.js";
import type { StreamInfo } from "../protocol/stream-events.js";
import { RationedLog } from "../rationed-log.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest } from "../wire/messages.js";
import type { Callbacks, FetchInfo } from "./callbacks.js";

/**
 * Callbacks that count calls, for examples, tests and first experiments. They also signal the first request, and can
 * log the opens and closes of streams.
 */
export class CountingCallbacks implements Callbacks {
  fetches = 0;
  requests = 0;
  responses = 0;
  deltaRequests = 0;
  deltaResponses = 0;
  private readonly rationedLog: RationedLog;
  private resolveFirst: () => void = () => {};
  /** Resolves at the first request of any kind. */
  readonly firstRequest = new Promise<void>((resolve) => {
    this.resolveFirst = resolve;
  });

  /** With `debug`, opens and closes of streams are logged with the nodes' ids. */
  constructor(
    private readonly logger: Logger = silentLogger,
    private readonly debug = false,
  ) {
    this.rationedLog = new RationedLog(logger);
  }

  /** Logs the counters, and returns them. */
  report(): { fetches: number; requests: number; responses: number; deltaRequests: number; deltaResponses: number } {
    const { fetches, requests, responses, deltaRequests, deltaResponses } = this;
    const counters = { fetches, requests, responses, deltaRequests, deltaResponses };
    this.logger.info(counters, "xDS callbacks");
    return counters;
  }

  onStreamOpen(stream: StreamInfo): void {
    this.log(stream, "stream open");
  }

  onStreamClosed(stream: StreamInfo): void {
    this.log(stream, "stream closed");
  }

  onDeltaStreamOpen(stream: StreamInfo): void {
    this.log(stream, "delta stream open");
  }

  onDeltaStreamClosed(stream: StreamInfo): void {
    this.log(stream, "delta stream closed");
  }

  private log({ id, typeUrl, peer, node }: StreamInfo, message: string): void {
    if (this.debug) this.rationedLog.info({ stream: id, typeUrl, peer, ...(node && { node: node.id }) }, message);
  }

  onStreamRequest(_stream: StreamInfo, _request: DiscoveryRequest): void {
    this.requests++;
    this.resolveFirst();
  }

  onStreamResponse(_stream: StreamInfo, _request: DiscoveryRequest, _response: Response): void {
    this.responses++;
  }

  onStreamDeltaRequest(_stream: StreamInfo, _request: DeltaDiscoveryRequest): void {
    this.deltaRequests++;
    this.resolveFirst();
  }

  onStreamDeltaResponse(_stream: StreamInfo, _request: DeltaDiscoveryRequest, _response: Response): void {
    this.deltaResponses++;
  }

  onFetchRequest(_fetch: FetchInfo, _request: DiscoveryRequest): void {
    this.fetches++;
    this.resolveFirst();
  }
}
