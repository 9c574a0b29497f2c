import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, listenerType, routeType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime, type VariantName } from "./direct-client.js";
import { cacheOf, LogBook } from "./harness.js";
import { wholeOr } from "./ordered-client.js";
import { cluster, listener, listenerToAll, listenerToC, listenerToR, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
const drainTimeMs = 600 * second;

/** A client that has all clusters and listeners, and these routes by name. */
function start(variant: VariantName, routes: string[], resources: Resource[], options = {}) {
  const cache = cacheOf(...resources);
  const server = new DirectServer(cache, {}, options);
  const client = server.open(variant);
  for (const [typeUrl, names] of [
    [clusterType, []],
    [listenerType, []],
    [routeType, routes],
  ] as const) {
    if (typeUrl === routeType && names.length === 0) continue;
    client.want(typeUrl, ...names);
    const answer = client.next();
    if (answer) client.ack(answer);
  }
  client.quiet();
  return { server, client, serve: (...next: Resource[]) => cache.set("n", Snapshot.of(next)) };
}

describe.each(["sotw", "delta"] as const)("an old listener, %s", (variant) => {
  const clusters = wholeOr(variant);

  it("P54 that is replaced drains for 600 s: its cluster, named inline, stays", () => {
    const { client, server, serve } = start(variant, [], [cluster("c1"), listenerToC("l", 1)]);
    serve(cluster("c2"), listenerToC("l", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    client.quietFor(drainTimeMs);
  });

  it("P54 that is removed drains too", () => {
    const { client, server, serve } = start(variant, [], [cluster("c1"), listenerToC("l", 1), listener("m")]);
    serve(listener("m"));
    client.take(listenerType, ...clusters(["m@1"], [], ["l"]));
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters([], [], ["c1"]));
  });

  it("P54 uses the routes that it names, and their clusters, until the client drops that name", () => {
    const first = [cluster("c1"), cluster("c2"), routeToC("r1", 1), routeToC("r2", 2), listenerToR("l", 1)];
    const { client, serve } = start(variant, ["r1"], first);
    serve(cluster("c2"), routeToC("r2", 2), listenerToR("l", 2));
    client.take(listenerType, ["l@2"]);
    client.want(routeType, "r1", "r2");
    client.take(routeType, ["r2@2"]);
    client.quietFor(drainTimeMs - 10 * second);
    client.want(routeType, "r2");
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    client.quietFor(2 * drainTimeMs);
  });

  it("P54 uses the routes that it names for drainTimeMs at most", () => {
    const first = [cluster("c1"), cluster("c2"), routeToC("r1", 1), routeToC("r2", 2), listenerToR("l", 1)];
    const { client, server, serve } = start(variant, ["r1"], first);
    serve(cluster("c2"), routeToC("r2", 2), listenerToR("l", 2));
    client.take(listenerType, ["l@2"]);
    client.want(routeType, "r1", "r2");
    client.take(routeType, ["r2@2"]);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    if (variant === "delta") client.take(routeType, [], ["r1"]);
    client.quietFor(2 * drainTimeMs);
  });

  it("P54 that is replaced again and again keeps what each of them named", () => {
    const { client, server, serve } = start(variant, [], [cluster("c1"), listenerToC("l", 1)]);
    serve(cluster("c2"), listenerToC("l", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    server.pass(drainTimeMs / 2);
    serve(cluster("c3"), listenerToC("l", 3));
    client.take(clusterType, ...clusters(["c1@1", "c2@1", "c3@1"], ["c3@1"]));
    client.take(listenerType, ["l@3"]);
    client.quietFor(drainTimeMs / 2 - 3 * second);
    server.pass(6 * second);
    client.take(clusterType, ...clusters(["c2@1", "c3@1"], [], ["c1"]));
    client.quietFor(drainTimeMs / 2 - 9 * second);
    server.pass(12 * second);
    client.take(clusterType, ...clusters(["c3@1"], [], ["c2"]));
  });

  it("P54 does not keep what comes back", () => {
    const { client, serve } = start(variant, [], [cluster("c1"), listenerToC("l", 1)]);
    serve(cluster("c2"), listenerToC("l", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    serve(cluster("c1"), cluster("c2"), listenerToC("l", 2));
    client.quiet();
    serve(cluster("c1", 2), cluster("c2"), listenerToC("l", 2));
    client.take(clusterType, ...clusters(["c1@2", "c2@1"], ["c1@2"]));
    client.quietFor(2 * drainTimeMs);
  });

  it("P54 keeps the newest 1,000 names of a stream; the oldest go first, and that is logged once", () => {
    const logger = new LogBook();
    const names = Array.from({ length: 1_200 }, (_, i) => `x${i}`);
    const old = listenerToAll("l", names);
    const { client, serve } = start(variant, [], [...names.map((name) => cluster(name)), old], { logger });
    serve(listener("l"));
    client.take(listenerType, ["l@1"]);
    const kept = names.slice(200).map((name) => `${name}@1`);
    client.take(clusterType, ...clusters(kept, [], names.slice(0, 200)));
    client.quietFor(60 * second);
    expect(logger.entries.filter(({ message }) => message.includes("too many names"))).toHaveLength(1);
  });

  it("P54 forgets names that have drained before it forgets names in use", () => {
    const logger = new LogBook();
    const names = Array.from({ length: 999 }, (_, i) => `x${i}`);
    const base = [cluster("c2"), routeToC("r1", 2), routeToC("r2", 2)];
    const others = ["c1", "c3", ...names].map((name) => cluster(name));
    const old = listenerToAll("l", names);
    const first = [...base, ...others, listenerToC("cold", 1), old, listenerToC("m", 3)];
    const { client, serve } = start(variant, ["r1"], first, { logger });
    // `cold` never gets warm, because the client does not ask for r2. So it goes on using c1.
    serve(...base, ...others, listenerToR("cold", 2), listenerToC("m", 3));
    client.take(listenerType, ...clusters(["cold@2", "m@3"], ["cold@2"], ["l"]));
    client.quietFor(drainTimeMs + 4 * second);
    serve(...base, ...others, listenerToR("cold", 2));
    client.take(listenerType, ...clusters(["cold@2"], [], ["m"]));
    serve(...base, listenerToR("cold", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@1", "c3@1"], [], names));
    expect(logger.entries.filter(({ message }) => message.includes("too many names"))).toEqual([]);
  });

  if (variant === "sotw")
    it("P54 drains after it was offered, not answered, and withdrawn together with another change", () => {
      const { client, server, serve } = start(variant, [], [cluster("c1"), listenerToC("l", 1)]);
      serve(cluster("c1"), cluster("c2"), listenerToC("l", 2));
      client.take(clusterType, ["c1@1", "c2@1"]);
      const first = client.expect(listenerType, ["l@2"]);
      server.pass(6 * second);
      serve(cluster("c1"), listenerToC("l", 1), listener("m"));
      const back = client.expect(listenerType, ["l@1", "m@1"]);
      client.ack(first);
      client.ack(back);
      client.quietFor(drainTimeMs - 2 * second);
      server.pass(4 * second);
      client.take(clusterType, ["c1@1"]);
      client.quietFor(drainTimeMs);
    });

  if (variant === "sotw")
    it("P54 P18 drains after it was refused with another one, and withdrawn together with another change", () => {
      const options = { retryRefused: false };
      const { client, server, serve } = start(variant, [], [cluster("c1"), listenerToC("l", 1)], options);
      serve(cluster("c2"), listenerToC("l", 2), listener("bad"));
      client.take(clusterType, ["c1@1", "c2@1"]);
      client.nack(client.expect(listenerType, ["bad@1", "l@2"])); // the client may have taken l@2
      client.quietFor(10 * second);
      serve(cluster("c1"), listenerToC("l", 1), listener("m"));
      client.take(listenerType, ["l@1", "m@1"]);
      client.quietFor(drainTimeMs - 2 * second);
      server.pass(4 * second);
      client.take(clusterType, ["c1@1"]);
    });

  if (variant === "sotw")
    it("P54 P18 drains after it was refused with another one, and a full state repeats what was there before", () => {
      const options = { retryRefused: false };
      const { client, server, serve } = start(variant, [], [cluster("c2"), listenerToC("l", 2)], options);
      serve(cluster("c2"), cluster("c3"), listenerToC("l", 3), listener("bad"));
      client.take(clusterType, ["c2@1", "c3@1"]);
      client.nack(client.expect(listenerType, ["bad@1", "l@3"])); // the client may have taken l@3
      serve(cluster("c1"), cluster("bad"), listenerToC("l", 1));
      client.nack(client.expect(clusterType, ["bad@1", "c1@1", "c2@1", "c3@1"]));
      client.take(listenerType, ["l@2"]); // l@1 waits for c1
      serve(cluster("c1"), listenerToC("l", 1));
      client.take(clusterType, ["c1@1", "c2@1", "c3@1"]);
      client.take(listenerType, ["l@1"]);
      client.quietFor(drainTimeMs - 2 * second);
      server.pass(4 * second);
      client.take(clusterType, ["c1@1"]);
    });

  if (variant === "delta")
    it("P54 P25 that was offered and removed, both unanswered, may be in use: its cluster stays", () => {
      const { client, server, serve } = start(variant, [], [listener("l"), cluster("c2")]);
      serve(listener("l"), listenerToC("m", 1), cluster("c1"), cluster("c2"));
      const answers = [client.expect(clusterType, ["c1@1"])];
      server.pass(6 * second);
      answers.push(client.expect(listenerType, ["m@1"]));
      serve(listener("l"), cluster("c2"));
      server.pass(6 * second);
      answers.push(client.expect(listenerType, [], ["m"]));
      client.quietFor(60 * second);
      for (const answer of answers) client.ack(answer);
      client.quietFor(drainTimeMs - 2 * second);
      server.pass(4 * second);
      client.take(clusterType, [], ["c1"]);
      client.quietFor(drainTimeMs);
    });

  if (variant === "sotw")
    it("P54 has streams with the same leftovers share one list", () => {
      const cache = cacheOf(cluster("c1"), listenerToC("l", 1));
      const server = new DirectServer(cache);
      const clients = ["a", "b"].map((peer) => server.open(variant, { peer }));
      for (const client of clients) {
        client.want(clusterType);
        client.take(clusterType, ["c1@1"]);
        client.want(listenerType);
        client.take(listenerType, ["l@1"]);
      }
      cache.set("n", Snapshot.of([cluster("c2"), listenerToC("l", 2)]));
      const [first, second] = clients.map((client) => client.take(clusterType, ["c1@1", "c2@1"]));
      expect(first?.resources).toBe(second?.resources);
    });
});
