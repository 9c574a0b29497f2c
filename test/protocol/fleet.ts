import { create } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.js";
import type { ConfigWatcher } from "../../src/cache/config-watcher.js";
import { delta } from "../../src/protocol/delta.js";
import type { Response } from "../../src/protocol/response.js";
import { sotw } from "../../src/protocol/sotw.js";
import { Stream } from "../../src/protocol/stream.js";
import type { StreamContext } from "../../src/protocol/stream-context.js";
import type { Variant } from "../../src/protocol/variant.js";
import { envoyRegistry, resourceType } from "../../src/resource/default-api.js";
import { Resource } from "../../src/resource/resource.js";
import { anonymousNode } from "../../src/schema/node.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request } from "../../src/wire/messages.js";
import { ManualQueue } from "./manual-queue.js";
import { streamContext } from "./stream-context.js";

const none: readonly never[] = [];
const noVersions: ReadonlyMap<string, string> = new Map();

export interface FleetOptions {
  readonly variant: "sotw" | "delta";
  readonly streams: number;
  /** The type that each stream asks for. */
  readonly typeUrl: string;
  /** Whether the stream is one of the type's own service; else it is ADS. */
  readonly own?: boolean;
  /** Names to ask for; none: everything. */
  readonly names?: readonly string[];
  /** Another type on the same streams, and its names. */
  readonly also?: { readonly typeUrl: string; readonly names: readonly string[] };
  /** The node's id of a stream. By default each has its own. */
  readonly nodeId?: (i: number) => string;
  /** Streams that other fleets share a server with. */
  readonly server?: FleetServer;
}

/** What the streams of one server share: a cache, and a queue that moves only when it is told to. */
export class FleetServer {
  readonly queue = new ManualQueue();
  private readonly contexts = new Map<"sotw" | "delta", StreamContext>();

  constructor(private readonly cache: ConfigWatcher) {}

  context(variant: "sotw" | "delta"): StreamContext {
    const context = this.contexts.get(variant) ?? streamContext(this.cache, variant, { queue: this.queue });
    this.contexts.set(variant, context);
    return context;
  }
}

/**
 * Clients, a stream each, without sockets. A client refuses a response that has something bad, and takes all others. It
 * keeps nothing of what it has taken, so that what is alive is the server's.
 */
export class Fleet {
  /** Called with every response before it is answered. */
  onResponse: (response: Response, refused: boolean, i: number) => void = () => {};
  acks = 0;
  nacks = 0;
  readonly server: FleetServer;
  private readonly inboxes: Response[][] = [];
  private readonly streams: Stream<Request>[] = [];
  private isBad: (resource: Resource) => boolean = () => false;
  /** The streams share most lists: each is looked at once. */
  private looked = new WeakMap<readonly Resource[], boolean>();

  constructor(
    cache: ConfigWatcher,
    private readonly options: FleetOptions,
  ) {
    const { variant, streams, typeUrl, own = false, nodeId = (i) => `node-${i}` } = options;
    this.server = options.server ?? new FleetServer(cache);
    const protocol = (variant === "sotw" ? sotw : delta) as Variant<Request>;
    const context = this.server.context(variant);
    for (let i = 0; i < streams; i++) {
      const inbox: Response[] = [];
      const transport = {
        peer: "test",
        send: (response: Response) => inbox.push(response) > 0,
        end: (error: unknown) => {
          throw error;
        },
      };
      const stream = new Stream(protocol, context, transport, own ? resourceType(typeUrl) : undefined);
      this.inboxes.push(inbox);
      this.streams.push(stream);
      void stream.open();
      void stream.receive(this.request(typeUrl, options.names ?? none, nodeId(i)));
      if (options.also) void stream.receive(this.request(options.also.typeUrl, options.also.names));
    }
  }

  /** From now on the clients refuse what has one of these. */
  refuse(isBad: (resource: Resource) => boolean): void {
    this.isBad = isBad;
    this.looked = new WeakMap();
  }

  /** All clients answer what they have been sent. Returns whether there was anything. */
  answer(): boolean {
    let any = false;
    for (const [i, inbox] of this.inboxes.entries())
      for (let response = inbox.shift(); response; response = inbox.shift()) {
        any = true;
        this.reply(response, i);
      }
    return any;
  }

  /** The server sends and the clients answer, until nothing is under way. */
  settle(): void {
    for (let rounds = 0; rounds < 1_000; rounds++) {
      this.server.queue.runNow();
      if (!this.answer()) return;
    }
    throw new Error("the server does not come to rest");
  }

  close(): void {
    for (const stream of this.streams) stream.close();
  }

  private reply(response: Response, i: number): void {
    const refused = this.refuses(response.resources);
    if (refused) this.nacks++;
    else this.acks++;
    this.onResponse(response, refused, i);
    const { variant, names: own = none, also } = this.options;
    const names = response.typeUrl === also?.typeUrl ? also.names : own;
    const request: DiscoveryRequest & DeltaDiscoveryRequest = {
      ...this.request(response.typeUrl, variant === "sotw" ? names : none),
      versionInfo: refused ? "" : response.versionInfo,
      responseNonce: response.nonce,
      errorDetail: refused ? { code: 13, message: "refused" } : undefined,
    };
    void this.streams[i]?.receive(request);
  }

  private refuses(resources: readonly Resource[]): boolean {
    const known = this.looked.get(resources) ?? resources.some(this.isBad);
    this.looked.set(resources, known);
    return known;
  }

  private request(typeUrl: string, names: readonly string[], nodeId?: string) {
    const request: DiscoveryRequest & DeltaDiscoveryRequest = {
      node: nodeId === undefined ? undefined : { ...anonymousNode(envoyRegistry()), id: nodeId },
      typeUrl,
      versionInfo: "",
      responseNonce: "",
      errorDetail: undefined,
      resourceNames: names,
      resourceNamesSubscribe: names,
      resourceNamesUnsubscribe: none,
      initialResourceVersions: noVersions,
    };
    return request;
  }
}

/** Fleets that share a server move together. */
export function settleTogether(fleets: readonly Fleet[]): void {
  for (let rounds = 0; rounds < 1_000; rounds++) {
    fleets[0]?.server.queue.runNow();
    if (fleets.map((fleet) => fleet.answer()).every((any) => !any)) return;
  }
  throw new Error("the server does not come to rest");
}

/** A route configuration that sends to all these clusters. */
export const routeTo = (name: string, ...clusters: string[]): Resource => {
  const virtualHosts = clusters.map((cluster) => {
    const value = { clusterSpecifier: { case: "cluster" as const, value: cluster } };
    return { name: cluster, domains: [cluster], routes: [{ action: { case: "route" as const, value } }] };
  });
  return Resource.of(create(RouteConfigurationSchema, { name, virtualHosts }));
};

/** A cluster that nothing else holds: those of `resources.ts` are kept for the whole run. */
export const freshCluster = (name: string, content: number): Resource =>
  Resource.of(create(ClusterSchema, { name, perConnectionBufferLimitBytes: content }));
