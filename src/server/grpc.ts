import type { Socket } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import type { XdsError } from "../errors.js";
import type { Call } from "../grpc/call.js";
import { type GrpcLimits, GrpcServer, type GrpcHost as Host, type Method } from "../grpc/server.js";
import type { Connection } from "../http2/connection.js";
import { peerOf } from "../http2/entry.js";
import { ConnectionError, errorCode } from "../http2/errors.js";
import type { Account, Accounts, Flushable } from "../protocol/account.js";
import type { Caller } from "../protocol/caller.js";
import { delta } from "../protocol/delta.js";
import type { FlushQueue } from "../protocol/flush-queue.js";
import type { DiscoveryRequest, Response } from "../protocol/messages.js";
import { sotw } from "../protocol/sotw.js";
import { type ResourceType, resourceTypes } from "../resource/types.js";
import { decodeDeltaDiscoveryRequest, decodeDiscoveryRequest } from "../wire/requests.js";
import { encodeDeltaDiscoveryResponse, encodeDiscoveryResponse } from "../wire/responses.js";
import { hostOf } from "./admission.js";
import { certificateNamesOf } from "./certificate-names.js";
import type { ConnectionAge } from "./connection-age.js";
import { addClientStatusService, type ClientStatusHost } from "./csds.js";
import { type StreamHost, streamMethod } from "./discovery-call.js";
import { type GrpcCaller, statusOf, unary } from "./grpc-methods.js";
import { HealthService } from "./health.js";
import type { LimitName, Limits } from "./limits.js";
import { listenOn } from "./listen-on.js";
import type { LoadReporting } from "./load-reporting.js";
import { addLoadReportingService } from "./lrs.js";
import type { ReceivingBytes } from "./receiving-bytes.js";
import { addReflectionService } from "./reflection.js";
import { type TlsOptions, tlsServerOptions } from "./tls.js";

/** What this transport asks of the server that it belongs to. */
export interface GrpcHost extends StreamHost {
  /** Answers one request. */
  fetch(type: ResourceType, request: DiscoveryRequest, caller: Caller): Promise<Response>;
  readonly receiving: ReceivingBytes;
  readonly accounts: Accounts;
  readonly queue: FlushQueue;
  /** undefined: the client status service is not offered. */
  readonly clientStatus: ClientStatusHost | undefined;
  /** undefined: the load reporting service is not offered. */
  readonly loads: LoadReporting | undefined;
}

export interface GrpcOptions {
  readonly tls?: TlsOptions | undefined;
  readonly connectionAge: ConnectionAge | undefined;
  /**
   * When a connection on which nothing comes is pinged, and how long something may take to come then, in milliseconds.
   */
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
  private readonly server: GrpcServer<GrpcCaller>;
  private readonly health: HealthService;

  /** @throws XdsError INVALID_OPTION for certificates that cannot be used */
  constructor(host: GrpcHost, options: GrpcOptions) {
    const { tls, connectionAge, keepaliveMs, keepaliveTimeoutMs } = options;
    const limits = grpcLimits(host.limits.limits);
    this.server = new GrpcServer(
      { tls: tls && tlsServerOptions(tls), limits, keepaliveMs, keepaliveTimeoutMs },
      connectionsOf(host, connectionAge),
    );
    const services: string[] = [];
    const rows = [
      { service: aggregated, type: undefined },
      ...resourceTypes().map((type) => ({ service: type.service, type })),
    ];
    for (const { service, type } of rows) {
      if (!service) continue;
      const { name, stream, delta: incremental } = service;
      const add = (method: string | undefined, handler: Method<GrpcCaller>) => {
        if (method) this.server.add(`/${name}/${method}`, handler);
      };
      add(stream, streamMethod(host, sotw, decodeDiscoveryRequest, encodeDiscoveryResponse, type));
      add(incremental, streamMethod(host, delta, decodeDeltaDiscoveryRequest, encodeDeltaDiscoveryResponse, type));
      if (type && "fetch" in service) add(service.fetch, fetchMethod(host, type));
      services.push(name);
    }
    if (host.clientStatus) services.push(addClientStatusService(this.server, host.clientStatus, host));
    if (host.loads) services.push(addLoadReportingService(this.server, host.loads, host));
    this.health = new HealthService(this.server, services, host.admission);
    addReflectionService(this.server, [...services, "grpc.health.v1.Health"], host);
  }

