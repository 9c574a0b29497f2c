import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cluster_DiscoveryType, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ApiVersion, type ConfigSource } from "../../gen/envoy/config/core/v3/config_source_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { delta } from "../../src/protocol/delta.js";
import { OpenRefusals } from "../../src/protocol/open-refusals.js";
import type { Response } from "../../src/protocol/response.js";
import { sotw } from "../../src/protocol/sotw.js";
import { Stream } from "../../src/protocol/stream.js";
import type { Variant } from "../../src/protocol/variant.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { anonymousNode } from "../../src/schema/node.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request } from "../../src/wire/messages.js";
import { ManualQueue } from "./manual-queue.js";
import { propertyRuns } from "./property-runs.js";
import { streamContext } from "./stream-context.js";

const ads = { resourceApiVersion: ApiVersion.V3, configSourceSpecifier: { case: "ads", value: {} } } as ConfigSource;
const memo = new Map<string, Resource>();
/** The name that each resource refers to, as it was made here. */
const targetOf = new Map<Resource, string>();
const once = (key: string, target: string | undefined, make: () => Resource) => {
  const resource = memo.get(key) ?? make();
  memo.set(key, resource);
  if (target !== undefined) targetOf.set(resource, target);
  return resource;
};
const cluster = (name: string, content: number) =>
  once(`${name} ${content}`, name, () =>
    Resource.of(
      create(ClusterSchema, {
        name,
        perConnectionBufferLimitBytes: content,
        clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
        edsClusterConfig: { edsConfig: ads },
      }),
    ),
  );
const endpoints = (name: string) =>
  once(`e ${name}`, undefined, () => Resource.of(create(ClusterLoadAssignmentSchema, { clusterName: name })));
const route = (name: string, to: string) =>
  once(`${name} ${to}`, to, () => {
    const action = { case: "route" as const, value: { clusterSpecifier: { case: "cluster" as const, value: to } } };
    const virtualHosts = [{ name: "all", domains: ["*"], routes: [{ action }] }];
    return Resource.of(create(RouteConfigurationSchema, { name, virtualHosts }));
  });
const listener = (name: string, by: string) =>
  once(`${name} ${by}`, by, () => {
    const rds = { configSource: ads, routeConfigName: by };
    const manager = create(HttpConnectionManagerSchema, { routeSpecifier: { case: "rds", value: rds } });
    const value = anyPack(HttpConnectionManagerSchema, manager);
    const filters = [{ name: "http", configType: { case: "typedConfig" as const, value } }];
    return Resource.of(create(ListenerSchema, { name, filterChains: [{ filters }] }));
  });

/** What is served: each listener has a route configuration, each of those a cluster; nothing else is there. */
interface Plan {
  /** Listener → route configuration. */
  readonly listeners: Readonly<Record<string, string>>;
  /** Route configuration → cluster. */
  readonly routes: Readonly<Record<string, string>>;
  /** The content of all clusters. */
  readonly content: number;
}

function snapshot({ listeners, routes, content }: Plan): Snapshot {
  const used = new Set(Object.values(listeners));
  const live = [...used].map((name) => [name, routes[name] ?? "c0"] as const);
  const clusters = new Set(live.map(([, to]) => to));
  return Snapshot.of([
    ...Object.entries(listeners).map(([name, by]) => listener(name, by)),
    ...live.map(([name, to]) => route(name, to)),
    ...[...clusters].flatMap((name) => [cluster(name, content), endpoints(name)]),
  ]);
}

/** All names there are, with content that was not there before. */
function everything(content: number): Snapshot {
  const clusters = ["c0", "c1", "c2", "c3"];
  return Snapshot.of([
    ...clusters.flatMap((name) => [cluster(name, content), endpoints(name)]),
    ...["r0", "r1", "r2"].map((name) => route(name, clusters[content % 2] as string)),
    ...["l0", "l1"].map((name) => listener(name, `r${content % 2}`)),
  ]);
}

const wildcards = [clusterType, listenerType];
/** Who refers to whom: the type that does, the type referred to. */
const links = [
  [routeType, clusterType],
  [listenerType, routeType],
] as const;

