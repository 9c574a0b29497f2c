import { describe, expect, it } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { Accounts } from "../../src/protocol/account.js";
import { delta } from "../../src/protocol/delta.js";
import { FlushQueue } from "../../src/protocol/flush-queue.js";
import { heldBytes } from "../../src/protocol/held-bytes.js";
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

const list = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A stream of one client, and what its address is counted for. */
function scene(variant: "sotw" | "delta", mayGrow = true) {
  const accounts = new Accounts();
  const queue = new FlushQueue(accounts.all);
  const cache = new LinearCache(endpointType, { resources: list("e", 10).map((name) => endpoints(name)) });
  const account = accounts.open("a");
  const inbox: Response[] = [];
  const transport = {
    peer: "a",
    account,
    send: (response: Response) => inbox.push(response) > 0,
    end: (error: unknown) => {
      throw error;
    },
  };
  const protocol = (variant === "sotw" ? sotw : delta) as Variant<Request>;
  const context = streamContext(cache, variant, { queue, mayGrow: () => mayGrow, ordered: false });
  const stream = new Stream(protocol, context, transport, undefined);
  void stream.open();
  const request = async (
    names: readonly string[],
    { drop = [], ...more }: { drop?: string[] } & Partial<DeltaDiscoveryRequest> = {},
  ) => {
    const request: DiscoveryRequest & DeltaDiscoveryRequest = {
      node: { ...anonymousNode(envoyRegistry()), id: "n" },
      typeUrl: endpointType,
      versionInfo: "",
      responseNonce: "",
      errorDetail: undefined,
      resourceNames: names,
      resourceNamesSubscribe: names,
      resourceNamesUnsubscribe: drop,
      initialResourceVersions: new Map(),
      ...more,
    };
    await stream.receive(request);
    do await turn();
    while (queue.all.hasWork); // on a busy machine an answer may take several turns
  };
  const nonce = () => inbox.at(-1)?.nonce ?? "";
  const held = () => (account.parent?.held ?? 0) - heldBytes.connection;
  const coming = () => account.parent?.coming;
  const subscription = () => stream.subscriptions.get(endpointType);
  return { stream, cache, request, inbox, nonce, held, coming, accounts, subscription };
}

describe.each(["sotw", "delta"] as const)("what is held for a client, %s,", (variant) => {
  it("grows with its names, shrinks with them, and ends with its stream", async () => {
    const { stream, request, nonce, held, accounts } = scene(variant);
    await request(list("e", 10));
    const few = held();
    expect(few).toBeGreaterThan(10 * heldBytes.name);
    const many = list("n".repeat(100), 1_000);
    await request([...list("e", 10), ...many], { responseNonce: nonce() });
    const more = held();
    expect(more - few).toBeGreaterThan(1_000 * (heldBytes.name + 100));
    await request(list("e", 10), { drop: many, responseNonce: nonce() });
    expect(held()).toBeLessThan(few + 20 * heldBytes.name);
    stream.close();
    expect(held()).toBe(0);
    expect(accounts.all.held).toBe(heldBytes.connection);
  });

  it("is expected while a long request is handled, also if its stream is closed meanwhile", async () => {
    for (const isClosed of [false, true]) {
      const { stream, request, held, coming } = scene(variant);
      const done = request(list("x", 99_000));
      expect(coming()).toBe(99_000 * heldBytes.name);
      if (isClosed) stream.close();
      await done;
      expect(coming()).toBe(0);
      if (isClosed) expect(held()).toBe(0);
      else expect(held()).toBeGreaterThan(99_000 * heldBytes.name);
      stream.close();
      expect(held()).toBe(0);
    }
  });

  it("has the message of a NACK, until what was refused is replaced", async () => {
    const { stream, cache, request, nonce, held, subscription } = scene(variant);
    await request(["e0"]);
    const before = held();
    const errorDetail = { code: 13, message: "x".repeat(10_000) };
    const names = variant === "sotw" ? ["e0"] : [];
    await request(names, { responseNonce: nonce(), errorDetail });
    expect(held()).toBeGreaterThan(before + 9_000);
    expect(subscription()?.ledger.nacked?.error.message).toHaveLength(10_000);
    cache.set(endpoints("e0", 2));
    await turn();
    await request(names, { responseNonce: nonce() });
    expect(held()).toBeLessThan(before + 1_000);
    stream.close();
    expect(held()).toBe(0);
  });

  it("has little of the message of a NACK while memory is short", async () => {
    const { request, nonce, subscription } = scene(variant, false);
    await request(["e0"]);
    const errorDetail = { code: 13, message: `${"x".repeat(255)}yz` };
    await request(variant === "sotw" ? ["e0"] : [], { responseNonce: nonce(), errorDetail });
    expect(subscription()?.ledger.nacked?.error).toEqual({ code: 13, message: `${"x".repeat(255)}y` });
  });
});

it("what a client reports to have counts until it is answered", async () => {
  const { stream, request, inbox, nonce, held } = scene("delta");
  const gone = new Map(list("gone", 1_000).map((name) => [name, "v".repeat(50)]));
  await request(["*"], { initialResourceVersions: gone });
  expect(held()).toBeGreaterThan(1_000 * (heldBytes.entry + 50));
  for (let answered = 0; answered < inbox.length; answered++) await request([], { responseNonce: nonce() });
  expect(held()).toBeLessThan(10_000);
  stream.close();
  expect(held()).toBe(0);
});
