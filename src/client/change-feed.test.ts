import { describe, expect, it } from "vitest";
import { envoyRegistry, resourceType } from "../resource/default-api.js";
import { clusterType } from "../resource/types.js";
import { ChangeFeed } from "./change-feed.js";
import { ClientResource } from "./resource.js";
import { ClientSubscription } from "./subscription.js";

const resource = (name: string, content: number) =>
  ClientResource.received(envoyRegistry(), {
    typeUrl: clusterType,
    name,
    version: String(content),
    body: Buffer.of(content),
    aliases: [],
    ttlMs: undefined,
  });
const [a1, a2, a3] = [resource("a", 1), resource("a", 2), resource("a", 3)];

function open(...held: ClientResource[]) {
  const state = new ClientSubscription(resourceType(clusterType));
  for (const one of held) state.resources.set(one.name, one);
  let left = 0;
  const feed = new ChangeFeed(state, () => left++);
  return { feed, left: () => left };
}

describe("a feed of changes", () => {
  it("begins with what is held", async () => {
    const { feed } = open(a1);
    expect((await feed.next()).value?.changes).toEqual([{ name: "a", before: undefined, after: a1 }]);
  });

  it("merges by name what is not read yet, and forgets what has come to nothing", async () => {
    const { feed } = open();
    feed.push([{ name: "a", before: a1, after: a2 }]);
    feed.push([{ name: "a", before: a2, after: a3 }]);
    feed.push([{ name: "b", before: undefined, after: a1 }]);
    feed.push([{ name: "b", before: a1, after: undefined }]);
    expect((await feed.next()).value).toEqual({
      typeUrl: clusterType,
      version: "",
      changes: [{ name: "a", before: a1, after: a3 }],
    });
  });

  it("wakes all readers, and waits on when what woke them is gone", async () => {
    const { feed } = open();
    const reading = [feed.next(), feed.next()];
    feed.push([{ name: "a", before: undefined, after: a1 }]);
    feed.end();
    const [first, second] = await Promise.all(reading);
    expect(first?.value?.changes).toHaveLength(1);
    expect(second).toEqual({ done: true, value: undefined });
  });

  it("throws an error once, after what is left", async () => {
    const { feed } = open(a1);
    feed.end(new Error("lost"));
    expect((await feed.next()).done).toBe(false);
    await expect(feed.next()).rejects.toThrow("lost");
    expect((await feed.next()).done).toBe(true);
  });

  it("is left by a loop that breaks", async () => {
    const { feed, left } = open(a1);
    for await (const { changes } of feed) {
      expect(changes).toHaveLength(1);
      break;
    }
    expect(left()).toBe(1);
    expect((await feed.next()).done).toBe(true);
  });
});