/**
 * As Envoy does it: wildcards of clusters and listeners; endpoints and routes of what it has, by name; all on one
 * stream. Of what it refuses together it may take some.
 */
class Envoy {
  readonly has = new Map<string, Map<string, Resource>>();
  private readonly queue = new ManualQueue();
  private readonly wants = new Map<string, Set<string>>();
  private readonly nonces = new Map<string, string>();
  /** Types of which it has taken a part of a response that it refused. SotW: its version says nothing of that. */
  private readonly tookParts = new Set<string>();
  /** The version of the last response of each type that it took; SotW. */
  private readonly versions = new Map<string, string>();
  private inbox: Response[] = [];
  /** By response, the routes that the server knew to be refused and never had when it sent that. */
  private readonly knownRefused = new WeakMap<Response, ReadonlySet<string>>();
  private stream: Stream<Request>;
  private readonly openRefusals = new OpenRefusals();
  /** What the server has taken away from the client, by type. */
  private readonly takenAway = new Map<string, Set<string>>();
  /** What it has refused and never had, by type. */
  private readonly refusedOnly = new Map<string, Set<string>>();

  constructor(
    private cache: SnapshotCache,
    private readonly variant: "sotw" | "delta",
  ) {
    this.stream = this.open();
    for (const typeUrl of [clusterType, endpointType, listenerType, routeType]) {
      this.has.set(typeUrl, new Map());
      this.wants.set(typeUrl, new Set());
      this.takenAway.set(typeUrl, new Set());
      this.refusedOnly.set(typeUrl, new Set());
    }
    for (const typeUrl of wildcards) this.request(typeUrl, [], []);
  }

  private open(): Stream<Request> {
    const protocol = (this.variant === "sotw" ? sotw : delta) as Variant<Request>;
    const transport = {
      peer: "proxy",
      send: (response: Response) => {
        this.knownRefused.set(response, new Set(this.refusedOnly.get(routeType)));
        return this.inbox.push(response) > 0;
      },
      end: (error: unknown) => {
        throw error;
      },
    };
    const { queue, openRefusals } = this;
    const context = streamContext(this.cache, this.variant, { queue, openRefusals });
    const stream = new Stream(protocol, context, transport, undefined);
    void stream.open();
    return stream;
  }

  /**
   * The stream ends, with what is on its way, and the client comes back: perhaps to another server. Not in SotW while
   * it has a part of what it refused, because no version says that (P36).
   */
  comeBack(next: () => SnapshotCache): void {
    if (this.variant === "sotw" && this.tookParts.size > 0) return;
    this.stream.close();
    this.inbox = [];
    this.nonces.clear();
    this.cache = next();
    this.stream = this.open();
    for (const typeUrl of [clusterType, endpointType, listenerType, routeType]) {
      const wants = this.wants.get(typeUrl) as Set<string>;
      if (!wildcards.includes(typeUrl) && wants.size === 0) continue;
      const add = wildcards.includes(typeUrl) ? [] : [...wants];
      const has = [...(this.has.get(typeUrl)?.values() ?? [])];
      this.request(typeUrl, add, [], undefined, undefined, new Map(has.map(({ name, version }) => [name, version])));
    }
  }

  flush(): void {
    this.queue.runNow();
    // A refusal is over when what was refused is no longer served (P18); clusters that come again are still answered
    // before routes.
    const refused = this.refusedOnly.get(routeType);
    for (const name of refused ?? []) if (!this.cache.get("n")?.get(routeType, name)) refused?.delete(name);
  }

