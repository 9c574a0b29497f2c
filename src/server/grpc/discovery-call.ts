import type { Call, CallHandler } from "../../grpc/call.js";
import type { Method } from "../../grpc/server.js";
import type { Account } from "../../protocol/account.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import type { Response } from "../../protocol/response.js";
import type { Stream } from "../../protocol/stream.js";
import type { Transport } from "../../protocol/stream-context.js";
import type { TrafficByType } from "../../protocol/traffic.js";
import type { Variant } from "../../protocol/variant.js";
import type { ResourceType, XdsApi } from "../../resource/xds-api.js";
import type { SchemaRegistry } from "../../schema/lazy-registry.js";
import type { Request } from "../../wire/messages.js";
import type { RequestBounds } from "../../wire/request-bounds.js";
import type { StreamSlot } from "../admission/stream-slot.js";
import type { UnsentResponse } from "../admission/unsent.js";
import { type MethodContext, ok, statusOf, unsentOf } from "./grpc-methods.js";

/** The part of their server that discovery streams need. */
export interface StreamHost extends Pick<MethodContext, "admission" | "unsent"> {
  readonly limits: RequestBounds;
  /** Has the messages that requests are decoded by. */
  readonly api: XdsApi;
  /** Makes a stream. The caller opens it. */
  stream<R extends Request>(variant: Variant<R>, transport: Transport, type: ResourceType | undefined): Stream<R>;
  /** The counters of the streams' response bytes. */
  readonly traffic: { readonly sotw: TrafficByType; readonly delta: TrafficByType };
}

/** What all streams of one gRPC method have in common. */
interface StreamMethod<R extends Request> {
  readonly host: StreamHost;
  readonly variant: Variant<R>;
  readonly decode: (bytes: Uint8Array, registry: SchemaRegistry, bounds: RequestBounds) => R;
  readonly encode: (response: Response) => readonly Uint8Array[];
  /** The resource type of the service. undefined for ADS. */
  readonly type: ResourceType | undefined;
}

export function streamMethod<R extends Request>(
  host: StreamHost,
  variant: Variant<R>,
  decode: StreamMethod<R>["decode"],
  encode: StreamMethod<R>["encode"],
  type: ResourceType | undefined,
): Method<AccountedCaller> {
  const method = { host, variant, decode, encode, type };
  return (call, caller) => new DiscoveryCall(method, call, caller);
}

/** One discovery stream: connects the protocol's stream with its gRPC call. */
class DiscoveryCall<R extends Request> implements Transport, CallHandler {
  private readonly stream: Stream<R>;
  private readonly unsent: UnsentResponse;
  private readonly slot: StreamSlot | undefined;
  private isOpen = true;
  private hasSent = false;
  /** Called when a response was passed to the kernel, or when it never will be. */
  private readonly written = () => {
    this.unsent.sent();
    if (this.isOpen) this.stream.writable();
  };

  constructor(
    private readonly method: StreamMethod<R>,
    private readonly call: Call,
    private readonly caller: AccountedCaller,
  ) {
    const { host, variant, type } = method;
    this.stream = host.stream(variant, this, type);
    this.unsent = unsentOf(host, call, caller.account);
    try {
      this.slot = host.admission.enter(caller, this.stream);
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
    this.slot?.response();
    this.hasSent = true;
    this.unsent.written(bytes);
    this.call.send(parts, this.written);
    return false; // the next response waits until this one has left, so a client that does not read costs one response
  }

  /** Ends the call with the error's status; without an error, after the client has ended its side, with OK. */
  end(error?: unknown): void {
    this.call.end(error === undefined ? ok : statusOf(error));
  }

  // What the call does with the protocol's stream

  message(bytes: Buffer): void {
    const { host, decode } = this.method;
    const { account } = this.caller;
    if (this.hasSent && account.unsent === 0) account.hasAnswered = true;
    this.slot?.request(bytes.length, "discovery");
    this.paced(this.stream.receive(decode(bytes, host.api.registry, host.limits)));
  }

  failed(error: unknown): void {
    this.stream.fail(error);
  }

  closed(): void {
    this.isOpen = false;
    this.stream.close();
  }

  finished(): void {
    this.slot?.leave();
  }

  private paced(waiting: void | Promise<void>): void {
    if (!waiting) return;
    this.call.pause();
    void waiting.then(() => this.call.resume());
  }
}
