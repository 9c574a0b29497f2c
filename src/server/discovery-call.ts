import type { Call, CallHandler } from "../grpc/call.js";
import type { Method } from "../grpc/server.js";
import type { Account } from "../protocol/account.js";
import type { Request, Response } from "../protocol/messages.js";
import type { Stream } from "../protocol/stream.js";
import type { Transport } from "../protocol/stream-context.js";
import type { TrafficByType } from "../protocol/traffic.js";
import type { Variant } from "../protocol/variant.js";
import type { ResourceType } from "../resource/types.js";
import type { Seat } from "./admission.js";
import { type Door, type GrpcCaller, ok, statusOf, unsentOf } from "./grpc-methods.js";
import type { UnsentResponse } from "./unsent.js";

/** What discovery streams ask of the server that they belong to. */
export interface StreamHost extends Door {
  /** A new stream, not opened yet. */
  stream<R extends Request>(variant: Variant<R>, transport: Transport, type: ResourceType | undefined): Stream<R>;
  /** Where the bytes of the streams' responses are counted. */
  readonly traffic: { readonly sotw: TrafficByType; readonly delta: TrafficByType };
}

/** How the streams of a method are read, written and counted. */
interface StreamMethod<R extends Request> {
  readonly host: StreamHost;
  readonly variant: Variant<R>;
  readonly decode: (bytes: Uint8Array, checkNode: (bytes: number) => void) => R;
  readonly encode: (response: Response) => readonly Uint8Array[];
  /** undefined: ADS. */
  readonly type: ResourceType | undefined;
}

export function streamMethod<R extends Request>(
  host: StreamHost,
  variant: Variant<R>,
  decode: StreamMethod<R>["decode"],
  encode: StreamMethod<R>["encode"],
  type: ResourceType | undefined,
): Method<GrpcCaller> {
  const method = { host, variant, decode, encode, type };
  return (call, caller) => new DiscoveryCall(method, call, caller);
}

/** One discovery stream: what the protocol's stream and the call tell each other. */
class DiscoveryCall<R extends Request> implements Transport, CallHandler {
  private readonly stream: Stream<R>;
  private readonly unsent: UnsentResponse;
  private readonly seat: Seat | undefined;
  private isOpen = true;
  private hasSent = false;
  /** A response has left for the kernel, or never will. */
  private readonly written = () => {
    this.unsent.sent();
    if (this.isOpen) this.stream.writable();
  };

  constructor(
    private readonly method: StreamMethod<R>,
    private readonly call: Call,
    private readonly caller: GrpcCaller,
  ) {
    const { host, variant, type } = method;
    this.stream = host.stream(variant, this, type);
    this.unsent = unsentOf(host, call, caller.account);
    try {
      this.seat = host.admission.enter(caller, this.stream);
    } catch (error) {
      this.stream.fail(error);
      return;
    }
    this.paced(this.stream.open());
  }

  get peer(): string {
    return this.caller.peer;
  }

  get account(): Account {
    return this.caller.account;
  }

  get certificateNames(): readonly string[] {
    return this.caller.certificateNames;
  }

  // What the protocol's stream does with the call

  send(response: Response): boolean {
    const { host, variant, encode } = this.method;
    const parts = encode(response);
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    host.traffic[variant.name].of(response.typeUrl).bytes += bytes;
    this.stream.encoded(response, bytes);
    this.seat?.response();
    this.hasSent = true;
    this.unsent.written(bytes);
    this.call.send(parts, this.written);
    return false; // until the transport has passed it on: a client that does not read costs one response
  }

  /** Without an error: the client has said all. */
  end(error?: unknown): void {
    this.call.end(error === undefined ? ok : statusOf(error));
  }

  // What the call does with the protocol's stream

  message(bytes: Buffer): void {
    const { host, decode } = this.method;
    const { account } = this.caller;
    if (this.hasSent && account.unsent === 0) account.hasAnswered = true;
    this.seat?.request(bytes.length, "discovery");
    this.paced(this.stream.receive(decode(bytes, host.limits.checkNode)));
  }

  failed(error: unknown): void {
    this.stream.fail(error);
  }

  closed(): void {
    this.isOpen = false;
    this.stream.close();
  }

  gone(): void {
    this.seat?.leave();
  }

  private paced(waiting: void | Promise<void>): void {
    if (!waiting) return;
    this.call.pause();
    void waiting.then(() => this.call.resume());
  }
}
