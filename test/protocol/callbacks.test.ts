import { status } from "@grpc/grpc-js";
import { describe, expect, it, vi } from "vitest";
import { XdsError } from "../../src/errors.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, listenerType } from "../../src/resource/types.js";
import type { Callbacks, StreamAck, StreamNack } from "../../src/server/callbacks.js";
import { allWays, cacheOf, LogBook, on, TestServer, until, type Way } from "./harness.js";
import { cluster, listener } from "./resources.js";

type Call = "open" | "request" | "response" | "closed";
type Make = (call: Call) => (...args: never[]) => void | Promise<void>;

/** The callbacks of a variant by what they are called for. */
function forWay({ variant }: Way, calls: Partial<Record<Call, (...args: never[]) => void | Promise<void>>>): Callbacks {
  const names =
    variant === "sotw"
      ? { open: "onStreamOpen", request: "onStreamRequest", response: "onStreamResponse", closed: "onStreamClosed" }
      : {
          open: "onDeltaStreamOpen",
          request: "onStreamDeltaRequest",
          response: "onStreamDeltaResponse",
          closed: "onDeltaStreamClosed",
        };
  return Object.fromEntries(Object.entries(calls).map(([call, does]) => [names[call as Call], does])) as Callbacks;
}
const all = (way: Way, make: Make) =>
  forWay(way, { open: make("open"), request: make("request"), response: make("response"), closed: make("closed") });

/** Callbacks of one variant that write down their names; those of the other variant must not be called. */
function recorder(way: Way, log: string[], does: Make = () => () => {}): Callbacks {
  const other: Way = { ...way, variant: way.variant === "sotw" ? "delta" : "sotw" };
  return {
    ...all(way, (call) => (...args) => {
      log.push(call);
      return does(call)(...args);
    }),
    ...all(other, (call) => () => void log.push(`${call} of the other variant`)),
    onStreamAck: () => void log.push("ack"),
    onStreamNack: () => void log.push("nack"),
  };
}

const life = ["open", "request", "response", "request", "ack", "response", "request", "nack", "closed"];

async function live(server: TestServer, way: Way, cache: ReturnType<typeof cacheOf>): Promise<void> {
  const stream = server.open(way, clusterType);
  stream.want();
  await stream.take(["a@1"]);
  await stream.quiet();
  cache.set("n", Snapshot.of([cluster("a", 2)]));
  stream.nack(await stream.expect(["a@2"]));
  await stream.quiet();
  await stream.cancel();
}

