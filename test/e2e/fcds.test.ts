import { setTimeout as sleep } from "node:timers/promises";
import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { expect, it, onTestFinished } from "vitest";
import { FilterChainSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.js";
import {
  Resource,
  type ResourceInput,
  Snapshot,
  SnapshotCache,
  XdsServer,
  type XdsServerOptions,
} from "../../src/index.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { listenerType } from "../../src/resource/types.js";
import { edgeName, edsCluster, endpoints, httpFilterChain, inlineHttpFilterChain, routeAll } from "./edge.js";
import {
  bootstrap,
  describeWithEnvoy,
  type Envoy,
  initFetchTimeouts,
  type RunOptions,
  startEnvoyWith,
} from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend, Traffic } from "./http.js";
import { lateConfig, lateFilter } from "./late-filter.js";
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

/**
 * What failed, but for what Envoy 1.40 loses whatever the server does. When a filter chain becomes warm, Envoy first
 * makes the listener active that waits for it, and then hands the filter chain to its workers
 * (`FcdsSharedFilterChainManager::onFilterChainWarmed`). A worker closes connections that come in between, and counts
 * them. It counts those to a removed filter chain too, so a test that uses this also looks at what Envoy was told.
 */
async function failuresOfOurs({ failures }: Traffic, envoy: Envoy): Promise<string[]> {
  const isClosed = (failure: string) => /socket hang up|ECONNRESET|EPIPE/.test(failure);
  const unmatched = await envoy.total(/listener\..*\.no_filter_chain_match/);
  const closed = failures.filter(isClosed);
  return [...failures.filter((failure) => !isClosed(failure)), ...closed.slice(unmatched)];
}

/** What Envoy was told of these filter chains while it subscribed them: how often each came or was removed. */
const told = (envoy: Envoy, names: readonly string[]) =>
  Promise.all(names.map((name) => envoy.stat(`filter_chain_manager.${name}.update_success`)));

/** How many filter chains Envoy subscribes. */
const subscribed = async (envoy: Envoy) => (await envoy.stats(/filter_chain_manager\..*\.update_success/)).size;

/** The server does not wait long for the client to drop a name (P54). So only the old listener keeps it. */
const orderTimeoutMs = 200;
/** The same, and Envoy goes on using its old listeners for longer than a test takes. */
const keepsOld = { orderTimeoutMs, drainTimeS: "default" } as const;

