import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, listenerType, routeType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime, type VariantName } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { wholeOr } from "./ordered-client.js";
import { cluster, listener, listenerToC, listenerToR, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
const bad = listener("bad");
const drainTimeMs = 30 * second;

/**
 * A client that has these clusters and listeners, and these routes by name, and has refused the listener `bad` for
 * good.
 */
function start(variant: VariantName, routes: string[], resources: Resource[], options = {}) {
  const cache = cacheOf(...resources);
  const server = new DirectServer(cache, {}, { retryRefused: false, drainTimeMs, ...options });
  const client = server.open(variant);
  const wanted = { [clusterType]: [], [listenerType]: [], [routeType]: routes };
  for (const [typeUrl, names] of Object.entries<string[]>(wanted)) {
    if (typeUrl === routeType && names.length === 0) continue;
    client.want(typeUrl, ...names);
    for (let answer = client.next(); answer; answer = client.next()) client.ack(answer);
  }
  const serve = (...next: Resource[]) => cache.set("n", Snapshot.of([...next, bad]));
  const listeners = wholeOr(variant);
  serve(...resources);
  client.nack(client.expect(listenerType, ...listeners(["bad@1", "l@1"], ["bad@1"])));
  client.quiet();
  /** In SotW each response about listeners has the bad one, and so it is refused. */
  const takeListeners = (now: string) => {
    const response = client.expect(listenerType, ...listeners(["bad@1", now], [now]));
    if (variant === "sotw") client.nack(response);
    else client.ack(response);
  };
  return { server, client, serve, takeListeners };
}

describe.each(["sotw", "delta"] as const)("with another listener that is always refused, %s", (variant) => {
  const clusters = wholeOr(variant);

  it("P53 P54 a route moves from cluster to cluster, swap after swap", () => {
    const first = [cluster("c1"), routeToC("r1", 1), listenerToR("l", 1)];
    const { client, serve } = start(variant, ["r1"], first);
    for (let content = 2; content <= 5; content++) {
      const [old, now] = [`c${content - 1}`, `c${content}`];
      serve(cluster(now), routeToC("r1", content), listenerToR("l", 1));
      client.take(clusterType, ...clusters([`${old}@1`, `${now}@1`], [`${now}@1`]));
      client.take(routeType, [`r1@${content}`]);
      client.take(clusterType, ...clusters([`${now}@1`], [], [old]));
      client.quiet();
    }
  });

  it("P53 P54 a listener moves from routes to routes, swap after swap, and the old ones go when the client drops them", () => {
    const first = [cluster("c1"), routeToC("r1", 1), listenerToR("l", 1)];
    const { client, serve, takeListeners } = start(variant, ["r1"], first);
    for (let content = 2; content <= 5; content++) {
      const [old, now] = [content - 1, content];
      serve(cluster(`c${now}`), routeToC(`r${now}`, now), listenerToR("l", now));
      client.take(clusterType, ...clusters([`c${old}@1`, `c${now}@1`], [`c${now}@1`]));
      takeListeners(`l@${now}`);
      client.want(routeType, `r${old}`, `r${now}`);
      client.take(routeType, [`r${now}@${now}`]);
      client.quietFor(drainTimeMs - 2 * second);
      client.want(routeType, `r${now}`);
      client.take(clusterType, ...clusters([`c${now}@1`], [], [`c${old}`]));
      client.quietFor(2 * drainTimeMs);
    }
  });

  it("P54 a listener that is replaced drains: its cluster stays for drainTimeMs", () => {
    const { client, server, serve, takeListeners } = start(variant, [], [cluster("c1"), listenerToC("l", 1)]);
    serve(cluster("c2"), listenerToC("l", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    takeListeners("l@2");
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    client.quietFor(2 * drainTimeMs);
  });

  it("P53 a listener that newly refers to a cluster waits for the cluster's ACK", () => {
    const { client, serve, takeListeners } = start(variant, [], [cluster("c1"), listenerToC("l", 1)]);
    serve(cluster("c1"), cluster("c2"), listenerToC("l", 2));
    const added = client.expect(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.quietFor(60 * second);
    client.ack(added);
    takeListeners("l@2");
    client.quietFor(60 * second);
  });
});

describe("a listener that was refused together with others, sotw", () => {
  it("P54 drains when it is replaced, because the client may have taken it", () => {
    const cache = cacheOf(cluster("c1"), listenerToC("l", 1));
    const server = new DirectServer(cache, {}, { retryRefused: false, drainTimeMs });
    const client = server.open("sotw");
    const serve = (...next: Resource[]) => cache.set("n", Snapshot.of(next));
    client.want(clusterType);
    client.take(clusterType, ["c1@1"]);
    client.want(listenerType);
    client.take(listenerType, ["l@1"]);
    serve(cluster("c2"), listenerToC("l", 2), bad);
    client.take(clusterType, ["c1@1", "c2@1"]);
    client.nack(client.expect(listenerType, ["bad@1", "l@2"]));
    client.quietFor(2 * drainTimeMs); // it uses c1 or c2
    serve(cluster("c3"), listenerToC("l", 3), listener("bad", 2));
    client.take(clusterType, ["c1@1", "c2@1", "c3@1"]);
    client.take(listenerType, ["bad@2", "l@3"]);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ["c3@1"]);
    client.quietFor(2 * drainTimeMs);
  });
});
