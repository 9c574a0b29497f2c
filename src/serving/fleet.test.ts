import { expect, it, onTestFinished } from "vitest";
import { LogBook, TestServer, until } from "../../test/protocol/harness.js";
import { cluster } from "../../test/protocol/resources.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { XdsClient } from "../client/xds-client.js";
import type { Peer } from "../fleet/peer.js";
import { Snapshot } from "../resource/snapshot.js";
import { clusterType } from "../resource/types.js";
import { Fleet } from "./fleet.js";
import { whyNot } from "./replica-peers.js";
import { ServedProgress } from "./served-progress.js";

/** A process with a server. The nodes are in the group of their cluster. */
async function process(name: string, others: readonly Peer[] = [], logger = new LogBook()) {
  const cache = new SnapshotCache({ nodeGroup: ({ cluster: of }) => of });
  const server = await TestServer.start(cache);
  const state = { served: { stable: 1, live: 0 } };
  const fleet = Fleet.of({
    ...{ server: () => server.server, name: () => name, served: () => state.served, logger, patienceMs: 100 },
    peers: { others },
  });
  const peer: Peer = { id: name, name, ask: (question, signal) => fleet.answer(question, signal) };
  const connect = (id: string, group: string, refuses = false) => {
    const client = new XdsClient({
      ...{ address: `127.0.0.1:${server.port}`, node: { id, cluster: group } },
      callbacks: { onResponse: () => (refuses ? "no" : undefined) },
    });
    onTestFinished(() => client.close());
    client.subscribe(clusterType);
    return until(() => server.server.nodes().some(({ node, types }) => node.id === id && types.length > 0), "it");
  };
  return { cache, server, state, fleet, peer, connect, logger };
}

const silent: Peer = { id: "dead", name: "dead", ask: () => Promise.reject(new Error("ECONNREFUSED")) };

