import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { LoadStatsRequestSchema } from "../../gen/envoy/service/load_stats/v3/lrs_pb.js";
import { LogBook, TestServer, until } from "../../test/protocol/harness.js";
import { cluster, endpoints, labelOf } from "../../test/protocol/resources.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import type { ClientResource } from "../client/resource.js";
import { XdsClient } from "../client/xds-client.js";
import type { Silent } from "../fleet/ask-peers.js";
import { inOneStep } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import { clusterType, endpointType } from "../resource/types.js";
import type { Groups } from "../revisions/revision-blobs.js";
import { Revisions } from "../revisions/revisions.js";
import type { Gate, Judgement } from "../rollout/gate.js";
import { LoadReportGate } from "../rollout/gates/load-report-gate.js";
import type { Rollout, RolloutPolicy } from "../rollout/rollout.js";
import type { XdsServer } from "../server/xds-server.js";
import { MemoryStore } from "../store/memory-store.js";
import type { Lease } from "../store/store.js";
import { HeadFollower } from "./head-follower.js";
import { type Decision, RolloutDriver, type RolloutDriverOptions } from "./rollout-driver.js";
import { RolloutEvidence, type RolloutEvidenceOptions } from "./rollout-evidence.js";

const by = { by: "me" };
const minute = 60_000;
const policy: RolloutPolicy = {
  waves: [0.5, 1],
  bakeMs: [minute],
  appliedWithinMs: minute,
  inconclusive: "hold",
  maxWaitMs: 30 * minute,
  fewNodes: 3,
  nackRetries: 0,
};
const layers = (...resources: Resource[]): Groups => new Map([["a", resources]]);

/** A gate with the verdict that the test sets. */
class ToldGate implements Gate {
  readonly name = "told";
  everyMs = 10_000;
  says: Judgement | Promise<Judgement> = { verdict: "pass", text: "" };
  asked = 0;
  begun = 0;
  begin = () => void this.begun++;
  verdict = () => {
    this.asked++;
    return this.says;
  };
}

interface Options {
  readonly nodes?: number;
  readonly gates?: readonly Gate[];
  readonly store?: MemoryStore;
  readonly variant?: "sotw" | "delta";
  readonly evidence?: Partial<RolloutEvidenceOptions>;
  readonly driver?: Partial<RolloutDriverOptions>;
  /** Whether the rules of a revision, which are the name of a group, decide the group of all nodes. */
  readonly hasRules?: boolean;
}

/** A server with nodes n0, n1, …, and the driver of its rollouts. The clock stands still until `pass` is called. */
async function world({ nodes = 4, gates = [], store = new MemoryStore(), variant = "delta", ...more }: Options = {}) {
  let now = 1_000_000;
  const clock = () => now;
  const revisions = await Revisions.open(store, { now: clock });
  const cache = new SnapshotCache({ nodeGroup: () => "a" });
  const log = new LogBook();
  const decisions: Decision[] = [];
  const evidence = new RolloutEvidence(cache, {
    served: () => follower.served,
    nodes: (selector) => server.server.nodes(selector),
    now: clock,
    ...more.evidence,
  });
  const server = await TestServer.start(cache, { callbacks: evidence.callbacks, loadReporting: {} });
  const began: string[] = [];
  const replaced: string[] = [];
  const driver = new RolloutDriver(revisions, {
    ...{ policy, evidence, gates, logger: log, now: clock, everyMs: 5, gateTimeoutMs: 50 },
    observer: {
      began: ({ id }) => began.push(id),
      decided: (decision) => decisions.push(decision),
      replaced: ({ id }) => replaced.push(id),
    },
    ...more.driver,
  });
  const follower = new HeadFollower(revisions, cache, {
    viewing: (all) => inOneStep(() => all),
    ...(more.hasRules && { groupsOf: (rules) => () => String(rules ?? "a") }),
    logger: log,
    onServed: () => driver.wake(),
  });
  onTestFinished(async () => {
    follower.close();
    await driver.close();
  });
  const clients: XdsClient[] = [];
  const refuses = new Set<string>();
  const sent: string[] = [];
  const connect = (id: string) => {
    const client = new XdsClient({
      address: `127.0.0.1:${server.port}`,
      node: { id },
      variant,
      callbacks: {
        onResponse: ({ resources }) => {
          for (const resource of resources) sent.push(`${id} ${labelOfClient(resource)}`);
          const bad = resources.find((resource) => refuses.has(`${id} ${labelOfClient(resource)}`));
          return bad && `no ${bad.name} for me`;
        },
      },
    });
    onTestFinished(() => client.close());
    client.subscribe(clusterType);
    client.subscribe(endpointType);
    clients.push(client);
    return client;
  };
  await revisions.publish(layers(cluster("x"), cluster("y")), by);
  await follower.open();
  driver.open();
  for (let node = 0; node < nodes; node++) connect(`n${node}`);
  const ids = () => server.server.nodes().map(({ node }) => node.id);
  await until(() => ids().length === nodes && server.server.nodes().every(({ types }) => types.length === 2), "nodes");
  await server.server.applied(() => true);
  return {
    ...{ revisions, cache, log, decisions, evidence, driver, follower, clients, refuses, connect, server, store },
    ...{ began, replaced, sent, clock },
    /** What a node has of x. */
    has: (node: number) => {
      const x = clients[node]?.resources(clusterType).get("x");
      return x && labelOfClient(x);
    },
    roll: async (...resources: Resource[]) => {
      await revisions.publish(layers(...resources), { ...by, gradually: () => ids() });
      await follower.applied();
    },
    state: () => {
      const { rollout, stable } = revisions.head;
      return rollout ? `${rollout.state} ${rollout.wave}` : `stable ${stable}`;
    },
    pass: (ms: number) => {
      now += ms;
    },
    outcomes: () => decisions.map(({ outcome }) => ("end" in outcome ? outcome.end : outcome.next.state)),
  };
}

