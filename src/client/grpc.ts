import {
  ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  connectivityState,
  status,
} from "@grpc/grpc-js";
import { messageOf, XdsError } from "../errors.js";

/** TLS of a client, in PEM. */
export interface ClientTlsOptions {
  /** Certificate authorities that the server's certificate must come from. By default Node's. */
  readonly ca?: string | Uint8Array;
  /** The client's own certificate and its key, for a server that asks for one (mTLS). */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must have. By default the address's host. */
  readonly serverName?: string;
}

export interface GrpcClientOptions {
  readonly address: string;
  readonly tls?: ClientTlsOptions | undefined;
  /** How long a connection may take to be there, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How often a connection is pinged, and how long the answer may take before it is dropped, in milliseconds. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** The largest response, in bytes. */
  readonly maxResponseBytes: number;
}

/** How a stream ended: a gRPC status (https://grpc.io/docs/guides/status-codes/). */
export interface EndStatus {
  readonly code: number;
  readonly details: string;
}

/** The side of the stream, called by the transport: `opened` first, `ended` last and once, also without `opened`. */
export interface Receiver {
  opened(): void;
  /** A promise means: bring no other before it is settled. */
  message(bytes: Uint8Array): void | Promise<void>;
  writable(): void;
  ended(status: EndStatus): void;
}

/** The side of the transport. */
export interface Call {
  /** Takes one request, always; false: better none until `writable`. */
  send(bytes: Uint8Array): boolean;
  /** Ends it at once; `ended` follows. */
  cancel(details: string): void;
  /** Sends what is sent, then says that no more comes; `ended` follows when the server has ended it too. */
  finish(): void;
}

/**
 * Opens streams, each on a connection of its own: a connection that is shared would have a back-off of its own beside the
 * client's.
 */
export class GrpcTransport {
  private readonly credentials: ChannelCredentials;
  private readonly channelOptions: ClientOptions;

  /** @throws XdsError INVALID_OPTION for certificates or an address that cannot be used */
  constructor(private readonly options: GrpcClientOptions) {
    this.credentials = credentialsOf(options.tls);
    const { serverName } = options.tls ?? {};
    this.channelOptions = {
      "grpc.max_receive_message_length": options.maxResponseBytes,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": options.keepaliveMs,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      ...(serverName && { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName }),
    };
    try {
      this.client().close();
    } catch (cause) {
      throw new XdsError("INVALID_OPTION", `${options.address} cannot be connected to: ${messageOf(cause)}`, { cause });
    }
  }

  open(path: string, receiver: Receiver): Call {
    const client = this.client();
    const call = client.makeBidiStreamRequest(path, toBuffer, toBytes);
    let over = false;
    let finishing = false;
    const end = (code: number, details: string) => {
      if (over) return;
      over = true;
      client.close();
      receiver.ended({ code, details });
    };
    call.on("status", ({ code, details }: EndStatus) => end(code, onOneLine(details)));
    call.on("error", () => {}); // its status says the same
    const read = reading(call, (bytes) => (over || finishing ? undefined : receiver.message(bytes)));
    call.on("drain", () => {
      read.resume("writes");
      if (!over && !finishing) receiver.writable();
    });
    const cancel = (code: number, details: string) => {
      end(code, details);
      call.cancel();
    };
    this.whenConnected(client, (error) => {
      if (over) return;
      if (error) cancel(status.UNAVAILABLE, error);
      else receiver.opened();
    });
    return {
      send: (bytes) => {
        if (over) return false;
        const writable = call.write(bytes);
        if (!writable) read.pause("writes"); // what is not read is not answered: so no more than a few are in memory
        return writable;
      },
      cancel: (details) => cancel(status.CANCELLED, details),
      finish: () => {
        finishing = true;
        call.resume(); // to see its end
        call.end();
      },
    };
  }

  private client(): Client {
    return new Client(this.options.address, this.credentials, this.channelOptions);
  }

  private whenConnected(client: Client, tell: (error?: string) => void): void {
    const { address, connectTimeoutMs } = this.options;
    const channel = client.getChannel();
    const until = performance.now() + connectTimeoutMs;
    const look = (late?: Error) => {
      const state = channel.getConnectivityState(false);
      if (state === connectivityState.SHUTDOWN) return;
      if (state === connectivityState.READY) return tell();
      if (late) return tell(`no connection to ${address} within ${connectTimeoutMs} ms`);
      channel.watchConnectivityState(state, Date.now() + until - performance.now(), look); // takes a time of day
    };
    look();
  }
}

/** Reads a call's messages one by one; it stands still while there is a reason to. */
function reading(call: ClientDuplexStream<Uint8Array, Uint8Array>, take: (bytes: Uint8Array) => void | Promise<void>) {
  const reasons = new Set<"handler" | "writes">();
  const pause = (reason: "handler" | "writes") => {
    reasons.add(reason);
    call.pause();
  };
  const resume = (reason: "handler" | "writes") => {
    reasons.delete(reason);
    if (reasons.size === 0) call.resume();
  };
  call.on("data", (bytes: Uint8Array) => {
    const waiting = take(bytes);
    if (!waiting) return;
    pause("handler");
    void waiting.then(() => resume("handler"));
  });
  return { pause, resume };
}

/** What grpc-js says of an end, without what only OpenSSL's authors need and without the heading of a note that there is not. */
const onOneLine = (details: string) =>
  details
    .replace(/\b[0-9A-F]+:error:[0-9A-F]+:([^:]+):[^:]*:([^:]+):\S+?:\d+:(SSL alert number \d+)?/, "$1: $2")
    .replace(/\.?\s*Resolution note:\s*$/, "")
    .replaceAll(/\s+/g, " ")
    .trim();

// The same bytes, not copied.
const toBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const toBytes = (bytes: Buffer) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function credentialsOf(tls: ClientTlsOptions | undefined): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure();
  const [ca, key, cert] = [tls.ca, tls.key, tls.cert].map((pem) => (pem === undefined ? null : Buffer.from(pem)));
  try {
    return ChannelCredentials.createSsl(ca, key, cert);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the TLS key or certificate cannot be used: ${messageOf(cause)}`, { cause });
  }
}
