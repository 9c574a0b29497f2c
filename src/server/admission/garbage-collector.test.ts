import inspector from "node:inspector";
import { getHeapStatistics } from "node:v8";
import { describe, expect, it } from "vitest";
import { GarbageCollector, garbageCollector } from "./garbage-collector.js";
import { Heap } from "./heap.js";

const mib = 2 ** 20;

/** An inspector whose sessions do this when they are asked, and what came to them. */
function fake(act: { connect?: () => void; post?: (done: (error: Error | null) => void) => void }) {
  const calls: string[] = [];
  class Session {
    connect() {
      calls.push("connect");
      act.connect?.();
    }
    post(_: string, done: (error: Error | null) => void) {
      calls.push("post");
      act.post?.(done);
    }
    disconnect() {
      calls.push("disconnect");
    }
  }
  return { calls, load: async () => ({ Session }) };
}
const fail = (why: string) => () => {
  throw new Error(why);
};

describe("the garbage collector", () => {
  it("asks once for all who want it meanwhile, and once more for the next", async () => {
    const answers: (() => void)[] = [];
    const { calls, load } = fake({ post: (done) => void answers.push(() => done(null)) });
    const collector = new GarbageCollector(load);
    const all = Array.from({ length: 100 }, () => collector.collect());
    await Promise.resolve();
    await Promise.resolve();
    for (let i = 0; i < 100; i++) all.push(collector.collect());
    expect(calls).toEqual(["connect", "post"]);
    answers[0]?.();
    await Promise.all(all);
    expect(calls).toEqual(["connect", "post", "disconnect"]);
    const next = collector.collect();
    await Promise.resolve();
    await Promise.resolve();
    answers[1]?.();
    await next;
    expect(calls).toHaveLength(6);
  });

  it("gives up a collection that is never answered, ends its session, and asks again only then", async () => {
    const { calls, load } = fake({});
    const collector = new GarbageCollector(load, 20);
    await Promise.all([collector.collect(), collector.collect()]);
    expect(calls).toEqual(["connect", "post", "disconnect"]);
    await collector.collect();
    expect(calls).toHaveLength(6);
  });

  it.each([
    ["is missing", { load: () => Promise.reject(new Error("ERR_INSPECTOR_NOT_AVAILABLE")), calls: [] }, []],
    ["cannot be connected to", fake({ connect: fail("denied") }), ["connect", "disconnect"]],
    ["cannot be asked", fake({ post: fail("closed") }), ["connect", "post", "disconnect"]],
    ["answers with an error", fake({ post: (done) => done(new Error("no")) }), ["connect", "post", "disconnect"]],
  ])("does nothing where the inspector %s", async (_, { load, calls }, expected) => {
    await new GarbageCollector(load).collect();
    expect(calls).toEqual(expected);
  });

  it("collects, also while a debugger listens", async () => {
    const used = () => getHeapStatistics().used_heap_size;
    const waste = (): number => {
      const garbage = Array.from({ length: 200_000 }, (_, i) => ({ i, text: `garbage ${i}` }));
      return garbage.length;
    };
    for (const isDebugged of [false, true]) {
      if (isDebugged) inspector.open(0, "127.0.0.1");
      try {
        waste();
        await garbageCollector.collect();
        const live = used();
        waste();
        expect(used()).toBeGreaterThan(live);
        await garbageCollector.collect();
        expect(used()).toBeLessThan(live + 2 * mib);
      } finally {
        if (isDebugged) inspector.close();
      }
    }
  });
});

describe("a heap that is full", () => {
  it("asks for one collection however often it is looked at, and for no further one while it rests", async () => {
    let asked = 0;
    let end = () => {};
    const collect = () => {
      asked++;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    };
    const heap = new Heap({ collect });
    for (let i = 0; i < 100; i++) expect(heap.holds(0, 0.000_1)).toBe(false);
    expect(asked).toBe(1);
    end();
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 100; i++) expect(heap.holds(0, 0.000_1)).toBe(false);
    expect(asked).toBe(1);
  });
});