  /** How many connections there are. */
  get connections(): number {
    return this.server.connections;
  }

  /**
   * Returns the port that it listens on.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.server.listener, host, port, "gRPC");
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    this.server.setTls(context);
  }

  /** Takes no new connections, tells the open ones to go elsewhere, and resolves when the last one has ended. */
  stop(): Promise<void> {
    this.health.stop();
    return this.server.stop();
  }

  /** Ends the watches of health, which would stay to the end. */
  endWatches(error: XdsError): void {
    this.health.close(error);
  }

  /** Ends everything at once. */
  close(): void {
    this.server.close();
  }
}

/** The transport's names of the limits. */
const limitNames = {
  connections: "connections",
  connectionsPerPeer: "connectionsPerPeer",
  streams: "streamsPerConnection",
  headerBytes: "headerBytes",
  continuations: "continuationFrames",
  controlFrames: "controlFrames",
  handshakeMs: "handshakeMs",
  messageMs: "messageMs",
  frameMs: "messageMs",
  idleMs: "idleConnectionMs",
} as const satisfies Record<keyof GrpcLimits, LimitName>;

const grpcLimits = (limits: Limits) =>
  Object.fromEntries(Object.entries(limitNames).map(([ours, name]) => [ours, limits[name]])) as unknown as GrpcLimits;

const limitWords: Record<keyof GrpcLimits, string> = {
  connections: "too many connections",
  connectionsPerPeer: "too many connections of one address",
  streams: "too many streams on one connection",
  headerBytes: "the headers of a call are too large",
  continuations: "too many CONTINUATION frames",
  controlFrames: "too many frames that ask for nothing",
  handshakeMs: "the TLS handshake or the preface of HTTP/2 took too long",
  messageMs: "a message took too long to come",
  frameMs: "a frame of HTTP/2 took too long to come",
  idleMs: "a connection had no streams for too long",
};

/** What is refused, where that is not a connection. */
const refusedThings: Partial<Record<keyof GrpcLimits, "stream" | "request">> = {
  streams: "stream",
  headerBytes: "request",
};

/** What the connections of gRPC clients ask of the server. */
function connectionsOf(host: GrpcHost, age: ConnectionAge | undefined): Host<GrpcCaller> {
  const { limits, refused, receiving, accounts, queue } = host;
  return {
    receiving,
    connected: (connection: Connection, socket: Socket) => {
      const peer = peerOf(socket);
      const caller = { peer, certificateNames: certificateNamesOf(socket), account: accounts.open(hostOf(peer)) };
      age?.opened(caller, connection);
      return caller;
    },
    disconnected: (caller) => {
      age?.closed(caller);
      accounts.close(hostOf(caller.peer));
    },
    hasTurn: (call, bytes, { account }) => {
      if (queue.hasTurn(bytes)) return true;
      queue.add(new RequestTurn(account, call));
      return false;
    },
    worked: (ms, { account }) => queue.worked(account, ms),
    begins: (bytes) => limits.checkRequest(bytes, "discovery"),
    limitHit: (limit, peer) => {
      const error = limits.exceeded(limitNames[limit], limitWords[limit]);
      // An idle connection is nothing to warn of: clients keep such ones, and connect again when they need to.
      if (peer !== "" && limit !== "idleMs") refused.tell(refusedThings[limit] ?? "connection", error, { peer });
      return error;
    },
    statusOf,
    handshakeFailed: (error: Error, socket: TLSSocket) => refused.tellHandshake(error, socket),
    strangerCame: (peer, what) => refused.tellStranger(peer, what),
    connectionFailed: (error, peer) => {
      if (!(error instanceof ConnectionError)) refused.tell("connection", error, { peer });
      else if (error.code === errorCode.INADEQUATE_SECURITY) refused.tellStranger(peer, error.message);
      else refused.tellProtocolError(error, peer);
    },
  };
}

/** A request that waits to be handled. If its call ends before, nothing happens at its turn. */
class RequestTurn implements Flushable {
  readonly writes = false;

  constructor(
    readonly account: Account,
    private readonly call: Call,
  ) {}

  flush(): void {
    this.call.turn();
  }
}

function fetchMethod(host: GrpcHost, type: ResourceType): Method<GrpcCaller> {
  return unary(host, "discovery", async (bytes, caller) => {
    const request = decodeDiscoveryRequest(bytes, host.limits.checkNode);
    return encodeDiscoveryResponse(await host.fetch(type, request, caller));
  });
}
