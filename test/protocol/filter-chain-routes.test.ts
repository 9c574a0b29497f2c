import { fromJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, filterChainType, listenerType, routeType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { cluster, filterChainToR, labelled, listenerToC, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
const drainTimeMs = 30 * second;

/** A listener that takes its filter chain `f<content>` by FCDS. */
function fcdsListener(name: string, content: number): Resource {
  const value = { "@type": "type.googleapis.com/google.protobuf.StringValue", value: `f${content}` };
  const json = {
    name,
    fcds_config: { config_source: { ads: {} } },
    filter_chain_matcher: { on_no_match: { action: { name: "chain", typed_config: value } } },
  };
  const registry = envoyRegistry();
  const schema = registry.getMessage("envoy.config.listener.v3.Listener");
  if (!schema) throw new Error("no Listener");
  return labelled(Resource.of(fromJson(schema, json, { registry })), content);
}

/** A client that has all clusters and listeners, and these filter chains and routes. */
function start(chains: string[], routes: string[], resources: Resource[]) {
  const cache = cacheOf(...resources);
  const server = new DirectServer(cache, {}, { drainTimeMs, retryRefused: false });
  const client = server.open("delta"); // FCDS exists in no other variant
  const wanted = { [clusterType]: [], [listenerType]: [], [filterChainType]: chains, [routeType]: routes };
  for (const [typeUrl, names] of Object.entries<string[]>(wanted)) {
    if (names.length > 0 || [clusterType, listenerType].includes(typeUrl)) client.want(typeUrl, ...names);
    for (let answer = client.next(); answer; answer = client.next()) client.ack(answer);
  }
  client.quiet();
  return { server, client, serve: (...next: Resource[]) => cache.set("n", Snapshot.of(next)) };
}

describe("a listener that is warming, filter chains", () => {
  it("P54 has what the old one refers to stay until its filter chain is answered, and the old one has drained", () => {
    const { client, server, serve } = start([], [], [cluster("c1"), listenerToC("l", 1)]);
    serve(cluster("c2"), routeToC("r2", 2), fcdsListener("l", 2), filterChainToR("f2", 2));
    client.take(clusterType, ["c2@1"]);
    client.take(listenerType, ["l@2"]);
    client.want(filterChainType, "f2");
    const chain = client.expect(filterChainType, ["f2@2"]);
    client.quietFor(10 * drainTimeMs);
    client.ack(chain);
    client.want(routeType, "r2");
    client.take(routeType, ["r2@2"]);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, [], ["c1"]);
    client.quietFor(2 * drainTimeMs);
  });

  it("P54 has it stay until the routes of its filter chain are answered too", () => {
    const { client, server, serve } = start([], [], [cluster("c1"), listenerToC("l", 1)]);
    serve(cluster("c2"), routeToC("r2", 2), fcdsListener("l", 2), filterChainToR("f2", 2));
    client.take(clusterType, ["c2@1"]);
    client.take(listenerType, ["l@2"]);
    client.want(filterChainType, "f2");
    client.take(filterChainType, ["f2@2"]);
    client.want(routeType, "r2");
    const routes = client.expect(routeType, ["r2@2"]);
    client.quietFor(10 * drainTimeMs);
    client.ack(routes);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, [], ["c1"]);
  });

  it("P54 waits 15 s for a filter chain that does not exist, and not for longer", () => {
    const { client, server, serve } = start([], [], [cluster("c1"), listenerToC("l", 1)]);
    serve(cluster("c2"), fcdsListener("l", 2));
    client.take(clusterType, ["c2@1"]);
    client.take(listenerType, ["l@2"]);
    client.want(filterChainType, "f2");
    client.take(filterChainType, [], ["f2"]);
    client.quietFor(15 * second + drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, [], ["c1"]);
  });
});

describe("an old filter chain", () => {
  it("P54 that is replaced drains: its routes, and their cluster, stay until the client drops that name", () => {
    const first = [cluster("c1"), routeToC("r1", 1), fcdsListener("l", 1), filterChainToR("f1", 1)];
    const { client, serve } = start(["f1"], ["r1"], first);
    serve(cluster("c2"), routeToC("r2", 2), fcdsListener("l", 1), filterChainToR("f1", 2));
    client.take(clusterType, ["c2@1"]);
    client.take(filterChainType, ["f1@2"]);
    client.want(routeType, "r1", "r2");
    client.take(routeType, ["r2@2"]);
    client.quietFor(drainTimeMs - 2 * second);
    client.want(routeType, "r2");
    client.take(clusterType, [], ["c1"]);
    client.quietFor(2 * drainTimeMs);
  });

  it("P54 that a listener leaves for another drains with it, and so do its routes and their cluster", () => {
    const first = [cluster("c1"), routeToC("r1", 1), fcdsListener("l", 1), filterChainToR("f1", 1)];
    const { client, serve } = start(["f1"], ["r1"], first);
    serve(cluster("c2"), routeToC("r2", 2), fcdsListener("l", 2), filterChainToR("f2", 2));
    client.take(clusterType, ["c2@1"]);
    client.take(listenerType, ["l@2"]);
    client.want(filterChainType, "f1", "f2");
    client.take(filterChainType, ["f2@2"]);
    client.want(routeType, "r1", "r2");
    client.take(routeType, ["r2@2"]);
    client.quietFor(drainTimeMs - 2 * second);
    client.want(filterChainType, "f2"); // the old listener has drained
    client.want(routeType, "r2");
    client.take(clusterType, [], ["c1"]);
    client.quietFor(2 * drainTimeMs);
  });
});
