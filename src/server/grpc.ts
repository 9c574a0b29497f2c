import type { SecureContextOptions } from "node:tls";
import {
  type MethodDefinition,
  Server,
  type ServerDuplexStream,
  type ServerInterceptingCall,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
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
import { GrpcFront } from "./grpc-front.js";
import { callerOf, countUnaryAnswer, type Door, Outlet, passThrough, serveOne } from "./grpc-methods.js";
import { addHealthService, type Health } from "./health.js";
import type { LimitCounts } from "./limits.js";
import type { LoadReporting } from "./load-reporting.js";
import { addLoadReportingService } from "./lrs.js";
import { addReflectionService } from "./reflection.js";
import type { RefusalLog } from "./refusal-log.js";
import type { TlsOptions } from "./tls.js";
import type { UnsentResponses } from "./unsent.js";

/** What this transport asks of the server that it belongs to. */
export interface GrpcHost {
  /** A new stream, not opened yet. */
  stream<R extends Request>(variant: Variant<R>, transport: Transport, type: ResourceType | undefined): Stream<R>;
  /** Answers one request. */
  fetch(type: ResourceType, request: DiscoveryRequest, caller: Caller): Promise<Response>;
  readonly admission: Admission;
  readonly limits: LimitCounts;
  readonly refused: RefusalLog;
  readonly unsent: UnsentResponses;
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
    private readonly front: GrpcFront,
  ) {}

  /** @throws XdsError INVALID_OPTION for certificates that cannot be used */
  static async create(outer: GrpcHost, options: GrpcOptions): Promise<GrpcTransport> {
    const server = new Server({
      // What is larger still is not even read; up to here it is we who refuse, and count.
      "grpc.max_receive_message_length": 2 * outer.limits.limits.requestBytes,
      "grpc.max_send_message_length": -1,
      // "grpc.enable_channelz" stays on, for grpc-js 1.14 forgets its sessions without, and forceShutdown() ends none of them.
      "grpc.keepalive_time_ms": options.keepaliveMs,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
      ...options.connectionAge?.channelOptions,
      interceptors: [
        (method, call) => (method.responseStream ? (call as ServerInterceptingCall) : countUnaryAnswer(call, host)),
      ],
    });
    const front = new GrpcFront(server, options.tls, outer.refused);
    const host: GrpcHost & Door = { ...outer, connections: front };
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
    addReflectionService(server, [...services, "grpc.health.v1.Health"], host);
    return new GrpcTransport(server, health, front);
  }

  /**
   * Returns the port that it listens on.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number): Promise<number> {
    return this.front.listen(host, port);
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    this.front.setTls(context);
  }

  /** Takes no new connections, tells the open ones to go elsewhere, and resolves when their last stream has ended. */
  stop(): Promise<void> {
    this.health.stop();
    this.front.stop();
    return new Promise((resolve) => this.server.tryShutdown(() => resolve()));
  }

  /** Ends everything at once. */
  close(): void {
    this.server.forceShutdown();
    this.front.close();
  }
}

function streamHandler<R extends Request>(
  host: GrpcHost & Door,
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
          stream.encoded(response, bytes.length);
          seat?.response();
          outlet.write(bytes, written);
          return false; // until the transport has passed it on: a client that does not read costs one response
        },
        end: (error) => {
          outlet.fail(error);
          close();
        },
      },
      type,
    );
    const outlet = new Outlet(call, host, caller.peer, (error) => stream.fail(error));
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
      outlet.end();
    });
    call.on("cancelled", close);
    call.on("close", close);
    paced(stream.open());
  };
}

function fetchHandler(host: GrpcHost & Door, type: ResourceType) {
  return (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
    serveOne(call, reply, host, "discovery", async (caller) => {
      const request = decodeDiscoveryRequest(call.request, host.limits.checkNode);
      return encodeDiscoveryResponse(await host.fetch(type, request, caller));
    });
}
