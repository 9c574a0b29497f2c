import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it, onTestFinished } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ResourceSchema } from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { type ClientChange, type ClosedClientStream, XdsClient } from "../../src/client/index.js";
import { clusterType } from "../../src/resource/types.js";
import { until } from "../protocol/harness.js";
import { framed } from "../server/raw-http2.js";
import { connect } from "./modes.js";
import { ScriptedServer } from "./scripted-server.js";

const wrapped = (name: string, ttlMs?: number) => ({
  name,
  version: "1",
  resource: anyPack(ClusterSchema, create(ClusterSchema, { name })),
  ...(ttlMs !== undefined && { ttl: durationFromMs(ttlMs) }),
});

describe.each(["sotw", "delta"] as const)("a client on the wire (%s)", (variant) => {
  const send = (server: ScriptedServer, nonce: string, resources: ReturnType<typeof wrapped>[]) => {
    const envelope = { typeUrl: clusterType, nonce };
    if (variant === "delta") server.delta({ ...envelope, resources });
    else {
      const wrappers = resources.map((resource) => anyPack(ResourceSchema, create(ResourceSchema, resource)));
      server.sotw({ ...envelope, versionInfo: nonce, resources: wrappers });
    }
  };

  it("lets a resource go when its time to live is over (P57)", async () => {
    const server = await ScriptedServer.start();
    const asked = server.request();
    const changes: ClientChange[] = [];
    const client = connect({
      address: server.address,
      variant,
      callbacks: { onChange: (change) => void changes.push(change) },
    });
    client.subscribe(clusterType);
    await asked;
    send(server, "1", [wrapped("a", 30), wrapped("b")]);
    const state = await client.synced(clusterType);
    expect(state.resources.get("a")?.ttlMs).toBe(30);
    await client.synced(clusterType, ({ resources }) => !resources.has("a"));
    expect([...state.resources.keys()]).toEqual(["b"]);
    expect(changes.map(({ cause, changes }) => [cause, changes.length])).toEqual([
      ["response", 2],
      ["ttl", 1],
    ]);
  });

  it("leaves no timer behind when it is closed", async () => {
    const server = await ScriptedServer.start();
    const asked = server.request();
    const timers = new Set<unknown>();
    const clock = {
      now: () => Date.now(),
      random: () => Math.random(),
      setTimeout: (run: () => void, ms: number) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          run();
        }, ms);
        timers.add(timer);
        return timer;
      },
      clearTimeout: (timer: unknown) => {
        timers.delete(timer);
        clearTimeout(timer as NodeJS.Timeout);
      },
    };
    const client = new XdsClient({ address: server.address, variant, clock });
    onTestFinished(() => client.close());
    client.subscribe(clusterType);
    await asked;
    send(server, "1", [wrapped("a", 60_000)]);
    await client.synced(clusterType);
    const waiting = client.synced(clusterType, () => false).catch(() => {});
    expect(timers.size).toBe(2);
    await client.close();
    await waiting;
    expect(timers.size).toBe(0);
  });

  it("opens another stream when it is sent bytes that are no response", async () => {
    const server = await ScriptedServer.start();
    const asked = server.request();
    const closed: ClosedClientStream[] = [];
    const client = connect({
      address: server.address,
      variant,
      callbacks: { onStreamClosed: (stream) => void closed.push(stream) },
    });
    client.subscribe(clusterType);
    await asked;
    const askedAgain = server.request();
    server.send(Buffer.of(0x12, 0x7f));
    await askedAgain;
    expect(closed).toMatchObject([{ error: { code: "INVALID_RESPONSE" }, retryInMs: expect.any(Number) }]);
    send(server, "1", [wrapped("a")]);
    expect((await client.synced(clusterType)).resources.size).toBe(1);
  });

  it("opens another stream when it is sent a compressed message without grpc-encoding", async () => {
    let calls = 0;
    const server = createServer().on("stream", (stream) => {
      calls++;
      stream.on("error", () => {});
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(framed(Buffer.of(1), 1));
    });
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => sessions.add(session));
    onTestFinished(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const closed: ClosedClientStream[] = [];
    const client = connect({
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      variant,
      callbacks: { onStreamClosed: (stream) => void closed.push(stream) },
    });
    client.subscribe(clusterType);
    await until(() => calls > 1, "another stream");
    expect(closed[0]).toMatchObject({
      error: { code: "STREAM_ENDED", message: expect.stringContaining("a response could not be decompressed") },
      retryInMs: expect.any(Number),
    });
  });
});
