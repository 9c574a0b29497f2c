import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Accounts } from "../../protocol/account.js";
import { LimitCounts } from "./limits.js";
import { UnsentResponses } from "./unsent.js";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("a client that takes nothing for ten seconds is ended then, also when the machine's clock is set", () => {
  let passed = 0;
  vi.spyOn(performance, "now").mockImplementation(() => passed);
  vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
  const unsent = new UnsentResponses(new LimitCounts({ responseBytes: 10 }), () => {});
  const ended: string[] = [];
  const account = new Accounts().open("a");
  unsent.of((error) => ended.push(error.code), account).written(20);
  expect(unsent.hasRoom(account)).toBe(false);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(1_000);
  expect(ended).toEqual([]);
  vi.setSystemTime(Date.now() - 7_200_000);
  passed += 10_001;
  vi.advanceTimersByTime(1_000);
  expect(ended).toEqual(["LIMIT_EXCEEDED"]);
});

describe("while clients leave responses where they are", () => {
  const scene = (responseBytes = 100) => {
    const accounts = new Accounts();
    const unsent = new UnsentResponses(new LimitCounts({ responseBytes }), () => {});
    const client = (address: string, hasAnswered = false) => {
      const account = accounts.open(address);
      account.hasAnswered = hasAnswered;
      const response = unsent.of(() => {}, account);
      return { account, response, mayWrite: () => unsent.hasRoom(account) };
    };
    return { unsent, client };
  };
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));

  it("one of their address that is known to read may write, and one that is not waits", () => {
    const { client } = scene();
    for (let i = 0; i < 5; i++) client("a").response.written(10);
    expect(client("a").mayWrite()).toBe(false);
    const reader = client("a", true);
    expect(reader.mayWrite()).toBe(true);
    reader.response.written(10);
    expect(reader.mayWrite()).toBe(false); // it has not read its previous response
    reader.response.sent();
    expect(reader.mayWrite()).toBe(true);
  });

  it("an address of readers that stop takes three quarters, and the others share what is left", () => {
    const { unsent, client } = scene(1_024);
    const fill = (address: string) => {
      for (let i = 0; i < 1_024; i++) {
        const { response, mayWrite } = client(address, true);
        if (mayWrite()) response.written(1);
      }
      return unsent.bytes;
    };
    expect(fill("stopped")).toBe(768);
    expect(fill("also stopped")).toBe(960);
    expect(fill("stopped")).toBe(960);
    // Clients that read are still served.
    for (let i = 0; i < 100; i++) {
      const readers = [client("other", true), client("other", true), client("new")];
      for (const { mayWrite, response } of readers) {
        expect(mayWrite()).toBe(true);
        response.written(1);
      }
      for (const { response } of readers) response.sent();
    }
    expect(unsent.bytes).toBe(960);
  });

  it("another address may write, and shares the first half from then on", () => {
    const { client } = scene();
    const first = client("a");
    first.response.written(50);
    const other = client("b");
    expect(other.mayWrite()).toBe(true);
    other.response.written(10);
    expect([client("b").mayWrite(), client("a").mayWrite()]).toEqual([false, false]); // more than half is in use
    first.response.sent();
    expect([client("b").mayWrite(), client("a").mayWrite()]).toEqual([true, true]);
    client("a").response.written(25);
    expect([client("b").mayWrite(), client("a").mayWrite()]).toEqual([true, false]); // by equal shares
  });

  it("nobody writes beyond the limit, and all that was counted is given back", () => {
    const { unsent, client } = scene();
    const all = Array.from({ length: 20 }, (_, i) => client(`address ${i}`, true));
    for (const { response, mayWrite } of all) if (mayWrite()) response.written(10);
    expect(unsent.bytes).toBe(100);
    for (const { response } of all) response.sent();
    expect([unsent.bytes, ...all.map(({ account }) => account.unsent)]).toEqual(Array(21).fill(0));
    expect(all.every(({ account }) => account.parent?.unsent === 0)).toBe(true);
    expect(client("new").mayWrite()).toBe(true);
  });
});
