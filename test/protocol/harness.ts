import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { describe, onTestFinished, vi } from "vitest";
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import type { ConfigWatcher } from "../../src/cache/config-watcher.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Logger } from "../../src/logger.js";
import { resourceType } from "../../src/resource/default-api.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { XdsServer } from "../../src/server/xds-server.js";
import type { ListenOptions, XdsServerOptions } from "../../src/server/xds-server-options.js";
import { cluster, endpoints, type Maker } from "./resources.js";
import { ScriptedStream } from "./scripted-stream.js";

/** A variant of the protocol, on an aggregated stream or on one of the type's own service. */
export interface Way {
  readonly variant: "sotw" | "delta";
  readonly kind: "ADS" | "own service";
}

const kinds = ["ADS", "own service"] as const;
/** Statements that are tagged S, D and SD are proved on these. */
export const sotwWays: readonly Way[] = kinds.map((kind) => ({ variant: "sotw", kind }));
export const deltaWays: readonly Way[] = kinds.map((kind) => ({ variant: "delta", kind }));
export const allWays: readonly Way[] = [...sotwWays, ...deltaWays];
export const adsWays = allWays.filter(({ kind }) => kind === "ADS");
export const ownWays = allWays.filter(({ kind }) => kind === "own service");

/** The same tests once for each way. */
export function on(ways: readonly Way[], tests: (way: Way) => void): void {
  for (const way of ways) describe(`${way.variant}, ${way.kind}`, () => tests(way));
}

/** The gRPC path of a stream. */
export function streamPath({ variant, kind }: Way, typeUrl: string): string {
  if (kind === "ADS") {
    const method = variant === "sotw" ? "StreamAggregatedResources" : "DeltaAggregatedResources";
    return `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`;
  }
  const service = resourceType(typeUrl).service;
  return `/${service?.name}/${variant === "sotw" ? service?.stream : service?.delta}`;
}

const same = (bytes: Buffer) => bytes;

export interface TestServerOptions extends XdsServerOptions {
  readonly rest?: boolean;
  readonly channel?: ChannelCredentials;
  readonly authority?: string;
  /** The largest response that the clients take, in bytes. Default -1: any. */
  readonly maxReceiveBytes?: number;
  // Options of the server that not every version of it has.
  readonly maxResponseBytes?: number;
}

/** A server on free ports, and clients of it on one connection. Ends with the test. */
export class TestServer {
  private readonly client: Client;

  private constructor(
    readonly server: XdsServer,
    readonly port: number,
    readonly restPort: number | undefined,
    private readonly newClient: () => Client,
  ) {
    this.client = newClient();
  }

  static async start(
    cache: ConfigWatcher,
    {
      rest = false,
      channel = credentials.createInsecure(),
      authority = "127.0.0.1",
      maxReceiveBytes = -1,
      ...options
    }: TestServerOptions = {},
  ): Promise<TestServer> {
    const server = new XdsServer(cache, options);
    const listen: ListenOptions = rest ? { port: 0, restPort: 0 } : { port: 0 };
    const { grpc, rest: restAddress } = await server.listen(listen);
    onTestFinished(() => server.close());
    const newClient = () => {
      const client = new Client(`${authority}:${grpc.port}`, channel, {
        "grpc.max_receive_message_length": maxReceiveBytes,
        "grpc.use_local_subchannel_pool": 1,
      });
      onTestFinished(() => client.close());
      return client;
    };
    return new TestServer(server, grpc.port, restAddress?.port, newClient);
  }

  /** Clients of the same server on another connection. */
  connect(): TestServer {
    return new TestServer(this.server, this.port, this.restPort, this.newClient);
  }

  /** A stream of one type or, on ADS, of several, of which this is the first. */
  open(way: Way, typeUrl: string, node = "n"): ScriptedStream {
    return this.openAt(streamPath(way, typeUrl), way, typeUrl, node);
  }

  openAt(path: string, way: Way, typeUrl: string, node = "n"): ScriptedStream {
    const call = this.call(path);
    return new ScriptedStream(call, way, typeUrl, node, () => this.barrier());
  }

  /** A stream of bytes. */
  call(path: string) {
    return this.client.makeBidiStreamRequest(path, same, same);
  }

