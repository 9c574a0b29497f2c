import { create } from "@bufbuild/protobuf";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import {
  clusterType,
  findResourceType,
  type ResourceType,
  Snapshot,
  SnapshotCache,
  XdsServer,
} from "../../src/index.js";
import { PollingNodes } from "../../src/server/status/polling-nodes.js";
import { cluster, endpoints } from "../protocol/resources.js";
import { post } from "./post.js";

async function start() {
  const cache = new SnapshotCache({ nodeGroup: () => "all" });
  cache.set("all", Snapshot.of([cluster("a"), endpoints("a"), endpoints("b")], { version: "v1" }));
  const server = new XdsServer(cache);
  const { rest } = await server.listen({ port: 0, restPort: 0 });
  onTestFinished(() => server.close());
  const poll = async (type: string, request: object, id = "n") => {
    const answer = await post({ port: rest?.port }, `/v3/discovery:${type}`, { node: { id }, ...request });
    versions.push((answer?.body as { versionInfo?: string } | undefined)?.versionInfo ?? "");
    return answer?.status;
  };
  const versions: string[] = [];
  const typesOf = (id = "n") =>
    server
      .report()
      .pollingNodes.find((node) => node.id === id)
      ?.types.map(({ state, names, wildcard, sent, acked, nacked }) => ({
        state,
        names,
        wildcard,
        versions: [sent?.version, acked?.version, nacked?.version],
      }));
  return { cache, server, poll, typesOf, versions };
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a node that polls over REST", () => {
  it("has taken the version that it sends, and has refused what it requests again", async () => {
    const { cache, server, poll, typesOf } = await start();
    expect(server.report().pollingNodes).toEqual([]);
    expect(await poll("clusters", {})).toBe(200);
    const given = { names: 0, wildcard: true };
    expect(typesOf()).toEqual([{ ...given, state: "STALE", versions: ["v1", undefined, undefined] }]);
    expect(await poll("clusters", { version_info: "v1" })).toBe(304);
    expect(typesOf()).toEqual([{ ...given, state: "SYNCED", versions: ["v1", "v1", undefined] }]);
    cache.set("all", Snapshot.of([cluster("a", 2)], { version: "v2" }));
    expect(await poll("clusters", { version_info: "v1" })).toBe(200);
    expect(typesOf()).toEqual([{ ...given, state: "STALE", versions: ["v2", "v1", undefined] }]);
    expect(await poll("clusters", { version_info: "v1" })).toBe(200);
    expect(typesOf()).toEqual([{ ...given, state: "ERROR", versions: ["v2", "v1", "v2"] }]);
    cache.set("all", Snapshot.of([cluster("a", 3)], { version: "v3" }));
    expect(await poll("clusters", { version_info: "v1" })).toBe(200);
    expect(typesOf()).toEqual([{ ...given, state: "ERROR", versions: ["v3", "v1", "v2"] }]);
    expect(await poll("clusters", { version_info: "v3" })).toBe(304);
    expect(typesOf()).toEqual([{ ...given, state: "SYNCED", versions: ["v3", "v3", undefined] }]);
    expect(server.nodes()).toEqual([]);
  });

  it("that requests the first version again has refused it; its error message is quoted if it sends one", async () => {
    const { server, poll } = await start();
    await poll("clusters", {});
    await poll("clusters", {});
    const nacked = () => server.report().pollingNodes[0]?.types[0]?.nacked?.error;
    expect(nacked()?.message).toMatch(/^the node still requests with its previous version/);
    await poll("clusters", { error_detail: { code: 3, message: "no such thing" } });
    expect(nacked()).toMatchObject({ code: 3, message: "no such thing" });
    await poll("clusters", { error_detail: { code: 3, message: "long".repeat(1_000) } });
    expect(nacked()?.message).toBe("long".repeat(64));
  });

  it("is kept with the shown part of its description only, however long that is", async () => {
    const { server, poll } = await start();
    const metadata = { large: "x".repeat(1 << 17) };
    expect(await poll("clusters", { node: { id: "n", cluster: "c".repeat(1_000), metadata } })).toBe(200);
    const [node, ...others] = server.report().pollingNodes;
    expect(others).toEqual([]);
    expect(node).toMatchObject({ id: "n", cluster: "c".repeat(256), agent: "", version: "" });
    expect(JSON.stringify(node).length).toBeLessThan(1_000);
    expect(await poll("clusters", {}, "i".repeat(257))).toBe(200);
    expect(await poll("clusters", { version_info: "v".repeat(257) }, "m")).toBe(200);
    expect(server.report().pollingNodes).toHaveLength(1);
  });

  it("may ask for several lists of names of a type, each with a version of its own", async () => {
    const { poll, typesOf, versions } = await start();
    for (const name of ["a", "b"]) expect(await poll("endpoints", { resource_names: [name] })).toBe(200);
    expect(typesOf()).toEqual([
      { state: "STALE", names: 2, wildcard: false, versions: [expect.any(String), undefined, undefined] },
    ]);
    const [a, b] = versions;
    expect(await poll("endpoints", { resource_names: ["a"], version_info: a })).toBe(304);
    expect(typesOf()).toMatchObject([{ state: "STALE", names: 2 }]);
    expect(await poll("endpoints", { resource_names: ["b"], version_info: b })).toBe(304);
    expect(typesOf()).toMatchObject([{ state: "SYNCED", names: 2 }]);
  });

  it("is known by its id, as long as it polls", async () => {
    const { server, poll } = await start();
    let passed = 0;
    const real = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => real() + passed);
    vi.useFakeTimers({ toFake: ["Date"] });
    await poll("clusters", {}, "");
    await poll("clusters", {}, "x");
    await poll("endpoints", { resource_names: ["a"] }, "x");
    await poll("clusters", {}, "y");
    const ids = () => server.report().pollingNodes.map(({ id, types }) => `${id} ${types.length}`);
    expect(ids()).toEqual(["x 2", "y 1"]);
    vi.setSystemTime(Date.now() + 3_600_000); // the machine's clock is set: no time has passed
    expect(ids()).toEqual(["x 2", "y 1"]);
    passed += 400_000;
    await poll("clusters", {}, "x");
    passed += 400_000;
    expect(ids()).toEqual(["x 1"]);
    passed += 400_000;
    expect(ids()).toEqual([]);
  });

  it("is forgotten if there are too many, the one with the oldest request first", () => {
    const polling = new PollingNodes(3);
    const clusters = findResourceType(clusterType) as ResourceType;
    const poll = (id: string, ...names: string[]) => {
      const node = create(NodeSchema, { id });
      const request = {
        node,
        typeUrl: clusterType,
        responseNonce: "",
        errorDetail: undefined,
        versionInfo: "",
        resourceNames: names,
      };
      polling.polled(clusters, node, request, "127.0.0.1:1", undefined);
    };
    const known = () => polling.all().map(({ id, types }) => `${id} ${types[0]?.names}`);
    for (const id of ["x", "y", "z"]) poll(id, "a");
    expect(known()).toEqual(["x 1", "y 1", "z 1"]);
    poll("x", "a");
    poll("z", "b");
    expect(known()).toEqual(["x 1", "z 2"]);
    poll("z", "c");
    expect(known()).toEqual(["x 1", "z 2"]);
  });
});