describe("the order of callbacks", () =>
  on(allWays, (way) => {
    for (const kind of ["sync", "async"])
      it(`is the stream's, ${kind}`, async () => {
        const log: string[] = [];
        const slowly = () => () => new Promise<void>((resolve) => setTimeout(resolve, 5));
        const cache = cacheOf(cluster("a"));
        const callbacks = recorder(way, log, kind === "async" ? slowly : undefined);
        const server = await TestServer.start(cache, { callbacks });
        const stream = server.open(way, clusterType);
        stream.want();
        await stream.take(["a@1"]);
        await until(() => log.includes("ack"), "the ACK");
        cache.set("n", Snapshot.of([cluster("a", 2)]));
        stream.nack(await stream.expect(["a@2"]));
        await until(() => log.includes("nack"), "the NACK");
        await stream.cancel();
        await until(() => log.includes("closed"), "the close");
        expect(log).toEqual(life);
      });

    it("is that of the requests, however long each takes", async () => {
      const log: string[] = [];
      let request = 0;
      const callbacks = forWay(way, {
        open: () => new Promise((resolve) => setTimeout(resolve, 30)),
        request: async () => {
          const mine = ++request;
          log.push(`begin ${mine}`);
          await new Promise((resolve) => setTimeout(resolve, 20 - 5 * mine));
          log.push(`end ${mine}`);
        },
        response: () => void log.push("response"),
      });
      const stream = (await TestServer.start(cacheOf(cluster("a"), cluster("b"), cluster("c")), { callbacks })).open(
        way,
        clusterType,
      );
      stream.want("a");
      stream.want("a", "b");
      stream.want("a", "b", "c");
      await stream.next();
      await until(() => request === 3, "three requests");
      await until(() => log.includes("end 3"), "the last one's end");
      const requests = log.filter((entry) => entry !== "response");
      expect(requests).toEqual(["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
      expect(log.indexOf("response")).toBeGreaterThan(log.indexOf("end 1"));
    });

    it("holds a response back until its callback is done", async () => {
      let letGo = () => {};
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      const stream = (
        await TestServer.start(cacheOf(cluster("a")), { callbacks: forWay(way, { response: () => held }) })
      ).open(way, clusterType);
      stream.want();
      await stream.quiet();
      letGo();
      await stream.take(["a@1"]);
    });

    it("ends with one close, however the stream ends", async () => {
      const log: string[] = [];
      const server = await TestServer.start(cacheOf(cluster("a")), { callbacks: recorder(way, log) });
      const closes = () => log.filter((entry) => entry === "closed").length;
      const ends: ((stream: ReturnType<TestServer["open"]>) => Promise<unknown>)[] = [
        (stream) => stream.end(),
        (stream) => stream.cancel(),
        (stream) => {
          stream.sendBytes(Buffer.from("no message"));
          return stream.ended;
        },
        (stream) => {
          void server.server.close();
          return stream.ended;
        },
      ];
      for (const [i, end] of ends.entries()) {
        const stream = server.open(way, clusterType);
        stream.want();
        await stream.take(["a@1"]);
        await end(stream);
        await until(() => closes() === i + 1, "a close");
      }
      expect(log.filter((entry) => entry === "open")).toHaveLength(ends.length);
      expect(closes()).toBe(ends.length);
    });
  }));

describe("the arguments of callbacks", () =>
  on(allWays, (way) => {
    it("are the stream, the request with its node and type, and the response", async () => {
      const seen: Record<string, unknown>[] = [];
      const answers: (StreamAck | StreamNack)[] = [];
      const callbacks: Callbacks = {
        ...forWay(way, {
          request: (stream: { variant: string }, request: object) =>
            void seen.push({ ...request, variant: stream.variant }),
          response: (stream: object, request: { typeUrl: string }, response: object) =>
            void seen.push({ asked: request.typeUrl, ...response, stream: { ...stream } }),
        }),
        onStreamAck: (ack) => void answers.push(ack),
        onStreamNack: (nack) => void answers.push(nack),
      };
      const cache = cacheOf(cluster("a"));
      const server = await TestServer.start(cache, { callbacks });
      await live(server, way, cache);
      const typeUrl = clusterType;
      expect(seen[0]).toMatchObject({ node: { id: "n" }, typeUrl, variant: way.variant, responseNonce: "" });
      expect(seen[1]).toMatchObject({ asked: typeUrl, typeUrl, nonce: "1", resources: [{ name: "a" }] });
      expect(seen[2]).toMatchObject({ node: { id: "n" }, typeUrl, responseNonce: "1" });
      expect(answers).toMatchObject([
        { typeUrl, nonce: "1", resources: [{ name: "a", version: cluster("a").version }] },
        {
          typeUrl,
          nonce: "2",
          error: { code: 13, message: "refused" },
          resources: [{ version: cluster("a", 2).version }],
        },
      ]);
      expect(answers[0]?.stream).toMatchObject({ node: { id: "n" }, variant: way.variant });
      expect(answers[0]?.stream.peer).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(answers[0]?.stream.typeUrl).toBe(way.kind === "ADS" ? "" : typeUrl);
      expect(answers[0]?.stream.id).toBe(answers[1]?.stream.id);
    });

    it("are decoded only when a response callback reads them", async () => {
      const decode = vi.spyOn(Resource.prototype, "message");
      const bytes = Resource.fromBytes(clusterType, Buffer.from("no cluster at all"), { name: "a" });
      for (const callbacks of [{}, forWay(way, { response: () => {} })]) {
        const stream = (await TestServer.start(cacheOf(bytes), { callbacks })).open(way, clusterType);
        stream.want();
        const answer = await stream.next();
        expect(Buffer.from(answer.anys[0]?.value ?? []).toString()).toBe("no cluster at all");
        stream.ack(answer);
        await stream.quiet();
      }
      expect(decode).not.toHaveBeenCalled();
      decode.mockRestore();
    });
  }));

const thrown: { what: string; error: unknown; code: number; details: string; http?: number }[] = [
  {
    what: "an XdsError",
    error: new XdsError("LIMIT_EXCEEDED", "too many"),
    code: status.RESOURCE_EXHAUSTED,
    details: "too many",
    http: 429,
  },
  {
    what: "{ code, details }",
    error: { code: status.PERMISSION_DENIED, details: "not you" },
    code: status.PERMISSION_DENIED,
    details: "not you",
  },
  { what: "an Error", error: new Error("oh no"), code: status.INTERNAL, details: "oh no" },
  { what: "a code that is none", error: { code: 99, details: "odd" }, code: status.INTERNAL, details: "odd" },
];

describe("a callback that throws", () => {
  on(allWays, (way) => {
    for (const { what, error, code, details } of thrown)
      for (const call of ["open", "request"] as const)
        for (const kind of ["sync", "async"])
          it(`${what} in ${call}, ${kind}, ends only that stream, with its status`, async () => {
            let bad = false;
            const does = () => {
              if (!bad) return;
              if (kind === "sync") throw error;
              return Promise.reject(error);
            };
            const cache = cacheOf(cluster("a"));
            const server = await TestServer.start(cache, { callbacks: forWay(way, { [call]: does }) });
            const good = server.open(way, clusterType);
            good.want();
            await good.take(["a@1"]);
            await good.quiet();
            bad = true;
            const stream = server.open(way, clusterType);
            stream.want();
            expect(await stream.ended).toMatchObject({ code, details });
            bad = false;
            cache.set("n", Snapshot.of([cluster("a", 2)]));
            await good.take(["a@2"]);
            const next = server.open(way, clusterType);
            next.want();
            await next.take(["a@2"]);
            expect(server.server.report().streams).toHaveLength(2);
          });

    for (const kind of ["sync", "async"])
      it(`anywhere else is logged, ${kind}, and has no other effect`, async () => {
        const fail = () => {
          if (kind === "sync") throw new Error("oh no");
          return Promise.reject(new Error("oh no"));
        };
        const logger = new LogBook();
        const cache = cacheOf(cluster("a"));
        const callbacks = { ...forWay(way, { response: fail, closed: fail }), onStreamAck: fail, onStreamNack: fail };
        const server = await TestServer.start(cache, { callbacks, logger });
        await live(server, way, cache);
        await until(() => logger.entries.length >= 5, "the log");
        expect(logger.entries).toMatchObject(
          ["onStreamResponse", "onStreamAck", "onStreamResponse", "onStreamNack", "onStreamClosed"].map((callback) => ({
            level: "error",
            fields: { callback, error: "oh no" },
          })),
        );
      });
  });
});

describe("fetch callbacks", () => {
  const fetchClusters = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
  const rest = async (server: TestServer) => {
    const body = JSON.stringify({ node: { id: "n" } });
    const answer = await fetch(server.url("/v3/discovery:clusters"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    return { status: answer.status, text: await answer.text() };
  };

  it("are called around each fetch, on gRPC and on REST", async () => {
    const log: unknown[] = [];
    const server = await TestServer.start(cacheOf(cluster("a")), {
      rest: true,
      callbacks: {
        onFetchRequest: async ({ transport, typeUrl }, request) => {
          await Promise.resolve();
          log.push([transport, typeUrl, request.node?.id]);
        },
        onFetchResponse: ({ transport }, request, response) =>
          void log.push([transport, request.typeUrl, response.resources.map(({ name }) => name)]),
      },
    });
    await server.fetch(fetchClusters, { node: { id: "n" } });
    await rest(server);
    expect(log).toEqual([
      ["grpc", clusterType, "n"],
      ["grpc", clusterType, ["a"]],
      ["rest", clusterType, "n"],
      ["rest", clusterType, ["a"]],
    ]);
  });

  for (const { what, error, code, details, http = 500 } of thrown)
    it(`that throw ${what} end only that call, with its status`, async () => {
      let bad = true;
      const onFetchRequest = async () => {
        if (bad) throw error;
      };
      const server = await TestServer.start(cacheOf(cluster("a")), { rest: true, callbacks: { onFetchRequest } });
      await expect(server.fetch(fetchClusters, { node: { id: "n" } })).rejects.toMatchObject({ code, details });
      expect((await rest(server)).status).toBe(http);
      bad = false;
      expect((await server.fetch(fetchClusters, { node: { id: "n" } })).resources).toHaveLength(1);
      expect((await rest(server)).status).toBe(200);
    });

  it("that throw after the response was made are logged", async () => {
    const logger = new LogBook();
    const onFetchResponse = () => {
      throw new Error("oh no");
    };
    const server = await TestServer.start(cacheOf(cluster("a")), {
      rest: true,
      logger,
      callbacks: { onFetchResponse },
    });
    expect((await server.fetch(fetchClusters, { node: { id: "n" } })).resources).toHaveLength(1);
    expect((await rest(server)).status).toBe(200);
    expect(logger.entries).toMatchObject(Array(2).fill({ level: "error", fields: { callback: "onFetchResponse" } }));
  });
});

describe("types", () => {
  it("of one stream can be distinguished by the requests of the responses", async () => {
    const seen: string[] = [];
    const callbacks: Callbacks = {
      onStreamResponse: (_stream, request, response) => void seen.push(`${request.typeUrl} ${response.typeUrl}`),
    };
    const server = await TestServer.start(cacheOf(cluster("c"), listener("l")), { callbacks });
    const stream = server.open({ variant: "sotw", kind: "ADS" }, clusterType);
    stream.of(clusterType).want();
    stream.of(listenerType).want();
    stream.ack(await stream.next());
    stream.ack(await stream.next());
    await stream.quiet();
    expect(seen.sort()).toEqual([`${clusterType} ${clusterType}`, `${listenerType} ${listenerType}`]);
  });
});
