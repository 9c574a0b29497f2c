import { getHeapStatistics } from "node:v8";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Accounts } from "../../protocol/account.js";
import { Heap } from "./heap.js";
import { LimitCounts } from "./limits.js";

/**
 * The limits of a server whose clients may have this much of the heap, in units of 1 MB. `garbage` counts as used until
 * it is collected.
 */
function scene(size: number) {
  const mb = 1e6;
  const accounts = new Accounts();
  const state = { garbage: 0, isMeasured: true };
  const free = () => size * mb - accounts.all.held;
  const heap = {
    holds: (bytes: number) => free() - state.garbage * mb >= bytes,
    room: () => free() - state.garbage * mb,
    roomWithoutGarbage: free,
    isMeasured: () => state.isMeasured,
  };
  const limits = new LimitCounts({}, accounts.all, heap);
  /** Holds 1 MB more on connections of an address in turn, as long as it may. Returns how many. */
  const fill = (address: string) => {
    const connections = Array.from({ length: 10 }, () => accounts.open(address));
    for (let taken = 0; ; taken++) {
      const connection = connections[taken % connections.length];
      try {
        if (connection) limits.checkGrowth(connection);
      } catch (error) {
        return { taken, why: (error as Error).message };
      }
      connection?.hold(mb);
    }
  };
  return { accounts, limits, state, fill, mb };
}

const ofAddress = /^this address has three quarters of the memory for clients, .*the server's limit heapPercent is 75$/;

describe("of the heap", () => {
  it("one address has three quarters at most, however many its connections; each that comes has as much of the rest", () => {
    const { fill } = scene(1_024);
    for (const [address, most] of [
      ["a", 768],
      ["b", 192],
      ["c", 48],
    ] as const) {
      const { taken, why } = fill(address);
      expect(Math.abs(taken - most)).toBeLessThan(3);
      expect(why).toMatch(ofAddress);
    }
  });

  it("what an address gives back is for all", () => {
    const { accounts, fill, mb } = scene(1_024);
    const first = accounts.open("a");
    first.hold(700 * mb);
    first.hold(-700 * mb);
    accounts.close("a");
    expect(accounts.all.held).toBe(0);
    expect(Math.abs(fill("b").taken - 768)).toBeLessThan(3);
  });

  it("garbage takes nothing away from an address, until the heap is full of it", () => {
    const { accounts, limits, state, mb } = scene(1_000);
    const client = accounts.open("a");
    client.hold(500 * mb);
    state.garbage = 490;
    expect(() => limits.checkGrowth(client)).not.toThrow();
    state.garbage = 510;
    expect(() => limits.checkGrowth(client)).toThrow("memory is short");
  });

  it("nobody is refused before garbage was collected", () => {
    const { accounts, limits, state, mb } = scene(1_000);
    const client = accounts.open("a");
    client.hold(800 * mb);
    state.isMeasured = false;
    expect(() => limits.checkGrowth(client)).not.toThrow();
    state.isMeasured = true;
    expect(() => limits.checkGrowth(client)).toThrow(ofAddress);
  });

  it("what is about to be held counts for its address", () => {
    const { accounts, limits, mb } = scene(1_000);
    const client = accounts.open("a");
    const address = client.parent as typeof client;
    client.hold(100 * mb);
    address.coming = 3_000 * mb;
    expect(() => limits.checkGrowth(client)).toThrow(ofAddress);
    expect(limits.mayGrow(accounts.open("b"))).toBe(true);
    address.coming = 0;
    expect(limits.mayGrow(client)).toBe(true);
  });

  it("an address beyond its share is refused only what is new", () => {
    const { accounts, limits, mb } = scene(1_000);
    const client = accounts.open("a");
    client.hold(800 * mb);
    expect(() => limits.checkGrowth(client, () => false)).not.toThrow();
    expect(() => limits.checkGrowth(client, () => true)).toThrow(ofAddress);
    expect([limits.mayGrow(client), limits.mayGrow(accounts.open("b"))]).toEqual([false, true]);
    expect(limits.hits.heapPercent).toBe(1);
  });
});

describe("the room of a heap without its garbage", () => {
  const statistics = (used: number) => ({ ...getHeapStatistics(), used_heap_size: used, heap_size_limit: 1_000e6 });
  const mb = 1e6;
  const size = 1_000 * mb - 2 ** 26; // V8 keeps the rest for itself

  /** A heap on a clock, of which so many MB are in use and so many are held for clients. */
  function clocked() {
    const state = { now: 0, used: 0, held: 0, asked: 0 };
    vi.spyOn(performance, "now").mockImplementation(() => state.now);
    const collect = async () => void state.asked++;
    const heap = new Heap(
      { collect },
      () => state.held * mb,
      () => statistics(state.used * mb),
    );
    /** At this second so much is in use. */
    const at = (second: number, used: number, held = state.held) => {
      Object.assign(state, { now: second * 1_000, used, held });
      heap.room(1);
      return (size - heap.roomWithoutGarbage(1)) / mb;
    };
    return { state, heap, at };
  }
  afterEach(() => void vi.restoreAllMocks());

  it("is what V8 leaves when it collects, and what is held since", () => {
    const { at } = clocked();
    expect(at(0, 300, 100)).toBe(300);
    expect(at(1, 500, 100)).toBe(300);
    expect(at(2, 250, 100)).toBe(250);
    expect(at(3, 600, 150)).toBe(300);
    expect(at(4, 600, 0)).toBe(150);
  });

  it("forgets within two minutes what was in use before", () => {
    const { at } = clocked();
    expect(at(0, 100, 0)).toBe(100);
    expect(at(29, 300, 0)).toBe(100);
    expect(at(31, 300, 0)).toBe(100);
    expect(at(62, 400, 0)).toBe(300);
    expect(at(1_000, 500, 0)).toBe(500);
  });

  it("has garbage collected when it is asked whether it is right, and then not for a while", async () => {
    const { state, heap } = clocked();
    state.used = 300;
    expect([heap.isMeasured(), heap.isMeasured()]).toEqual([false, false]);
    await new Promise((resolve) => setImmediate(resolve));
    expect([heap.isMeasured(), state.asked]).toEqual([true, 1]);
    state.now = 60_000;
    expect([heap.isMeasured(), state.asked]).toEqual([false, 2]);
  });
});
