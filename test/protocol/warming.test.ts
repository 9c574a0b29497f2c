import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  routeType,
  secretType,
} from "../../src/resource/types.js";
import { DirectServer, useFakeTime, type VariantName } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { wholeOr } from "./ordered-client.js";
import {
  aggregateOfC,
  cluster,
  endpointsToL,
  extensionConfig,
  listener,
  listenerToC,
  listenerToR,
  listenerWithExtension,
  listenerWithS,
  routeToC,
  secret,
} from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;

/** A client that has all clusters and listeners, and these by name. */
function start(variant: VariantName, names: Record<string, string[]>, resources: Resource[], options = {}) {
  const cache = cacheOf(...resources);
  const server = new DirectServer(cache, {}, options);
  const client = server.open(variant);
  for (const [typeUrl, list] of Object.entries({ [clusterType]: [], [listenerType]: [], ...names })) {
    client.want(typeUrl, ...list);
    for (let answer = client.next(); answer; answer = client.next()) client.ack(answer);
  }
  client.quiet();
  return { server, client, serve: (...next: Resource[]) => cache.set("n", Snapshot.of(next)) };
}

describe.each(["sotw", "delta"] as const)("a listener that is warming, %s", (variant) => {
  const clusters = wholeOr(variant);
  const drainTimeMs = 30 * second;

  it("P54 has what the old one refers to stay until its extension config is sent and answered, and the old one has drained", () => {
    const first = [cluster("c1"), listenerToC("l", 1), extensionConfig("ext")];
    const { client, server, serve } = start(variant, {}, first, { drainTimeMs });
    serve(cluster("c2"), listenerWithExtension("l", 2), extensionConfig("ext"));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    client.want(extensionConfigType, "ext");
    const config = client.expect(extensionConfigType, ["ext@1"]);
    client.quietFor(10 * drainTimeMs);
    client.ack(config);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
  });

  it("P54 waits 15 s for an extension config that does not exist, and then the old one drains", () => {
    const { client, server, serve } = start(variant, {}, [cluster("c1"), listenerToC("l", 1)], { drainTimeMs });
    serve(cluster("c2"), listenerWithExtension("l", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    client.want(extensionConfigType, "ext");
    client.quietFor(15 * second + drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
  });

  it("P54 has what the old one refers to stay until its secret is sent and answered, and the old one has drained", () => {
    const first = [cluster("c1"), listenerWithS("l", 1), secret("s1")];
    const { client, server, serve } = start(variant, { [secretType]: ["s1"] }, first, { drainTimeMs });
    serve(cluster("c2"), listenerWithS("l", 2), secret("s2"));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    client.want(secretType, "s1", "s2");
    const certificate = client.expect(secretType, ["s2@1"]);
    client.quietFor(10 * drainTimeMs);
    client.ack(certificate);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    if (variant === "delta") client.take(secretType, [], ["s1"]);
    client.quietFor(2 * drainTimeMs);
  });

  it("P54 counts a refused secret as answered, because the listener becomes warm without it", () => {
    const first = [cluster("c1"), listenerToC("l", 1)];
    const { client, server, serve } = start(variant, {}, first, { drainTimeMs, retryRefused: false });
    serve(cluster("c2"), listenerWithS("l", 2), secret("s2"));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    client.want(secretType, "s2");
    client.nack(client.expect(secretType, ["s2@1"]));
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
  });

  it("P54 waits 15 s for a secret that does not exist, and not for longer", () => {
    const { client, server, serve } = start(variant, {}, [cluster("c1"), listenerToC("l", 1)], { drainTimeMs });
    serve(cluster("c2"), listenerWithS("l", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    client.want(secretType, "s2");
    if (variant === "delta") client.take(secretType, [], ["s2"]);
    client.quietFor(15 * second + drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
  });

  it("P54 drains at once where all that the new one refers to is there", () => {
    const { client, server, serve } = start(variant, {}, [cluster("c1"), listenerToC("l", 1)], { drainTimeMs });
    serve(cluster("c2"), listenerToC("l", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.take(listenerType, ["l@2"]);
    client.quietFor(drainTimeMs - 2 * second);
    server.pass(4 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
  });

  it("P54 has what the old one refers to stay until its routes are answered", () => {
    const first = [cluster("c1"), listenerToC("l", 1), routeToC("r2", 2), cluster("c2")];
    const { client, server, serve } = start(variant, {}, first, { drainTimeMs, retryRefused: false });
    serve(cluster("c2"), routeToC("r2", 2), listenerToR("l", 2));
    client.take(listenerType, ["l@2"]);
    client.want(routeType, "r2");
    const routes = client.expect(routeType, ["r2@2"]);
    client.quietFor(10 * drainTimeMs);
    client.nack(routes); // an answer too: the listener goes on without
    server.pass(drainTimeMs + 2 * second);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
  });
});

describe.each(["sotw", "delta"] as const)("a resource that newly refers to a warming cluster, %s", (variant) => {
  const clusters = wholeOr(variant);
  const names = { [routeType]: ["r", "s"] };

  it("P53 keeps its old version while the cluster is unanswered; P54 the old version's targets stay too", () => {
    const { client, serve } = start(variant, names, [cluster("c1"), routeToC("r", 1)]);
    serve(cluster("c2"), routeToC("r", 2));
    const warming = client.expect(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.quietFor(600 * second);
    client.ack(warming);
    client.take(routeType, ["r@2"]);
    client.take(clusterType, ...clusters(["c2@1"], [], ["c1"]));
    client.quiet();
  });

  it("P53 goes out after 5 s if the client has no older version of it", () => {
    const { client, serve, server } = start(variant, names, [cluster("c1"), routeToC("r", 1)]);
    serve(cluster("c1"), cluster("c2"), routeToC("r", 1), routeToC("s", 2));
    const warming = client.expect(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.quietFor(4.9 * second);
    server.pass(200);
    client.take(routeType, ["s@2"]);
    client.ack(warming);
    client.quiet();
  });

  it("P53 of a first configuration waits 5 s at most", () => {
    const cache = cacheOf(cluster("c1"), listenerToC("l", 1));
    const server = new DirectServer(cache);
    const client = server.open(variant);
    client.want(clusterType);
    client.want(listenerType);
    client.expect(clusterType, ["c1@1"]);
    client.quietFor(4.9 * second);
    server.pass(200);
    client.take(listenerType, ["l@1"]);
  });

  it("P53 holds back nothing else of its type for longer than 5 s", () => {
    const { client, serve, server } = start(variant, names, [cluster("c1"), routeToC("r", 1), routeToC("s", 9)]);
    serve(cluster("c1"), cluster("c2"), routeToC("r", 2), routeToC("s", 1));
    const warming = client.expect(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"]));
    client.quietFor(4.9 * second);
    server.pass(200);
    client.take(routeType, ["s@1"]);
    client.quietFor(60 * second);
    client.ack(warming);
    client.take(routeType, ["r@2"]);
    client.quiet();
  });

  it("P53 keeps its old version after a refusal, if the client has no older version of the cluster", () => {
    const { client, serve } = start(variant, names, [cluster("c1"), routeToC("r", 1)], { retryRefused: false });
    serve(cluster("c1"), cluster("c2"), routeToC("r", 2));
    client.nack(client.expect(clusterType, ...clusters(["c1@1", "c2@1"], ["c2@1"])));
    client.quietFor(600 * second);
    serve(cluster("c1"), cluster("c2", 2), routeToC("r", 2));
    client.take(clusterType, ...clusters(["c1@1", "c2@2"], ["c2@2"]));
    client.take(routeType, ["r@2"]);
  });

  it("P53 goes on after a refusal, if the client has an older version of the cluster", () => {
    const { client, serve } = start(variant, names, [cluster("c1"), cluster("c2"), routeToC("r", 1)]);
    serve(cluster("c1"), cluster("c2", 2), routeToC("r", 2));
    const refused = client.expect(clusterType, ...clusters(["c1@1", "c2@2"], ["c2@2"]));
    client.quietFor(6 * second);
    client.nack(refused);
    client.take(routeType, ["r@2"]);
  });

  it("P53 goes on when the client's refusal names another resource of the same response", () => {
    const { client, serve } = start(variant, names, [cluster("c1"), routeToC("r", 1)], { retryRefused: false });
    serve(cluster("c1"), cluster("c2"), cluster("bad"), routeToC("r", 2));
    client.nack(
      client.expect(clusterType, ...clusters(["bad@1", "c1@1", "c2@1"], ["bad@1", "c2@1"])),
      "Error adding/updating cluster(s) bad: no endpoints",
    );
    if (variant === "delta") {
      client.take(clusterType, ["c2@1"]);
      client.nack(client.expect(clusterType, ["bad@1"]), "Error adding/updating cluster(s) bad: no endpoints");
    }
    client.take(routeType, ["r@2"]);
    client.quiet();
  });

  it("P53 goes on with one permanently bad resource in each response, swap after swap", () => {
    const bad = cluster("bad");
    const { client, serve } = start(variant, names, [cluster("c1"), routeToC("r", 1)], { retryRefused: false });
    serve(cluster("c1"), bad, routeToC("r", 1));
    client.nack(client.expect(clusterType, ...clusters(["bad@1", "c1@1"], ["bad@1"])), "refused");
    for (let content = 2; content <= 5; content++) {
      const [old, now] = [`c${content - 1}@1`, `c${content}@1`];
      serve(cluster(`c${content}`), bad, routeToC("r", content));
      const added = client.expect(clusterType, ...clusters(["bad@1", old, now], [now]));
      if (variant === "sotw") client.nack(added);
      else client.ack(added);
      client.take(routeType, [`r@${content}`]);
      const removed = client.expect(clusterType, ...clusters(["bad@1", now], [], [`c${content - 1}`]));
      if (variant === "sotw") client.nack(removed);
      else client.ack(removed);
      client.quiet();
    }
  });
});

describe.each(["sotw", "delta"] as const)("references within clusters, %s", (variant) => {
  const clusters = wholeOr(variant);

  it("P53 P54 an aggregate goes out after the ACK of its new cluster; the old cluster is removed after the aggregate's ACK", () => {
    const { client, serve } = start(variant, {}, [cluster("c1"), aggregateOfC("all", 1)]);
    serve(cluster("c2"), aggregateOfC("all", 2));
    const added = client.expect(clusterType, ...clusters(["all@1", "c1@1", "c2@1"], ["c2@1"]));
    client.quietFor(4 * second);
    client.ack(added);
    const moved = client.expect(clusterType, ...clusters(["all@2", "c1@1", "c2@1"], ["all@2"]));
    client.quietFor(4 * second);
    client.ack(moved);
    client.take(clusterType, ...clusters(["all@2", "c2@1"], [], ["c1"]));
    client.quiet();
  });

  it("P53 an aggregate keeps its old version while its new cluster is refused", () => {
    const { client, serve } = start(variant, {}, [cluster("c1"), aggregateOfC("all", 1)], { retryRefused: false });
    serve(cluster("c2"), aggregateOfC("all", 2));
    client.nack(client.expect(clusterType, ...clusters(["all@1", "c1@1", "c2@1"], ["c2@1"])));
    client.quietFor(60 * second);
    serve(cluster("c2", 2), aggregateOfC("all", 2));
    client.take(clusterType, ...clusters(["all@1", "c1@1", "c2@2"], ["c2@2"]));
    client.take(clusterType, ...clusters(["all@2", "c1@1", "c2@2"], ["all@2"]));
    client.take(clusterType, ...clusters(["all@2", "c2@2"], [], ["c1"]));
  });

  it("P53 a stream's first response is not split", () => {
    const { client } = start(variant, {}, []);
    client.close();
    const cache = cacheOf(cluster("c1"), aggregateOfC("all", 1));
    const first = new DirectServer(cache).open(variant);
    first.want(clusterType);
    first.take(clusterType, ["all@1", "c1@1"]);
    first.quiet();
  });

  it("P53 an aggregate that the client does not have goes out with its clusters", () => {
    const { client, serve } = start(variant, {}, [cluster("c1")]);
    serve(cluster("c1"), cluster("c2"), aggregateOfC("all", 2));
    client.take(clusterType, ...clusters(["all@2", "c1@1", "c2@1"], ["all@2", "c2@1"]));
    client.quiet();
  });

  it("P53 a circle of aggregates goes out together", () => {
    // c1 → c2 → c1, then both change what they refer to.
    const { client, serve } = start(variant, {}, [cluster("c3"), aggregateOfC("c1", 3), aggregateOfC("c2", 3)]);
    serve(cluster("c3"), aggregateOfC("c1", 2), aggregateOfC("c2", 1));
    client.take(clusterType, ...clusters(["c1@2", "c2@1", "c3@1"], ["c1@2", "c2@1"]));
    client.quiet();
  });

  it("P53 P54 endpoints that newly name an internal listener wait 5 s for the listener", () => {
    const endpoints = { [endpointType]: ["e"] };
    const start1 = [listener("l1"), endpointsToL("e", 1), cluster("e")];
    const { client, serve, server } = start(variant, endpoints, start1, { drainTimeMs: second });
    serve(listener("l2"), endpointsToL("e", 2), cluster("e"));
    // The listener of the same change comes later in the order: endpoints wait for it.
    const added = client.expect(listenerType, ...clusters(["l1@1", "l2@1"], ["l2@1"]));
    client.quiet();
    client.ack(added);
    client.take(endpointType, ["e@2"]);
    client.take(listenerType, ...clusters(["l2@1"], [], ["l1"]));
    server.pass(10 * second);
    client.quiet();
  });
});
