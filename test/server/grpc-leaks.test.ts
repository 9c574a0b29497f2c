import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { frame, frameType } from "../../src/http2/frames.js";
import { clusterType, Snapshot } from "../../src/index.js";
import { cacheOf, streamPath, TestServer, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { framed, RawClient } from "./raw-http2.js";

const fetchPath = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
const ask = { node: { id: "n" }, typeUrl: clusterType };
const delta = Buffer.from(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, ask)));
const sotw = Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, ask)));
const empty = Buffer.of();

/** Every kind of method, with a request that it takes. */
const methods: readonly (readonly [path: string, request: Buffer])[] = [
  [streamPath({ variant: "delta", kind: "ADS" }, clusterType), delta],
  [streamPath({ variant: "sotw", kind: "own service" }, clusterType), sotw],
  [fetchPath, sotw],
  ["/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus", empty],
  ["/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus", empty],
  ["/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats", empty],
  ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Buffer.of(0x3a, 0)],
  ["/grpc.health.v1.Health/Check", empty],
  ["/grpc.health.v1.Health/Watch", empty],
  ["/no.such/Method", empty],
];
const watch = "/grpc.health.v1.Health/Watch";

/** What a client, or the world around it, does next; `which` picks one of the calls so far. */
const anyAction = fc.record({
  does: fc.constantFrom(
    ...["call", "call", "call", "message", "message", "message", "part", "bad", "end", "reset", "settle", "reject"],
    ...["change", "turn", "wait", "widen", "pause", "read"],
  ),
  which: fc.nat(20),
  method: fc.nat(methods.length - 1),
  timeout: fc.constantFrom(undefined, undefined, undefined, "20m"),
});
const anySession = fc.record({
  actions: fc.array(anyAction, { maxLength: 40 }),
  /** How large a response is. A window has 65,535 bytes. */
  bytes: fc.constantFrom(1, 60_000, 150_000),
  /** Callbacks wait until they are settled. */
  areHeld: fc.boolean(),
  ends: fc.constantFrom("reset", "end", "connection"),
});

type Session = typeof anySession extends fc.Arbitrary<infer T> ? T : never;

it("after any behaviour of clients and callbacks, every place and every byte is given back", async () => {
  const seats = 64;
  const session = async ({ actions, bytes, areHeld: held, ends }: Session) => {
    let areHeld = held;
    let pending: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const callback = () =>
      areHeld ? new Promise<void>((resolve, reject) => void pending.push({ resolve, reject })) : undefined;
    const cache = cacheOf(cluster("x".repeat(bytes)));
    const test = await TestServer.start(cache, {
      limits: { streams: seats, newStreamsPerSecond: 1e6, requestsPerSecond: 1e6, responseBytes: 200_000 },
      loadReporting: { onReport: callback as () => void },
      callbacks: {
        onStreamOpen: callback,
        onDeltaStreamOpen: callback,
        onStreamRequest: callback,
        onStreamDeltaRequest: callback,
        onFetchRequest: callback,
        onClientStatusRequest: callback,
      },
    });
    const { server } = test;
    let content = 1;
    const client = await RawClient.connect(test.port);
    const calls: { id: number; request: Buffer; isOpen: boolean }[] = [];
    const settle = (end: (one: (typeof pending)[number]) => void) => {
      const all = pending;
      pending = [];
      all.forEach(end);
    };
    for (const { does, which, method, timeout } of actions) {
      const call = calls[which % Math.max(1, calls.length)];
      const [path, request] = methods[method] as (typeof methods)[number];
      if (does === "call") {
        const id = client.call(path, { more: timeout === undefined ? {} : { "grpc-timeout": timeout } });
        calls.push({ id, request, isOpen: true });
      } else if (does === "turn") await new Promise((resolve) => setImmediate(resolve));
      else if (does === "wait") await (client.socket.isPaused() || client.barrier());
      else if (does === "settle") settle(({ resolve }) => resolve());
      else if (does === "reject") settle(({ reject }) => reject(new Error("rejected")));
      else if (does === "change") cache.set("n", Snapshot.of([cluster("x".repeat(bytes), ++content)]));
      else if (does === "pause") client.socket.pause();
      else if (does === "read") client.socket.resume();
      else if (call) {
        const { id } = call;
        if (does === "widen") {
          const more = Buffer.of(0, 1, 0, 0);
          client.send(frame(frameType.WINDOW_UPDATE, 0, 0, more), frame(frameType.WINDOW_UPDATE, 0, id, more));
        } else if (does === "reset") client.reset(id);
        // What comes after END_STREAM is an error of the connection, and then there is nothing left to try.
        else if (call.isOpen) {
          if (does === "message") client.data(id, framed(call.request));
          if (does === "part") client.data(id, framed(Buffer.alloc(5_000)).subarray(0, 1_000));
          if (does === "bad") client.data(id, framed(Buffer.of(0xff)));
          if (does === "end") client.data(id, empty, true);
        }
        if (does === "reset" || does === "end") call.isOpen = false;
      }
    }
    client.socket.resume();
    await client.barrier();
    if (ends === "reset") for (const { id } of calls) client.reset(id);
    if (ends === "end") for (const { id, isOpen } of calls) if (isOpen) client.data(id, empty, true);
    if (ends === "reset") await client.barrier();
    areHeld = false;
    settle(({ resolve }) => resolve());
    if (ends !== "reset") client.socket.destroy();
    await until(() => server.report().streams.length === 0, "the end of the streams");
    await until(() => server.report().receivingBytes === 0, "the end of what is received");
    await until(() => server.report().unsentBytes === 0, "the end of what is sent");
    await until(() => server.report().loads?.streams === 0, "the end of the load reports");
    client.socket.destroy();
    await until(() => server.report().connections === 0, "the end of the connection");

    const after = await RawClient.connect(test.port);
    const refused = server.report().refusals.streams;
    const watches = Array.from({ length: seats }, () => after.unary(watch));
    await until(() => watches.every((id) => after.messages(id).length === 1), "a seat for each");
    expect(server.report().refusals.streams).toBe(refused);
    after.socket.destroy();
    await server.close();
  };
  await fc.assert(fc.asyncProperty(anySession, session), { numRuns: 300 });
}, 120_000);
