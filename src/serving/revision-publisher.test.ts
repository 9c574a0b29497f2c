import { create } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { LogBook } from "../../test/protocol/harness.js";
import type { ChangeWatch } from "../admin/change-watch.js";
import type { NodeStatus } from "../cache/snapshot-cache.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { commandAgent } from "../own-command.js";
import { envoyRegistry } from "../resource/default-api.js";
import { Resource } from "../resource/resource.js";
import { clusterType, endpointType, secretType } from "../resource/types.js";
import type { Revision } from "../revisions/revision.js";
import { Revisions } from "../revisions/revisions.js";
import { anonymousNode } from "../schema/node.js";
import { configurationOf } from "../source/reading/layers.js";
import { MemoryStore } from "../store/memory-store.js";
import { HeadFollower } from "./head-follower.js";
import { commonGroup } from "./node-groups.js";
import { RevisionPublisher, type RevisionPublisherOptions } from "./revision-publisher.js";
import { configurationIn, nodeGroupIn, viewing } from "./stored-configuration.js";
import { checkUndo } from "./undo-check.js";

const cluster = (name: string, bytes = 1, version?: string) =>
  Resource.of(
    create(ClusterSchema, { name, perConnectionBufferLimitBytes: bytes }),
    version === undefined ? {} : { version },
  );
const clusters = (count: number) => Array.from({ length: count }, (_, at) => cluster(`c${at}`));
const endpoints = (name: string) => Resource.of(create(ClusterLoadAssignmentSchema, { clusterName: name }));
/** A cluster that has its endpoints from EDS. */
const edsCluster = (name: string, bytes = 1) =>
  Resource.of(
    create(ClusterSchema, {
      name,
      perConnectionBufferLimitBytes: bytes,
      clusterDiscoveryType: { case: "type", value: 3 },
      edsClusterConfig: { edsConfig: { configSourceSpecifier: { case: "ads", value: {} } } },
    }),
  );
const fleet = (...groups: string[]): NodeStatus[] =>
  groups.map((group, at) => ({
    node: { ...anonymousNode(envoyRegistry()), id: `n${at}` },
    ...{ group, typeUrls: [], lastRequestAt: 0, lastResponseAt: 0 },
  }));
const me = { by: "me" };
const why = { by: "me", why: "because" };
const noRules = { rules: [] };

async function open(options: Partial<RevisionPublisherOptions> = {}, store = new MemoryStore()) {
  const cache = new SnapshotCache({ nodeGroup: () => "", fallbackGroup: commonGroup });
  const revisions = await Revisions.open(store);
  const follower = new HeadFollower(revisions, cache, {
    viewing: (layers, rules) => viewing(configurationIn(layers, rules)),
    groupsOf: nodeGroupIn,
    fallbackGroup: commonGroup,
  });
  const publisher = new RevisionPublisher(revisions, follower, {
    liveTypes: new Set([endpointType, secretType]),
    removalShare: 0.5,
    isGradual: () => false,
    nodes: () => cache.status(),
    servesOthers: true,
    hasRules: true,
    ...options,
  });
  onTestFinished(async () => {
    await publisher.close();
    follower.close();
    revisions.close();
  });
  const publish = (...resources: Resource[]) => publisher.publish(configurationOf(resources), noRules);
  const served = (typeUrl = clusterType, group = commonGroup) =>
    Array.from(cache.get(group)?.resources(typeUrl).values() ?? [], ({ name }) => name);
  return { cache, revisions, follower, publisher, publish, served, store };
}

it("counts the first change after a start by what is served, also if the files had what is barred", async () => {
  const store = new MemoryStore();
  const before = await open({}, store);
  await before.publish(cluster("a"), cluster("b"));
  await before.publish(cluster("a", 2), cluster("b"));
  await before.revisions.undo(undefined, why);
  await before.publisher.close();
  const { publish } = await open({}, store);
  expect((await publish(cluster("a", 2), cluster("b"))).published.result).toBe("barred");
  expect((await publish(cluster("a", 3), cluster("b"))).counts).toEqual({ added: 0, changed: 1, removed: 0 });
  const after = await open({}, store);
  after.publisher.failed([]);
  expect((await after.publish(cluster("b"))).counts).toEqual({ added: 0, changed: 0, removed: 1 });
});

