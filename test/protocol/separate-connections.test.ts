import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, routeType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { wholeOr } from "./ordered-client.js";
import { cluster, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;

describe.each(["sotw", "delta"] as const)("a stream of one type on a connection of its own, %s", (variant) => {
  const clusters = wholeOr(variant);
  const start = () => {
    const cache = cacheOf(cluster("c1"), routeToC("r", 1));
    const server = new DirectServer(cache);
    const serve = () => cache.set("n", Snapshot.of([cluster("c2"), routeToC("r", 2)]));
    return { cache, server, serve };
  };

  it("P54 belongs to the node's aggregated stream elsewhere, for 5 s", () => {
    const { server, serve } = start();
    const aggregated = server.open(variant, { peer: "one" });
    aggregated.want(routeType, "r");
    aggregated.take(routeType, ["r@1"]);
    const separate = server.open(variant, { peer: "two", own: clusterType });
    separate.want(clusterType);
    separate.take(clusterType, ["c1@1"]);
    serve();
    separate.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    const moved = aggregated.expect(routeType, ["r@2"]);
    separate.quietFor(4.8 * second);
    server.pass(400);
    separate.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    aggregated.ack(moved);
    aggregated.quiet();
  });

  it("P54 is no concern of the node's aggregated stream elsewhere: another Envoy may have that id", () => {
    const { server, serve } = start();
    const separate = server.open(variant, { peer: "two", own: routeType });
    separate.want(routeType, "r");
    separate.take(routeType, ["r@1"]);
    const aggregated = server.open(variant, { peer: "one" });
    aggregated.want(clusterType);
    aggregated.take(clusterType, ["c1@1"]);
    serve();
    aggregated.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    aggregated.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    separate.take(routeType, ["r@2"]);
  });

  it("P54 of another node is no concern of it", () => {
    const { cache, server } = start();
    cache.set("m", Snapshot.of([cluster("c1"), routeToC("r", 1)]));
    const other = server.open(variant, { peer: "one", own: routeType, node: "m" });
    other.want(routeType, "r");
    other.take(routeType, ["r@1"]);
    const separate = server.open(variant, { peer: "one", own: clusterType });
    separate.want(clusterType);
    separate.take(clusterType, ["c1@1"]);
    for (const node of ["n", "m"]) cache.set(node, Snapshot.of([cluster("c2"), routeToC("r", 2)]));
    separate.take(clusterType, ...clusters(["c2@1"], ["c2@1"], ["c1"]));
    other.expect(routeType, ["r@2"]);
  });
});