  /**
   * Takes the next response, or refuses it and takes those in the bit set, never all. Returns false when there is none.
   */
  answer(refused?: number): boolean {
    this.flush();
    const response = this.inbox.shift();
    if (!response) return false;
    const { typeUrl, nonce } = response;
    this.nonces.set(typeUrl, nonce);
    let message = "refused";
    if (refused !== undefined) {
      // Brought again after it was taken away, and refused: that the client lacks it is its own doing.
      for (const { name } of response.resources) this.takenAway.get(typeUrl)?.delete(name);
      const has = this.has.get(typeUrl);
      const news = response.resources.filter(({ name, version }) => has?.get(name)?.version !== version);
      const taken = news.slice(0, -1).filter((_, i) => refused & (1 << i));
      // As Envoy does, it names what it refuses.
      message = `Error adding/updating ${news.flatMap(({ name }) => (taken.some((one) => one.name === name) ? [] : `${name}: refused`)).join(", ")}`;
      if (taken.length > 0) {
        this.take(response, taken);
        this.tookParts.add(typeUrl);
      }
      // What it no longer asked for when it came is neither taken nor refused: it starts anew when it is asked for
      // again.
      for (const { name } of news)
        if (!has?.has(name) && this.covers(typeUrl, name)) this.refusedOnly.get(typeUrl)?.add(name);
    } else {
      this.take(response, response.resources);
      this.versions.set(typeUrl, response.versionInfo);
      this.tookParts.delete(typeUrl);
    }
    this.checkReferences();
    this.follow(clusterType, endpointType);
    this.follow(listenerType, routeType);
    this.request(typeUrl, [], [], nonce, refused === undefined ? undefined : { code: 13, message });
    return true;
  }

  settle(): void {
    for (let i = 0; i < 1_000; i++) if (!this.answer()) return;
    throw new Error("the server does not come to rest");
  }

  close(): void {
    this.stream.close();
  }

  private take(response: Response, taken: readonly Resource[]): void {
    const { typeUrl, resources, removedResources } = response;
    const has = this.has.get(typeUrl) as Map<string, Resource>;
    const gone = this.takenAway.get(typeUrl) as Set<string>;
    const whole = this.variant === "sotw" && wildcards.includes(typeUrl);
    const removed = whole
      ? [...has.keys()].filter((name) => !resources.some((resource) => resource.name === name))
      : removedResources;
    for (const name of removed) if (has.delete(name)) gone.add(name);
    for (const resource of taken) {
      if (!this.covers(typeUrl, resource.name)) continue;
      this.checkStillWorks(has.get(resource.name), resource, this.knownRefused.get(response));
      has.set(resource.name, resource);
      gone.delete(resource.name);
      this.refusedOnly.get(typeUrl)?.delete(resource.name);
    }
  }

  private covers(typeUrl: string, name: string): boolean {
    return wildcards.includes(typeUrl) || this.wants.get(typeUrl)?.has(name) === true;
  }

  /**
   * What replaces an older one does not refer anew to what the client has refused and never had. Clusters are answered
   * before routes go out; listeners go before their routes, so that a refusal counts for those that were not on their
   * way yet.
   */
  private checkStillWorks(old: Resource | undefined, now: Resource, knownRefused?: ReadonlySet<string>): void {
    if (!old) return;
    for (const [from, to] of links)
      if (now.type.typeUrl === from)
        for (const name of targets(now).filter((target) => !targets(old).includes(target)))
          if (to !== routeType || knownRefused?.has(name))
            expect(this.refusedOnly.get(to), `${now.name} moves to ${name}, which was refused`).not.toContain(name);
  }

  /** Nothing that the client has refers to what the server has taken away. */
  private checkReferences(): void {
    for (const [from, to] of links)
      for (const resource of this.has.get(from)?.values() ?? [])
        for (const name of targets(resource))
          expect(this.takenAway.get(to), `${resource.name} refers to ${name}, which was taken away`).not.toContain(
            name,
          );
  }

  /** Subscribes what resources of one type need of another, and nothing else. */
  private follow(from: string, to: string): void {
    const needed = new Set([...(this.has.get(from)?.values() ?? [])].flatMap(targets));
    const wants = this.wants.get(to) as Set<string>;
    const add = [...needed].filter((name) => !wants.has(name));
    const drop = [...wants].filter((name) => !needed.has(name));
    if (add.length + drop.length === 0) return;
    for (const name of add) {
      wants.add(name);
      this.takenAway.get(to)?.delete(name); // it is asked for anew
    }
    for (const name of drop) {
      wants.delete(name);
      this.refusedOnly.get(to)?.delete(name);
      this.has.get(to)?.delete(name);
    }
    this.request(to, add, drop);
  }

