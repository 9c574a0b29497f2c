import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { cluster, endpoints, listener, listenerToC, listenerToR, route, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
route("r", ""); // what is answered for a route configuration that does not exist (P40)
const versions = (...resources: Resource[]) =>
  Object.fromEntries(resources.map(({ name, version }) => [name, version]));

/** A new stream on a server that was started anew. */
const reconnected = (served: Resource[], options = {}) => {
  const server = new DirectServer(cacheOf(...served), {}, options);
  return { server, client: server.open("delta") };
};

describe("a client that comes back, delta", () => {
  it("P49 P54 has removals of clusters wait until its first requests of listeners and routes, and until its old routes are replaced", () => {
    const { client } = reconnected([cluster("c2"), routeToC("r2", 2), listenerToR("l", 2)], { drainTimeMs: 0 });
    client.wantWith(clusterType, versions(cluster("c1")), "*");
    client.take(clusterType, ["c2@1"]);
    client.quiet();
    client.wantWith(listenerType, versions(listenerToR("l", 2)), "*");
    client.take(listenerType, []);
    client.quiet();
    client.wantWith(routeType, versions(routeToC("r2", 1)), "r2");
    const moved = client.expect(routeType, ["r2@2"]);
    client.quietFor(2 * second);
    client.ack(moved);
    client.take(clusterType, [], ["c1"]);
    client.quietFor(60 * second);
  });

  it("P49 P54 has them wait until its old listeners are replaced", () => {
    const { client } = reconnected([cluster("c2"), listenerToC("l", 2)], { drainTimeMs: 0 });
    client.wantWith(clusterType, versions(cluster("c1")), "*");
    client.take(clusterType, ["c2@1"]);
    client.wantWith(listenerType, versions(listenerToC("l", 1)), "*");
    const moved = client.expect(listenerType, ["l@2"]);
    client.want(routeType, "r");
    client.take(routeType, ["r@"]);
    client.quietFor(2 * second);
    client.ack(moved);
    client.take(clusterType, [], ["c1"]);
    client.quiet();
  });

  it("P49 P54 has them wait 5 s from the stream's start at most", () => {
    const { client, server } = reconnected([cluster("c2"), listener("l")]);
    client.wantWith(clusterType, versions(cluster("c1")), "*");
    client.take(clusterType, ["c2@1"]);
    client.quietFor(4.9 * second);
    server.pass(200);
    client.take(clusterType, [], ["c1"]);
  });

  it("P49 P54 has removals of endpoints wait too", () => {
    const { client, server } = reconnected([cluster("c2"), endpoints("e2")], { drainTimeMs: 0 });
    client.wantWith(endpointType, versions(endpoints("e1"), endpoints("e2")), "e1", "e2");
    client.quietFor(4.9 * second);
    server.pass(200);
    client.take(endpointType, [], ["e1"]);
    client.quiet();
  });

  it("P49 waits for nothing where the client reports nothing", () => {
    const { client } = reconnected([cluster("c2")]);
    client.want(clusterType, "*");
    client.take(clusterType, ["c2@1"]);
    client.quiet();
  });

  it("P49 P56 answers a missing name that the client does not have at once", () => {
    const { client } = reconnected([cluster("c2")]);
    client.wantWith(clusterType, versions(cluster("c2")), "c2", "c3");
    client.take(clusterType, [], ["c3"]);
    client.quiet();
  });

  it("P49 is sent what has changed of clusters at once", () => {
    const { client } = reconnected([cluster("c1", 2), cluster("c2")]);
    client.wantWith(clusterType, versions(cluster("c1"), cluster("c2"), cluster("c0")), "*");
    client.take(clusterType, ["c1@2"]);
    client.quiet();
  });
});
