import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { delta } from "../../src/protocol/delta.js";
import { FlushQueue } from "../../src/protocol/flush-queue.js";
import type { Response } from "../../src/protocol/response.js";
import { sotw } from "../../src/protocol/sotw.js";
import { Stream } from "../../src/protocol/stream.js";
import type { Variant } from "../../src/protocol/variant.js";
import type { RationedLog } from "../../src/rationed-log.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType } from "../../src/resource/types.js";
import { anonymousNode } from "../../src/schema/node.js";
import type { Request } from "../../src/wire/messages.js";
import { allWays, cacheOf, on, TestServer, until } from "./harness.js";
import { cluster, endpoints, listener } from "./resources.js";
import { streamContext } from "./stream-context.js";
import { watchersOf } from "./watchers.js";

const resources = (content: number) => [cluster("a", content), endpoints("e", content), listener("l", content)];
const count = 10_000;
const batch = 500;
/** Real streams: 500 in all. */
const perWay = 125;

const request = (typeUrl: string, names: readonly string[], responseNonce = "", refused = false) =>
  ({
    node: { ...anonymousNode(envoyRegistry()), id: "n" },
    typeUrl,
    versionInfo: "",
    resourceNames: names,
    resourceNamesSubscribe: responseNonce ? [] : names,
    resourceNamesUnsubscribe: [],
    initialResourceVersions: new Map(),
    responseNonce,
    errorDetail: refused ? { code: 13, message: "refused" } : undefined,
  }) as Request;

/** Node keeps the state of a timer in a property that its types do not show. */
const isRunning = (timer: NodeJS.Timeout) => !(timer as unknown as { _destroyed: boolean })._destroyed;

describe(`${count.toLocaleString("en")} streams, opened and closed`, () => {
  for (const variant of ["sotw", "delta"] as const)
    for (const kind of ["snapshot", "linear"] as const)
      it(`leave no watcher, timer or listener: ${variant}, ${kind} cache`, async () => {
        const snapshots = cacheOf(...resources(1));
        const linear = new LinearCache(clusterType, { resources: [cluster("a")] });
        const watcher = kind === "linear" ? linear : snapshots;
        const before = process.getActiveResourcesInfo();
        const timers = new Set<NodeJS.Timeout>();
        const { setTimeout } = globalThis;
        vi.spyOn(globalThis, "setTimeout").mockImplementation(((...args: Parameters<typeof setTimeout>) => {
          const timer = setTimeout(...args);
          timers.add(timer);
          return timer;
        }) as typeof setTimeout);
        let ended = 0;
        const context = streamContext(watcher, variant, { queue: new FlushQueue(), ended: () => void ended++ });

        for (let done = 0; done < count; done += batch) {
          const streams = Array.from({ length: batch }, (_, i) => {
            const sent: Response[] = [];
            const transport = {
              peer: "test",
              send: (response: Response) => sent.push(response) > 0 && i % 5 !== 4,
              end: () => {},
            };
            const stream = new Stream(
              (variant === "sotw" ? sotw : delta) as Variant<Request>,
              context,
              transport,
              undefined,
            );
            void stream.open();
            void stream.receive(request(clusterType, i % 2 ? [] : ["a", "none"]));
            void stream.receive(request(endpointType, i % 3 ? ["e"] : ["*", "e"]));
            void stream.receive(request(listenerType, []));
            return { stream, sent, i };
          });
          if (done % (2 * batch) === 0) await turn(); // the others are closed before they were ever served
          // Some are answered or refused, some never; the cache goes on meanwhile.
          for (const { stream, sent, i } of streams)
            if (i % 4 < 2 && sent[0])
              void stream.receive(request(sent[0].typeUrl, i % 2 ? [] : ["a"], sent[0].nonce, i % 4 === 1));
          if (kind === "linear") linear.set(cluster("a", 1 + (done % 7)));
          else snapshots.set("n", Snapshot.of(resources(1 + (done % 7))));
          if (done % (4 * batch) === 0) await turn();
          for (const { stream } of streams) stream.close();
        }
        await turn();
        expect(ended).toBe(count);
        expect([watchersOf(snapshots), watchersOf(linear)]).toEqual([0, 0]);
        expect(snapshots.status()).toEqual([]);
        vi.restoreAllMocks();
        (context.logger as RationedLog).close(); // the server's, which owns its timer
        expect([...timers].filter(isRunning)).toEqual([]);
        expect(process.getActiveResourcesInfo().filter((kind) => !before.includes(kind))).toEqual([]);
      });
});

it("a list of names is kept as it came only if it has no repetitions, which could make it very long", () => {
  const context = streamContext(cacheOf(...resources(1)), "sotw", { queue: new FlushQueue() });
  const transport = { peer: "test", send: () => true, end: () => {} };
  const stream = new Stream(sotw as unknown as Variant<Request>, context, transport, undefined);
  void stream.open();
  const lists = [["a", "b"], ["a", "a", "b"], ["b", "a"], Array.from({ length: 900 }, () => "a")];
  const kept = lists.map((names) => {
    void stream.receive(request(clusterType, names));
    const { listedNames, names: known } = stream.subscriptions.get(clusterType) ?? {};
    return [listedNames === names, [...(known ?? [])].sort()];
  });
  const both = ["a", "b"];
  expect(kept).toEqual([
    [true, both],
    [false, both],
    [true, both],
    [false, ["a"]],
  ]);
  expect(stream.subscriptions.get(clusterType)?.listedNames).toBeUndefined();
  stream.close();
});

describe("streams of one connection", () =>
  on(allWays, (way) => {
    it("leave nothing in memory after client or server has ended them", async () => {
      const cache = cacheOf(cluster("a"));
      const server = await TestServer.start(cache);
      const streams = Array.from({ length: perWay }, () => server.open(way, clusterType));
      for (const [i, stream] of streams.entries()) stream.want(...(i % 2 ? [] : ["a"]));
      await Promise.all(streams.map((stream, i) => (i % 3 ? stream.take(["a@1"]) : stream.expect(["a@1"]))));
      expect(server.server.report().streams).toHaveLength(perWay);
      expect(cache.status()).toMatchObject([{ group: "n", typeUrls: [clusterType] }]);
      await Promise.all(streams.map((stream, i) => (i % 2 ? stream.end() : stream.cancel())));
      await until(() => server.server.report().streams.length === 0, "the server's end of the streams");
      expect(watchersOf(cache)).toBe(0);
      expect(cache.status()).toEqual([]);
    });
  }));
