import { describe, expect, it } from "vitest";
import { cluster, endpoints } from "../../test/protocol/resources.js";
import type { Node } from "../cache/node-group.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import type { Caller } from "../caller.js";
import { commandAgent } from "../own-command.js";
import { envoyRegistry } from "../resource/default-api.js";
import type { Resource } from "../resource/resource.js";
import { Snapshot } from "../resource/snapshot.js";
import { clusterType, endpointType } from "../resource/types.js";
import { emptyHead } from "../rollout/head.js";
import { begin, isIn, type Rollout } from "../rollout/rollout.js";
import { anonymousNode } from "../schema/node.js";
import { NodeLoads } from "../server/lrs/node-loads.js";
import type { ConnectedNode } from "../server/status/connected-node.js";
import type { Elsewhere, NodeFact } from "./other-evidence.js";
import { RolloutEvidence, type RolloutEvidenceOptions } from "./rollout-evidence.js";
import type { ServedHead } from "./served-head.js";

const node = (id: string): Node => Object.assign(anonymousNode(envoyRegistry()), { id });

/** All nodes are in group a by their certificate. */
const caller: Caller = { peer: "127.0.0.1:1", certificateNames: ["a"] };

/** Nodes that the test describes: which are connected, and the state of their clusters. */
function world(ids: readonly string[], share = 1, more: Partial<RolloutEvidenceOptions> = {}) {
  let now = 0;
  const stable = Snapshot.of([cluster("x"), cluster("gone"), endpoints("x")]);
  const candidate = Snapshot.of([cluster("x", 2), cluster("y"), endpoints("x")]);
  const cache = new SnapshotCache({ nodeGroup: (_, caller) => caller?.certificateNames[0] ?? "unknown" });
  cache.set("a", stable);
  const state = {
    rollout: { ...begin(2, "r", ids.slice(0, 1), 0), share } as Rollout | undefined,
    nodes: new Map(ids.map((id) => [id, { node: node(id), state: "SYNCED", has: [] as Resource[] }])),
  };
  const served = (): ServedHead => ({
    head: { ...emptyHead, stable: 1, ...(state.rollout && { rollout: state.rollout }) },
    stable: new Map([["a", stable]]),
    candidates: state.rollout ? new Map([["a", candidate]]) : new Map(),
  });
  const nodes = (selector: (node: Node, caller: Caller) => boolean) =>
    [...state.nodes.values()]
      .filter((one) => selector(one.node, caller))
      .map((one) => ({
        node: one.node,
        caller,
        types: [
          { typeUrl: clusterType, state: one.state },
          { typeUrl: endpointType, state: "STALE" },
        ],
        resources: (of: "acked" | "served") => {
          const all = of === "acked" ? one.has : [cluster("x", 2), cluster("y")];
          return [{ typeUrl: clusterType, resources: new Map(all.map((resource) => [resource.name, resource])) }];
        },
      })) as unknown as ConnectedNode[];
  const evidence = new RolloutEvidence(cache, { served, nodes, now: () => now, ...more });
  const stream = (of: string | Node) =>
    ({ id: 1, variant: "delta", node: typeof of === "string" ? node(of) : of, ...caller }) as never;
  return {
    evidence,
    state,
    pass: (ms: number) => {
      now += ms;
    },
    set: (id: string, to: string, ...has: Resource[]) => state.nodes.set(id, { node: node(id), state: to, has }),
    nack: (of: string | Node, resources: readonly Resource[], removedResources: readonly string[] = []) =>
      void evidence.callbacks.onStreamNack?.({
        ...{ stream: stream(of), typeUrl: clusterType, version: "", nonce: "", resources, removedResources },
        error: { code: 3, message: "no" },
      }),
    end: (of: string | Node) => void evidence.callbacks.onDeltaStreamClosed?.(stream(of)),
  };
}

const ids = (count: number) => Array.from({ length: count }, (_, at) => `n${at}`);