describeWithEnvoy("Envoy, filter chains by FCDS", () => {
  async function start(
    make: (port: number) => ResourceInput[],
    options: Pick<RunOptions, "drainTimeS"> & XdsServerOptions = {},
  ) {
    const port = await freePort();
    const [a, b] = [await startBackend("a"), await startBackend("b")];
    const cache = new SnapshotCache();
    const clusters = [edsCluster("a", mode), edsCluster("b", mode), endpoints("a", a), endpoints("b", b)];
    const routes = [routeAll("to-a", "a"), routeAll("to-b", "b")];
    const serve = (...resources: ResourceInput[]) =>
      cache.set(group, Snapshot.of([...clusters, ...routes, ...resources]));
    serve(...make(port));
    const { drainTimeS, ...serverOptions } = options;
    const server = new XdsServer(cache, serverOptions);
    const { grpc } = await server.listen({ port: 0 });
    onTestFinished(() => server.close());
    const run = drainTimeS === undefined ? {} : { drainTimeS };
    const envoy = startEnvoyWith(JSON.stringify(bootstrap({ mode, xdsPort: grpc.port, id: group })), run);
    await envoy.ready();
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

  it("moves a listener to one that it names already without a failed request", async () => {
    const first = (port: number) => [listener(port, "main"), chain("main", "to-a")];
    const { ask, envoy, port, serve, url } = await start(first, { orderTimeoutMs });
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    serve(listener(port, "main", { other: "next" }), chain("main", "to-a"), chain("next", "to-b"));
    await eventually(async () => expect(await envoy.stat("listener_manager.lds.update_success")).toBe(2));
    await eventually(async () => expect(await envoy.stat("listener_manager.total_listeners_warming")).toBe(0));
    serve(listener(port, "next"), chain("next", "to-b"));
    await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: "b" }));
    await eventually(async () => expect(await subscribed(envoy)).toBe(1));
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  it("P54 likewise 20 times, each in one change that removes the older one", async () => {
    const inTurn = (round: number) => (round % 2 === 0 ? "a" : "b");
    const ofRound = (port: number, round: number) => [
      listener(port, `${round}`, { other: `${round + 1}` }),
      chain(`${round}`, `to-${inTurn(round)}`),
      chain(`${round + 1}`, `to-${inTurn(round + 1)}`),
    ];
    const { ask, envoy, port, serve, url } = await start((port) => ofRound(port, 0), { orderTimeoutMs });
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    for (let round = 1; round <= 20; round++) {
      serve(...ofRound(port, round));
      await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: inTurn(round) }));
    }
    await eventually(async () => expect(await subscribed(envoy)).toBe(2));
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  // Envoy ACKs a listener and a filter chain before they are warm. Until then it uses the older listener.
  it("P54 keeps the older one while one of the new listener warms for longer than the drain time", async () => {
    const [drainTimeMs, warmingMs] = [1_500, 3_000];
    const make = (port: number) => [
      listener(port, "main", { other: "next" }),
      chain("main", "to-a"),
      chain("next", "to-b"),
    ];
    const { ask, envoy, port, serve, url } = await start(make, { orderTimeoutMs, drainTimeMs });
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    const late = inlineHttpFilterChain({ statPrefix: "late", cluster: "b", filters: [lateFilter(mode)] });
    const next = [
      listener(port, "next", { other: "late" }),
      chain("next", "to-b"),
      create(FilterChainSchema, { name: "late", ...late }),
    ];
    serve(...next);
    await eventually(async () => expect(await envoy.stat("listener_manager.total_listeners_warming")).toBe(1));
    await sleep(warmingMs);
    expect(await envoy.stat("listener_manager.total_listeners_warming")).toBe(1);
    expect(await told(envoy, ["main"])).toEqual([1]);
    serve(...next, lateConfig);
    await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: "b" }));
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
  });

  it("P54 moves a listener to one that is new to Envoy, and removes nothing meanwhile", async () => {
    const make = (port: number) => [listener(port, "main"), chain("main", "to-a")];
    const { ask, envoy, port, serve, url } = await start(make, keepsOld);
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    serve(listener(port, "next"), chain("next", "to-b"), chain("main", "to-a"));
    await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: "b" }));
    serve(listener(port, "next"), chain("next", "to-b"));
    await sleep(2 * orderTimeoutMs);
    expect(await ask()).toMatchObject({ status: 200, body: "b" });
    await traffic.stop();
    expect(await told(envoy, ["main", "next"])).toEqual([1, 1]);
    expect(await failuresOfOurs(traffic, envoy)).toEqual([]);
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  it("P54 likewise 20 times, each time with the older one removed in the same change", async () => {
    const make = (port: number) => [listener(port, "0"), chain("0", "to-a")];
    const { ask, envoy, port, serve, url } = await start(make, keepsOld);
    expect(await ask()).toMatchObject({ status: 200, body: "a" });
    const traffic = new Traffic(url);
    const names = ["0"];
    for (let round = 1; round <= 20; round++) {
      const to = round % 2 === 0 ? "a" : "b";
      serve(listener(port, `${round}`), chain(`${round}`, `to-${to}`));
      names.push(`${round}`);
      await eventually(async () => expect(await ask()).toMatchObject({ status: 200, body: to }));
    }
    await sleep(2 * orderTimeoutMs);
    await traffic.stop();
    expect(await told(envoy, names)).toEqual(names.map(() => 1));
    expect(await failuresOfOurs(traffic, envoy)).toEqual([]);
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
