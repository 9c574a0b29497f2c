import { create } from "@bufbuild/protobuf";
import { describe, expect, it, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { ClientResponse, SubscriptionState } from "../../src/client/index.js";
import { Resource } from "../../src/resource/resource.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { cluster, connect, endpoints, modes, serve } from "./modes.js";

const held = ({ resources }: SubscriptionState) => [...resources.keys()].sort();
const holds =
  (...names: string[]) =>
  (state: SubscriptionState) =>
    held(state).join() === names.sort().join();

describe.each(modes)("a client ($name)", (mode) => {
  it("holds everything of a type under a wildcard, decoded when asked, and follows changes and removals", async () => {
    const { address, set } = await serve([cluster("a"), cluster("b")]);
    const client = connect({ address, ...mode });
    client.subscribe(clusterType);
    const state = await client.synced(clusterType);
    expect(held(state)).toEqual(["a", "b"]);
    const a = client.resources(clusterType).get("a");
    expect(a?.as(ClusterSchema).perConnectionBufferLimitBytes).toBe(1);
    expect(a?.version).not.toBe("");

    set([cluster("a", 2), cluster("c")]);
    await client.synced(clusterType, holds("a", "c"));
    expect(client.resources(clusterType).get("a")?.message).toMatchObject({ perConnectionBufferLimitBytes: 2 });
    set([]);
    await client.synced(clusterType, holds());
  });

  it("holds the names subscribed, adds to them and takes them back", async () => {
    const { address, set, server } = await serve([endpoints("a"), endpoints("b"), endpoints("c")]);
    const client = connect({ address, ...mode });
    client.subscribe(endpointType, ["a"]);
    expect(held(await client.synced(endpointType))).toEqual(["a"]);
    client.subscribe(endpointType, ["a", "b"]);
    expect(held(await client.synced(endpointType))).toEqual(["a", "b"]);
    client.unsubscribe(endpointType, ["a"]);
    expect([...client.resources(endpointType).keys()]).toEqual(["b"]);
    set([endpoints("a", 200), endpoints("b", 200)]);
    await client.synced(endpointType, ({ resources }) => {
      const { policy } = (resources.get("b")?.message ?? {}) as { policy?: { overprovisioningFactor?: number } };
      return policy?.overprovisioningFactor === 200;
    });
    expect([...client.resources(endpointType).keys()]).toEqual(["b"]);
    client.subscribe(endpointType, ["a"]);
    await client.synced(endpointType, holds("a", "b"));
    client.unsubscribe(endpointType);
    expect(client.resources(endpointType).size).toBe(0);
    await vi.waitFor(() => expect(server.report().streams[0]?.types[0]).toMatchObject({ names: 0, wildcard: false }));
  });

  it("moves from a wildcard to names, to nothing, and back to the wildcard", async () => {
    const { address, server } = await serve([cluster("a"), cluster("b")]);
    const client = connect({ address, ...mode });
    client.subscribe(clusterType);
    await client.synced(clusterType, holds("a", "b"));
    client.subscribe(clusterType, ["a"]);
    client.unsubscribe(clusterType, ["*"]);
    expect([...client.resources(clusterType).keys()]).toEqual(["a"]);
    client.unsubscribe(clusterType);
    const told = () => server.report().streams[0]?.types[0];
    await vi.waitFor(() => expect(told()).toMatchObject({ names: 0, wildcard: false }));
    client.subscribe(clusterType);
    await client.synced(clusterType, holds("a", "b"));
    client.unsubscribe(clusterType, ["*"]);
    expect(client.resources(clusterType).size).toBe(0);
    await vi.waitFor(() => expect(told()).toMatchObject({ names: 0, wildcard: false }));
  });

  it("is sent again what it dropped and wants again at once", async () => {
    const { address } = await serve([cluster("a"), cluster("b"), endpoints("a")]);
    const client = connect({ address, ...mode });
    client.subscribe(clusterType);
    client.subscribe(endpointType, ["a"]);
    await client.synced(clusterType);
    await client.synced(endpointType);
    for (const [type, names] of [
      [clusterType, ["*"]],
      [endpointType, ["a"]],
    ] as const) {
      client.unsubscribe(type, names);
      client.subscribe(type, names);
      expect(client.resources(type).size).toBe(0);
    }
    await client.synced(clusterType, holds("a", "b"));
    await client.synced(endpointType, holds("a"));
  });

  it("is in sync with a wildcard of which there is nothing", async () => {
    const { address } = await serve([]);
    const client = connect({ address, ...mode });
    client.subscribe(clusterType);
    expect((await client.synced(clusterType)).accepted).toBe(1);
  });

  it("knows which names do not exist, and takes them once they do", async () => {
    const { address, set } = await serve([cluster("a")]);
    const client = connect({ address, ...mode });
    client.subscribe(clusterType, ["a", "x"]);
    const state = await client.synced(clusterType);
    expect([...state.missing]).toEqual(["x"]);
    set([cluster("a"), cluster("x")]);
    await client.synced(clusterType, holds("a", "x"));
    expect(state.missing.size).toBe(0);
    set([cluster("a")]);
    await client.synced(clusterType, ({ missing }) => missing.has("x"));
    expect(held(state)).toEqual(["a"]);
  });

  it("keeps several types apart", async () => {
    const { address, server } = await serve([cluster("a"), endpoints("a")]);
    const client = connect({ address, ...mode });
    client.subscribe(clusterType);
    client.subscribe(endpointType, ["a"]);
    await client.synced(clusterType, holds("a"));
    await client.synced(endpointType, holds("a"));
    expect(server.report().streams).toHaveLength(mode.service === "ads" ? 1 : 2);
    expect(server.report().streams.every(({ variant, node }) => variant === mode.variant && node?.id === "n")).toBe(
      true,
    );
  });

  it("tells what has changed, from what to what", async () => {
    const { address, set } = await serve([cluster("a"), cluster("b")]);
    const told: string[] = [];
    const client = connect({
      address,
      ...mode,
      callbacks: {
        onChange: ({ typeUrl, cause, changes }) => {
          for (const { name, before, after } of changes)
            told.push(`${cause} ${name}: ${before ? "old" : "-"} → ${after ? "new" : "-"}`);
          expect(typeUrl).toBe(clusterType);
        },
      },
    });
    client.subscribe(clusterType);
    await client.synced(clusterType, holds("a", "b"));
    set([cluster("b", 2), cluster("c")]);
    await client.synced(clusterType, holds("b", "c"));
    client.unsubscribe(clusterType);
    expect(told.slice(0, 2).sort()).toEqual(["response a: - → new", "response b: - → new"]);
    expect(told.slice(2, 5).sort()).toEqual(["response a: old → -", "response b: old → new", "response c: - → new"]);
    expect(told.slice(5).sort()).toEqual(["unsubscribed b: old → -", "unsubscribed c: old → -"]);
  });

  it("gives changes to a reader at the reader's own pace, merged, and ends with the client", async () => {
    const { address, set } = await serve([cluster("a")]);
    const client = connect({ address, ...mode });
    client.subscribe(clusterType);
    await client.synced(clusterType);
    const feed = client.changes(clusterType);
    const named = (batch: Awaited<ReturnType<typeof feed.next>>) => batch.value?.changes.map(({ name }) => name);
    expect(named(await feed.next())).toEqual(["a"]);
    for (const names of [
      ["a", "b"],
      ["a", "b", "c"],
      ["a", "c"],
    ]) {
      set(names.map((name) => cluster(name)));
      await client.synced(clusterType, holds(...names));
    }
    expect(named(await feed.next())).toEqual(["c"]); // b came and went unseen
    const next = feed.next();
    await client.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it("does not read on while the handler is at work", async () => {
    const { address, set } = await serve([cluster("a")]);
    const seen: ClientResponse[] = [];
    let release = () => {};
    const client = connect({
      address,
      ...mode,
      callbacks: {
        onResponse: (response) => {
          seen.push(response);
          return new Promise<void>((resolve) => {
            release = resolve;
          });
        },
      },
    });
    client.subscribe(clusterType);
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    expect(client.resources(clusterType).size).toBe(0);
    set([cluster("a", 2), cluster("b")]);
    release();
    await client.synced(clusterType, ({ accepted }) => accepted === 1);
    await vi.waitFor(() => expect(seen).toHaveLength(2));
    release();
    await client.synced(clusterType, holds("a", "b"));
  });

  it("is told why a resource cannot be had, while the others go on (P65)", async () => {
    const error = { code: 7, message: "not for you" };
    const { address, set } = await serve([cluster("a"), Resource.failed(clusterType, "b", error)]);
    const client = connect({ address, ...mode });
    client.subscribe(clusterType, ["a", "b"]);
    const state = await client.synced(clusterType);
    expect(held(state)).toEqual(["a"]);
    expect([...state.errors]).toEqual([["b", error]]);
    set([cluster("a"), cluster("b")]);
    await client.synced(clusterType, holds("a", "b"));
    expect(state.errors.size).toBe(0);
  });

  it("keeps what has a time to live as long as there are heartbeats, and not longer (P57, P58)", async () => {
    const mortal = Resource.of(create(ClusterSchema, { name: "mortal" }), { ttlMs: 800 });
    const { address, server } = await serve([cluster("a"), mortal]);
    const changes: string[] = [];
    const client = connect({
      address,
      ...mode,
      callbacks: {
        onChange: ({ cause, changes: names }) => void changes.push(`${cause} ${names.map(({ name }) => name)}`),
      },
    });
    client.subscribe(clusterType);
    const state = await client.synced(clusterType, ({ accepted }) => accepted === 4); // after one and a half of its lives
    expect(held(state)).toEqual(["a", "mortal"]);
    expect(changes).toEqual(["response a,mortal"]);
    await server.close();
    await client.synced(clusterType, holds("a"));
    expect(changes.slice(1)).toEqual(["ttl mortal"]);
  });
});