  private request(
    typeUrl: string,
    add: string[],
    drop: string[],
    nonce?: string,
    errorDetail?: Request["errorDetail"],
    initialResourceVersions = new Map<string, string>(),
  ): void {
    const envelope = { node: { ...anonymousNode(envoyRegistry()), id: "n" }, typeUrl, errorDetail };
    const asSotw: DiscoveryRequest = {
      ...envelope,
      versionInfo: this.versions.get(typeUrl) ?? "",
      resourceNames: [...(this.wants.get(typeUrl) ?? [])],
      responseNonce: nonce ?? this.nonces.get(typeUrl) ?? "",
    };
    const asDelta: DeltaDiscoveryRequest = {
      ...envelope,
      resourceNamesSubscribe: add,
      resourceNamesUnsubscribe: drop,
      initialResourceVersions,
      responseNonce: nonce ?? "",
    };
    void this.stream.receive(this.variant === "sotw" ? asSotw : asDelta);
  }
}

const targets = (resource: Resource): string[] => {
  const target = targetOf.get(resource);
  return target === undefined ? [] : [target];
};

const { timeoutMs, ...runs } = propertyRuns("references", 150, 20_000);

describe.each(["sotw", "delta"] as const)("%s", (variant) => {
  const name = (prefix: string, count: number) =>
    fc.constantFrom(...Array.from({ length: count }, (_, i) => `${prefix}${i}`));
  const plan = fc.record({
    listeners: fc.dictionary(name("l", 2), name("r", 3)),
    routes: fc.dictionary(name("r", 3), name("c", 4)),
    content: fc.integer({ min: 1, max: 2 }),
  });
  const step = fc.oneof(
    fc.record({ serve: plan }),
    fc.constant("flush" as const),
    fc.constant("ack" as const),
    fc.constant("ack" as const),
    fc.record({ nack: fc.integer({ min: 0, max: 7 }) }),
    fc.constant("settle" as const),
    fc.constant("reconnect" as const),
    fc.constant("restart" as const),
  );

  it(
    "P53 P54 P55 in any order of events, the client's resources never refer to one that the server has removed, and never move to one that the client refused",
    () => {
      fc.assert(
        fc.property(plan, fc.array(step, { maxLength: 40 }), plan, (first, steps, last) => {
          let cache = new SnapshotCache();
          const past: Snapshot[] = [];
          const serve = (next: Snapshot) => {
            cache.set("n", next);
            past.push(next);
          };
          /** A server that has only what is kept of the one before. */
          const restart = () => {
            cache = new SnapshotCache();
            cache.set("n", past.at(-1) as Snapshot);
            for (const one of past.slice(0, -1)) cache.noteEarlier("n", one);
            return cache;
          };
          serve(snapshot(first));
          const proxy = new Envoy(cache, variant);
          for (const at of steps) {
            if (at === "flush") proxy.flush();
            else if (at === "settle") proxy.settle();
            else if (at === "ack") proxy.answer();
            else if (at === "reconnect") proxy.comeBack(() => cache);
            else if (at === "restart") proxy.comeBack(restart);
            else if ("nack" in at) proxy.answer(at.nack);
            else serve(snapshot(at.serve));
          }
          // Refused content, also a refused removal, is not sent again as it was. So there is new content of all names,
          // and then less.
          for (const content of [97, 98]) {
            serve(everything(content));
            proxy.settle();
          }
          serve(snapshot({ ...last, content: 99 }));
          proxy.settle();
          serve(Snapshot.of([]));
          proxy.settle();
          const fresh = { listeners: { l9: "r9" }, routes: { r9: "c9" }, content: 99 };
          serve(snapshot(fresh));
          proxy.settle();
          const has = [...proxy.has.values()].map((resources) => [...resources.keys()]);
          expect(has).toEqual([["c9"], ["c9"], ["l9"], ["r9"]]);
          proxy.close();
        }),
        runs,
      );
    },
    timeoutMs,
  );
});
