import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClientResourceStatus } from "../../gen/envoy/admin/v3/config_dump_shared_pb.js";
import {
  type ClientConfig,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
} from "../../gen/envoy/service/status/v3/csds_pb.js";
import type { Caller } from "../../src/caller.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  routeType,
  Snapshot,
  SnapshotCache,
  scopedRouteType,
  secretType,
  XdsError,
} from "../../src/index.js";
import { Resource } from "../../src/resource/resource.js";
import { routeAll } from "../e2e/edge.js";
import { adsWays, allWays, on, TestServer } from "../protocol/harness.js";
import {
  cluster,
  endpoints,
  extensionConfig,
  labelOf,
  listener,
  route,
  scopedRoute,
  secret,
  unreadable,
} from "../protocol/resources.js";

type Request = MessageInitShape<typeof ClientStatusRequestSchema>;
const path = (method: string) => `/envoy.service.status.v3.ClientStatusDiscoveryService/${method}ClientStatus`;
const encode = (request: Request) =>
  Buffer.from(toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, request)));
const decode = (bytes: Uint8Array) => fromBinary(ClientStatusResponseSchema, bytes).config;

async function fetch(test: TestServer, request: Request = {}): Promise<ClientConfig[]> {
  return decode(await test.unary(path("Fetch"), encode(request)));
}

/** The generic rows, in short: name, status here, status at the client, the config's label. */
const rows = (config: ClientConfig | undefined) =>
  config?.genericXdsConfigs.map(({ name, configStatus, clientStatus, xdsConfig }) =>
    [name, ConfigStatus[configStatus], ClientResourceStatus[clientStatus], xdsConfig && labelOf(xdsConfig)].join(" "),
  );

on(allWays, (way) => {
  it("reports the state of each resource", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([endpoints("a")], { version: "v1" }));
    const test = await TestServer.start(cache);
    const stream = test.open(way, endpointType);
    stream.want("a", "none");
    await stream.take(["a@1"], ["none"]);
    await test.barrier();
    const [config, ...others] = await fetch(test);
    expect(others).toEqual([]);
    expect(config?.node?.id).toBe("n");
    const none = way.variant === "delta" ? "none SYNCED DOES_NOT_EXIST " : "none NOT_SENT REQUESTED ";
    expect(rows(config)).toEqual(["a SYNCED ACKED a@1", none]);
    const { acked } = test.server.nodes()[0]?.types[0] ?? {};
    const first = config?.genericXdsConfigs[0];
    expect(first?.versionInfo).toBe(way.variant === "delta" ? endpoints("a").version : "v1");
    expect(Number(first?.lastUpdated?.seconds)).toBe(Math.floor((acked?.at ?? 0) / 1_000));

    cache.set("n", Snapshot.of([endpoints("a", 2)], { version: "v2" }));
    expect(rows((await fetch(test))[0])?.[0]).toBe("a STALE ACKED a@2");
    stream.nack(await stream.expect(["a@2"]), "no such locality");
    await test.barrier();
    const [refused] = await fetch(test);
    expect(rows(refused)?.[0]).toBe("a ERROR NACKED a@2");
    const versionInfo = way.variant === "delta" ? endpoints("a", 2).version : "v2";
    const errorState = { details: "no such locality", versionInfo, lastUpdateAttempt: expect.anything() };
    expect(refused?.genericXdsConfigs[0]).toMatchObject({ errorState });
    expect(labelOf(refused?.genericXdsConfigs[0]?.errorState?.failedConfiguration as never)).toBe("a@2");
    expect(refused?.xdsConfig[0]).toMatchObject({
      status: ConfigStatus.ERROR,
      perXdsConfig: { case: "endpointConfig", value: { dynamicEndpointConfigs: [{ errorState }, {}] } },
    });

    cache.set("n", Snapshot.of([endpoints("a", 3)], { version: "v3" }));
    await stream.take(["a@3"]);
    await test.barrier();
    const [mended] = await fetch(test);
    expect(rows(mended)?.[0]).toBe("a SYNCED ACKED a@3");
    expect(mended?.genericXdsConfigs[0]?.errorState).toBeUndefined();
  });
});