it("says in the log that what the files have is barred, when an order bars it", async () => {
  const log = new LogBook();
  const { publish, revisions } = await open({ logger: log });
  await publish(cluster("a"));
  await publish(cluster("a", 2));
  await revisions.undo(undefined, why);
  expect(log.entries.map(({ message }) => message)).toContain(
    "the configuration in the files was served as @2 and is now barred: undone by me: because",
  );
});

it("prepares a large configuration in turns, and serves it at once", async () => {
  const { cache, publisher } = await open();
  const common = Array.from({ length: 30_000 }, (_, i) =>
    Resource.fromBytes(clusterType, Buffer.of(), { name: `c${i}` }),
  );
  const seen: (number | undefined)[] = [];
  const look = () => {
    seen.push(cache.get(commonGroup)?.resources(clusterType).size);
    if (seen.at(-1) === undefined) setImmediate(look);
  };
  setImmediate(look);
  const { counts, published } = await publisher.publish(configurationOf(common), noRules);
  expect(counts).toEqual({ added: 30_000, changed: 0, removed: 0 });
  expect(published).toMatchObject({ result: "served", revision: { number: 1 } });
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen.length).toBeGreaterThan(2);
  expect(new Set(seen)).toEqual(new Set([undefined, 30_000]));
});

it("reports the directories that a change empties, but not those whose resources only moved", async () => {
  const { publisher } = await open({ removalShare: undefined });
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => cluster(name)) as [Resource, Resource, Resource, Resource];
  const put = async (...files: [Resource, string][]) => {
    const places = new Map(files.map(([resource, file]) => [resource, { file, line: 1, column: 1 }] as const));
    const { emptied } = await publisher.publish(configurationOf([...places.keys()]), noRules, places);
    return [...emptied];
  };
  const all: [Resource, string][] = [
    [a, "x/a.yaml"],
    [b, "x/y/b.yaml"],
    [c, "x/y/c.yaml"],
    [d, "x/z/d.yaml"],
  ];
  expect(await put(...all)).toEqual([]);
  expect(await put(...all.slice(0, 3))).toEqual([["x/z", 1]]);
  expect(await put([a, "x/a.yaml"], [b, "x/y/b.yaml"])).toEqual([]);
  expect(await put([a, "x/a.yaml"], [b, "x/w/b.yaml"])).toEqual([]);
  expect(await put(...all)).toEqual([]);
  expect(await put([a, "x/a.yaml"])).toEqual([
    ["x/y", 2],
    ["x/z", 1],
  ]);
});

it("serves no group of a configuration if it cannot serve one of them, and stores nothing of it", async () => {
  const { cache, publisher, revisions } = await open();
  const put = (a: Resource, b: Resource) => publisher.publish(configurationOf([a], new Map([["edge", [b]]])), noRules);
  await put(cluster("a", 1, "v1"), cluster("b", 1, "v1"));
  const before = cache.get("edge");
  await expect(put(cluster("a", 2, "v2"), cluster("b", 2, "v1"))).rejects.toMatchObject({ code: "VERSION_IN_USE" });
  expect(cache.get("edge")).toBe(before);
  expect(revisions.head.stable).toBe(1);
  expect((await put(cluster("a", 2, "v2"), cluster("b", 2, "v2"))).published).toMatchObject({ result: "served" });
});

it("holds a change that removes too much until exactly this change is approved", async () => {
  const { publish, publisher, served } = await open();
  await publish(...clusters(30));
  expect((await publish(...clusters(10))).published).toMatchObject({ result: "held" });
  const held = publisher.held();
  expect(held?.reasons).toEqual(["20 of 30 clusters would be removed"]);
  expect(served()).toHaveLength(30);
  await publish(...clusters(9));
  expect(publisher.held()?.content).not.toBe(held?.content);
  await expect(publisher.approve(held?.content ?? "", me)).rejects.toThrow(/no change with the hash/);
  await publisher.approve(publisher.held()?.content.slice(0, 8) ?? "", me);
  expect(served()).toHaveLength(9);
  expect(publisher.held()).toBeUndefined();
  await publish(...clusters(9), endpoints("e"));
  expect((await publish(...clusters(9))).published).toMatchObject({ result: "held" });
  expect(served(endpointType)).toEqual(["e"]);
  expect((await publish(...clusters(9), endpoints("f"))).published).toMatchObject({ result: "unchanged" });
  expect(publisher.held()).toBeUndefined();
  expect(served(endpointType)).toEqual(["f"]);
});

