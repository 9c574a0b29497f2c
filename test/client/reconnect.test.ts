import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ClosedClientStream } from "../../src/client/index.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import type { Callbacks } from "../../src/server/callbacks.js";
import { freePort } from "../e2e/ports.js";
import { cluster, connect, endpoints, modes, serve } from "./modes.js";

/** Writes down what a server sends: `clusters+a,b-c`. */
function sending(): { sent: string[]; callbacks: Callbacks } {
  const sent: string[] = [];
  const callbacks: Callbacks = {
    onStreamResponse: (_, __, { typeUrl, resources }) =>
      void sent.push(`${typeUrl === clusterType ? "clusters" : "endpoints"}+${resources.map(({ name }) => name)}`),
    onStreamDeltaResponse: (_, __, { typeUrl, resources, removedResources: removed }) =>
      void sent.push(
        `${typeUrl === clusterType ? "clusters" : "endpoints"}+${resources.map(({ name }) => name)}-${removed}`,
      ),
  };
  return { sent, callbacks };
}

describe.each(modes)("a client whose server restarts ($name)", (mode) => {
  it("comes back, keeps what it holds meanwhile, and is sent what it lacks", async () => {
    const port = await freePort();
    const before = [cluster("a"), cluster("b"), endpoints("a"), endpoints("b")];
    const first = await serve(before, {}, port);
    const client = connect({ address: first.address, ...mode });
    client.subscribe(clusterType);
    client.subscribe(endpointType, ["a", "b"]);
    const clusters = await client.synced(clusterType);
    const assignments = await client.synced(endpointType, ({ resources }) => resources.size === 2);
    await vi.waitFor(() => expect(first.server.report().streams.flatMap(({ types }) => types)).toHaveLength(2));
    await first.server.close();

    expect([...clusters.resources.keys()]).toEqual(["a", "b"]);
    const { sent, callbacks } = sending();
    const second = await serve([...before, cluster("c")], { callbacks }, port);
    await client.synced(clusterType, ({ resources }) => resources.has("c"));
    await vi.waitFor(() =>
      expect(
        second.server
          .report()
          .streams.flatMap(({ types }) => types.map(({ typeUrl }) => typeUrl))
          .sort(),
      ).toEqual([clusterType, endpointType]),
    );
    expect([...assignments.resources.keys()].sort()).toEqual(["a", "b"]);
    if (mode.variant === "delta") expect(sent).toEqual(["clusters+c-"]);
    else await vi.waitFor(() => expect(sent.sort()).toEqual(["clusters+a,b,c", "endpoints+a,b"]));
  });

  it("is sent nothing of a wildcard that it has in full", async () => {
    const port = await freePort();
    const first = await serve([cluster("a"), cluster("b")], {}, port);
    const client = connect({ address: first.address, ...mode });
    client.subscribe(clusterType);
    await client.synced(clusterType);
    await first.server.close();
    const { sent, callbacks } = sending();
    const second = await serve([cluster("a"), cluster("b")], { callbacks }, port);
    await vi.waitFor(() => expect(second.server.report().streams[0]?.types[0]?.wildcard).toBe(true));
    second.set([cluster("a"), cluster("b", 2)]);
    await client.synced(
      clusterType,
      ({ resources }) => Object(resources.get("b")?.message).perConnectionBufferLimitBytes === 2,
    );
    const withoutEmpty = sent.filter((response) => response !== "clusters+-"); // a wildcard is answered, if with nothing (P46)
    expect(withoutEmpty).toEqual([mode.variant === "delta" ? "clusters+b-" : "clusters+a,b"]);
  });

  it("learns on the next stream what was removed while it was away, and asks for what it wants by then", async () => {
    const port = await freePort();
    const first = await serve([cluster("a"), cluster("b"), endpoints("x")], {}, port);
    const gone: ClosedClientStream[] = [];
    const client = connect({
      address: first.address,
      ...mode,
      callbacks: { onStreamClosed: (stream) => void gone.push(stream) },
    });
    client.subscribe(clusterType);
    await client.synced(clusterType);
    await first.server.close();
    await vi.waitFor(() => expect(gone.length).toBeGreaterThan(0));
    expect(gone[0]).toMatchObject({
      variant: mode.variant,
      typeUrl: mode.service === "ads" ? "" : clusterType,
      error: { code: "STREAM_ENDED" },
      retryInMs: expect.any(Number),
    });
    client.subscribe(endpointType, ["x"]);
    await serve([cluster("b"), endpoints("x")], { orderTimeoutMs: 200 }, port);
    await client.synced(clusterType, ({ resources }) => [...resources.keys()].join() === "b");
    await client.synced(endpointType, ({ resources }) => resources.has("x"));
  });
});

describe("a client that cannot reach its server", () => {
  it("says why when the wait is over, and goes on trying", async () => {
    const port = await freePort();
    const failed: ClosedClientStream[] = [];
    const client = connect({
      address: `127.0.0.1:${port}`,
      callbacks: { onStreamClosed: (stream) => void failed.push(stream) },
    });
    client.subscribe(clusterType);
    await vi.waitFor(() => expect(failed.length).toBeGreaterThan(1));
    const late = await client.synced(clusterType, undefined, { timeoutMs: 1 }).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: "TIMED_OUT" });
    expect(String(late)).toMatch(/not synced within 1 ms: 0 clusters held.*ECONNREFUSED/);
    await serve([cluster("a")], {}, port);
    await client.synced(clusterType);
  });

  it("fails what waits at once when it is not to reconnect", async () => {
    const port = await freePort();
    const client = connect({ address: `127.0.0.1:${port}`, reconnect: false });
    client.subscribe(clusterType);
    const feed = client.changes(clusterType);
    const refused = {
      code: "STREAM_ENDED",
      message: expect.stringMatching(/127.0.0.1:\d+ ended with status 14: .*ECONNREFUSED/),
    };
    await expect(client.synced(clusterType)).rejects.toMatchObject(refused);
    await expect(client.synced(clusterType)).rejects.toMatchObject(refused);
    await expect(feed.next()).rejects.toMatchObject(refused);
    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });

  it("gives up a connection that does not come about in time", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    await once(silent, "listening");
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const client = connect({ address, reconnect: false, connectTimeoutMs: 100 });
    client.subscribe(clusterType);
    await expect(client.synced(clusterType)).rejects.toMatchObject({
      code: "STREAM_ENDED",
      message: expect.stringContaining(`no connection to ${address} within 100 ms`),
    });
  });

  it("is told the status that the server ends the stream with", async () => {
    const onStreamOpen = () => {
      throw Object.assign(new Error("not you"), { code: 7, details: "not you" });
    };
    const { address } = await serve([cluster("a")], { callbacks: { onStreamOpen } });
    const client = connect({ address, reconnect: false });
    client.subscribe(clusterType);
    await expect(client.synced(clusterType)).rejects.toMatchObject({
      code: "STREAM_ENDED",
      message: expect.stringContaining("status 7: not you"),
      cause: { code: 7, details: "not you" },
    });
  });
});
