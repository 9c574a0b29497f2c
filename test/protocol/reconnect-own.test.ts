import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { cluster, edsCluster, endpoints, listener, listenerToR, route, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
const drainTimeMs = 30 * second;
route("r", ""); // what is answered for a route configuration that does not exist (P40)
const versions = (...resources: Resource[]) =>
  Object.fromEntries(resources.map(({ name, version }) => [name, version]));

/** A server that was started anew, and new streams of the same client: one for each type. */
function reconnected(...served: Resource[]) {
  const cache = cacheOf(...served);
  const server = new DirectServer(cache, {}, { drainTimeMs, retryRefused: false });
  return {
    server,
    open: (typeUrl: string) => server.open("delta", { own: typeUrl }),
    serve: (...next: Resource[]) => cache.set("n", Snapshot.of(next)),
  };
}

describe("a client that comes back with a stream for each type, delta", () => {
  for (const { name, typeUrl, make } of [
    { name: "clusters", typeUrl: clusterType, make: cluster },
    { name: "listeners", typeUrl: listenerType, make: listener },
  ])
    it(`P49 ${name}: old versions are replaced, current ones are skipped, and removals do not wait`, () => {
      const { open } = reconnected(make("a", 2), make("b"));
      const stream = open(typeUrl);
      stream.wantWith(typeUrl, versions(make("a"), make("b"), make("gone")), "*");
      stream.take(typeUrl, ["a@2"], ["gone"]);
      stream.quietFor(2 * drainTimeMs);
    });

  it("P49 endpoints that no longer exist are removed at once: only on ADS does the server wait for what may refer to them", () => {
    const { open } = reconnected(edsCluster("e1", 2), endpoints("e1", 2));
    const stream = open(endpointType);
    stream.wantWith(endpointType, versions(endpoints("e1"), endpoints("e2")), "e1", "e2");
    stream.take(endpointType, ["e1@2"], ["e2"]);
    stream.quietFor(2 * drainTimeMs);
  });

  it("P49 P54 a removal waits for no version that the server does not know, also where that is on another stream", () => {
    const { open } = reconnected(cluster("c2"), routeToC("r", 2));
    const routes = open(routeType);
    routes.wantWith(routeType, versions(routeToC("r", 1)), "r");
    const moved = routes.expect(routeType, ["r@2"]);
    const clusters = open(clusterType);
    clusters.wantWith(clusterType, versions(cluster("c1")), "*");
    clusters.take(clusterType, ["c2@1"], ["c1"]);
    routes.ack(moved);
    routes.quietFor(2 * drainTimeMs);
    clusters.quiet();
  });

  it("P49 a route configuration that no longer exists stays until the client drops the name", () => {
    const { open } = reconnected(routeToC("r2", 2), listenerToR("l", 2));
    const stream = open(routeType);
    stream.wantWith(routeType, versions(routeToC("r1", 1), routeToC("r2", 1)), "r1", "r2");
    stream.take(routeType, ["r2@2"]);
    stream.quietFor(drainTimeMs - 2 * second);
    stream.want(routeType, "r2");
    stream.quietFor(2 * drainTimeMs);
  });

  it("P49 a route configuration that no longer exists stays for drainTimeMs at most", () => {
    const { open, server } = reconnected(routeToC("r2", 2));
    const stream = open(routeType);
    stream.wantWith(routeType, versions(routeToC("r1", 1), routeToC("r2", 2)), "r1", "r2");
    stream.quietFor(drainTimeMs - second);
    server.pass(2 * second);
    stream.take(routeType, [], ["r1"]);
    stream.quietFor(2 * drainTimeMs);
  });

  it("P49 P54 a route configuration that is created again is sent, unless the client has it", () => {
    const { open, serve, server } = reconnected(routeToC("r2", 2));
    const stream = open(routeType);
    stream.wantWith(routeType, versions(routeToC("r1", 1)), "r1");
    stream.quietFor(second);
    serve(routeToC("r1", 1));
    stream.quietFor(second);
    serve(routeToC("r2", 2));
    stream.quietFor(second);
    serve(routeToC("r1", 3));
    stream.take(routeType, ["r1@3"]);
    server.pass(2 * drainTimeMs);
    stream.quiet();
  });

  it("P49 P18 what the client refuses leaves it with its old version: only that one needs nothing", () => {
    const { open, serve } = reconnected(cluster("c", 2));
    const stream = open(clusterType);
    stream.wantWith(clusterType, versions(cluster("c", 1)), "*");
    stream.nack(stream.expect(clusterType, ["c@2"]));
    stream.quietFor(second);
    serve(cluster("c", 1));
    stream.quietFor(second);
    serve(cluster("c", 3));
    stream.take(clusterType, ["c@3"]);
    stream.quiet();
  });

  it("P49 P54 later removals wait for the client's other streams, once the server knows their versions", () => {
    const { open, serve } = reconnected(cluster("c1"), routeToC("r", 1));
    const [clusters, routes] = [open(clusterType), open(routeType)];
    clusters.wantWith(clusterType, versions(cluster("c1")), "*");
    routes.wantWith(routeType, versions(routeToC("r", 9)), "r");
    routes.take(routeType, ["r@1"]);
    clusters.take(clusterType, []); // all that is served it has (P46)
    serve(cluster("c2"), routeToC("r", 2));
    const moved = routes.expect(routeType, ["r@2"]);
    clusters.take(clusterType, ["c2@1"]);
    clusters.quietFor(2 * second);
    routes.ack(moved);
    clusters.take(clusterType, [], ["c1"]);
    clusters.quietFor(2 * drainTimeMs);
  });
});