it("reports the result of each change, and of a change that an order has published", async () => {
  const told: string[] = [];
  const watch = {
    apply: (make: () => object) => told.push(`served ${JSON.stringify(Object.values(make()))}`),
    notServed: () => told.push("held"),
    failed: (message: string) => told.push(message),
  } as unknown as ChangeWatch;
  const { publish, publisher, revisions } = await open({
    watch: () => watch,
    onOrdered: ({ published }) => told.push(`ordered: ${published.result}`),
  });
  const all = clusters(30);
  await publish(...all);
  await publish(...all);
  await publish(...all.slice(0, 3));
  await publisher.approve(publisher.held()?.content ?? "", why);
  await revisions.undo(undefined, why);
  await vi.waitFor(() => expect(told).toHaveLength(6));
  expect(told).toEqual([
    "served [30,0,0]",
    "served [0,0,0]",
    "held",
    "served [0,0,27]",
    "ordered: served",
    expect.stringMatching(/^the configuration in the files was served as @2 and is now barred: undone by me/),
  ]);
  expect((await revisions.readAudit(3)).map(({ what, why: reason }) => `${what}: ${reason}`)).toEqual([
    "undo: because",
    "publish: approved: 27 of 30 clusters would be removed",
    "approve: because",
  ]);
});

it("writes each approval to the audit log, also one that makes no revision", async () => {
  const { publish, publisher, revisions, served } = await open();
  await publish(cluster("a"), endpoints("e"));
  await publish(cluster("a"));
  const content = publisher.held()?.content ?? "";
  await publisher.approve(content, me);
  expect(served(endpointType)).toEqual([]);
  expect(revisions.head.stable).toBe(1);
  const details = { content, held: "1 of 1 endpoints would be removed, and none would be left" };
  expect(await revisions.readAudit(1)).toEqual([{ at: expect.any(Number), by: "me", what: "approve", details }]);
});

it("publishes nothing after it is closed", async () => {
  const { publish, publisher, revisions } = await open();
  await publish(cluster("a"));
  await publisher.close();
  await expect(publish(cluster("b"))).rejects.toMatchObject({ code: "WRONG_STATE" });
  expect(revisions.head.stable).toBe(1);
});

it("rolls out to nodes without an id too, but none of them is the first node", async () => {
  const nodes = (): NodeStatus[] => [
    { node: anonymousNode(envoyRegistry()), group: "", typeUrls: [], lastRequestAt: 0, lastResponseAt: 0 },
  ];
  const { publish, revisions } = await open({ isGradual: () => true, nodes });
  await publish(cluster("a"));
  expect((await publish(cluster("a", 2))).published).toMatchObject({ result: "started" });
  expect(revisions.head.rollout?.first).toEqual([]);
});

describe("a gradual change while no affected node is connected", () => {
  const node = (id: string, group: string, userAgentName = "envoy"): NodeStatus => ({
    node: { ...anonymousNode(envoyRegistry()), id, userAgentName },
    ...{ group, typeUrls: [], lastRequestAt: 0, lastResponseAt: 0 },
  });
  /** Publishes a change of the cluster in group g, in a new store or after a restart. */
  async function change({
    restarted = false,
    ...options
  }: Partial<RevisionPublisherOptions> & { restarted?: boolean }) {
    const store = new MemoryStore();
    const put = (publisher: RevisionPublisher, bytes: number) =>
      publisher.publish(configurationOf([cluster("a")], new Map([["g", [cluster("b", bytes)]]])), noRules);
    if (restarted) await put((await open({}, store)).publisher, 1);
    const { publisher, revisions } = await open({ isGradual: () => true, hasRules: false, ...options }, store);
    expect((await put(publisher, 1)).published.result).toBe(restarted ? "unchanged" : "served");
    const { published } = await put(publisher, 2);
    return [published.result, revisions.head.rollout?.first];
  }

  it("waits for a first node if nodes were connected before, in this process or in an earlier one", async () => {
    expect(await change({ nodes: () => [] })).toEqual(["started", []]);
    expect(await change({ nodes: () => [], restarted: true, hadNodes: () => false })).toEqual(["started", []]);
  });

  it("is served at once if there has never been a node", async () => {
    expect(await change({ nodes: () => [], hadNodes: () => false })).toEqual(["served", undefined]);
  });

  it("is served at once if other nodes are connected, but waits within 30 s of a restart", async () => {
    const nodes = () => [node("n", commonGroup)];
    expect(await change({ nodes })).toEqual(["served", undefined]);
    expect(await change({ nodes, restarted: true, now: () => 0 })).toEqual(["started", []]);
    let now = -30_000;
    const clock = () => {
      now += 30_000;
      return now;
    };
    expect(await change({ nodes, restarted: true, now: clock })).toEqual(["served", undefined]);
  });

  it("waits for a first node if only commands of this program are connected", async () => {
    for (const group of ["g", commonGroup])
      expect(await change({ nodes: () => [node("n", group, commandAgent)] })).toEqual(["started", []]);
  });

  it("has an affected node as its first one", async () => {
    const watch = node("a-watch", "g", commandAgent);
    expect(await change({ nodes: () => [watch, node("n", "g")] })).toEqual(["started", ["n"]]);
    expect(await change({ nodes: () => [node("n", "g")] })).toEqual(["started", ["n"]]);
  });
});

