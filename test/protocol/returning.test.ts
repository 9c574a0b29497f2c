import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { type DirectClient, DirectServer, useFakeTime, type VariantName } from "./direct-client.js";
import { wholeOr } from "./ordered-client.js";
import { cluster, edsCluster, endpoints, listenerToC, listenerToR, route, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
const drainTimeMs = 60 * second;
for (const name of ["r", "r2"]) for (const make of [route, endpoints]) make(name, ""); // what is answered for a route configuration that does not exist (P40)

/** Servers one after the other, of which each knows what the one before served, or nothing of it. */
class World {
  private cache = new SnapshotCache();
  private readonly past: Snapshot[] = [];
  server = this.newServer();

  constructor(private readonly remembers: boolean | "all but endpoints" = true) {}

  serve(...resources: Resource[]): void {
    this.cache.set("n", Snapshot.of(resources));
    const isKnown = ({ type }: Resource) => this.remembers === true || type.typeUrl !== endpointType;
    if (this.remembers) this.past.push(Snapshot.of(resources.filter(isKnown)));
  }

  /** Another server serves this. */
  restart(...resources: Resource[]): void {
    this.cache = new SnapshotCache();
    this.cache.set("n", Snapshot.of(resources));
    for (const one of this.past) this.cache.noteEarlier("n", one);
    this.server = this.newServer();
  }

  private newServer(): DirectServer {
    return new DirectServer(this.cache, {}, { drainTimeMs, retryRefused: false });
  }
}

/** What a client has of each type: the version of its last response, and its resources. */
type Has = Readonly<Record<string, { readonly version: string; readonly resources: readonly Resource[] }>>;

describe.each(["sotw", "delta"] as const)("a client that comes back, %s", (variant: VariantName) => {
  const whole = wholeOr(variant);
  const all = variant === "sotw" ? [] : ["*"];
  const names: Record<string, readonly string[]> = { [clusterType]: all, [listenerType]: all, [routeType]: ["r"] };

  const asks = (client: DirectClient, has: Has, ...typeUrls: string[]) => {
    for (const typeUrl of typeUrls) client.comeBackWith(typeUrl, has[typeUrl], ...(names[typeUrl] ?? []));
  };
  /** Nothing has changed. In delta the first answer to a wildcard comes all the same. */
  const takeNothing = (client: DirectClient, ...typeUrls: string[]) => {
    if (variant === "delta") for (const typeUrl of typeUrls) client.take(typeUrl, []);
  };
  const takeFirst = (client: DirectClient, ...typeUrls: string[]): Has => {
    const has: Record<string, { version: string; resources: readonly Resource[] }> = {};
    for (const typeUrl of typeUrls.length > 0 ? typeUrls : Object.keys(names)) {
      client.want(typeUrl, ...(names[typeUrl] ?? []));
      const response = client.read() ?? client.next();
      if (!response) throw new Error(`no response with ${typeUrl}`);
      client.ack(response);
      has[typeUrl] = { version: response.versionInfo, resources: response.resources };
    }
    return has;
  };

  /** A client that has route r to c1, of a server in whose place another one serves r to c2. */
  function moved(remembers: boolean) {
    const world = new World(remembers);
    world.serve(cluster("c1"), routeToC("r", 1), listenerToR("l", ""));
    const client = world.server.open(variant);
    const has = takeFirst(client);
    client.close();
    world.restart(cluster("c2"), routeToC("r", 2), listenerToR("l", ""));
    return { world, has, back: world.server.open(variant) };
  }

  it("P36 P49 P54 keeps the cluster of its old route until the route has moved, also after a restart", () => {
    const { back, has } = moved(true);
    asks(back, has, clusterType);
    back.take(clusterType, ...whole(["c1@1", "c2@1"], ["c2@1"]));
    asks(back, has, listenerType, routeType);
    takeNothing(back, listenerType);
    const route = back.expect(routeType, ["r@2"]);
    back.quietFor(20 * second);
    back.ack(route);
    back.take(clusterType, ...whole(["c2@1"], [], ["c1"]));
    back.quietFor(20 * second);
  });

  it("P36 P49 P54 from a server without known versions: in SotW it loses that cluster at once, in delta it keeps the cluster", () => {
    const { back, has } = moved(false);
    asks(back, has, clusterType);
    back.take(clusterType, ["c2@1"]);
    asks(back, has, listenerType, routeType);
    takeNothing(back, listenerType);
    const route = back.expect(routeType, ["r@2"]);
    back.ack(route);
    if (variant === "delta") back.take(clusterType, [], ["c1"]);
    back.quietFor(20 * second);
  });

  it("P36 P54 keeps what a listener of before uses while that drains", () => {
    const world = new World();
    world.serve(cluster("c1"), listenerToC("l", 1));
    const client = world.server.open(variant);
    for (const typeUrl of [clusterType, listenerType]) client.want(typeUrl, ...all);
    const before = [client.take(clusterType, ["c1@1"]), client.take(listenerType, ["l@1"])];
    world.serve(cluster("c2"), listenerToC("l", 2));
    const clusters = client.take(clusterType, ...whole(["c1@1", "c2@1"], ["c2@1"]));
    const listeners = client.take(listenerType, ["l@2"]);
    client.quietFor(10 * second);
    client.close();
    world.restart(cluster("c2"), listenerToC("l", 2));
    const back = world.server.open(variant);
    const has = {
      [clusterType]: { version: clusters.versionInfo, resources: [cluster("c1"), cluster("c2")] },
      [listenerType]: { version: listeners.versionInfo, resources: [listenerToC("l", 2)] },
      [routeType]: { version: before[0]?.versionInfo ?? "", resources: [] },
    };
    asks(back, has, clusterType, listenerType);
    back.take(clusterType, ...whole(["c1@1", "c2@1"], []));
    takeNothing(back, listenerType);
    back.quietFor(drainTimeMs - second);
    world.server.pass(20 * second);
    back.take(clusterType, ...whole(["c2@1"], [], ["c1"]));
    back.quietFor(drainTimeMs);
  });

  it("P53 asks for its clusters late: a route that has moved to a new cluster waits for that", () => {
    const { back, has } = moved(true);
    asks(back, has, listenerType, routeType);
    takeNothing(back, listenerType);
    if (variant === "sotw") back.take(routeType, ["r@1"]);
    back.quietFor(10 * second);
    asks(back, has, clusterType);
    back.take(clusterType, ...whole(["c1@1", "c2@1"], ["c2@1"]));
    back.take(routeType, ["r@2"]);
    back.take(clusterType, ...whole(["c2@1"], [], ["c1"]));
    back.quietFor(20 * second);
  });

  it("P53 never asks for its clusters: the route waits as long as Envoy waits for something that is missing", () => {
    const { world, back, has } = moved(true);
    asks(back, has, listenerType, routeType);
    takeNothing(back, listenerType);
    if (variant === "sotw") back.take(routeType, ["r@1"]);
    back.quietFor(14 * second);
    world.server.pass(2 * second);
    back.take(routeType, ["r@2"]);
    back.quietFor(20 * second);
  });

  it("P53 never asks for its clusters: a route with a cluster that is not served does not wait", () => {
    const world = new World();
    world.serve(routeToC("r", 1), listenerToR("l", ""));
    const client = world.server.open(variant);
    const has = takeFirst(client, listenerType, routeType);
    client.close();
    world.serve(routeToC("r", 2), listenerToR("l", ""));
    const back = world.server.open(variant);
    asks(back, has, routeType);
    back.take(routeType, ["r@2"]);
  });

  it("P53 has a route that it brought unchanged wait for a new cluster", () => {
    const world = new World();
    world.serve(cluster("c1"), routeToC("r", 1), listenerToR("l", ""));
    const client = world.server.open(variant);
    const has = takeFirst(client);
    client.close();
    const back = world.server.open(variant);
    asks(back, has, clusterType, listenerType, routeType);
    world.serve(cluster("c2"), routeToC("r", 2), listenerToR("l", ""));
    const clusters = back.expect(clusterType, ...whole(["c1@1", "c2@1"], ["c2@1"]));
    back.nack(clusters, "c2: refused");
    takeNothing(back, listenerType);
    if (variant === "sotw") back.take(routeType, ["r@1"]);
    back.quietFor(4 * second);
  });

  it("P54 after a refusal, keeps the cluster of its route, although what it reports is no evidence", () => {
    const world = new World();
    world.serve(cluster("c1"), routeToC("r", 1), listenerToR("l", ""));
    const client = world.server.open(variant);
    const has = takeFirst(client);
    world.serve(cluster("c1"), cluster("c2"), routeToC("r", 1), listenerToR("l", ""));
    client.nack(client.expect(clusterType, ...whole(["c1@1", "c2@1"], ["c2@1"])), "c2: refused");
    client.close();
    const back = world.server.open(variant);
    asks(back, has, clusterType, listenerType, routeType);
    world.serve(cluster("c3"), routeToC("r", 3), listenerToR("l", ""));
    back.take(clusterType, ["c1@1", "c3@1"]); // in delta too: it is sent again what it reports
  });

  it("P36 with what is served gets nothing of clusters and listeners", () => {
    const { has } = moved(true);
    const world = new World();
    world.serve(cluster("c1"), routeToC("r", 1), listenerToR("l", ""));
    const back = world.server.open(variant);
    asks(back, has, clusterType, listenerType);
    takeNothing(back, clusterType, listenerType);
    back.quietFor(20 * second);
  });
});

describe("a name that is not served, SotW", () => {
  for (const [name, typeUrl, served] of [
    ["route configuration", routeType, [route("other")]],
    ["endpoints of a cluster", endpointType, [cluster("r")]],
  ] as const)
    it(`P36 P56 ${name}: gets a placeholder, but not where the client brings it from an earlier stream`, () => {
      const world = new World(false);
      world.serve(...served);
      const client = world.server.open("sotw");
      client.want(typeUrl, "r");
      client.take(typeUrl, ["r@"]);
      client.close();
      const back = world.server.open("sotw");
      back.comeBackWith(typeUrl, { version: "of before", resources: [] }, "r");
      back.quietFor(20 * second);
      back.want(typeUrl, "r", "r2");
      if (typeUrl === routeType) back.take(typeUrl, ["r2@"]);
    });
});

describe("a client that comes back, in SotW", () => {
  it.each([
    ["that are known of before", true, ["c1@1", "c2@1"]],
    ["that nobody knows any more", "all but endpoints", ["c2@1"]],
  ] as const)("P36 P40 keeps the endpoints of a cluster that a draining listener uses, %s", (_, known, told) => {
    const world = new World(known);
    world.serve(edsCluster("c1"), endpoints("c1"), listenerToC("l", 1));
    const client = world.server.open("sotw");
    client.want(clusterType);
    client.want(endpointType, "c1", "c2");
    client.want(listenerType);
    client.take(clusterType, ["c1@1"]);
    client.take(endpointType, ["c1@1"]);
    client.take(listenerType, ["l@1"]);
    world.serve(edsCluster("c2"), endpoints("c2"), listenerToC("l", 2));
    const clusters = client.take(clusterType, ["c1@1", "c2@1"]);
    const last = client.take(endpointType, ["c2@1"]);
    const listeners = client.take(listenerType, ["l@2"]);
    client.close();
    world.restart(edsCluster("c2"), endpoints("c2"), listenerToC("l", 2));
    const back = world.server.open("sotw");
    back.comeBackWith(clusterType, { version: clusters.versionInfo, resources: [] });
    back.comeBackWith(endpointType, { version: last.versionInfo, resources: [] }, "c1", "c2");
    back.comeBackWith(listenerType, { version: listeners.versionInfo, resources: [] });
    back.take(clusterType, ["c1@1", "c2@1"]);
    back.take(endpointType, told); // and nothing that leaves c1 without endpoints
    back.quietFor(drainTimeMs - second);
  });
});

describe.each([["by the same server"], ["after a restart"]])("a client that was away, %s", (when) => {
  it.each(["sotw", "delta"] as const)(
    "P36 P40 gets the endpoints of a cluster that is still warming, %s",
    (variant) => {
      const world = new World();
      const c2 = [edsCluster("c2"), endpoints("c2")];
      world.serve(edsCluster("c1"), endpoints("c1"));
      world.serve(...c2);
      if (when === "after a restart") world.restart(...c2);
      const back = world.server.open(variant);
      // Envoy does not ask for clusters before it has the endpoints of c1.
      back.comeBackWith(endpointType, { version: "of before", resources: [endpoints("c0")] }, "c0", "c1");
      back.take(endpointType, variant === "sotw" ? ["c1@1"] : [], variant === "sotw" ? [] : ["c1"]);
      back.quietFor(4 * second);
    },
  );
});

describe("a version with marks, SotW", () => {
  it("P36 has a mark for each old copy of the client", () => {
    const world = new World();
    world.serve(cluster("c0"), cluster("c1"), listenerToC("l", 1));
    const client = world.server.open("sotw");
    client.want(clusterType);
    client.take(clusterType, ["c0@1", "c1@1"]);
    client.want(listenerType);
    client.take(listenerType, ["l@1"]);
    world.serve(cluster("c1"), listenerToC("l", 1));
    const plain = client.take(clusterType, ["c1@1"]);
    world.serve(cluster("c2"), listenerToC("l", 2));
    const mixed = client.take(clusterType, ["c1@1", "c2@1"]);
    expect(plain.versionInfo).toMatch(/^[0-9a-f]{16}$/);
    expect(mixed.versionInfo).toMatch(/^[0-9a-f]{16}\+[0-9a-f]{8}$/);
    client.close();
    world.restart(cluster("c4"), listenerToC("l", 4));
    const back = world.server.open("sotw");
    const had = { version: mixed.versionInfo, resources: [] };
    back.comeBackWith(clusterType, had);
    back.take(clusterType, ["c1@1", "c2@1", "c4@1"]);
  });
});