on(allWays, (way) => {
  it("reports DOES_NOT_EXIST for a missing route configuration, although its placeholder is ACKed (P40)", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([listener("l")], { version: "v1" }));
    const test = await TestServer.start(cache);
    const stream = test.open(way, routeType);
    stream.want("r");
    const placeholder = await stream.expect([way.variant === "delta" ? "r (unknown content)" : "? (unknown content)"]);
    expect(rows((await fetch(test))[0])).toEqual(["r STALE REQUESTED "]);
    stream.ack(placeholder);
    await test.barrier();
    const [missing] = await fetch(test);
    expect(rows(missing)).toEqual(["r SYNCED DOES_NOT_EXIST "]);
    expect(missing?.genericXdsConfigs[0]?.versionInfo).toBe("");

    cache.set("n", Snapshot.of([listener("l"), route("r")], { version: "v2" }));
    const real = await stream.expect(["r@1"]);
    const [coming] = await fetch(test);
    expect(rows(coming), "nothing but the placeholder was taken").toEqual(["r STALE REQUESTED r@1"]);
    expect(coming?.genericXdsConfigs[0]?.versionInfo).toBe("");
    stream.ack(real);
    await test.barrier();
    expect(rows((await fetch(test))[0])).toEqual(["r SYNCED ACKED r@1"]);

    cache.set("n", Snapshot.of([listener("l")], { version: "v3" }));
    if (way.variant === "delta") await stream.take([], ["r"]);
    await test.barrier();
    // SotW has no way to announce that it is gone.
    expect(rows((await fetch(test))[0])).toEqual([
      way.variant === "delta" ? "r SYNCED DOES_NOT_EXIST " : "r NOT_SENT REQUESTED ",
    ]);
  });
});

on(adsWays, (way) => {
  it("has a dump of each type as Envoy makes it", async () => {
    const cache = new SnapshotCache();
    const all = [cluster("c"), endpoints("c"), listener("l"), scopedRoute("s"), route("r")];
    cache.set("n", Snapshot.of(all, { version: "v1" }));
    const test = await TestServer.start(cache);
    const stream = test.open(way, clusterType);
    const names: [string, string, string][] = [
      [clusterType, "c", "clusterConfig"],
      [endpointType, "c", "endpointConfig"],
      [listenerType, "l", "listenerConfig"],
      [scopedRouteType, "s", "scopedRouteConfig"],
      [routeType, "r", "routeConfig"],
    ];
    for (const [type, name] of names) {
      stream.of(type).want(name);
      await stream.of(type).take([`${name}@1`]);
    }
    await test.barrier();
    const [config] = await fetch(test);
    expect(config?.xdsConfig.map(({ status, perXdsConfig }) => [ConfigStatus[status], perXdsConfig.case])).toEqual(
      names.map(([, , dump]) => ["SYNCED", dump]),
    );
    const common = { versionInfo: expect.stringMatching(/./), lastUpdated: expect.anything() };
    expect(config?.xdsConfig.map(({ perXdsConfig }) => perXdsConfig.value)).toMatchObject([
      { versionInfo: "v1", dynamicActiveClusters: [{ cluster: { typeUrl: clusterType }, ...common }] },
      { dynamicEndpointConfigs: [{ endpointConfig: { typeUrl: endpointType }, ...common }] },
      {
        versionInfo: "v1",
        dynamicListeners: [{ name: "l", activeState: { listener: { typeUrl: listenerType }, ...common } }],
      },
      { dynamicScopedRouteConfigs: [{ name: "s", scopedRouteConfigs: [{ typeUrl: scopedRouteType }], ...common }] },
      { dynamicRouteConfigs: [{ routeConfig: { typeUrl: routeType }, ...common }] },
    ]);
    const [bare] = await fetch(test, { excludeResourceContents: true });
    expect(bare?.genericXdsConfigs.map(({ name, xdsConfig }) => [name, xdsConfig])).toEqual(
      names.map(([, name]) => [name, undefined]),
    );
    expect(JSON.stringify(bare?.xdsConfig, (_, value) => (typeof value === "bigint" ? 0 : value))).not.toContain(
      clusterType,
    );
  });

  it("shows no secrets, neither of what is served nor of what was refused", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([secret("key", 12345)]));
    const test = await TestServer.start(cache);
    const stream = test.open(way, secretType);
    stream.want("key");
    stream.nack(await stream.expect(["key@12345"]));
    await test.barrier();
    const bytes = await test.unary(path("Fetch"), encode({}));
    expect(bytes.includes("12345")).toBe(false);
    expect(bytes.includes("[redacted]")).toBe(true);
    expect(decode(bytes)[0]?.genericXdsConfigs[0]).toMatchObject({ name: "key", configStatus: ConfigStatus.ERROR });
  });

  it("reports unreadable content as not shown, and shows everything else", async () => {
    const cache = new SnapshotCache();
    const [good, bad] = [extensionConfig("good"), unreadable("bad")];
    cache.set("n", Snapshot.of([good, bad]));
    const test = await TestServer.start(cache);
    const stream = test.open(way, extensionConfigType);
    stream.want("good", "bad");
    stream.ack(await stream.next());
    await test.barrier();
    const [config] = await fetch(test);
    const details = expect.stringContaining("its content cannot be shown here: ") as string;
    expect(config?.genericXdsConfigs).toMatchObject([
      { name: "good", clientStatus: ClientResourceStatus.ACKED, xdsConfig: { typeUrl: extensionConfigType } },
      { name: "bad", clientStatus: ClientResourceStatus.ACKED, errorState: { details } },
    ]);
    expect(config?.genericXdsConfigs[1]?.xdsConfig).toBeUndefined();
  });

  it("answers every request of a stream, for the nodes that it picks", async () => {
    const cache = new SnapshotCache({ nodeGroup: () => "all" });
    cache.set("all", Snapshot.of([cluster("c")]));
    const test = await TestServer.start(cache);
    for (const id of ["edge-1", "edge-2", "Inner-1"]) {
      const stream = test.open(way, clusterType, id);
      stream.want();
      await stream.take(["c@1"]);
    }
    const call = test.call(path("Stream"));
    const answers: string[][] = [];
    const matchers = (...matchPattern: { case: "exact" | "prefix" | "suffix" | "contains"; value: string }[]) =>
      encode({ nodeMatchers: matchPattern.map((pattern) => ({ nodeId: { matchPattern: pattern } })) });
    const done = new Promise((resolve) => call.on("end", resolve));
    call.on("data", (bytes: Buffer) => answers.push(decode(bytes).map(({ node }) => node?.id ?? "")));
    call.write(encode({}));
    call.write(matchers({ case: "exact", value: "edge-2" }));
    call.write(matchers({ case: "prefix", value: "Inner" }, { case: "suffix", value: "1" }));
    call.write(matchers({ case: "contains", value: "nothing" }));
    call.end();
    await done;
    expect(answers).toEqual([["edge-1", "edge-2", "Inner-1"], ["edge-2"], ["edge-1", "Inner-1"], []]);
  });
});