it("makes views of many groups in turns", async () => {
  const { publisher } = await open();
  const common = clusters(20_000);
  const groups = new Map(Array.from({ length: 20 }, (_, at) => [`g${at}`, [cluster(`own${at}`)]] as const));
  const views = viewing(configurationOf(common, groups));
  let steps = 0;
  while (!views.next().done) steps++;
  expect(steps).toBeGreaterThan(20 * 20_000);
  await publisher.publish(configurationOf(common, groups), noRules);
});

it("holds rules that move more than half of the connected nodes", async () => {
  const { publisher } = await open({ nodes: () => fleet(...Array<string>(20).fill("")) });
  const configuration = configurationOf([cluster("a")], new Map([["g", []]]));
  await publisher.publish(configuration, noRules);
  const rule = (id: string) => ({ rules: [{ group: "g", fields: new Map([["id", id]]) }] });
  expect((await publisher.publish(configuration, rule("n1"))).published).toMatchObject({ result: "served" });
  expect((await publisher.publish(configuration, rule("n*"))).published).toMatchObject({ result: "held" });
  expect(publisher.held()?.reasons).toEqual(["20 of 20 connected nodes would move to another group"]);
});

it("holds everything but live resources during a freeze, and publishes it when the freeze ends", async () => {
  const { publish, publisher, revisions, served } = await open();
  await publish(cluster("a"), endpoints("e"));
  await revisions.freeze(why);
  expect((await publish(cluster("b"), endpoints("e"))).published).toMatchObject({ result: "held" });
  expect(publisher.held()?.reasons).toEqual(["me has frozen changes: because"]);
  await expect(publisher.approve(publisher.held()?.content ?? "", me)).rejects.toMatchObject({ code: "WRONG_STATE" });
  expect(served()).toEqual(["a"]);
  await revisions.unfreeze(why);
  await vi.waitFor(() => expect(served()).toEqual(["b"]));
  expect(publisher.held()).toBeUndefined();
});

it("serves changes of live resources during a freeze", async () => {
  const { publish, revisions, served } = await open();
  await publish(cluster("a"), endpoints("e"));
  await revisions.freeze(why);
  await publish(cluster("a"), endpoints("e"), endpoints("f"));
  expect(served(endpointType)).toEqual(["e", "f"]);
});

it("does not serve an undone configuration before it is edited, and leaves live resources as they are", async () => {
  const { publish, publisher, revisions, served } = await open();
  await publish(cluster("a", 1), endpoints("e"));
  await publish(cluster("a", 2), cluster("b"), endpoints("e"), endpoints("f"));
  await revisions.undo(undefined, why);
  await vi.waitFor(() => expect(served()).toEqual(["a"]));
  expect(served(endpointType)).toEqual(["e", "f"]);
  const again = await publish(cluster("a", 2), cluster("b"), endpoints("g"));
  expect(again.published).toMatchObject({ result: "barred", barred: { revision: 2 } });
  expect([served(), served(endpointType)]).toEqual([["a"], ["g"]]);
  expect((await publish(cluster("a", 3), cluster("b"), endpoints("g"))).published).toMatchObject({ result: "served" });
  expect(publisher.held()).toBeUndefined();
});

