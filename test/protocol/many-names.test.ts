import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { XdsError } from "../../src/errors.js";
import { heavyWork } from "../../src/heavy-work.js";
import { Accounts } from "../../src/protocol/account.js";
import { delta } from "../../src/protocol/delta.js";
import { FlushQueue } from "../../src/protocol/flush-queue.js";
import type { Response } from "../../src/protocol/response.js";
import { sotw } from "../../src/protocol/sotw.js";
import { Stream } from "../../src/protocol/stream.js";
import type { Variant } from "../../src/protocol/variant.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { endpointType } from "../../src/resource/types.js";
import { anonymousNode } from "../../src/schema/node.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request } from "../../src/wire/messages.js";
import { endpoints } from "./resources.js";
import { streamContext } from "./stream-context.js";
import { watchersOf } from "./watchers.js";

/** Each look at the clock takes a millisecond, so that a slice of time is a number of steps. */
beforeEach(() => {
  let clock = 0;
  vi.spyOn(performance, "now").mockImplementation(() => clock++);
  vi.spyOn(heavyWork, "next").mockImplementation((goOn) => void setImmediate(goOn)); // rests: heavy-work.test.ts
  vi.useFakeTimers({ toFake: ["setImmediate", "clearImmediate"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const list = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

class Scene {
  readonly cache = new LinearCache(endpointType, { resources: [endpoints("there")] });
  private readonly accounts = new Accounts();
  private readonly queue = new FlushQueue(this.accounts.all);

  constructor(private readonly variant: "sotw" | "delta") {}

  client(address: string) {
    const { cache, variant, queue } = this;
    const inbox: Response[] = [];
    const errors: unknown[] = [];
    const account = this.accounts.open(address);
    const send = (response: Response) => inbox.push(response) > 0;
    const transport = { peer: address, account, send, end: (error: unknown) => void errors.push(error) };
    const protocol = (variant === "sotw" ? sotw : delta) as Variant<Request>;
    const stream = new Stream(protocol, streamContext(cache, variant, { queue }), transport, undefined);
    void stream.open();
    const request = (names: readonly string[], drop: readonly string[] = [], responseNonce = "") => {
      const request: DiscoveryRequest & DeltaDiscoveryRequest = {
        node: { ...anonymousNode(envoyRegistry()), id: "n" },
        typeUrl: endpointType,
        versionInfo: "",
        responseNonce,
        errorDetail: undefined,
        resourceNames: names,
        resourceNamesSubscribe: names,
        resourceNamesUnsubscribe: drop,
        initialResourceVersions: new Map(),
      };
      return stream.receive(request);
    };
    return { stream, inbox, errors, request, subscription: () => stream.subscriptions.get(endpointType) };
  }

  /** One turn of the event loop; a promise that is settled in it has its followers called. */
  async turn(): Promise<void> {
    vi.runOnlyPendingTimers();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe.each(["sotw", "delta"] as const)("%s: a request with 100,000 names", (variant) => {
  it("is handled in steps, between which another client is answered", async () => {
    const scene = new Scene(variant);
    const greedy = scene.client("a");
    const other = scene.client("b");
    let isDone = false;
    void Promise.resolve(greedy.request([...list("x", 99_999), "there"])).then(() => {
      isDone = true;
    });
    void other.request(["there"]);
    for (let turns = 0; other.inbox.length === 0; turns++) {
      expect(turns).toBeLessThan(3);
      await scene.turn();
    }
    expect(isDone).toBe(false);
    for (let turns = 0; !isDone; turns++) {
      expect(turns).toBeLessThan(1_000);
      await scene.turn();
    }
    expect(greedy.subscription()?.names.size).toBe(100_000);
    expect(watchersOf(scene.cache)).toBe(100_000);
    greedy.stream.close();
    other.stream.close();
    expect(watchersOf(scene.cache)).toBe(0);
  });

  it("leaves nothing when its stream is closed meanwhile", async () => {
    const scene = new Scene(variant);
    const greedy = scene.client("a");
    void greedy.request([...list("x", 99_999), "there"]);
    await scene.turn();
    greedy.stream.close();
    for (let i = 0; i < 100; i++) await scene.turn();
    expect([watchersOf(scene.cache), greedy.errors, greedy.inbox]).toEqual([0, [], []]);
  });

  it("has no effect on what comes after it: the next request waits", async () => {
    const scene = new Scene(variant);
    const greedy = scene.client("a");
    const names = [...list("x", 50_000), "there"];
    void greedy.request(names);
    void greedy.request(["there"], list("x", 50_000));
    for (let i = 0; i < 200; i++) await scene.turn();
    expect([...(greedy.subscription()?.names ?? [])]).toEqual(["there"]);
    expect(greedy.inbox.flatMap(({ resources }) => resources).map(({ name }) => name)).toContain("there");
  });
});

it("P38 delta: names that do not exist are answered a thousand at once, all of them", async () => {
  const scene = new Scene("delta");
  const client = scene.client("a");
  void client.request(list("x", 5_000));
  const answered = new Set<string>();
  const again: string[] = [];
  for (let turns = 0; answered.size < 5_000; turns++) {
    expect(turns).toBeLessThan(1_000);
    await scene.turn();
    for (const { nonce, resources, removedResources } of client.inbox.splice(0)) {
      const names = [...resources.map(({ name }) => name), ...removedResources];
      expect(names.length).toBeLessThanOrEqual(1_000);
      for (const name of names) {
        if (answered.has(name)) again.push(name);
        answered.add(name);
      }
      void client.request([], [], nonce);
    }
  }
  for (let i = 0; i < 50; i++) await scene.turn();
  expect([again, client.inbox, client.subscription()?.namesToAnswer.isDone]).toEqual([[], [], true]);
});

it.each(["sotw", "delta"] as const)("P38 %s: names that exist are answered together, and once", async (variant) => {
  const scene = new Scene(variant);
  const names = list("x", 25_000);
  scene.cache.replace(names.map((name) => endpoints(name)));
  const client = scene.client("a");
  void client.request(names);
  const answered: string[] = [];
  for (let i = 0; i < 300; i++) {
    await scene.turn();
    for (const { nonce, resources } of client.inbox.splice(0)) {
      answered.push(...resources.map(({ name }) => name));
      void client.request(variant === "sotw" ? names : [], [], nonce);
    }
  }
  expect(answered.sort()).toEqual(names.sort());
});

it("P38 delta: a name whose turn has not come, and that comes into being, is sent once", async () => {
  const scene = new Scene("delta");
  const client = scene.client("a");
  void client.request(list("x", 25_000));
  while (client.inbox.length === 0) await scene.turn();
  scene.cache.set(endpoints("x20000"));
  let sent = 0;
  for (let i = 0; i < 300; i++) {
    await scene.turn();
    for (const { nonce, resources, removedResources } of client.inbox.splice(0)) {
      sent += resources.length;
      expect(removedResources).not.toContain("x20000");
      void client.request([], [], nonce);
    }
  }
  expect([sent, client.subscription()?.namesToAnswer.isDone]).toEqual([1, true]);
});

it("P38 delta: names whose turn has not come are answered also when the client drops all those before them", async () => {
  const scene = new Scene("delta");
  const client = scene.client("a");
  const names = list("x", 2_500);
  void client.request(names);
  while (client.inbox.length === 0) await scene.turn();
  const [{ nonce }] = client.inbox.splice(0) as [Response];
  void client.request([], names.slice(1_000, 2_000));
  for (let i = 0; i < 50; i++) await scene.turn();
  void client.request([], [], nonce);
  for (let i = 0; i < 50; i++) await scene.turn();
  const answered = client.inbox.flatMap(({ removedResources, resources }) => [
    ...removedResources,
    ...resources.map(({ name }) => name),
  ]);
  expect(answered.sort()).toEqual(names.slice(2_000).sort());
});

describe.each(["sotw", "delta"] as const)("%s: a name that is too long", (variant) => {
  it("is refused before it is read", () => {
    const scene = new Scene(variant);
    const client = scene.client("a");
    void client.request(["a", `xdstp://${"x".repeat(9 << 20)}`]);
    const [error] = client.errors;
    expect(error).toBeInstanceOf(XdsError);
    expect(error).toMatchObject({ code: "INVALID_REQUEST", message: expect.stringContaining("4096 are allowed") });
    expect((error as Error).message.length).toBeLessThan(200);
    expect(client.subscription()).toBeUndefined();
  });

  it("has more than 4,096 characters", () => {
    const client = new Scene(variant).client("a");
    void client.request(["x".repeat(4_096)]);
    expect(client.errors).toEqual([]);
    void client.request(["x".repeat(4_097)]);
    expect(client.errors).toHaveLength(1);
  });
});
