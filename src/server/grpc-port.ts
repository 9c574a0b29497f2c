import type { Socket } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import type { XdsError } from "../errors.js";
import type { Call } from "../grpc/call.js";
import { type GrpcLimits, GrpcServer, type GrpcHost as Host, type Method } from "../grpc/server.js";
import type { Connection } from "../http2/connection.js";
import { peerOf } from "../http2/entry.js";
import { ConnectionError, errorCode } from "../http2/errors.js";
import { inOneStep } from "../in-turns.js";
import { networkOf } from "../network.js";
import type { Account, Accounts, Flushable } from "../protocol/account.js";
import type { AccountedCaller } from "../protocol/caller.js";
import { delta } from "../protocol/delta.js";
import type { Exchange } from "../protocol/fetch.js";
import type { FlushQueue } from "../protocol/flush-queue.js";
import { sotw } from "../protocol/sotw.js";
import type { ResourceType, XdsApi } from "../resource/xds-api.js";
import { decodeDeltaDiscoveryRequest, decodeDiscoveryRequest } from "../wire/requests.js";
import { encodeDeltaDiscoveryResponse, encodeDiscoveryResponse } from "../wire/responses.js";
import { certificateNamesOf } from "./access/certificate-names.js";
import { type TlsOptions, tlsServerOptions } from "./access/tls.js";
import type { Balance } from "./admission/balance.js";
import type { ConnectionAge } from "./admission/connection-age.js";
import type { LimitCounts, LimitName, Limits } from "./admission/limits.js";
import type { ReceivingBytes } from "./admission/receiving-bytes.js";
import type { RefusalLog } from "./admission/refusal-log.js";
import { addClientStatusService, type ClientStatusHost } from "./csds/csds.js";
import { type StreamHost, streamMethod } from "./grpc/discovery-call.js";
import { statusOf, type UnaryContext, unary } from "./grpc/grpc-methods.js";
import { HealthService } from "./grpc/health.js";
import { addReflectionService } from "./grpc/reflection.js";
import { listenOn } from "./http/listen-on.js";
import type { LoadReporting } from "./lrs/load-reporting.js";
import { addLoadReportingService } from "./lrs/lrs.js";
import { addPeerService, type TokenPeerHost } from "./peers/peer-service.js";

/** The part of the server that the gRPC connections need. */
interface ConnectionNeeds {
  readonly limits: LimitCounts;
  readonly refused: RefusalLog;
  readonly receiving: ReceivingBytes;
  readonly balance: Balance;
  readonly accounts: Accounts;
  readonly queue: FlushQueue;
}

/** The part of the server that unary Fetch methods need. */
interface FetchHost extends UnaryContext {
  readonly limits: LimitCounts;
  readonly api: XdsApi;
  /** Answers one unary Fetch request. */
  fetch<T>(type: ResourceType, exchange: Exchange<T>): Promise<T>;
}

/** All that the port passes on to its connections and methods. */
export interface GrpcPortHost extends ConnectionNeeds, FetchHost, StreamHost {
  readonly limits: LimitCounts;
  /** Has the types that are offered. */
  readonly api: XdsApi;
  /** The client status service (CSDS). undefined if the server does not offer it. */
  readonly clientStatus: ClientStatusHost | undefined;
  /** The load reporting service (LRS). undefined if the server does not offer it. */
  readonly loads: LoadReporting | undefined;
  /** Answers the questions of other replicas. undefined if there are none. */
  readonly peers: TokenPeerHost | undefined;
}

export interface GrpcOptions {
  readonly tls?: TlsOptions | undefined;
  readonly connectionAge: ConnectionAge | undefined;
  /** Milliseconds without incoming bytes after which a connection is pinged. */
  readonly keepaliveMs: number;
  /** Milliseconds without incoming bytes after a ping after which the connection is closed. */
  readonly keepaliveTimeoutMs: number;
}

/** The aggregated service (ADS). Every other discovery service belongs to a row of the table of types. */
const aggregated = {
  name: "envoy.service.discovery.v3.AggregatedDiscoveryService",
  stream: "StreamAggregatedResources",
  delta: "DeltaAggregatedResources",
};

/** The gRPC transport: the port and all its services. */
export class GrpcPort {
  private readonly server: GrpcServer<AccountedCaller>;
  private readonly health: HealthService;