it("serves endpoints while an approved change is rolled out, and while the files' content is undone", async () => {
  const { publish, publisher, revisions, served } = await open();
  await publish(...clusters(30), endpoints("e"));
  await publish(...clusters(2), endpoints("e"));
  await publisher.approve(publisher.held()?.content ?? "", why);
  await revisions.undo(undefined, why);
  await vi.waitFor(() => expect(served()).toHaveLength(30));
  expect((await publish(...clusters(2), endpoints("e"), endpoints("f"))).published).toMatchObject({ result: "barred" });
  expect(served(endpointType)).toEqual(["e", "f"]);
  // The order is enough to serve it again.
  await revisions.again(revisions.head.barred[0]?.content ?? "", why);
  await vi.waitFor(() => expect(publisher.held()).toBeDefined());
  expect(served()).toHaveLength(30);
});

it("serves an undone configuration as soon as an order allows it, without an edit", async () => {
  const { publish, revisions, served } = await open();
  await publish(cluster("a", 1));
  await publish(cluster("a", 2), cluster("b"));
  await revisions.undo(undefined, why);
  await vi.waitFor(() => expect(served()).toEqual(["a"]));
  await revisions.again(revisions.head.barred[0]?.content ?? "", why);
  await vi.waitFor(() => expect(served()).toEqual(["a", "b"]));
});

it("serves an undone configuration that was published again, as soon as an order allows it", async () => {
  const { publish, revisions, served } = await open();
  await publish(cluster("a", 1));
  await publish(cluster("a", 2), cluster("b"));
  await revisions.undo(undefined, why);
  const again = await publish(cluster("a", 2), cluster("b"));
  if (again.published.result !== "barred") throw new Error(again.published.result);
  await revisions.again(again.published.barred.content, why);
  await vi.waitFor(() => expect(served()).toEqual(["a", "b"]));
});

it("keeps live resources as long as the stable revision or the candidate refers to them", async () => {
  let isGradual = false;
  const { publish, publisher, revisions, served, cache } = await open({
    isGradual: () => isGradual,
    nodes: () => fleet(""),
  });
  await publish(edsCluster("a"), edsCluster("b"), endpoints("a"), endpoints("b"));
  isGradual = true;
  const started = await publish(edsCluster("a"), endpoints("a"));
  expect(started.published).toMatchObject({ result: "started" });
  expect([served(), served(endpointType)]).toEqual([
    ["a", "b"],
    ["a", "b"],
  ]);
  expect(cache.candidate(commonGroup)?.resources(clusterType).size).toBe(1);
  await revisions.promote(why);
  await vi.waitFor(() => expect([served(), served(endpointType)]).toEqual([["a"], ["a"]]));
  isGradual = false;
  await publish(edsCluster("a"), edsCluster("c"), endpoints("a"), endpoints("c"));
  await publish(edsCluster("c"), endpoints("c"));
  expect([served(), served(endpointType)]).toEqual([["c"], ["c"]]);
  // A resource still refers to the endpoints that are gone. So somebody removed them on purpose.
  await publish(edsCluster("c"), endpoints("d"));
  expect(served(endpointType)).toEqual(["d"]);
  await publisher.close();
});

/** The groups `ga` and `gb` with layers of the same names above the common one. */
const inGroups = (common: Resource[], ga: Resource[], gb: Resource[]) =>
  configurationOf(
    common,
    new Map([
      ["ga", ga],
      ["gb", gb],
    ]),
  );
const withEndpoints = [edsCluster("c"), endpoints("c")];

it.each([
  ["they are removed from one of two groups", [[], withEndpoints, withEndpoints], [[], [], withEndpoints], "ga"],
  ["they move from all nodes to a group", [withEndpoints, [], []], [[cluster("other")], withEndpoints, []], "gb"],
  ["they move from a group to another", [[], withEndpoints, []], [[], [], withEndpoints], "ga"],
] as [string, [Resource[], Resource[], Resource[]], [Resource[], Resource[], Resource[]], string][])(
  "keeps the endpoints of a cluster for the nodes that still have the cluster when %s",
  async (_, before, after, group) => {
    let isGradual = false;
    const { publisher, revisions, served } = await open({
      isGradual: () => isGradual,
      nodes: () => fleet("ga", "ga", "gb"),
      removalShare: undefined,
    });
    const put = (content: [Resource[], Resource[], Resource[]]) => publisher.publish(inGroups(...content), noRules);
    await put(before);
    isGradual = true;
    expect((await put(after)).published).toMatchObject({ result: "started" });
    expect([served(clusterType, group), served(endpointType, group)]).toEqual([["c"], ["c"]]);
    await revisions.promote(why);
    await vi.waitFor(() => expect(served(endpointType, group)).toEqual([]));
    expect(served(clusterType, group)).not.toContain("c");
  },
);

