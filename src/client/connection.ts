import { XdsError } from "../errors.js";
import type { BackOff } from "./back-off.js";
import type { Call, EndStatus, GrpcTransport } from "./grpc.js";
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

/** A stream that has ended, or could not be opened. */
export interface ClosedClientStream extends ClientStreamInfo {
  /** Why; its `cause` is the gRPC status. undefined: the client was closed. */
  readonly error: XdsError | undefined;
  /** How long it is until the next try, in milliseconds; undefined: there is none. */
  readonly retryInMs: number | undefined;
}

/** What a connection asks of the client that it belongs to, and tells it. */
export interface ConnectionHost extends StreamHost {
  readonly address: string;
  readonly protocol: Protocol;
  readonly transport: Pick<GrpcTransport, "open">;
  readonly timers: Timers;
  opened(stream: ClientStreamInfo): void;
  closed(stream: ClosedClientStream): void;
}

/** How long the end of a stream may take that the client ends, in milliseconds. */
const finishMs = 1_000;

/** Keeps one stream open: when it ends, the next one follows after a back-off, and asks for what is wanted by then. */
export class Connection {
  private call: Call | undefined;
  private stream: ReturnType<Protocol["stream"]> | undefined;
  private failure: XdsError | undefined;
  private cancelRetry: () => void = () => {};
  private closing: (() => void) | undefined;

  constructor(
    private readonly host: ConnectionHost,
    private readonly path: string,
    /** The type of the service called; "": ADS. */
    private readonly typeUrl: string,
    private readonly subscriptions: () => readonly ClientSubscription[],
    /** undefined: one stream, and no other after it. */
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

  /** Tells the server what has changed in the subscriptions. */
  flush(): void {
    this.stream?.flush();
  }

  /** Ends the stream after what was sent on it, and opens no other. */
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
      // Without its nonce it cannot be refused.
      this.failure = error instanceof XdsError ? error : new XdsError("INTERNAL", String(error), { cause: error });
      this.call?.cancel(this.failure.message);
    }
  }

  private ended(status: EndStatus): void {
    this.stream?.end();
    this.stream = undefined;
    this.call = undefined;
    if (this.closing) {
      this.host.closed({ ...this.info, error: undefined, retryInMs: undefined });
      this.closing();
      return;
    }
    const what = this.typeUrl === "" ? "the aggregated stream" : `the stream of ${this.typeUrl}`;
    const message = `${what} at ${this.host.address} ended with status ${status.code}: ${status.details || "no reason given"}`;
    const error = this.failure ?? new XdsError("STREAM_ENDED", message, { cause: status });
    const retryInMs = this.backOff?.next();
    if (retryInMs !== undefined) this.cancelRetry = this.host.timers.after(retryInMs, () => this.open());
    this.host.closed({ ...this.info, error, retryInMs });
  }
}
