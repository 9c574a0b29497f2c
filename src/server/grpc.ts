import { createServer as createTlsServer, type SecureContextOptions, type Server as TlsServer } from "node:tls";
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
import type { Caller } from "../protocol/caller.js";
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
import type { Admission, Seat } from "./admission.js";
import type { ConnectionAge } from "./connection-age.js";
import { addClientStatusService, type ClientStatusHost } from "./csds.js";
import { callerOf, passThrough, serveOne, statusOf } from "./grpc-methods.js";
import { addHealthService, type Health } from "./health.js";
import type { LimitCounts } from "./limits.js";
import { listenOn } from "./listen-on.js";
import type { LoadReporting } from "./load-reporting.js";
import { addLoadReportingService } from "./lrs.js";
import { addReflectionService } from "./reflection.js";
import type { RefusalLog } from "./refusal-log.js";
import { type TlsOptions, tlsServerOptions } from "./tls.js";

/** What this transport asks of the server that it belongs to. */
export interface GrpcHost {
  /** A new stream, not opened yet. */
  stream<R extends Request>(variant: Variant<R>, transport: Transport, type: ResourceType | undefined): Stream<R>;
  /** Answers one request. */
  fetch(type: ResourceType, request: DiscoveryRequest, caller: Caller): Promise<Response>;
  readonly admission: Admission;
  readonly limits: LimitCounts;
  readonly refused: RefusalLog;
  /** Where the bytes of the streams' responses are counted. */
  readonly traffic: { readonly sotw: TrafficByType; readonly delta: TrafficByType };
  /** undefined: the client status service is not offered. */
  readonly clientStatus: ClientStatusHost | undefined;
  /** undefined: the load reporting service is not offered. */
  readonly loads: LoadReporting | undefined;
}

export interface GrpcOptions {
  readonly tls?: TlsOptions | undefined;
  readonly connectionAge: ConnectionAge | undefined;
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
    /** Listens in its place. */
    private readonly secure: TlsServer | undefined,
  ) {}

  /** @throws XdsError INVALID_OPTION for certificates that cannot be used */
  static async create(host: GrpcHost, options: GrpcOptions): Promise<GrpcTransport> {
    const server = new Server({
      // What is larger still is not even read; up to here it is we who refuse, and count.
      "grpc.max_receive_message_length": 2 * host.limits.limits.requestBytes,
      "grpc.max_send_message_length": -1,
      // "grpc.enable_channelz" stays on, for grpc-js 1.14 forgets its sessions without, and forceShutdown() ends none of them.
      "grpc.keepalive_time_ms": options.keepaliveMs,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
      ...options.connectionAge?.channelOptions,
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
    if (host.clientStatus) services.push(addClientStatusService(server, host.clientStatus, host));
    if (host.loads) services.push(addLoadReportingService(server, host.loads, host));
    const health = await addHealthService(server, services);
    addReflectionService(server, [...services, "grpc.health.v1.Health"]);
    return new GrpcTransport(server, health, options.tls && tlsServer(server, options.tls, host.refused));
  }

  /**
   * Returns the port that it listens on.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number): Promise<number> {
    if (this.secure) return listenOn(this.secure, host, port, "gRPC");
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    return new Promise((resolve, reject) => {
      this.server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (!error) return resolve(bound);
        const message = `cannot listen for gRPC on ${address}: ${messageOf(error)}`;
        reject(new XdsError("CANNOT_LISTEN", message, { cause: error }));
      });
    });
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    this.secure?.setSecureContext(context);
  }

  /** Takes no new connections, tells the open ones to go elsewhere, and resolves when their last stream has ended. */
  stop(): Promise<void> {
    this.health.stop();
    this.secure?.close();
    return new Promise((resolve) => this.server.tryShutdown(() => resolve()));
  }

  /** Ends everything at once. */
  close(): void {
    this.secure?.close();
    this.server.forceShutdown();
  }
}

/** TLS in front of a gRPC server, which by itself would tell nobody of handshakes that fail. */
function tlsServer(server: Server, tls: TlsOptions, refused: RefusalLog): TlsServer {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const options = { ...tlsServerOptions(tls), ALPNProtocols: ["h2"] };
  const secure = createTlsServer(options, (socket) => {
    socket.on("error", () => {}); // it ends the session, and that its streams
    injector.injectConnection(socket);
  });
  return secure.on("tlsClientError", (error, socket) => {
    refused.tellHandshake(error, socket);
    socket.destroy(); // what is not TLS, and who says nothing, would stay connected
  });
}

function streamHandler<R extends Request>(
  host: GrpcHost,
  variant: Variant<R>,
  decode: (bytes: Uint8Array, checkNode: (bytes: number) => void) => R,
  encode: (response: Response) => Buffer,
  type: ResourceType | undefined,
) {
  const traffic = host.traffic[variant.name];
  return (call: ServerDuplexStream<Buffer, Buffer>) => {
    const caller = callerOf(call);
    let seat: Seat | undefined;
    const stream = host.stream(
      variant,
      {
        ...caller,
        send: (response) => {
          const bytes = encode(response);
          traffic.of(response.typeUrl).bytes += bytes.length;
          seat?.response();
          call.write(bytes, written);
          return false; // until the transport has passed it on: a client that does not read costs one response
        },
        end: (error) => {
          call.emit("error", statusOf(error));
          close();
        },
      },
      type,
    );
    let isOpen = true;
    const close = () => {
      isOpen = false;
      stream.close();
      seat?.leave();
    };
    try {
      seat = host.admission.enter(caller, stream);
    } catch (error) {
      stream.fail(error);
      return;
    }
    const written = () => stream.writable();
    const paced = (waiting: void | Promise<void>) => {
      if (!waiting) return;
      call.pause();
      void waiting.then(() => call.resume());
    };
    call.on("data", (bytes: Buffer) => {
      if (!isOpen) return; // what came with the request that ended it
      let request: R;
      try {
        seat?.request(bytes.length, "discovery");
        request = decode(bytes, host.limits.checkNode);
      } catch (error) {
        stream.fail(error);
        return;
      }
      paced(stream.receive(request));
    });
    call.on("end", () => {
      close();
      call.end();
    });
    call.on("cancelled", close);
    call.on("close", close);
    paced(stream.open());
  };
}

function fetchHandler(host: GrpcHost, type: ResourceType) {
  return (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
    serveOne(call, reply, host, "discovery", async (caller) => {
      const request = decodeDiscoveryRequest(call.request, host.limits.checkNode);
      return encodeDiscoveryResponse(await host.fetch(type, request, caller));
    });
}