it("applied() waits for the nodes of all, also where the revision comes later", async () => {
  const other = await process("two");
  const one = await process("one", [other.peer]);
  for (const each of [one, other]) each.cache.set("a", Snapshot.of([cluster("x")]));
  await one.connect("n1", "a");
  await other.connect("n2", "a");
  await one.fleet.applied();
  await one.fleet.applied({ group: "a" });
  one.state.served = { stable: 2, live: 0 };
  let isDone = false;
  const waiting = one.fleet.applied().then(() => {
    isDone = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(isDone).toBe(false);
  other.state.served = { stable: 2, live: 0 };
  await waiting;
});

it("applied() rejects with the words of a node elsewhere, and names a process that does not answer", async () => {
  const other = await process("two");
  const one = await process("one", [other.peer]);
  for (const each of [one, other]) each.cache.set("a", Snapshot.of([cluster("x")]));
  await other.connect("n2", "a", true);
  await expect(one.fleet.applied({ timeoutMs: 5_000 })).rejects.toMatchObject({
    code: "NOT_APPLIED",
    message: 'replica two: node "n2" refused clusters "x": no',
  });
  const alone = await process("one", [silent]);
  await expect(alone.fleet.applied({ timeoutMs: 100 })).rejects.toMatchObject({
    code: "TIMED_OUT",
    message: "replica dead: it is not known what its nodes have applied: ECONNREFUSED",
  });
});

it("applied() asks again a process that does not answer, and does not wait for one that has left", async () => {
  const answers: (string | undefined)[] = [undefined, undefined, JSON.stringify({ by: "late" })];
  const late: Peer = {
    ...{ id: "late", name: "late" },
    ask: async () => {
      const answer = answers.shift();
      if (answer === undefined) throw new Error("ECONNREFUSED");
      return new Uint8Array(Buffer.from(answer));
    },
  };
  await (await process("one", [late])).fleet.applied({ timeoutMs: 5_000 });
  expect(answers).toEqual([]);
  const others = [silent];
  const left = (await process("one", others)).fleet.applied({ timeoutMs: Number.POSITIVE_INFINITY });
  others.pop();
  await left;
});

it("applied() waits on when a process shuts down, and asks the others again when it has left", async () => {
  const asked: string[] = [];
  const line = (by: string, error?: object) => new Uint8Array(Buffer.from(JSON.stringify({ by, error })));
  const stays: Peer = {
    ...{ id: "stays", name: "stays" },
    ask: async () => {
      asked.push("stays");
      return line("stays");
    },
  };
  const others: Peer[] = [stays];
  others.push({
    ...{ id: "ends", name: "ends" },
    ask: async () => {
      asked.push("ends");
      others.length = 1; // it is gone after this answer
      return line("ends", { code: "WRONG_STATE", message: "the server is shutting down" });
    },
  });
  await (await process("one", others)).fleet.applied({ timeoutMs: 5_000 });
  expect(asked).toEqual(["stays", "ends", "stays"]);
});

it("takes an answer of another form for none, where it compares loads", async () => {
  const other = await process("two");
  const wrong = ["null", "no JSON", '{"streams":"1","limit":2}'].map(
    (text, at): Peer => ({ id: String(at), name: "x", ask: async () => new Uint8Array(Buffer.from(text)) }),
  );
  const one = await process("one", [...wrong, other.peer]);
  expect(await one.fleet.loads()).toEqual([{ streams: 0, limit: 100_000, accepts: true }]);
  expect(await one.fleet.streams()).toBe(0);
});

it("a question whose asker has left is over at once, though a node is not done", async () => {
  const one = await process("one");
  one.cache.set("a", Snapshot.of([cluster("x")]));
  await one.connect("n1", "a");
  const { server } = one.server;
  const applied = server.applied.bind(server);
  server.applied = (nodes, options) => applied(nodes, { ...options, version: "of no response" });
  const left = new AbortController();
  const question = { ask: "applied", stable: 1, live: 0, timeoutMs: 60_000 } as const;
  const answer = one.fleet.answer(question, left.signal);
  left.abort(new Error("the asker has left"));
  await expect(answer).rejects.toThrow("the asker has left");
  await expect(applied("a", { signal: left.signal })).rejects.toThrow("the asker has left");
});

it("what keeps an older revision from being applied is not told of a newer one", async () => {
  const one = await process("one");
  one.cache.set("a", Snapshot.of([cluster("x")]));
  await one.connect("n1", "a", true);
  const progress = new ServedProgress(
    () => one.server.server,
    () => one.state.served,
  );
  onTestFinished(() => progress.close());
  progress.look();
  await until(() => progress.lacking?.isRefused === true, "the refusal");
  one.state.served = { stable: 2, live: 0 };
  expect(progress.lacking).toBeUndefined();
});

it("applied() of a group needs one process that knows the group", async () => {
  const other = await process("two");
  const one = await process("one", [other.peer]);
  one.cache.set("a", Snapshot.of([cluster("x")]));
  other.cache.set("b", Snapshot.of([cluster("x")]));
  await one.fleet.applied({ group: "b" });
  await expect(one.fleet.applied({ group: "c" })).rejects.toMatchObject({ code: "INVALID_OPTION" });
});

it("has the status of others, and names those that do not answer; the log has them once", async () => {
  const other = await process("two");
  const one = await process("one", [other.peer, silent]);
  other.cache.set("a", Snapshot.of([cluster("x")]));
  await other.connect("n2", "a");
  await other.connect("n3", "a");
  for (let times = 0; times < 3; times++) {
    const status = await one.fleet.othersStatus();
    expect(status.replicas).toMatchObject([{ replica: "two", streams: 2, revision: 1 }]);
    expect(status.silent).toEqual([{ name: "dead", why: "ECONNREFUSED" }]);
    expect(Array.from(status.nodes, (line) => JSON.parse(line))).toMatchObject([
      { id: "n2", replica: "two" },
      { id: "n3", replica: "two" },
    ]);
  }
  expect(Array.from((await one.fleet.othersStatus("n3")).nodes)).toHaveLength(1);
  expect(one.fleet.counts).toEqual({ replicas: 3, silent: 1, moved: 0 });
  expect(one.logger.entries.filter(({ message }) => message.includes("does not answer"))).toHaveLength(1);
  await expect(one.fleet.answer({ ask: "later" } as never, AbortSignal.timeout(1_000))).rejects.toMatchObject({
    code: "INVALID_REQUEST",
  });
});

it("knows how far the nodes of a server are, and what keeps them", async () => {
  const { server, cache, connect, state } = await process("one");
  cache.set("a", Snapshot.of([cluster("x")]));
  const progress = new ServedProgress(
    () => server.server,
    () => state.served,
  );
  onTestFinished(() => progress.close());
  progress.look();
  await expect.poll(() => progress.applied).toEqual({ stable: 1, live: 0 });
  await connect("n1", "a", true);
  state.served = { stable: 2, live: 0 };
  progress.look();
  await expect.poll(() => progress.lacking).toEqual({ isRefused: true, text: 'node "n1" refused clusters "x": no' });
  expect(progress.applied).toEqual({ stable: 1, live: 0 });
});

it("sends a token in plain text only where this was allowed", () => {
  const record = (address: string, certificate?: string) =>
    ({ address, ...(certificate !== undefined && { certificate }) }) as Parameters<typeof whyNot>[0];
  const plain = { own: undefined, isInsecure: false };
  const tls = { own: { cert: "", key: "" }, isInsecure: false };
  for (const local of ["127.0.0.1:1", "[::1]:1", "localhost:1"]) expect(whyNot(record(local), plain)).toBeUndefined();
  expect(whyNot(record("10.0.0.1:1"), plain)).toContain("it is on another machine and has no TLS");
  expect(whyNot(record("10.0.0.1:1"), { ...plain, isInsecure: true })).toBeUndefined();
  expect(whyNot(record("127.0.0.1:1"), tls)).toContain("it has no TLS, and this replica has");
  for (const dialing of [plain, tls]) expect(whyNot(record("10.0.0.1:1", "PEM"), dialing)).toBeUndefined();
});
