import { expect, it } from "vitest";
import { Reader } from "../../test/contract/cache.js";
import { cluster, listener, listenerToC } from "../../test/protocol/resources.js";
import { LinearCache } from "../cache/linear-cache.js";
import { resourceType } from "../resource/default-api.js";
import type { Resource } from "../resource/resource.js";
import { clusterType, listenerType } from "../resource/types.js";
import { noChanges } from "./changes.js";
import type { Delivery } from "./delivery.js";
import { MakeBeforeBreak } from "./make-before-break.js";
import type { OrderedStream } from "./ordered-stream.js";
import { type References, unorderedReferences } from "./references.js";
import { Subscription } from "./subscription.js";

const times = { patience: 5_000, drainTimeMs: 10_000, missingAfterMs: 15_000 };
const node = new Reader().node;

/** The clusters and listeners of one client, which subscribes everything and has nothing yet. */
function client(isSeparate = false) {
  const caches = [clusterType, listenerType].map((typeUrl) => new LinearCache(typeUrl)) as [LinearCache, LinearCache];
  const [clusters, listeners] = caches.map((cache, i) => {
    const type = resourceType([clusterType, listenerType][i] as string);
    const subscription = Subscription.open(cache, { node, type }, () => {}) as Subscription;
    subscription.setWildcard(true);
    return subscription;
  }) as [Subscription, Subscription];
  let sent = 0;
  const all = new Map([clusters, listeners].map((subscription) => [subscription.type.typeUrl, subscription]));
  const stream: OrderedStream = {
    subscriptions: all,
    isSeparate,
    isBack: false,
    serves: () => false,
    related: () => all.values(),
    isUsed: () => true,
    lastNonce: 0,
    looks: 0,
    answerForMissing: () => "removed",
    leftoversForgotten: () => {},
  };
  const order = new MakeBeforeBreak(stream, times);
  const send = (subscription: Subscription, changed: Resource[]): Delivery => {
    const changes = { changed, removed: [] };
    const { position: to } = subscription.view;
    const id = { nonce: String(++sent), version: "", at: 0 };
    const rest = { partial: false, whole: false, piece: undefined, before: undefined, newer: undefined };
    const delivery: Delivery = { changes, fresh: changes, to, repeated: noChanges, ...id, ...rest };
    const nothingElse = { unresolved: [], withheld: new Map(), healed: [], to, piece: undefined };
    subscription.send(delivery, { changes, fresh: changes, ...nothingElse }, []);
    return delivery;
  };
  const give = (subscription: Subscription, resource: Resource) => subscription.ack(send(subscription, [resource]));
  const references = (subscription: Subscription): References => order.for(subscription, true);
  return { cacheOfClusters: caches[0], cacheOfListeners: caches[1], clusters, listeners, send, give, references };
}

it("P53 a listener waits for the cluster that it newly refers to, until the client has ACKed the cluster", () => {
  const { cacheOfClusters, cacheOfListeners, clusters, listeners, send, give, references } = client();
  cacheOfListeners.set(listener("l"));
  give(listeners, listener("l"));
  cacheOfClusters.set(cluster("c1"));
  const now = listenerToC("l");
  cacheOfListeners.set(now);
  const delivery = send(clusters, [cluster("c1")]);
  expect(references(listeners).whyChangeWaits(now)?.why).toBe("unanswered");
  clusters.ack(delivery);
  expect(references(listeners).whyChangeWaits(now)).toBeUndefined();
});

it("P54 a cluster stays while the client has a listener that refers to it, and is not the served one", () => {
  const { cacheOfClusters, cacheOfListeners, clusters, listeners, give, references } = client();
  cacheOfClusters.set(cluster("c1"));
  give(clusters, cluster("c1"));
  cacheOfListeners.set(listenerToC("l"));
  give(listeners, listenerToC("l"));
  cacheOfClusters.delete("c1");
  cacheOfListeners.set(listener("l"));
  const why = references(clusters).whyRemovalWaits("c1");
  expect(why).toMatchObject({ why: "reference", on: { name: "l", version: listenerToC("l").version } });
  expect(references(clusters).removedButReferenced("c1")?.version).toBe(cluster("c1").version);
  give(listeners, listener("l"));
  expect(references(clusters).whyRemovalWaits("c1")?.why).not.toBe("reference");
});

it("P53 P54 on a separate stream no change waits, and a removal waits for other streams for a bounded time", () => {
  const { cacheOfClusters, clusters, give, references } = client(true);
  cacheOfClusters.set(cluster("c1"));
  give(clusters, cluster("c1"));
  cacheOfClusters.delete("c1");
  const { noChangeWaits, removedLast } = references(clusters);
  expect([noChangeWaits, removedLast]).toEqual([true, false]);
  const why = references(clusters).whyRemovalWaits("c1");
  expect(why?.why).toBe("reference");
  expect((why?.until ?? 0) - (why?.since ?? 0)).toBeCloseTo(times.patience);
});

it("without make-before-break nothing waits, and a missing name is still answered", () => {
  const { clusters, references } = client();
  const unordered = unorderedReferences(references(clusters));
  expect(unordered.noChangeWaits).toBe(true);
  expect(unordered.whyRemovalWaits("c1")).toBeUndefined();
  expect(unordered.answerForMissing("x")).toBe("removed");
});