const labelOfClient = ({ typeUrl, body }: Pick<ClientResource, "typeUrl" | "body">) =>
  labelOf({ typeUrl, value: body });

const becomes = (state: () => string, wanted: string) => vi.waitFor(() => expect(state()).toBe(wanted), 5_000);

/** Has node n0 take what is stable, and answer nothing more. The change is rolled back a minute after it came. */
async function goesBackFromSilence(
  { clients, server, state, pass, revisions }: Awaited<ReturnType<typeof world>>,
  variant: "sotw" | "delta",
  change: () => Promise<unknown>,
  stable: string,
): Promise<void> {
  await clients[0]?.close();
  const silent = server.open({ variant, kind: "ADS" }, clusterType, "n0");
  silent.want();
  await silent.take(["x@1", "y@1"]);
  await change();
  await silent.next();
  await becomes(state, "applying 0");
  pass(minute - 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(state()).toBe("applying 0");
  pass(1);
  await becomes(state, stable);
  expect(revisions.head.barred[0]?.why).toBe('node "n0" has not applied the candidate within 60 s');
}

describe("RolloutDriver", () => {
  it.each(["sotw", "delta"] as const)(
    "goes from the first node to all, each wave after its bake, %s",
    async (variant) => {
      const { roll, state, pass, has, outcomes, began, decisions } = await world({ variant });
      await roll(cluster("x", 2), cluster("y"));
      await becomes(state, "baking 0");
      expect([0, 1, 2, 3].map(has)).toEqual(["x@2", "x@1", "x@1", "x@1"]);
      pass(minute - 1);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(state()).toBe("baking 0");
      for (const wanted of ["baking 1", "baking 2", "stable 2"]) {
        pass(minute);
        await becomes(state, wanted);
      }
      await vi.waitFor(() => expect([0, 1, 2, 3].map(has)).toEqual(Array(4).fill("x@2")));
      expect(outcomes()).toEqual(["baking", "applying", "baking", "applying", "baking", "done"]);
      expect(began).toHaveLength(1);
      expect(decisions.at(-1)).toMatchObject({ affected: 4, candidates: 4, rollout: { wave: 2 } });
    },
  );

  it.each(["sotw", "delta"] as const)(
    "goes back at once when a node refuses, with its words; no other node was sent it, %s",
    async (variant) => {
      const { roll, state, has, refuses, revisions, sent, decisions } = await world({ variant });
      refuses.add("n0 x@2");
      await roll(cluster("x", 2), cluster("y"));
      await becomes(state, "stable 1");
      expect(revisions.head.barred).toMatchObject([
        { revision: 2, why: 'node "n0" refuses clusters "x": no x for me' },
      ]);
      expect(decisions.at(-1)?.outcome).toMatchObject({ end: "rolledBack" });
      expect([0, 1, 2, 3].map(has)).toEqual(Array(4).fill("x@1"));
      expect(new Set(sent.filter((line) => line.endsWith("x@2")))).toEqual(new Set(["n0 x@2"]));
    },
  );

  describe.each(["sotw", "delta"] as const)("of rules that move all nodes to another group, %s", (variant) => {
    const groups: Groups = new Map([
      ["a", [cluster("x"), cluster("y")]],
      ["core", [cluster("x"), cluster("core")]],
    ]);
    async function moving() {
      const all = await world({ variant, hasRules: true });
      const ids = () => all.server.server.nodes().map(({ node }) => node.id);
      await all.revisions.publish(groups, { ...by, rules: "a" });
      await all.follower.applied();
      return {
        ...all,
        move: () => all.revisions.publish(groups, { ...by, rules: "core", gradually: ids }),
        names: () => all.clients.map((client) => [...client.resources(clusterType).keys()].sort().join()),
      };
    }

    it("goes back when a moved node refuses what the other group has; no other node was sent it", async () => {
      const { move, state, refuses, revisions, sent, names } = await moving();
      refuses.add("n0 core@1");
      await move();
      await becomes(state, "stable 2");
      expect(revisions.head.barred).toMatchObject([
        { revision: 3, why: 'node "n0" refuses clusters "core": no core for me' },
      ]);
      expect(sent.filter((line) => line.endsWith("core@1"))).toEqual(["n0 core@1"]);
      await vi.waitFor(() => expect(names()).toEqual(Array(4).fill("x,y")));
    });

    it("goes back when a moved node does not answer in time", async () => {
      const all = await moving();
      await goesBackFromSilence(all, variant, all.move, "stable 2");
    });

    it("goes forward when the moved nodes take it", async () => {
      const { move, state, pass, names } = await moving();
      await move();
      await becomes(state, "baking 0");
      expect(names()).toEqual(["core,x", "x,y", "x,y", "x,y"]);
      for (const wanted of ["baking 1", "baking 2", "stable 3"]) {
        pass(minute);
        await becomes(state, wanted);
      }
      expect(names()).toEqual(Array(4).fill("core,x"));
    });
  });

  it.each(["sotw", "delta"] as const)(
    "lets a node refuse once where the policy allows it, and waits until it takes it, %s",
    async (variant) => {
      const retrying = { policy: { ...policy, nackRetries: 1 } };
      const { roll, state, refuses, connect, clients, evidence, revisions } = await world({
        variant,
        driver: retrying,
      });
      refuses.add("n0 x@2");
      await roll(cluster("x", 2), cluster("y"));
      const refusals = () => evidence.observe().nodes.map((node) => node.refusals);
      await vi.waitFor(() => expect(refusals()).toEqual([1]));
      expect(state()).toBe("applying 0");
      refuses.clear();
      await clients[0]?.close();
      connect("n0");
      await becomes(state, "baking 0");
      // Content that was refused once more is refused too often.
      refuses.add("n0 x@2");
      await clients.at(-1)?.close();
      connect("n0");
      await becomes(state, "stable 1");
      expect(revisions.head.barred).toMatchObject([{ why: 'node "n0" refuses clusters "x": no x for me' }]);
    },
  );

  it.each(["sotw", "delta"] as const)(
    "goes on when a node refuses something that the candidate does not change, %s",
    async (variant) => {
      const { roll, state, pass, refuses, revisions, follower } = await world({ nodes: 2, variant });
      refuses.add("n0 e@1").add("n0 y@9");
      // It refuses y@9, which is stable then.
      await revisions.publish(layers(cluster("x"), cluster("y", 9)), by);
      await follower.applied();
      await roll(cluster("x", 2), cluster("y", 9));
      await revisions.publishLive(new Map([["a", [endpoints("e")]]]));
      await becomes(state, "baking 0");
      for (const wanted of ["baking 2", "stable 3"]) {
        pass(minute);
        await becomes(state, wanted);
      }
    },
  );

  it("goes back when a node does not answer in time, and not earlier", async () => {
    const all = await world({ nodes: 1 });
    await goesBackFromSilence(all, "delta", () => all.roll(cluster("x", 2), cluster("y")), "stable 1");
  });

  it("goes back when the first node stays away too long, and takes no other first node meanwhile", async () => {
    const { roll, state, pass, revisions, clients } = await world();
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    await clients[0]?.close();
    await vi.waitFor(() => expect(revisions.head.rollout?.first).toEqual(["n0"]));
    await new Promise((resolve) => setTimeout(resolve, 300));
    pass(29_000);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(state()).toBe("baking 0");
    pass(1_000);
    await becomes(state, "stable 1");
    expect(revisions.head.barred[0]?.why).toBe('node "n0" has gone away after it took the candidate');
  });

  it("goes forward when a node connects again, and goes back when the node does so three times", async () => {
    const { roll, state, pass, revisions, clients, connect, evidence } = await world({ nodes: 3 });
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    let last = clients[0] as XdsClient;
    const again = async () => {
      await last.close();
      pass(2_000);
      last = connect("n0");
      await last.synced(clusterType);
    };
    for (let times = 0; times < 2; times++) {
      await again();
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect(state()).toBe("baking 0");
    }
    expect(evidence.size).toBe(1);
    await again();
    await becomes(state, "stable 1");
    expect(revisions.head.barred[0]?.why).toMatch(/node "n0" has connected again 3 times/);
  });

  it("goes back when a gate fails, is held when it is inconclusive, and goes forward when it passes", async () => {
    const gate = new ToldGate();
    gate.says = { verdict: "inconclusive", text: "3 requests" };
    const { roll, state, pass, revisions, outcomes } = await world({ gates: [gate] });
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    pass(minute);
    await becomes(state, "held 0");
    expect(revisions.head.rollout?.waitsFor).toBe("gate told: 3 requests");
    gate.says = { verdict: "pass", text: "" };
    pass(10_000);
    await becomes(state, "baking 1");
    gate.says = { verdict: "fail", text: "5 % failed" };
    pass(10_000);
    await becomes(state, "stable 1");
    expect(revisions.head.barred[0]?.why).toBe("gate told: 5 % failed");
    expect(outcomes()).toEqual(["baking", "held", "applying", "baking", "rolledBack"]);
    expect(gate.begun).toBe(2);
  });

  it("asks a gate once more when the bake is over, and waits for its answer", async () => {
    const gate = new ToldGate();
    gate.everyMs = 10 * minute;
    const { roll, state, pass } = await world({ gates: [gate], driver: { gateTimeoutMs: 10_000 } });
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    await vi.waitFor(() => expect(gate.asked).toBe(1));
    let answer: (says: Judgement) => void = () => {};
    gate.says = new Promise((resolve) => {
      answer = resolve;
    });
    pass(minute);
    await vi.waitFor(() => expect(gate.asked).toBe(2));
    expect(state()).toBe("baking 0");
    answer({ verdict: "pass", text: "" });
    await becomes(state, "baking 1");
  });

  it("is held when a gate throws or does not answer", async () => {
    const gate = new ToldGate();
    gate.says = new Promise(() => {});
    const { roll, state, pass, revisions } = await world({ gates: [gate] });
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    pass(minute);
    await becomes(state, "held 0");
    expect(revisions.head.rollout?.waitsFor).toBe("gate told: no answer within 0.05 s");
    const rejected = Promise.reject(new Error("my mistake"));
    rejected.catch(() => {}); // the gate is asked later
    gate.says = rejected;
    pass(2 * minute);
    await vi.waitFor(() => expect(revisions.head.rollout?.waitsFor).toBe("gate told: my mistake"));
  });

  it("does not go forward while it is paused or frozen, but still goes back", async () => {
    const gate = new ToldGate();
    const { roll, state, pass, revisions } = await world({ gates: [gate] });
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    await revisions.pause({ by: "me", why: "lunch" });
    pass(2 * minute);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(state()).toBe("baking 0");
    await revisions.freeze({ by: "me", why: "holiday" });
    await revisions.resume({ by: "me", why: "back" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(state()).toBe("baking 0");
    gate.says = { verdict: "fail", text: "red" };
    pass(minute);
    await becomes(state, "stable 1");
  });

  it("does not go forward after a restart until nodes had time to connect again", async () => {
    const first = await world();
    await first.roll(cluster("x", 2), cluster("y"));
    await becomes(first.state, "baking 0");
    await first.driver.close();
    const { evidence, clock } = first;
    first.pass(10 * minute); // the bake is over
    const driver = new RolloutDriver(first.revisions, { policy, evidence, now: clock, everyMs: 5 });
    onTestFinished(() => driver.close());
    driver.open();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(first.state()).toBe("baking 0");
    first.pass(30_000);
    await becomes(first.state, "baking 1");
  });

  it("does not go forward while the cache does not show the rollout, and goes back after some time", async () => {
    const { roll, state, pass, follower, revisions } = await world();
    follower.close();
    await roll(cluster("x", 2), cluster("y")).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(state()).toBe("applying 0");
    pass(minute);
    await becomes(state, "stable 1");
    expect(revisions.head.barred[0]?.why).toMatch(/this server could not serve the candidate within 60 s/);
  });

  it("follows a rollout that replaces another one", async () => {
    const { roll, state, began, replaced, revisions } = await world();
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    await roll(cluster("x", 3), cluster("y"));
    await becomes(state, "baking 0");
    expect(revisions.head.rollout?.revision).toBe(3);
    expect([began.length, replaced]).toEqual([2, [began[0]]]);
    await revisions.publish(layers(cluster("x"), cluster("y")), by);
    await vi.waitFor(() => expect(replaced).toHaveLength(2));
  });

  const orders: [string, (revisions: Revisions) => Promise<unknown>, object][] = [
    ["promoted", (revisions) => revisions.promote({ by: "me", why: "now" }), { end: "done" }],
    [
      "aborted",
      (revisions) => revisions.abort({ by: "me", why: "no" }),
      { end: "rolledBack", why: "aborted by me: no" },
    ],
    ["undone", (revisions) => revisions.undo(1, by), { end: "rolledBack", why: "undone by me" }],
  ];
  it.each(orders)("reports the end of a rollout that is %s by a command", async (_, order, outcome) => {
    const gate = new ToldGate();
    const { roll, state, decisions, replaced, revisions } = await world({ gates: [gate] });
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    await vi.waitFor(() => expect(gate.asked).toBeGreaterThan(0));
    await order(revisions);
    await vi.waitFor(() => expect(decisions.at(-1)).toMatchObject({ outcome, by: "command" }));
    expect(decisions.at(-1)).toMatchObject({
      ...{ rollout: { revision: 2, wave: 0 }, affected: 4, candidates: 1 },
      gates: [{ gate: "told", verdict: "pass" }],
    });
    expect(decisions.filter((one) => "end" in one.outcome)).toHaveLength(1);
    expect(replaced).toEqual([]);
  });

  it("goes back when load reports show more errors on the candidate", async () => {
    let nodeLoads: XdsServer["nodeLoads"];
    const gate = new LoadReportGate({ get: (node) => nodeLoads?.get(node) });
    const { server, roll, state, pass, revisions } = await world({ gates: [gate] });
    nodeLoads = server.server.nodeLoads;
    const streams = new Map<string, ReturnType<TestServer["call"]>>();
    const report = async (id: string, failed: number, of: number) => {
      const stream =
        streams.get(id) ?? server.call("/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats");
      if (!streams.has(id)) stream.on("error", () => {}); // it ends with the server
      streams.set(id, stream);
      const totals = { totalErrorRequests: BigInt(failed), totalSuccessfulRequests: BigInt(of - failed) };
      const clusterStats = [{ clusterName: "x", upstreamLocalityStats: [totals] }];
      const message = create(LoadStatsRequestSchema, { node: { id }, clusterStats });
      stream.write(Buffer.from(toBinary(LoadStatsRequestSchema, message)));
      await server.barrier();
    };
    for (const id of ["n0", "n1", "n2", "n3"]) await report(id, 1, 1_000);
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    await new Promise((resolve) => setTimeout(resolve, 30));
    for (const id of ["n1", "n2", "n3"]) await report(id, 1, 1_000);
    await report("n0", 300, 1_000);
    pass(10_000);
    await becomes(state, "stable 1");
    expect(revisions.head.barred[0]?.why).toBe(
      "gate load reports: 30.00 % of 1000 requests failed on the candidate, 0.10 % of 3000 on the others, 0.10 % of 1000 on the same nodes before",
    );
  });

  it("tries again when the store cannot be written", async () => {
    class FullStore extends MemoryStore {
      isFull = false;
      override async moveHead(...move: Parameters<MemoryStore["moveHead"]>) {
        if (this.isFull) throw new Error("no space");
        return super.moveHead(...move);
      }
    }
    const store = new FullStore();
    const { roll, state, pass, log } = await world({ store });
    await roll(cluster("x", 2), cluster("y"));
    await becomes(state, "baking 0");
    store.isFull = true;
    pass(minute);
    const failed = () => log.entries.filter(({ message }) => message.includes("could not be stored")).length;
    await vi.waitFor(() => expect(failed()).toBeGreaterThan(1));
    store.isFull = false;
    await becomes(state, "baking 1");
  });

  describe("of several for one store", () => {
    /** A leadership that the test gives and takes. */
    class ToldLeadership {
      lease: Lease | undefined;
    }

    it("does not go forward while it does not know the nodes of another one, and goes back meanwhile", async () => {
      const silent: Silent[] = [{ name: "other", why: "no answer" }];
      const { roll, state, pass, refuses, revisions, driver } = await world({
        evidence: { elsewhere: () => ({ facts: [], silent }) },
      });
      await roll(cluster("x", 2), cluster("y"));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(state()).toBe("applying 0");
      silent.pop();
      await becomes(state, "baking 0");
      silent.push({ name: "other", why: "no answer" });
      pass(minute);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(state()).toBe("baking 0");
      refuses.add("n0 x@3");
      await roll(cluster("x", 3), cluster("y"));
      driver.wake();
      await becomes(state, "stable 1");
      expect(revisions.head.barred).toMatchObject([{ revision: 3 }]);
    });

    const ends: [string, boolean, object, Decision["by"]][] = [
      ["a command, where this one leads", true, { by: "me" }, "command"],
      ["a command, where another one leads", false, { by: "me" }, "other server"],
      ["another one", true, {}, "other server"],
    ];
    it.each(ends)("says that a rollout was ended by %s, so that one of them reports it", async (_, leads, who, by) => {
      const store = new MemoryStore();
      const leadership = new ToldLeadership();
      const driver = { leadership, returnMs: 0 };
      const { roll, state, decisions, revisions } = await world({ store, driver });
      await roll(cluster("x", 2), cluster("y"));
      await becomes(state, "applying 0");
      leadership.lease = leads ? ((await store.lease("leader")) as Lease) : undefined;
      const { id } = revisions.head.rollout as Rollout;
      if ("by" in who) await revisions.abort({ by: "me", why: "no" });
      else await revisions.settle(id, { end: "rolledBack", why: "a node has refused it" });
      await vi.waitFor(() => expect(decisions.at(-1)).toMatchObject({ outcome: { end: "rolledBack" }, by }));
      expect(decisions.filter(({ outcome }) => "end" in outcome)).toHaveLength(1);
    });

    it("reports a step only if it was this one that has written it", async () => {
      const { roll, state, decisions, refuses, revisions } = await world();
      const settle = revisions.settle.bind(revisions);
      // Another server writes the same step right before.
      revisions.settle = async (id, outcome, lease) => {
        if ("end" in outcome) await settle(id, outcome, lease);
        return settle(id, outcome, lease);
      };
      refuses.add("n0 x@2");
      await roll(cluster("x", 2), cluster("y"));
      await becomes(state, "stable 1");
      await vi.waitFor(() => expect(decisions.at(-1)).toMatchObject({ by: "other server" }));
      expect(decisions.filter(({ outcome }) => "end" in outcome)).toHaveLength(1);
    });

    it("takes a rollout forward only with the lease, and back at any time", async () => {
      const store = new MemoryStore();
      const leadership = new ToldLeadership();
      const driver = { leadership, returnMs: 0 };
      const { roll, state, pass, refuses, revisions } = await world({ store, driver });
      await roll(cluster("x", 2), cluster("y"));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(state()).toBe("applying 0");
      const lease = (await store.lease("leader")) as Lease;
      leadership.lease = lease;
      await becomes(state, "baking 0");
      await lease.release(); // and this process does not know it yet
      pass(minute);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(state()).toBe("baking 0");
      leadership.lease = undefined;
      refuses.add("n0 x@3");
      await roll(cluster("x", 3), cluster("y"));
      await becomes(state, "stable 1");
      expect(revisions.head.barred).toMatchObject([{ revision: 3 }]);
    });
  });
});
