import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { ChannelCredentials, Client } from "@grpc/grpc-js";
import { errorTable, messageOf, XdsError } from "../../errors.js";
import { onOneLine } from "../../grpc-client/end-status.js";
import { toBuffer, toBytes } from "../../grpc-client/message-bytes.js";
import type { Peer, PeerQuestion } from "../peer.js";
import type { ReplicaRecord } from "../replica.js";
import { encodePeerRequest, mostAnswerBytes, peerMethod } from "./peer-request.js";

type Grpc = typeof import("@grpc/grpc-js");

/** A certificate and its key, in PEM. */
export interface OwnCertificate {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
}

/**
 * A replica that is asked over its gRPC port. With TLS, it must have exactly the certificate that it announces in the
 * store, whoever has issued it. `own` is shown to it, if it asks for one.
 */
export class NetworkPeer implements Peer {
  private client: Client | undefined;
  private isClosed = false;

  constructor(
    readonly id: string,
    private readonly record: Pick<ReplicaRecord, "address" | "token" | "certificate">,
    private readonly own: OwnCertificate | undefined,
  ) {}

  get name(): string {
    return this.record.address;
  }

  async ask(question: PeerQuestion, signal: AbortSignal): Promise<Uint8Array> {
    const grpc = await import("@grpc/grpc-js"); // loaded only where replicas ask each other
    signal.throwIfAborted();
    if (this.isClosed) throw new XdsError("STREAM_ENDED", "this replica is not present any more");
    this.client ??= this.connect(grpc);
    const { client } = this;
    const request = encodePeerRequest(this.record.token, question);
    return new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        ...([peerMethod, toBuffer, toBytes, request, new grpc.Metadata()] as const),
        (error, response) => {
          signal.removeEventListener("abort", cancel);
          if (response) resolve(response);
          else if (signal.aborted) reject(signal.reason as Error);
          else reject(this.errorOf(error?.code, error?.details ?? messageOf(error)));
        },
      );
      const cancel = () => call.cancel();
      signal.addEventListener("abort", cancel, { once: true });
    });
  }

  /** Ends the connection when the questions under way are answered. Further ones are refused. */
  close(): void {
    this.isClosed = true;
    this.client?.close();
    this.client = undefined;
  }

  private connect(grpc: Grpc): Client {
    const { address, certificate } = this.record;
    const credentials =
      certificate === undefined ? grpc.ChannelCredentials.createInsecure() : this.pinned(certificate, grpc);
    return new grpc.Client(address, credentials, {
      "grpc.max_receive_message_length": mostAnswerBytes,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_http_proxy": 0,
      "grpc.initial_reconnect_backoff_ms": 200,
      "grpc.max_reconnect_backoff_ms": 2_000,
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 5_000,
      // The address may be an IP, which TLS does not allow as a server's name.
      ...(certificate !== undefined && { "grpc.ssl_target_name_override": "replica" }),
    });
  }

  private pinned(certificate: string, { ChannelCredentials }: Grpc): ChannelCredentials {
    const { own } = this;
    const context = createSecureContext({
      ca: certificate,
      allowPartialTrustChain: true,
      ...(own && { cert: Buffer.from(own.cert as Uint8Array), key: Buffer.from(own.key as Uint8Array) }),
    });
    const { raw: wanted } = new X509Certificate(certificate);
    // Its names do not matter. But it may be an authority, and what it has issued is another certificate.
    const checkServerIdentity = (_: string, { raw }: { readonly raw: Buffer }) =>
      raw.equals(wanted) ? undefined : new Error("the certificate is another one than the replica announces");
    return ChannelCredentials.createFromSecureContext(context, { checkServerIdentity });
  }

  private errorOf(code: number | undefined, details: string): XdsError {
    const { address } = this.record;
    if (code === errorTable.PERMISSION_DENIED.grpc)
      return new XdsError(
        "STREAM_ENDED",
        `another process has the address ${address}: the replica was restarted within the last seconds, or several replicas announce this address (--advertise)`,
      );
    if (code === errorTable.UNKNOWN_PATH.grpc)
      return new XdsError("STREAM_ENDED", `the server at ${address} answers no questions of replicas`);
    if (code === errorTable.LIMIT_EXCEEDED.grpc) return new XdsError("LIMIT_EXCEEDED", onOneLine(details));
    return new XdsError("STREAM_ENDED", onOneLine(details));
  }
}