it("keeps the endpoints of a cluster when a group gets other layers with the same cluster", async () => {
  let isGradual = false;
  const { publisher, revisions, cache, served } = await open({ isGradual: () => isGradual, nodes: () => fleet("g") });
  const put = (layer: string) => {
    const layers = new Map([
      [commonGroup, { resources: [], removes: [] }],
      [layer, { resources: withEndpoints, removes: [] }],
    ]);
    return publisher.publish({ layers, groups: new Map([["g", [commonGroup, layer]]]) }, noRules);
  };
  await put("edge");
  isGradual = true;
  expect((await put("edge2")).published).toMatchObject({ result: "started" });
  expect(served(endpointType, "g")).toEqual(["c"]);
  await revisions.promote(why);
  await vi.waitFor(async () => expect([...(await revisions.live()).keys()]).toEqual(["edge2"]));
  expect(cache.get("g")?.resources(endpointType).size).toBe(1);
});

it("serves live resources while a change is held, and the hash to approve stays the same", async () => {
  const { publish, publisher, revisions, served } = await open();
  const all = Array.from({ length: 20 }, (_, at) => edsCluster(`c${at}`));
  const ofAll = (port: number) =>
    all.map(({ name }) =>
      Resource.of(create(ClusterLoadAssignmentSchema, { clusterName: name, policy: { overprovisioningFactor: port } })),
    );
  const versions = (from: Resource[]) => from.map(({ version }) => version).sort();
  const servedVersions = async () => versions([...(await revisions.live()).values()].flat() as Resource[]);
  await publish(...all, ...ofAll(1));
  await publish(...all.slice(0, 5), ...ofAll(1));
  const held = publisher.held();
  expect(held?.reasons).toEqual(["15 of 20 clusters would be removed"]);
  await publish(...all.slice(0, 5), ...ofAll(2));
  expect(await servedVersions()).toEqual(versions(ofAll(2)));
  expect(publisher.held()).toEqual(held);
  // Endpoints that are removed with their clusters stay. The rest is held all the same.
  await publish(...all.slice(0, 5), ...ofAll(3).slice(0, 5));
  expect(await servedVersions()).toEqual(versions([...ofAll(3).slice(0, 5), ...ofAll(2).slice(5)]));
  expect(publisher.held()?.content).toBe(held?.content);
  expect(served()).toHaveLength(20);
  await publisher.approve(held?.content ?? "", me);
  expect([served().length, served(endpointType).length]).toEqual([5, 5]);
});

it("holds live resources too if they are what a change removes too much of", async () => {
  const { publish, publisher, served } = await open();
  const all = Array.from({ length: 20 }, (_, at) => edsCluster(`c${at}`));
  const ofAll = all.map(({ name }) => endpoints(name));
  await publish(...all, ...ofAll);
  expect((await publish(...all, cluster("new"), ...ofAll.slice(0, 5))).published).toMatchObject({ result: "held" });
  expect(publisher.held()?.reasons).toEqual(["15 of 20 endpoints would be removed"]);
  expect([served().length, served(endpointType).length]).toEqual([20, 20]);
});

it("approves no removal of live resources with the approval of another change", async () => {
  const { publish, publisher, served } = await open();
  await publish(...clusters(20), endpoints("e"));
  await publish(...clusters(5), endpoints("e"));
  const { content = "" } = publisher.held() ?? {};
  await publish(...clusters(5));
  await expect(publisher.approve(content, me)).rejects.toThrow(/no change with the hash/);
  expect(served(endpointType)).toEqual(["e"]);
  await publisher.approve(publisher.held()?.content ?? "", me);
  expect([served().length, served(endpointType)]).toEqual([5, []]);
});

it("holds live resources of barred files if they remove too much, and approves them alone", async () => {
  const { publish, publisher, revisions, served } = await open();
  await publish(cluster("a"), endpoints("e"));
  await publish(cluster("a"), cluster("b"), endpoints("e"));
  await revisions.undo(undefined, why);
  expect((await publish(cluster("a"), cluster("b"))).published).toMatchObject({ result: "held" });
  expect(publisher.held()?.reasons).toEqual(["1 of 1 endpoints would be removed, and none would be left"]);
  await publisher.approve(publisher.held()?.content ?? "", me);
  expect([served(), served(endpointType), publisher.held()]).toEqual([["a"], [], undefined]);
});