on(adsWays, (way) => {
  it("reports under a wildcard what is held back, unanswered, not sent and refused", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([cluster("old"), cluster("same"), routeAll("r", "old")]));
    const test = await TestServer.start(cache);
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.take(["old@1", "same@1"]);
    stream.of(routeType).want("r");
    stream.ack(await stream.next());
    cache.set("n", Snapshot.of([cluster("same"), cluster("new"), routeAll("r", "new")]));
    const answer = await stream.next();
    expect(rows((await fetch(test))[0])).toEqual([
      "same SYNCED ACKED same@1",
      "new STALE REQUESTED new@1",
      "old STALE ACKED old@1",
      "r NOT_SENT ACKED ",
    ]);
    stream.nack(answer, "no");
    await test.barrier();
    const [config] = await fetch(test);
    const [, refused, , referrer] = rows(config) ?? [];
    expect([refused, referrer]).toEqual(["new ERROR NACKED new@1", "r STALE ACKED "]);
    const shown = config?.genericXdsConfigs[3]?.xdsConfig?.value ?? new Uint8Array();
    const served = Resource.of(routeAll("r", "new")).body;
    expect(Buffer.from(shown), "kept back, and shown as it is served").toEqual(Buffer.from(served));
  });
});

it("is a service like the others, unless it is switched off", async () => {
  const cache = new SnapshotCache();
  const test = await TestServer.start(cache);
  expect(await test.health("envoy.service.status.v3.ClientStatusDiscoveryService")).toBe(1);
  expect(await fetch(test)).toEqual([]);
  const without = await TestServer.start(cache, { csds: false });
  await expect(fetch(without)).rejects.toMatchObject({ code: 12 });
});

it("refuses requests that a callback refuses, bytes that are no request, and invalid matchers", async () => {
  const seen: unknown[] = [];
  const callbacks = {
    onClientStatusRequest: ({ peer }: Caller, node: { id: string } | undefined) => {
      seen.push([peer, node?.id]);
      if (node?.id === "stranger") throw new XdsError("NO_CONFIGURATION", "not you");
    },
  };
  const test = await TestServer.start(new SnapshotCache(), { callbacks });
  await fetch(test, { node: { id: "friend" } });
  await expect(fetch(test, { node: { id: "stranger" } })).rejects.toMatchObject({ code: 5, details: "not you" });
  expect(seen).toEqual([
    [expect.stringMatching(/^127/), "friend"],
    [expect.stringMatching(/^127/), "stranger"],
  ]);
  await expect(test.unary(path("Fetch"), Buffer.of(0xff))).rejects.toMatchObject({ code: 3 });
  await expect(fetch(test, { nodeMatchers: [{ nodeId: {} }] })).rejects.toMatchObject({ code: 3 });
  const call = test.call(path("Stream"));
  const ended = new Promise((resolve) => call.on("error", resolve));
  call.write(Buffer.of(0xff));
  expect(await ended).toMatchObject({ code: 3 });
});

it("ends its streams when the server drains", async () => {
  const test = await TestServer.start(new SnapshotCache());
  const call = test.call(path("Stream"));
  const ended = new Promise((resolve) => call.on("error", resolve));
  const answered = new Promise((resolve) => call.once("data", resolve));
  call.write(encode({}));
  await answered;
  await test.server.drain();
  expect(await ended).toMatchObject({ code: 14 });
});