describe("RolloutEvidence", () => {
  it("separates the nodes with the candidate from the others, and drops everything after the rollout", () => {
    const { evidence, state } = world(ids(100), 0.3);
    const { affected, candidates, others, nodes } = evidence.observe();
    const wave = ids(100).filter((id) => isIn(state.rollout as Rollout, id));
    expect(affected).toEqual(ids(100));
    expect(candidates).toEqual(wave);
    expect(others).toEqual(ids(100).filter((id) => !wave.includes(id)));
    expect(nodes).toEqual(wave.map((id) => ({ id })));
    expect(evidence.size).toBe(wave.length);
    state.rollout = undefined;
    expect(evidence.observe()).toEqual({ affected: [], candidates: [], others: [], nodes: [], silent: [] });
    expect(evidence.size).toBe(0);
  });

  it("a node is pending until it has each changed resource that it subscribes to", () => {
    const { evidence, set, pass } = world(["n0"]);
    set("n0", "STALE");
    pass(5);
    expect(evidence.observe().nodes).toEqual([{ id: "n0", pendingSince: 5 }]);
    pass(5);
    set("n0", "ERROR", cluster("x", 2));
    expect(evidence.observe().nodes).toEqual([{ id: "n0", pendingSince: 5 }]);
    set("n0", "ERROR", cluster("x", 2), cluster("y"));
    expect(evidence.observe().nodes).toEqual([{ id: "n0" }]);
    // The node has applied the candidate. Changes of live resources do not change that.
    set("n0", "STALE");
    expect(evidence.observe().nodes).toEqual([{ id: "n0" }]);
  });

  it("a NACK counts if it is about something that the candidate changes, and the reason names it", () => {
    const { evidence, nack } = world(["n0"]);
    let urgent = 0;
    evidence.onChange = (isUrgent) => {
      if (isUrgent) urgent++;
    };
    evidence.observe();
    nack("n0", [cluster("x"), cluster("other")], ["x"]);
    nack("n9", []);
    expect([urgent, evidence.observe().nodes]).toEqual([0, [{ id: "n0" }]]);
    nack("n0", [cluster("y")], ["gone"]);
    expect(urgent).toBe(1);
    expect(evidence.observe().nodes).toMatchObject([{ id: "n0", refused: 'clusters "y", "gone": no' }]);
  });

  it("counts how often a node refuses one resource; what it refuses to remove is not offered again", () => {
    const { evidence, nack, set } = world(["n0"]);
    evidence.observe();
    set("n0", "ERROR");
    nack("n0", [cluster("y")]);
    nack("n0", [cluster("x", 2)]);
    expect(evidence.observe().nodes).toEqual([{ id: "n0", pendingSince: 0, refused: 'clusters "y": no', refusals: 1 }]);
    nack("n0", [cluster("x", 2)]);
    expect(evidence.observe().nodes).toMatchObject([{ refused: 'clusters "x": no', refusals: 2 }]);
    nack("n0", [], ["gone"]);
    expect(evidence.observe().nodes).toMatchObject([{ refused: 'clusters "gone": no', refusals: Infinity }]);
  });

  it("a NACK of a node with the stable revision does not count", () => {
    const { evidence, nack } = world(["n0", "n1"], 0);
    evidence.observe();
    nack("n1", [cluster("y")]);
    expect(evidence.observe().nodes).toEqual([{ id: "n0" }]);
  });

  it("a few of many nodes can go away; more are a reason to go back", () => {
    const { evidence, state, pass } = world(ids(100));
    evidence.observe();
    for (const id of ids(5)) state.nodes.delete(id);
    expect(evidence.observe().nodes.filter(({ pendingSince }) => pendingSince === 0)).toHaveLength(5);
    pass(30_000);
    const { nodes } = evidence.observe();
    expect(nodes).toEqual(
      ids(100)
        .slice(5)
        .map((id) => ({ id })),
    );
    state.nodes.delete("n50");
    evidence.observe();
    pass(30_000);
    expect(evidence.observe().nodes.filter(({ lost }) => lost)).toHaveLength(6);
    // Their entries are dropped after some time.
    pass(600_000);
    evidence.observe();
    expect(evidence.size).toBe(94);
  });

  it("a node that connects three times is lost; streams that end together count once", () => {
    const { evidence, end, pass } = world(["n0"]);
    evidence.observe();
    for (let times = 0; times < 3; times++) {
      expect(evidence.observe().nodes).toEqual([{ id: "n0" }]);
      for (let streams = 0; streams < 5; streams++) end("n0");
      pass(5_000);
    }
    expect(evidence.observe().nodes).toMatchObject([{ id: "n0", lost: expect.stringMatching(/3 times/) }]);
    pass(600_000);
    expect(evidence.observe().nodes).toEqual([{ id: "n0" }]);
  });

  it("commands of this program are no nodes of a rollout, whatever they do", () => {
    const { evidence, state, nack, end, pass } = world(["n0", "a-watch"]);
    const watch = { ...node("a-watch"), userAgentName: commandAgent };
    state.nodes.set("a-watch", { node: watch, state: "STALE", has: [] });
    expect(evidence.observe()).toEqual({
      affected: ["n0"],
      candidates: ["n0"],
      others: [],
      nodes: [{ id: "n0" }],
      silent: [],
    });
    // Its streams can also have the id of a node that is there.
    const asN0 = { ...node("n0"), userAgentName: commandAgent };
    nack(asN0, [cluster("y")]);
    for (let times = 0; times < 3; times++) {
      end(asN0);
      pass(5_000);
    }
    state.nodes.delete("a-watch");
    pass(30_000);
    expect(evidence.observe().nodes).toEqual([{ id: "n0" }]);
    expect(evidence.size).toBe(1);
  });

  it("nodes without an id are not affected nodes, and have no entry", () => {
    const { evidence, state } = world(["n0"]);
    state.nodes.set("", { node: node(""), state: "SYNCED", has: [] });
    expect(evidence.observe()).toMatchObject({ affected: ["n0"], candidates: ["n0"], others: [] });
  });
});