  /** @throws XdsError INVALID_OPTION for certificates that cannot be used */
  constructor(host: GrpcPortHost, options: GrpcOptions) {
    const { tls, connectionAge, keepaliveMs, keepaliveTimeoutMs } = options;
    const limits = grpcLimits(host.limits.limits);
    this.server = new GrpcServer(
      { tls: tls && tlsServerOptions(tls), limits, keepaliveMs, keepaliveTimeoutMs },
      connectionHost(host, connectionAge),
    );
    const services: string[] = [];
    const rows = [
      { service: aggregated, type: undefined },
      ...host.api.resourceTypes().map((type) => ({ service: type.service, type })),
    ];
    for (const { service, type } of rows) {
      if (!service) continue;
      const { name, stream, delta: incremental } = service;
      const add = (method: string | undefined, handler: Method<AccountedCaller>) => {
        if (method) this.server.add(`/${name}/${method}`, handler);
      };
      add(stream, streamMethod(host, sotw, decodeDiscoveryRequest, encodeDiscoveryResponse, type));
      add(incremental, streamMethod(host, delta, decodeDeltaDiscoveryRequest, encodeDeltaDiscoveryResponse, type));
      if (type && "fetch" in service) add(service.fetch, fetchMethod(host, type));
      services.push(name);
    }
    if (host.clientStatus) services.push(addClientStatusService(this.server, host.clientStatus, host));
    if (host.loads) services.push(addLoadReportingService(this.server, host.loads, host));
    if (host.peers) addPeerService(this.server, host.peers, host);
    this.health = new HealthService(this.server, services, host.admission);
    addReflectionService(this.server, [...services, "grpc.health.v1.Health"], host.api, host);
  }

  /** The number of open connections. */
  get connections(): number {
    return this.server.connections;
  }

  /**
   * Listens, and returns the port.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.server.listener, host, port, "gRPC");
  }

  /** Sets the certificates for new connections. */
  setTls(context: SecureContextOptions): void {
    this.server.setTls(context);
  }

  /** Refuses new connections, sends GOAWAY on the open ones, and resolves when the last one has ended. */
  stop(): Promise<void> {
    this.health.stop();
    return this.server.stop();
  }

  /** Ends the Watch calls of the health service, which would not end by themselves. */
  endWatches(error: XdsError): void {
    this.health.close(error);
  }

  /** Ends everything at once. */
  close(): void {
    this.server.close();
  }
}

/** The server's limits by the transport's names for them. */
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
  Object.fromEntries(
    Object.entries(limitNames).map(([transportName, name]) => [transportName, limits[name]]),
  ) as unknown as GrpcLimits;

const limitMessages: Record<keyof GrpcLimits, string> = {
  connections: "too many connections",
  connectionsPerPeer: "too many connections from one address",
  streams: "too many streams on one connection",
  headerBytes: "the headers of a call are too large",
  continuations: "too many CONTINUATION frames",
  controlFrames: "too many frames that ask for nothing",
  handshakeMs: "the TLS handshake or the HTTP/2 preface took too long",
  messageMs: "a message took too long to arrive",
  frameMs: "an HTTP/2 frame took too long to arrive",
  idleMs: "a connection had no streams for too long",
};

/** What a limit refuses. Limits that are not listed refuse a connection. */
const refusedThings: Partial<Record<keyof GrpcLimits, "stream" | "request">> = {
  streams: "stream",
  headerBytes: "request",
};

/** The part of the server that the gRPC connections need. */
function connectionHost(host: ConnectionNeeds, age: ConnectionAge | undefined): Host<AccountedCaller> {
  const { limits, refused, receiving, accounts, queue, balance } = host;
  return {
    receiving: ({ account }) => receiving.of(account),
    connected: (connection: Connection, socket: Socket) => {
      const peer = peerOf(socket);
      const caller = { peer, certificateNames: certificateNamesOf(socket), account: accounts.open(networkOf(peer)) };
      age?.opened(caller, connection);
      balance.connected(caller.account, connection);
      return caller;
    },
    disconnected: (caller) => {
      age?.closed(caller);
      accounts.close(networkOf(caller.peer));
    },
    hasTurn: (call, bytes, { account }) => {
      if (queue.hasTurn(bytes)) return true;
      queue.add(new RequestTurn(account, call));
      return false;
    },
    worked: (ms, { account }) => queue.worked(account, ms),
    begins: (bytes) => limits.checkRequest(bytes, "discovery"),
    limitHit: (limit, peer) => {
      const error = limits.exceeded(limitNames[limit], limitMessages[limit]);
      // An idle connection needs no warning: clients keep such connections, and reconnect when they need one.
      if (peer !== "" && limit !== "idleMs") refused.tell(refusedThings[limit] ?? "connection", error, { peer });
      return error;
    },
    statusOf,
    handshakeFailed: (error: Error, socket: TLSSocket) => refused.logHandshake(error, socket),
    otherProtocolCame: (peer, what) => refused.logNotHttp2(peer, what),
    connectionFailed: (error, peer) => {
      if (!(error instanceof ConnectionError)) refused.tell("connection", error, { peer });
      else if (error.code === errorCode.INADEQUATE_SECURITY) refused.logNotHttp2(peer, error.message);
      else refused.logProtocolError(error, peer);
    },
  };
}

/** A request that waits to be handled. If its call ends earlier, its turn does nothing. */
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

function fetchMethod(host: FetchHost, type: ResourceType): Method<AccountedCaller> {
  return unary(host, "discovery", (bytes, caller, signal) =>
    host.fetch(type, {
      caller,
      signal,
      read: () => decodeDiscoveryRequest(bytes, host.api.registry, host.limits),
      write: (response) => inOneStep(() => encodeDiscoveryResponse(response)),
    }),
  );
}
