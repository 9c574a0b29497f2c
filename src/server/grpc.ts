import { createSecureContext } from "node:tls";
import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { messageOf, XdsError } from "../errors.js";
import { delta } from "../protocol/delta.js";
import type { DiscoveryRequest, Request, Response } from "../protocol/messages.js";
import { sotw } from "../protocol/sotw.js";
import type { Stream } from "../protocol/stream.js";
import type { Transport } from "../protocol/stream-context.js";
import type { TrafficByType } from "../protocol/traffic.js";
import type { Variant } from "../protocol/variant.js";
import { type ResourceType, resourceTypes } from "../resource/types.js";
import { decodeDeltaDiscoveryRequest, decodeDiscoveryRequest } from "../wire/requests.js";
import { encodeDeltaDiscoveryResponse, encodeDiscoveryResponse } from "../wire/responses.js";
import { addClientStatusService, type ClientStatusHost } from "./csds.js";
import { type Companion, passThrough, statusOf } from "./grpc-methods.js";
import { addHealthService, type Health } from "./health.js";
import type { LoadReporting } from "./load-reporting.js";
import { addLoadReportingService } from "./lrs.js";
import { addReflectionService } from "./reflection.js";
import type { TlsOptions } from "./tls.js";

/** What this transport asks of the server that it belongs to. */
export interface GrpcHost {
  /** A new stream, not opened yet. */
  stream<R extends Request>(variant: Variant<R>, transport: Transport, type: ResourceType | undefined): Stream<R>;
  /** Answers one request. */
  fetch(type: ResourceType, request: DiscoveryRequest, peer: string): Promise<Response>;
  /** Where the bytes of the streams' responses are counted. */
  readonly traffic: { readonly sotw: TrafficByType; readonly delta: TrafficByType };
  /** undefined: the client status service is not offered. */
  readonly clientStatus: ClientStatusHost | undefined;
  /** undefined: the load reporting service is not offered. */
  readonly loads: LoadReporting | undefined;
}

export interface GrpcOptions {
  readonly tls?: TlsOptions | undefined;
  /** The largest request, in bytes. */
  readonly maxRequestBytes: number;
  /** How often an idle connection is pinged, and how long its answer may take, in milliseconds. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** The aggregated service; every other one belongs to a row of the table of types. */
const aggregated = {
  name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
  stream: "StreamAggregatedResources",
  delta: "DeltaAggregatedResources",
};

/** The gRPC transport: bytes in, ready bytes out. */
export class GrpcTransport {
  private constructor(
    private readonly server: Server,
    private readonly health: Health,
    private readonly companions: readonly Companion[],
    private readonly credentials: ServerCredentials,
  ) {}

  /** @throws XdsError INVALID_OPTION for certificates that cannot be used */
  static async create(host: GrpcHost, options: GrpcOptions): Promise<GrpcTransport> {
    const server = new Server({
      "grpc.max_receive_message_length": options.maxRequestBytes,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": options.keepaliveMs,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
    });
    const services: string[] = [];
    const rows = [
      { service: aggregated, type: undefined },
      ...resourceTypes().map((type) => ({ service: type.service, type })),
    ];
    for (const { service, type } of rows) {
      if (!service) continue;
      const { name, stream, delta: incremental } = service;
      const fetch = "fetch" in service ? service.fetch : undefined;
      const methods: Record<string, MethodDefinition<Buffer, Buffer>> = {};
      const handlers: Record<string, UntypedHandleCall> = {};
      const add = (method: string | undefined, streaming: boolean, handler: UntypedHandleCall) => {
        if (!method) return;
        methods[method] = passThrough(`/${name}/${method}`, streaming);
        handlers[method] = handler;
      };
      add(stream, true, streamHandler(host, sotw, decodeDiscoveryRequest, encodeDiscoveryResponse, type));
      add(
        incremental,
        true,
        streamHandler(host, delta, decodeDeltaDiscoveryRequest, encodeDeltaDiscoveryResponse, type),
      );
      if (type) add(fetch, false, fetchHandler(host, type));
      server.addService(methods, handlers);
      services.push(name);
    }
    const companions: Companion[] = [];
    if (host.clientStatus) companions.push(addClientStatusService(server, host.clientStatus));
    if (host.loads) companions.push(addLoadReportingService(server, host.loads));
    services.push(...companions.map(({ name }) => name));
    const health = await addHealthService(server, services);
    addReflectionService(server, [...services, "grpc.health.v1.Health"]);
    return new GrpcTransport(server, health, companions, credentialsOf(options.tls));
  }

  /**
   * Returns the port that it listens on.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number): Promise<number> {
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    return new Promise((resolve, reject) => {
      this.server.bindAsync(address, this.credentials, (error, bound) => {
        if (!error) return resolve(bound);
        const message = `cannot listen for gRPC on ${address}: ${messageOf(error)}`;
        reject(new XdsError("CANNOT_LISTEN", message, { cause: error }));
      });
    });
  }

  /** Takes no new connections, tells the open ones to go elsewhere, and resolves when their last stream has ended. */
  stop(): Promise<void> {
    this.health.stop();
    for (const companion of this.companions) companion.stop();
    return new Promise((resolve) => this.server.tryShutdown(() => resolve()));
  }

  /** Ends everything at once. */
  close(): void {
    this.server.forceShutdown();
  }
}

function credentialsOf(tls: TlsOptions | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const [key, cert, ca] = [tls.key, tls.cert, tls.clientCa].map((pem) => (pem === undefined ? null : Buffer.from(pem)));
  try {
    createSecureContext({ key: key as Buffer, cert: cert as Buffer, ...(ca && { ca }) }); // grpc-js looks at them only later
    return ServerCredentials.createSsl(
      ca ?? null,
      [{ private_key: key as Buffer, cert_chain: cert as Buffer }],
      tls.clientCa !== undefined,
    );
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the TLS key or certificate cannot be used: ${messageOf(cause)}`, { cause });
  }
}

function streamHandler<R extends Request>(
  host: GrpcHost,
  variant: Variant<R>,
  decode: (bytes: Uint8Array) => R,
  encode: (response: Response) => Buffer,
  type: ResourceType | undefined,
) {
  const traffic = host.traffic[variant.name];
  return (call: ServerDuplexStream<Buffer, Buffer>) => {
    const stream = host.stream(
      variant,
      {
        peer: call.getPeer(),
        send: (response) => {
          const bytes = encode(response);
          traffic.of(response.typeUrl).bytes += bytes.length;
          call.write(bytes, written);
          return false; // until the transport has passed it on: a client that does not read costs one response
        },
        end: (error) => {
          call.emit("error", statusOf(error));
          stream.close();
        },
      },
      type,
    );
    const written = () => stream.writable();
    const paced = (waiting: void | Promise<void>) => {
      if (!waiting) return;
      call.pause();
      void waiting.then(() => call.resume());
    };
    call.on("data", (bytes: Buffer) => {
      let request: R;
      try {
        request = decode(bytes);
      } catch (error) {
        stream.fail(error);
        return;
      }
      paced(stream.receive(request));
    });
    call.on("end", () => {
      stream.close();
      call.end();
    });
    call.on("cancelled", () => stream.close());
    call.on("close", () => stream.close());
    paced(stream.open());
  };
}

function fetchHandler(host: GrpcHost, type: ResourceType) {
  return (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
    const answer = async () =>
      encodeDiscoveryResponse(await host.fetch(type, decodeDiscoveryRequest(call.request), call.getPeer()));
    answer().then(
      (bytes) => reply(null, bytes),
      (error: unknown) => reply(statusOf(error)),
    );
  };
}