it("looks at a held change again after an undo, which can make it the one that is served", async () => {
  const { publish, publisher, revisions, served } = await open();
  await publish(cluster("c0"));
  await publish(...clusters(20));
  await publish(cluster("c0"));
  expect(publisher.held()?.reasons).toEqual(["19 of 20 clusters would be removed"]);
  await revisions.undo(undefined, why);
  await vi.waitFor(() => expect(publisher.held()).toBeUndefined());
  expect(served()).toEqual(["c0"]);
});

it("shows and logs other reasons of the same held change", async () => {
  const log = new LogBook();
  const { publish, publisher, revisions, served } = await open({ logger: log });
  await publish(...clusters(20));
  await publish(cluster("c0"));
  await publisher.approve(publisher.held()?.content ?? "", me);
  await revisions.freeze(why);
  await publish(cluster("c0", 2));
  const frozen = "me has frozen changes: because";
  expect(publisher.held()?.reasons).toEqual([frozen]);
  await revisions.undo(1, why);
  const removal = "19 of 20 clusters would be removed";
  await vi.waitFor(() => expect(publisher.held()?.reasons).toEqual([frozen, removal]));
  const logged = log.entries.length;
  await revisions.unfreeze(why);
  await vi.waitFor(() => expect(publisher.held()?.reasons).toEqual([removal]));
  const { content = "" } = publisher.held() ?? {};
  expect(log.entries.slice(logged).map(({ message }) => message)).toEqual([
    removal,
    `a change is held; \`xds approve ${content.slice(0, 12)}\` serves it`,
  ]);
  expect(served()).toHaveLength(20);
});

it("does not count nodes as moved whose group has no layers before and after a change of rules", async () => {
  const nodes = fleet(...Array.from({ length: 12 }, (_, at) => `n${at}`)); // by id, without such groups
  const { publisher } = await open({ nodes: () => nodes });
  await publisher.publish(configurationOf([cluster("a")]), { rules: [], field: "id" });
  const withGroup = configurationOf([cluster("a")], new Map([["edge", [cluster("e")]]]));
  const rules = { rules: [{ group: "edge", fields: new Map([["id", "edge-*"]]) }] };
  expect((await publisher.publish(withGroup, rules)).published).toMatchObject({ result: "served" });
});

it("serves the last good revision of a store after a restart, and guards it against removals", async () => {
  const store = new MemoryStore();
  const first = await open({}, store);
  await first.publish(...clusters(30), endpoints("e"));
  const second = await open({}, store);
  expect(second.publisher.lastGood).toBe(1);
  expect((await second.publish(...clusters(3), endpoints("e"))).published).toMatchObject({ result: "held" });
  expect([second.served().length, second.served(endpointType)]).toEqual([30, ["e"]]);
  const third = await open({}, store);
  await third.publisher.open();
  expect(third.served()).toHaveLength(30);
  const common = (await third.publisher.served())?.layers.get(commonGroup)?.resources ?? [];
  expect(new Set(common.map(({ type }) => type.typeUrl))).toEqual(new Set([clusterType, endpointType]));
});

it("undoes no revision that has other content under a version that is served, and serves on", async () => {
  const { cache, publish, revisions, follower } = await open();
  await publish(cluster("a", 1, "v1"), cluster("b"));
  await publish(cluster("a", 2, "v2"), cluster("b"));
  await publish(cluster("a", 3, "v1"), cluster("b"));
  const check = (revision: Revision) => checkUndo(revision, revisions, follower);
  const { head } = revisions;
  await expect(revisions.undo(1, { ...why, check })).rejects.toMatchObject({
    code: "VERSION_IN_USE",
    message: expect.stringMatching(/^@1 cannot be served again as it was: clusters resource "a" .* "v1"/),
  });
  expect(revisions.head).toBe(head);
  expect((await revisions.readAudit(9)).map(({ what }) => what)).not.toContain("undo");
  const content = () => cache.get(commonGroup)?.resources(clusterType).get("a")?.version;
  await revisions.undo(2, { ...why, check });
  await follower.applied();
  expect(content()).toBe("v2");
  // The version is free again.
  await revisions.undo(1, { ...why, check });
  await follower.applied();
  expect(content()).toBe("v1");
});
