import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime, type VariantName } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { wholeOr } from "./ordered-client.js";
import { cluster, edsCluster, endpoints, listenerToR, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;

/** A gRPC client: it names one listener, its routes, and their clusters. */
function grpcClient(variant: VariantName, resources: Resource[], options = {}) {
  const cache = cacheOf(...resources);
  const server = new DirectServer(cache, {}, options);
  const client = server.open(variant);
  client.want(listenerType, "l");
  client.take(listenerType, ["l@1"]);
  client.want(routeType, "r1");
  client.take(routeType, ["r1@1"]);
  return { server, client, serve: (...next: Resource[]) => cache.set("n", Snapshot.of(next)) };
}

describe.each(["sotw", "delta"] as const)("a client that names its clusters, %s", (variant) => {
  const clusters = wholeOr(variant);
  const base = [listenerToR("l", 1), routeToC("r1", 1)];
  const swapped = [listenerToR("l", 1), routeToC("r1", 2)];

  it("P54 keeps the old cluster, after the ACK of the new route, until it drops that name", () => {
    const { client, serve } = grpcClient(variant, [...base, cluster("c1")]);
    client.want(clusterType, "c1");
    client.take(clusterType, ["c1@1"]);
    serve(...swapped, cluster("c2"));
    client.take(routeType, ["r1@2"]); // it does not name the new cluster yet
    client.quietFor(2 * second);
    client.want(clusterType, "c1", "c2");
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.quietFor(1 * second);
    client.want(clusterType, "c2"); // with that it has let go of the old one
    client.quietFor(60 * second);
    serve(...swapped, cluster("c2", 2));
    client.take(clusterType, ["c2@2"]);
  });

  it("P54 is sent the removal of a cluster that it goes on naming after 5 s", () => {
    const { client, serve, server } = grpcClient(variant, [...base, cluster("c1")]);
    client.want(clusterType, "c1");
    client.take(clusterType, ["c1@1"]);
    serve(...swapped, cluster("c2"));
    const moved = client.expect(routeType, ["r1@2"]);
    client.quietFor(20 * second); // it could not have gone before the answer
    client.ack(moved);
    client.quietFor(4.9 * second);
    server.pass(200);
    client.take(clusterType, ...clusters([], [], ["c1"]));
    client.quiet();
  });

  it("P54 has the removal of other clusters that it names at once", () => {
    const { client, serve } = grpcClient(variant, [...base, cluster("c1"), cluster("other")]);
    client.want(clusterType, "c1", "other");
    client.take(clusterType, ["c1@1", "other@1"]);
    serve(...base, cluster("c1"));
    client.take(clusterType, ...clusters(["c1@1"], [], ["other"]));
    client.quiet();
  });

  it("P54 keeps the old cluster's endpoints too", () => {
    const { client, serve, server } = grpcClient(variant, [...base, edsCluster("c1"), endpoints("c1")]);
    client.want(clusterType, "c1");
    client.take(clusterType, ["c1@1"]);
    client.want(endpointType, "c1");
    client.take(endpointType, ["c1@1"]);
    serve(...swapped, edsCluster("c2"), endpoints("c2"));
    client.take(routeType, ["r1@2"]);
    client.want(clusterType, "c1", "c2");
    const added = client.expect(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.want(endpointType, "c1", "c2");
    client.take(endpointType, ["c2@1"]);
    client.ack(added);
    client.quietFor(second);
    client.want(clusterType, "c2");
    client.want(endpointType, "c2");
    server.pass(60 * second);
    client.quiet();
  });
});
