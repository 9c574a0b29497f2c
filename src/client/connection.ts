import { XdsError } from "../errors.js";
import type { BackOff } from "../grpc-client/back-off.js";
import type { EndStatus } from "../grpc-client/end-status.js";
import type { Call, GrpcTransport } from "./grpc.js";
import type { Protocol } from "./protocol.js";
import type { StreamHost } from "./stream.js";
import type { ClientSubscription } from "./subscription.js";
import type { Timers } from "./timers.js";

/** A stream that the client has opened. */
export interface ClientStreamInfo {
  readonly variant: "sotw" | "delta";
  /** The type URL of the service that was called; "" on ADS. */
  readonly typeUrl: string;
}

/** A stream that ended, or could not be opened. */
export interface ClosedClientStream extends ClientStreamInfo {
  /** Why the stream ended; its `cause` is the gRPC status. `undefined` if the client was closed. */
  readonly error: XdsError | undefined;
  /** The gRPC status. After the client was closed, it is the server's status, or CANCELLED if the server sent none. */
  readonly status: EndStatus;
  /** The time until the next attempt, in milliseconds. `undefined` if there is none. */
  readonly retryInMs: number | undefined;
}

/** The part of its client that a connection needs. */
export interface ConnectionHost extends StreamHost {
  readonly address: string;
  readonly protocol: Protocol;
  readonly transport: Pick<GrpcTransport, "open">;
  readonly timers: Timers;
  opened(stream: ClientStreamInfo): void;
  closed(stream: ClosedClientStream): void;
}

/** How long a stream may take to end after the client has closed it, in milliseconds. */
const finishMs = 1_000;

/**
 * Keeps one stream open. After a stream ends and a back-off has passed, it opens the next one with the current
 * subscriptions.
 */
export class Connection {
  private call: Call | undefined;
  private stream: ReturnType<Protocol["stream"]> | undefined;
  private failure: XdsError | undefined;
  private cancelRetry: () => void = () => {};
  private closing: (() => void) | undefined;

  constructor(
    private readonly host: ConnectionHost,
    private readonly path: string,
    /** The type URL of the called service; "" for ADS. */
    private readonly typeUrl: string,
    private readonly subscriptions: () => readonly ClientSubscription[],
    /** The waits between streams. `undefined` if no second stream is opened after the first. */
    private readonly backOff: BackOff | undefined,
  ) {}

  open(): void {
    const { host } = this;
    this.failure = undefined;
    const call = host.transport.open(this.path, {
      opened: () => {
        this.stream = host.protocol.stream(host, this.subscriptions, this.typeUrl, (bytes) => call.send(bytes));
        host.opened(this.info);
        this.stream.start();
      },
      message: (bytes) => this.message(bytes),
      writable: () => this.stream?.writable(),
      ended: (status) => this.ended(status),
    });
    this.call = call;
  }

  /** Sends changes of the subscriptions to the server. */
  flush(): void {
    this.stream?.flush();
  }

  /**
   * Ends the stream after the requests already sent, and opens no other. Resolves when it has ended, within about a
   * second.
   */
  close(): Promise<void> {
    this.cancelRetry();
    const { call, stream } = this;
    if (!call) return Promise.resolve();
    stream?.end();
    return new Promise((resolve) => {
      const cancel = () => call.cancel("the client was closed");
      const cancelTimer = this.host.timers.after(finishMs, cancel);
      this.closing = () => {
        cancelTimer();
        resolve();
      };
      if (stream) call.finish();
      else cancel();
    });
  }

  private get info(): ClientStreamInfo {
    return { variant: this.host.protocol.name, typeUrl: this.typeUrl };
  }

  private message(bytes: Uint8Array): void | Promise<void> {
    try {
      const received = this.host.protocol.decode(bytes);
      this.backOff?.succeed();
      return this.stream?.receive(received);
    } catch (error) {
      // The response cannot be NACKed, because its nonce is unknown.
      this.failure = error instanceof XdsError ? error : new XdsError("INTERNAL", String(error), { cause: error });
      this.call?.cancel(this.failure.message);
    }
  }

  private ended(status: EndStatus): void {
    this.stream?.end();
    this.stream = undefined;
    this.call = undefined;
    if (this.closing) {
      this.host.closed({ ...this.info, error: undefined, status, retryInMs: undefined });
      this.closing();
      return;
    }
    const what = this.typeUrl === "" ? "the aggregated stream" : `the stream of ${this.typeUrl}`;
    const message = `${what} at ${this.host.address} ended with status ${status.code}: ${status.details || "no reason given"}`;
    const error = this.failure ?? new XdsError("STREAM_ENDED", message, { cause: status });
    const retryInMs = this.backOff?.next();
    if (retryInMs !== undefined) this.cancelRetry = this.host.timers.after(retryInMs, () => this.open());
    this.host.closed({ ...this.info, error, status, retryInMs });
  }
}
