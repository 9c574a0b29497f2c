import { expect, it, onTestFinished } from "vitest";
import type { Answers } from "../fleet/ask-peers.js";
import type { Peer, PeerQuestion } from "../fleet/peer.js";
import { begin } from "../rollout/rollout.js";
import { FactTable } from "./fact-table.js";
import { type EvidenceLine, OtherEvidence } from "./other-evidence.js";

const rollout = begin(2, "r", ["a"], 0);

/** Peers, each with a table; those in `silent` do not answer. */
function scene(...names: string[]) {
  const tables = new Map(names.map((name) => [name, new FactTable()]));
  const silent = new Set<string>();
  const shows = new Map<string, EvidenceLine["shows"]>(names.map((name) => [name, rollout]));
  const shared = new Map<string, string>();
  const asked: PeerQuestion[] = [];
  let read = 0;
  const others = new OtherEvidence(
    {
      get peers() {
        return Array.from(tables.keys(), (id) => ({ id, name: shared.get(id) ?? id }));
      },
      ask: async (question): Promise<Answers> => {
        asked.push(question);
        const { since } = question as PeerQuestion & { ask: "evidence" };
        const answers = [...tables]
          .filter(([name]) => !silent.has(name))
          .map(([by, table]) => {
            const changes = table.since(since[by]);
            read += changes.entries.length;
            const line = { by, ...changes, shows: shows.get(by) };
            return { peer: { id: by } as Peer, bytes: new Uint8Array(Buffer.from(`${JSON.stringify(line)}\n`)) };
          });
        return { answers, silent: [] };
      },
    },
    1,
  );
  onTestFinished(() => others.close());
  const looked = async () => {
    const before = asked.length;
    await expect.poll(() => asked.length, { interval: 1 }).toBeGreaterThan(before + 1);
  };
  return { others, tables, shared, silent, shows, asked, looked, reads: () => read };
}

const fact = JSON.stringify({ is: "taken" });

it("knows the facts of all, and reads only what has changed", async () => {
  const { others, tables, looked, reads } = scene("a", "b");
  tables.get("a")?.set(
    new Map([
      ["n1", fact],
      ["n2", fact],
    ]),
  );
  others.follow("r");
  await looked();
  expect(others.view(rollout)).toEqual({
    facts: [
      new Map([
        ["n1", { is: "taken" }],
        ["n2", { is: "taken" }],
      ]),
      new Map(),
    ],
    silent: [],
  });
  await looked();
  expect(reads()).toBe(2);
  tables.get("a")?.set(new Map([["n2", JSON.stringify({ is: "pending" })]]));
  await looked();
  expect(others.view(rollout).facts[0]).toEqual(new Map([["n2", { is: "pending" }]]));
  expect(reads()).toBe(4);
});

it("names those that have not answered, and those that do not serve this wave", async () => {
  const { others, silent, shows, tables, looked } = scene("a", "b", "c");
  silent.add("a");
  shows.set("b", { id: "r", share: 0.5, first: ["a"] });
  others.follow("r");
  expect(others.view(rollout).silent).toHaveLength(3);
  await looked();
  expect(others.view(rollout).silent).toEqual([
    { name: "a", why: "what its nodes have applied is not known" },
    { name: "b", why: "it does not serve this wave yet" },
  ]);
  expect(others.view({ ...rollout, share: 0.5 }).silent.map(({ name }) => name)).toEqual(["a", "c"]);
  // A replica that is not present any more is not waited for.
  tables.delete("a");
  shows.set("b", rollout);
  await looked();
  expect(others.view(rollout)).toEqual({ facts: [new Map(), new Map()], silent: [] });
});

it("does not take the answer of one for that of another with the same name", async () => {
  const { others, shared, silent, tables, looked } = scene("a", "b");
  shared.set("a", "lb:1").set("b", "lb:1");
  tables.get("a")?.set(new Map([["n1", fact]]));
  silent.add("b");
  others.follow("r");
  await looked();
  expect(others.view(rollout)).toEqual({
    facts: [new Map([["n1", { is: "taken" }]])],
    silent: [{ name: "lb:1", why: "what its nodes have applied is not known" }],
  });
});

it("keeps what a silent one knew last, and asks nobody without a rollout", async () => {
  const { others, tables, silent, asked, looked } = scene("a");
  tables.get("a")?.set(new Map([["n1", fact]]));
  others.follow("r");
  await looked();
  silent.add("a");
  await looked();
  expect(others.view(rollout).facts).toEqual([new Map([["n1", { is: "taken" }]])]);
  others.follow(undefined);
  const before = asked.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(asked.length).toBe(before);
  expect(others.view(rollout).facts).toEqual([]);
});

it("counts an answer of another form as none, and goes on", async () => {
  const { others, shows, looked } = scene("a", "b");
  others.follow("r");
  await looked();
  expect(others.view(rollout).silent).toEqual([]);
  for (const wrong of [{ id: "r" }, { id: "r", first: "a", share: 0 }]) {
    shows.set("b", wrong as never);
    await looked();
    expect(others.view(rollout).silent).toEqual([{ name: "b", why: "what its nodes have applied is not known" }]);
  }
  shows.set("b", rollout);
  await looked();
  expect(others.view(rollout).silent).toEqual([]);
});
