import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { beforeAll, expect, inject, it, onTestFinished } from "vitest";
import { FilterChainSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.js";
import {
  extractDescriptors,
  Resource,
  type ResourceInput,
  Snapshot,
  SnapshotCache,
  useEnvoyApi,
  XdsServer,
} from "../../src/index.js";
import { listenerType } from "../../src/resource/types.js";
import { envoyRegistry } from "../../src/schema/registry.js";
import { edgeName, edsCluster, endpoints, httpFilterChain, routeAll } from "./edge.js";
import { bootstrap, describeWithEnvoy, initFetchTimeouts, startEnvoyWith } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend, Traffic } from "./http.js";
import { adsDelta } from "./modes.js";
import { freePort } from "./ports.js";

const group = "test-node";
const mode = adsDelta; // FCDS exists in no other
const type = (name: string) => ({ "@type": `type.googleapis.com/${name}` });

/** A listener that has none of its filter chains inline; it names another one beside that of its port. */
function listener(port: number, chainName: string, { name = edgeName, other = chainName } = {}): Resource {
  const chain = (value: string) => ({
    action: { name: "chain", typed_config: { ...type("google.protobuf.StringValue"), value } },
  });
  const input = type("envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput");
  const map = { [port]: chain(chainName) };
  const json: JsonValue = {
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    fcds_config: { config_source: { resource_api_version: "V3", ads: {} } },
    filter_chain_matcher: {
      matcher_tree: { input: { name: "port", typed_config: input }, exact_match_map: { map } },
      on_no_match: chain(other),
    },
  };
  const registry = envoyRegistry();
  const schema = registry.getMessage(listenerType.slice("type.googleapis.com/".length));
  if (!schema) throw new Error("no Listener");
  return Resource.of(fromJson(schema, json, { registry }));
}

/** A filter chain with HTTP, with its routes by RDS. */
const chain = (name: string, routeName: string) =>
  create(FilterChainSchema, { name, ...httpFilterChain({ mode, statPrefix: name, routeName }) });

describeWithEnvoy("Envoy, filter chains by FCDS", () => {
  beforeAll(async () => {
    useEnvoyApi(await extractDescriptors((inject("envoy") as { binary: string }).binary));
  });

  async function start(make: (port: number) => ResourceInput[]) {
    const port = await freePort();
    const [a, b] = [await startBackend("a"), await startBackend("b")];
    const cache = new SnapshotCache();
    const clusters = [edsCluster("a", mode), edsCluster("b", mode), endpoints("a", a), endpoints("b", b)];
    const routes = [routeAll("to-a", "a"), routeAll("to-b", "b")];
    const serve = (...resources: ResourceInput[]) =>
      cache.set(group, Snapshot.of([...clusters, ...routes, ...resources]));
    serve(...make(port));
    const server = new XdsServer(cache);
    const { grpc } = await server.listen({ port: 0 });
    onTestFinished(() => server.close());
    const envoy = startEnvoyWith(JSON.stringify(bootstrap({ mode, xdsPort: grpc.port, id: group })));
    await envoy.ready();
    expect(performance.now() - envoy.startedAt).toBeLessThan(10_000);
    expect(await envoy.total(initFetchTimeouts)).toBe(0);
    const url = `http://127.0.0.1:${port}/`;
    return { envoy, port, serve, url, ask: () => get(url) };
  }

  it("starts with one, and goes over to what replaces it without a failed request", async () => {
    const { ask, envoy, port, serve, url } = await start((port) => [listener(port, "main"), chain("main", "to-a")]);
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    serve(listener(port, "main"), chain("main", "to-b"));
    await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: "b" }));
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  it("moves a listener from one to another without a failed request", async () => {
    const { ask, envoy, port, serve, url } = await start((port) => [listener(port, "main"), chain("main", "to-a")]);
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    serve(listener(port, "next"), chain("next", "to-b"), chain("main", "to-a"));
    await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: "b" }));
    serve(listener(port, "next"), chain("next", "to-b"));
    expect(await ask()).toMatchObject({ status: 200, body: "b" });
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  // Envoy ACKs a listener before it is warm. Until then the older one is in use, and with it the older filter chain.
  // With 20 swaps in a second, Envoy 1.40 hangs up on a new connection in about one run of five. It does so as well where
  // every filter chain stays served, so that the server removes nothing.
  // biome-ignore lint/suspicious/noSkippedTests: fails whatever the server does
  it.skip("P54 likewise when the same change removes the older one (skipped: Envoy hangs up at times)", async () => {
    const { ask, port, serve, url } = await start((port) => [listener(port, "0"), chain("0", "to-a")]);
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    for (let round = 1; round <= 20; round++) {
      const to = round % 2 === 0 ? "a" : "b";
      serve(listener(port, `${round}`), chain(`${round}`, `to-${to}`));
      await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: to }));
    }
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
  });

  it("a listener that names a further one goes on with the one that it has", async () => {
    const { ask, envoy, port, serve, url } = await start((port) => [listener(port, "main"), chain("main", "to-a")]);
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    serve(listener(port, "main", { other: "further" }), chain("main", "to-a"), chain("further", "to-b"));
    await eventually(async () => expect(await envoy.stat("listener_manager.lds.update_success")).toBe(2));
    await eventually(async () => expect(await envoy.stat("listener_manager.total_listeners_warming")).toBe(0));
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  it("P40 one that does not exist stalls neither its listener nor others; P41 it may come", async () => {
    const second = await freePort();
    const { ask, envoy, port, serve } = await start((port) => [
      listener(port, "main", { other: "missing" }),
      listener(second, "missing", { name: "second" }),
      chain("main", "to-a"),
    ]);
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const askSecond = () => get(`http://127.0.0.1:${second}/`);
    await expect(askSecond()).rejects.toThrow();
    serve(
      listener(port, "main", { other: "missing" }),
      listener(second, "missing", { name: "second" }),
      chain("main", "to-a"),
      chain("missing", "to-b"),
    );
    await eventually(async () => expect(await askSecond()).toMatchObject({ status: 200, body: "b" }));
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  it("P16 one that Envoy refuses leaves the one that it has, and the others go on", async () => {
    const { ask, envoy, port, serve } = await start((port) => [
      listener(port, "main", { other: "good" }),
      chain("main", "to-a"),
      chain("good", "to-a"),
    ]);
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const bad = create(FilterChainSchema, { name: "main", filters: [{ name: "of no type" }] });
    serve(listener(port, "main", { other: "good" }), bad, chain("good", "to-b"));
    await eventually(async () => expect(await envoy.total(/.*main\.update_rejected/)).toBeGreaterThan(0));
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    serve(listener(port, "main", { other: "good" }), chain("main", "to-b"), chain("good", "to-b"));
    await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: "b" }));
  });
});
