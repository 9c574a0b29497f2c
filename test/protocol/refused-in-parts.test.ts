import { describe, expect, it } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import type { StreamNack } from "../../src/server/callbacks.js";
import {
  cacheOf,
  deltaWays,
  on,
  onBothTypes,
  sotwWays,
  TestServer,
  type TestServerOptions,
  until,
  type Way,
} from "./harness.js";
import { aggregateOfC, cluster, endpoints, listener, listenerAt, type Maker, route } from "./resources.js";
import type { Answer, ScriptedStream } from "./scripted-stream.js";

const mostNacks = 64;
const namesOf = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(3, "0")}`);

/** Answers everything that comes, and refuses what has one of these names. */
async function answerAll(stream: ScriptedStream, bad: ReadonlySet<string>) {
  const nacked: Answer[] = [];
  const acked: Answer[] = [];
  for (;;) {
    const answer = await nextIfAny(stream);
    if (!answer) return { nacked, acked };
    const isBad = answer.has.some((label) => bad.has(label.replace(/@.*/, "")));
    (isBad ? nacked : acked).push(answer);
    if (isBad) stream.nack(answer);
    else stream.ack(answer);
  }
}

/** The next response; undefined: the server has nothing more to send. */
async function nextIfAny(stream: ScriptedStream): Promise<Answer | undefined> {
  try {
    await stream.quiet();
    return undefined;
  } catch {
    return stream.next();
  }
}

/** A client that has all of a type's resources by name or as a wildcard, before a change. */
async function opened(way: Way, typeUrl: string, names: readonly string[], options: TestServerOptions = {}) {
  const nacks: StreamNack[] = [];
  const cache = cacheOf();
  const server = await TestServer.start(cache, {
    callbacks: { onStreamNack: (nack) => void nacks.push(nack) },
    retryRefused: false,
    ...options,
  });
  const stream = server.open(way, typeUrl);
  stream.want(...names);
  const first = await nextIfAny(stream); // what tells that there is nothing, or the placeholders
  if (first) stream.ack(first);
  await stream.quiet();
  return { cache, server, stream, nacks };
}

const serve = (cache: ReturnType<typeof cacheOf>, resources: readonly Resource[]) =>
  cache.set("n", Snapshot.of(resources));
const made = (make: Maker, names: readonly string[], content = 1) => names.map((name) => make(name, content));

const nacksOf = ({ server }: TestServer) => server.report().counters.traffic.reduce((sum, { nacks }) => sum + nacks, 0);

/** One bad resource among 64: found, and all others delivered and ACKed once. */
async function findsOne(way: Way, typeUrl: string, make: Maker, wanted: readonly string[]) {
  const names = namesOf("c", 64);
  const { cache, server, stream, nacks } = await opened(way, typeUrl, wanted);
  serve(cache, made(make, names));
  const applied = server.server.applied("n").catch((error: unknown) => error);
  const { acked, nacked } = await answerAll(stream, new Set(["c041"]));
  expect(nacked.length + acked.length - 1, "further responses").toBeLessThanOrEqual(2 * Math.log2(64));
  const good = names.filter((name) => name !== "c041").map((name) => `${name}@1`);
  expect(acked.flatMap(({ has }) => has).sort(), "the good ones, each ACKed once").toEqual(good);
  expect(nacks.map(({ resources }) => resources.map(({ name }) => name))).toEqual([["c041"]]);
  expect(await applied).toMatchObject({ code: "NOT_APPLIED", lacking: [{ refused: ["c041"] }] });
  const [status] = server.server.report().streams[0]?.types ?? [];
  expect(status).toMatchObject({ state: "ERROR", nacked: { names: ["c041"] } });
  expect(nacksOf(server)).toBe(nacked.length);
  serve(cache, [...made(make, names.slice(1)), make("c000", 2)]);
  await stream.take(["c000@2"]);
  await stream.quiet();
  serve(cache, [
    ...made(
      make,
      names.filter((name) => name !== "c041" && name !== "c000"),
    ),
    make("c000", 2),
    make("c041", 2),
  ]);
  await stream.take(["c041@2"]);
  await stream.quiet();
  expect(server.server.report().streams[0]?.types[0]).toMatchObject({ state: "SYNCED", nacked: undefined });
}

describe("a response that is refused", () => {
  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    for (const wanted of [["*"], namesOf("c", 64)])
      it(`P17 with one bad resource of 64 is divided until that one is refused alone (${wanted[0] === "*" ? "wildcard" : "by name"})`, () =>
        findsOne(way, typeUrl, make, wanted));

    it(`P17 with many bad ones is refused at most ${mostNacks} times; then the rest stays refused together`, async () => {
      const names = namesOf("c", 300);
      const { cache, server, stream, nacks } = await opened(way, typeUrl, ["*"]);
      serve(cache, made(make, names));
      const { nacked } = await answerAll(stream, new Set(names));
      expect(nacked).toHaveLength(mostNacks);
      const alone = nacks.slice(0, -1);
      for (const { resources } of alone) expect(resources).toHaveLength(1);
      const together = nacks.at(-1)?.resources.map(({ name }) => name) ?? [];
      expect([...alone.flatMap(({ resources }) => resources.map(({ name }) => name)), ...together].sort()).toEqual(
        names,
      );
      expect(server.server.report().streams[0]?.types[0]?.state).toBe("ERROR");
      serve(cache, made(make, names, 2));
      const again = await answerAll(stream, new Set());
      expect(again.acked.flatMap(({ has }) => has).sort()).toEqual(names.map((name) => `${name}@2`));
      expect(server.server.report().streams[0]?.types[0]).toMatchObject({ state: "SYNCED", nacked: undefined });
    });

    it("P17 P18 is not searched for resources that are replaced meanwhile", async () => {
      const { cache, server, stream } = await opened(way, typeUrl, ["*"]);
      serve(cache, made(make, ["a", "b", "c", "d"]));
      stream.nack(await stream.expect(["a@1", "b@1", "c@1", "d@1"]));
      const half = await stream.expect(["a@1", "b@1"]);
      serve(cache, [make("a"), make("b"), make("c", 2), make("d", 2)]);
      stream.ack(half);
      await stream.take(["c@2", "d@2"]);
      await stream.quiet();
      expect(server.server.report().streams[0]?.types[0]).toMatchObject({ state: "SYNCED", nacked: undefined });
    });
  });

  on(sotwWays, (way) => {
    for (const { typeUrl, make, name } of [
      { typeUrl: endpointType, make: endpoints, name: "endpoints" },
      { typeUrl: routeType, make: route, name: "route configurations" },
    ])
      it(`P16 with one bad resource of 64 ${name} is divided until that one is refused alone`, () =>
        findsOne(way, typeUrl, make, namesOf("c", 64)));
  });

  on(deltaWays, (way) => {
    it("P17 keeps a listener and the one whose address it takes in one response; other removals go last", async () => {
      const { cache, stream } = await opened(way, listenerType, ["*"]);
      serve(cache, [listenerAt("old", 1), listener("gone"), listener("x")]);
      await stream.take(["gone@1", "old@1", "x@1"]);
      serve(cache, [listenerAt("new", 1), listenerAt("bad", 2), listenerAt("other", 3), listener("x")]);
      stream.nack(await stream.expect(["bad@2", "new@1", "other@3"], ["gone", "old"]));
      const order: Answer[] = [];
      for (let answer = await nextIfAny(stream); answer; answer = await nextIfAny(stream)) {
        order.push(answer);
        if (answer.has.includes("bad@2")) stream.nack(answer);
        else stream.ack(answer);
      }
      const takes = order.filter(({ has }) => has.includes("new@1"));
      for (const { removed } of takes) expect(removed).toContain("old");
      expect(order.filter(({ removed }) => removed.includes("old"))).toEqual(takes);
      const last = order.findIndex(({ removed }) => removed.includes("gone"));
      const additions = order.slice(last + 1).flatMap(({ has, removed }) => (removed.length > 0 ? [] : has));
      expect(last).toBeGreaterThanOrEqual(0);
      expect(additions).toEqual([]);
    });

    it("P17 P53 sends an aggregate after the clusters that it needs", async () => {
      const { cache, stream } = await opened(way, clusterType, ["*"]);
      const added = [aggregateOfC("a", 7), aggregateOfC("b", 8), ...made(cluster, ["c7", "c8", "bad", "d", "e"])];
      serve(cache, added);
      stream.nack(await stream.next());
      const has = new Set<string>();
      for (let answer = await nextIfAny(stream); answer; answer = await nextIfAny(stream)) {
        for (const label of answer.has) {
          const needed = { "a@7": "c7@1", "b@8": "c8@1" }[label];
          if (needed) expect(has.has(needed) || answer.has.includes(needed), `${label} needs ${needed}`).toBe(true);
        }
        if (answer.has.includes("bad@1")) stream.nack(answer);
        else {
          stream.ack(answer);
          for (const label of answer.has) has.add(label);
        }
      }
      expect([...has].sort()).toEqual(["a@7", "b@8", "c7@1", "c8@1", "d@1", "e@1"]);
    });

    it("P17 is counted each time, and reported once, for what was refused alone", async () => {
      const { cache, server, stream, nacks } = await opened(way, clusterType, ["*"]);
      serve(cache, made(cluster, ["a", "b", "c", "bad"]));
      stream.nack(await stream.expect(["a@1", "b@1", "bad@1", "c@1"]));
      await stream.take(["a@1", "b@1"]);
      stream.nack(await stream.expect(["bad@1", "c@1"]));
      await stream.take(["c@1"]);
      expect(nacks).toEqual([]);
      stream.nack(await stream.expect(["bad@1"]), "it is bad");
      await until(() => nacks.length > 0, "the NACK");
      await stream.quiet();
      expect(nacks).toMatchObject([
        { resources: [{ name: "bad" }], removedResources: [], error: { message: "it is bad" } },
      ]);
      expect(nacksOf(server)).toBe(3);
    });
  });
});
