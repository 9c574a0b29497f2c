import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { retryTimes } from "../../src/protocol/retry.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { cluster, endpoints, listener } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
const minute = 60 * second;
/** Each wait is up to a fifth longer. */
const longest = 1.2;

const types = [
  { name: "clusters", typeUrl: clusterType, make: cluster },
  { name: "endpoints", typeUrl: endpointType, make: endpoints },
];

for (const variant of ["sotw", "delta"] as const)
  for (const { name, typeUrl, make } of types)
    describe(`refused content, ${variant}, ${name}`, () => {
      /** A client that has `a@1` and `b@1`, and has refused `a@2`. */
      const refusing = (options = {}) => {
        const cache = cacheOf(make("a"), make("b"));
        const server = new DirectServer(cache, {}, options);
        const client = server.open(variant);
        client.want(typeUrl, "a", "b");
        client.take(typeUrl, ["a@1", "b@1"]);
        cache.set("n", Snapshot.of([make("a", 2), make("b")]));
        client.nack(client.expect(typeUrl, offered));
        client.quiet();
        return { cache, server, client };
      };
      const isWhole = variant === "sotw" && typeUrl === clusterType;
      const offered = isWhole ? ["a@2", "b@1"] : ["a@2"];

      it("P16 P17 is offered again after 10 s, after 1 minute, and then after twice as long, up to 15 minutes", () => {
        const { client, server } = refusing();
        for (const wait of [10 * second, minute, 2 * minute, 4 * minute, 8 * minute, 15 * minute, 15 * minute]) {
          client.quietFor(wait - 2 * second);
          server.pass(wait * (longest - 1) + 4 * second);
          client.nack(client.expect(typeUrl, offered));
          client.quiet();
        }
      });

      it("P16 P17 is taken at a later try", () => {
        const { client, server, cache } = refusing();
        server.pass(longest * 10 * second + second);
        client.take(typeUrl, offered);
        client.quietFor(60 * minute);
        cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
        client.take(typeUrl, isWhole ? ["a@2", "b@2"] : ["b@2"]);
      });

      it("P16 P17 is not offered again once a newer content has taken its place", () => {
        const { client, cache } = refusing();
        client.quietFor(5 * second);
        cache.set("n", Snapshot.of([make("a", 3), make("b")]));
        client.take(typeUrl, isWhole ? ["a@3", "b@1"] : ["a@3"]);
        client.quietFor(60 * minute);
      });

      it("P16 P17 P18 is not offered again after it was withdrawn", () => {
        const { client, cache } = refusing();
        cache.set("n", Snapshot.of([make("a"), make("b")]));
        client.quietFor(60 * minute);
      });

      it("P16 P17 starts with 10 s again for a newer content that is refused", () => {
        const { client, cache, server } = refusing();
        server.pass(longest * 10 * second + second);
        client.nack(client.expect(typeUrl, offered)); // the next wait is a minute
        cache.set("n", Snapshot.of([make("a", 3), make("b")]));
        const newer = isWhole ? ["a@3", "b@1"] : ["a@3"];
        client.nack(client.expect(typeUrl, newer));
        client.quietFor(8 * second);
        server.pass(longest * 10 * second - 7 * second);
        client.expect(typeUrl, newer);
      });

      it("P16 P17 is never offered again with retryRefused: false", () => {
        refusing({ retryRefused: false }).client.quietFor(5 * 60 * minute);
      });

      it("P16 P17 that was refused together with other content is not offered again", () => {
        const cache = cacheOf(make("a"), make("b"));
        const server = new DirectServer(cache, { retryTimes: retryTimes({ first: 100, second: 100, longest: 100 }) });
        const client = server.open(variant);
        const names = Array.from({ length: 200 }, (_, i) => `${i}`);
        client.want(typeUrl, "a", ...names);
        client.ack(client.next() as never);
        cache.set("n", Snapshot.of([make("a"), ...names.map((each) => make(each))]));
        const alone = new Set<string>();
        for (let response = client.next(); response; response = client.next()) {
          if (response.resources.length === 1) alone.add(response.resources[0]?.name as string);
          client.nack(response);
        }
        server.pass(1_000);
        for (let response = client.next(); response; response = client.next())
          for (const resource of response.resources) expect([...alone]).toContain(resource.name);
      });
    });

it("P16 what a client's message names in a full state is refused alone, and offered again", () => {
  const cache = cacheOf(cluster("a"), cluster("b"));
  const server = new DirectServer(cache);
  const client = server.open("sotw");
  client.want(clusterType);
  client.take(clusterType, ["a@1", "b@1"]);
  cache.set("n", Snapshot.of([cluster("a", 2), cluster("b", 2)]));
  client.nack(client.expect(clusterType, ["a@2", "b@2"]), "Error adding/updating cluster(s) a: no endpoints");
  client.quietFor(8 * second);
  server.pass(5 * second);
  client.take(clusterType, ["a@2", "b@2"]);
  client.quietFor(60 * minute);
});

it("P16 one permanently bad listener in a full state is offered again by itself, and others go on", () => {
  const cache = cacheOf(listener("a"), listener("bad"));
  const server = new DirectServer(cache);
  const client = server.open("sotw");
  client.want(listenerType);
  client.nack(client.expect(listenerType, ["a@1", "bad@1"]), "bad: cannot bind");
  for (let content = 2; content < 6; content++) {
    cache.set("n", Snapshot.of([listener("a", content), listener("bad")]));
    client.nack(client.expect(listenerType, [`a@${content}`, "bad@1"]), "bad: cannot bind");
    client.quietFor(second);
  }
  server.pass(16 * minute);
  client.take(listenerType, ["a@5", "bad@1"]);
  client.quietFor(60 * minute);
});
