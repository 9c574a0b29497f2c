import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  connectivityState,
  status,
} from "@grpc/grpc-js";
import { messageOf, XdsError } from "../errors.js";
import { type EndStatus, onOneLine } from "../grpc-client/end-status.js";
import { toBuffer, toBytes } from "../grpc-client/message-bytes.js";
import { type ClientTlsOptions, credentialsOf, tlsChannelOptions } from "../grpc-client/tls.js";

export interface GrpcClientOptions {
  readonly address: string;
  readonly tls?: ClientTlsOptions | undefined;
  /** How long establishing a connection may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** The interval between pings, and how long an answer may take before the connection is dropped, in milliseconds. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** The largest response, in bytes. */
  readonly maxResponseBytes: number;
}

/** The stream's side, called by the transport. `opened` comes first if at all; `ended` comes last, exactly once. */
export interface Receiver {
  opened(): void;
  /** Receives a message. While a returned promise is pending, no other message is delivered. */
  message(bytes: Uint8Array): void | Promise<void>;
  writable(): void;
  ended(status: EndStatus): void;
}

/** The transport's side of a stream. */
export interface Call {
  /** Sends one request, in every case. After false, the caller should wait for `writable`. */
  send(bytes: Uint8Array): boolean;
  /** Ends the stream at once; `ended` follows. */
  cancel(details: string): void;
  /** Half-closes the stream after the requests already sent; `ended` follows when the server has ended it. */
  finish(): void;
}

/** Opens streams, each on its own connection. A shared connection would have its own back-off besides the client's. */
export class GrpcTransport {
  private readonly credentials: ChannelCredentials;
  private readonly channelOptions: ClientOptions;

  /**
   * Checks the options.
   * @throws XdsError INVALID_OPTION for an unusable certificate or address
   */
  constructor(private readonly options: GrpcClientOptions) {
    this.credentials = credentialsOf(options.tls);
    this.channelOptions = {
      "grpc.max_receive_message_length": options.maxResponseBytes,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": options.keepaliveMs,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      ...tlsChannelOptions(options.tls),
    };
    try {
      this.client().close();
    } catch (cause) {
      throw new XdsError("INVALID_OPTION", `cannot connect to ${options.address}: ${messageOf(cause)}`, { cause });
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
    call.on("status", (given: Partial<EndStatus>) => {
      // If grpc-js cannot decompress a message, it sets neither.
      const { code = status.INTERNAL, details = "a response could not be decompressed" } = given;
      end(code, onOneLine(details));
    });
    call.on("error", () => {}); // the "status" event has the same information
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
        // An unread response needs no answer, so only a few answers are in memory.
        if (!writable) read.pause("writes");
        return writable;
      },
      cancel: (details) => cancel(status.CANCELLED, details),
      finish: () => {
        finishing = true;
        call.resume(); // a paused call would not report its end
        call.end();
      },
    };
  }

  private client(): Client {
    return new Client(this.options.address, this.credentials, this.channelOptions);
  }

  private whenConnected(client: Client, report: (error?: string) => void): void {
    const { address, connectTimeoutMs } = this.options;
    const channel = client.getChannel();
    const until = performance.now() + connectTimeoutMs;
    const checkState = (late?: Error) => {
      const state = channel.getConnectivityState(false);
      if (state === connectivityState.SHUTDOWN) return;
      if (state === connectivityState.READY) return report();
      if (late) return report(`no connection to ${address} within ${connectTimeoutMs} ms`);
      channel.watchConnectivityState(state, Date.now() + until - performance.now(), checkState); // takes a time of day
    };
    checkState();
  }
}

/** Reads a call's messages one by one. It pauses as long as there is a reason to. */
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