  /** One request and its answer, as bytes. */
  unary(path: string, request: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer) => (error ? reject(error) : resolve(answer as Buffer));
      this.client.makeUnaryRequest(path, same, same, Buffer.from(request), done);
    });
  }

  async fetch(path: string, request: MessageInitShape<typeof DiscoveryRequestSchema>): Promise<DiscoveryResponse> {
    const bytes = toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request));
    return fromBinary(DiscoveryResponseSchema, await this.unary(path, bytes));
  }

  /** `SERVING` is 1, `NOT_SERVING` 2. */
  async health(service = ""): Promise<number | undefined> {
    const request = Buffer.concat([Buffer.of(0x0a, service.length), Buffer.from(service)]);
    return (await this.unary("/grpc.health.v1.Health/Check", request))[1];
  }

  /** Watches the health of the whole. */
  watchHealth(tell: (state: number | undefined) => void) {
    const call = this.client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", same, same, Buffer.of());
    call.on("data", (answer: Buffer) => tell(answer[1]));
    call.on("error", () => {}); // it ends with the server
    return call;
  }

  /**
   * Resolves when the server has done all that it had to do for what was sent on this connection, or set in its cache,
   * before: a request is handled when its event comes, and answered in the turn after it; so what comes back from a
   * later turn comes later.
   */
  async barrier(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await this.health();
    await new Promise((resolve) => setImmediate(resolve));
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.restPort}${path}`;
  }
}

/**
 * Stops timers and `performance.now()` until the test ends. `pass` lets milliseconds go by, and runs what is due. What
 * was started before goes on as usual.
 */
export function stopClock(): { pass(ms: number): Promise<void> } {
  // A whole number, so that what is due after 5,000 ms is due when 5,000 ms have passed, without errors of rounding.
  const stoppedAt = Math.ceil(performance.now());
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  const passed = performance.now.bind(performance); // from 0
  const clock = vi.spyOn(performance, "now").mockImplementation(() => stoppedAt + passed());
  onTestFinished(() => {
    clock.mockRestore();
    vi.useRealTimers();
  });
  return { pass: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)) };
}

/** A logger that writes down what is said. */
export class LogBook implements Logger {
  readonly entries: { level: string; message: string; fields: object }[] = [];
  debug = (fields: object, message: string) => this.put("debug", fields, message);
  info = (fields: object, message: string) => this.put("info", fields, message);
  warn = (fields: object, message: string) => this.put("warn", fields, message);
  error = (fields: object, message: string) => this.put("error", fields, message);
  private put(level: string, fields: object, message: string) {
    this.entries.push({ level, message, fields });
  }
}

/** Waits for something that is bound to happen; the bound is for when it does not. */
export async function until(happened: () => boolean, what: string): Promise<void> {
  const limit = Date.now() + 15_000;
  while (!happened()) {
    if (Date.now() > limit) throw new Error(`waited 15 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A type whose SotW responses hold the full state, and one whose responses hold what is new. */
export const bothTypes: readonly { readonly typeUrl: string; readonly make: Maker; readonly fullState: boolean }[] = [
  { typeUrl: clusterType, make: cluster, fullState: true },
  { typeUrl: endpointType, make: endpoints, fullState: false },
];

/** The same tests once for each way and each of both types. */
export function onBothTypes(ways: readonly Way[], tests: (way: Way, type: (typeof bothTypes)[number]) => void): void {
  on(ways, (way) => {
    for (const type of bothTypes) describe(resourceType(type.typeUrl).name, () => tests(way, type));
  });
}

/** A snapshot cache in which node "n" is served these. */
export function cacheOf(...resources: Resource[]): SnapshotCache {
  const cache = new SnapshotCache();
  cache.set("n", Snapshot.of(resources));
  return cache;
}

/**
 * Takes a delta change of clusters or endpoints. On ADS its removals come in a response of their own, after the rest of
 * the change, and after a client that came back has had time to say what else it has (P49, P54).
 */
export async function takeRemovedLast(
  { kind }: Way,
  stream: ScriptedStream,
  has: readonly string[],
  removed: readonly string[],
): Promise<void> {
  await stream.take(has, kind === "ADS" ? [] : removed);
  if (kind === "ADS") await stream.take([], removed);
}