describe("RolloutEvidence of several servers", () => {
  /** Two servers with nodes. Each knows what the other knows. */
  function two(ofOne: readonly string[], ofTwo: readonly string[]) {
    const loads = new NodeLoads(() => 0);
    const servers = [ofOne, ofTwo].map(
      (ids, at): ReturnType<typeof world> =>
        world(ids, 1, { elsewhere: () => factsOf(servers[1 - at]), loads: () => loads }),
    );
    const [one, two] = servers as [ReturnType<typeof world>, ReturnType<typeof world>];
    /** Passes the time, and lets both look. */
    const pass = (ms: number) => {
      for (const server of servers) server.pass(ms);
      for (const { evidence } of [...servers, ...servers]) evidence.observe();
    };
    pass(0);
    return { one, two, pass, loads };
  }

  function factsOf(server: ReturnType<typeof world> | undefined): Elsewhere {
    const entries = server?.evidence.changesSince("r", undefined).entries ?? [];
    const facts = new Map(entries.map(([id, value]) => [id, JSON.parse(value ?? "{}") as NodeFact]));
    return { facts: [facts], silent: [] };
  }

  it("counts the nodes of all, and waits for those that are pending elsewhere", () => {
    const { one, two: other, pass } = two(["n0"], ["m0", "m1"]);
    other.set("m0", "STALE");
    other.state.nodes.set("m2", { node: node("m2"), state: "STALE", has: [] });
    pass(7);
    const { affected, candidates, nodes } = one.evidence.observe();
    expect([affected, candidates]).toEqual([
      ["n0", "m0", "m1", "m2"],
      ["n0", "m0", "m1", "m2"],
    ]);
    expect(nodes).toEqual([{ id: "n0" }, { id: "m0" }, { id: "m1" }, { id: "m2", pendingSince: 7 }]);
    other.set("m2", "SYNCED");
    pass(1);
    expect(one.evidence.observe().nodes).toEqual(["n0", "m0", "m1", "m2"].map((id) => ({ id })));
  });

  it("a node that has left one and is connected to another is not lost; it applies the candidate again", () => {
    const { one, two: other, pass } = two(["n0", "n1"], ["m0"]);
    one.state.nodes.delete("n0");
    pass(5);
    expect(one.evidence.observe().nodes).toContainEqual({ id: "n0", pendingSince: 5 });
    other.set("n0", "STALE");
    pass(5);
    for (const { evidence } of [one, other])
      expect(evidence.observe().nodes).toContainEqual({ id: "n0", pendingSince: 10 });
    other.set("n0", "SYNCED");
    pass(600_000);
    for (const { evidence } of [one, other]) {
      expect(evidence.observe().nodes).toContainEqual({ id: "n0" });
      expect(evidence.observe().nodes.filter(({ lost }) => lost)).toEqual([]);
    }
  });

  it("a node that has left one, and is nowhere, is lost for both", () => {
    const { one, two: other, pass } = two(["n0"], ["m0"]);
    one.state.nodes.delete("n0");
    pass(0);
    pass(30_000);
    for (const { evidence } of [one, other])
      expect(evidence.observe().nodes).toContainEqual(
        expect.objectContaining({ id: "n0", lost: "has gone away after it took the candidate" }),
      );
  });

  it("a node that connects three times, each time to another one, is lost", () => {
    const { one, two: other, pass } = two(["n0"], ["n0"]);
    for (const { end } of [one, other, one]) {
      end("n0");
      pass(5_000);
    }
    for (const { evidence } of [one, other])
      expect(evidence.observe().nodes).toMatchObject([{ id: "n0", lost: expect.stringMatching(/3 times/) }]);
  });

  it("a refusal elsewhere counts, with its words", () => {
    const { one, two: other, pass } = two(["n0"], ["m0"]);
    other.nack("m0", [cluster("y")], ["gone"]);
    pass(0);
    const [reason] = one.evidence.observe().nodes.filter(({ id }) => id === "m0");
    expect(reason).toMatchObject({ refused: 'clusters "y", "gone": no', refusals: 1e9 });
  });

  it("tells others the loads that are reported here, also of nodes that are connected elsewhere", () => {
    const { one, pass, loads } = two(["n0"], ["m0"]);
    loads.add("elsewhere", { succeeded: 3, failed: 1 });
    pass(0);
    const [facts] = factsOf(one).facts;
    expect(facts?.get("elsewhere")).toEqual({
      load: { total: { succeeded: 3, failed: 1 }, recent: { succeeded: 3, failed: 1 } },
    });
    expect(facts?.get("n0")).toEqual({ is: "taken" });
  });

  it("tells nothing about another rollout than the one that it shows", () => {
    const { one } = two(["n0"], []);
    expect(one.evidence.changesSince("other", undefined)).toEqual({ mark: "", isWhole: true, entries: [] });
    expect(one.evidence.changesSince("r", undefined)).toMatchObject({ shows: { id: "r", share: 1, first: ["n0"] } });
  });
});
