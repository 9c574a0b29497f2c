import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, routeType } from "../../src/resource/types.js";
import { Fleet, FleetServer, freshCluster, routeTo, settleTogether } from "./fleet.js";
import { operations, startCounting, stopCounting } from "./operations.js";

const n = 5_000;
const bad = "c2500";
const name = (i: number) => `c${i}`;
const clusters = Array.from({ length: n }, (_, i) => freshCluster(name(i), 1));

beforeAll(startCounting);
afterAll(stopCounting);

/** A fleet that has answered all it was sent, some of it with a NACK: the content 1 of these names is refused. */
function settled(variant: "sotw" | "delta", streams: number, isBad: (name: string) => boolean) {
  const cache = new LinearCache(clusterType, { resources: clusters });
  const refused = new Set(clusters.filter(({ name }) => isBad(name)));
  const fleet = new Fleet(cache, { variant, streams, typeUrl: clusterType });
  fleet.refuse((resource) => refused.has(resource));
  return { cache, fleet, refused };
}

/** How often the first client was sent each name, and took it. */
class Deliveries {
  readonly sent = new Map<string, number>();
  readonly taken = new Map<string, Resource>();
  responses = 0;
  nacks = 0;
  /** Lists of several resources that the clients of the fleet were sent. */
  readonly lists = new Set<readonly Resource[]>();

  constructor(fleet: Fleet) {
    fleet.onResponse = ({ resources, removedResources }, refused, i) => {
      if (resources.length > 1) this.lists.add(resources);
      if (i > 0) return;
      this.responses++;
      if (refused) this.nacks++;
      for (const resource of resources) {
        this.sent.set(resource.name, (this.sent.get(resource.name) ?? 0) + 1);
        if (!refused) this.taken.set(resource.name, resource);
      }
      if (!refused) for (const removed of removedResources) this.taken.delete(removed);
    };
  }

  clear(): void {
    this.sent.clear();
    this.lists.clear();
    this.responses = this.nacks = 0;
  }
}

describe.each(["sotw", "delta"] as const)("%s: after one of 5,000 clusters was refused,", (variant) => {
  it("a change of another takes at most twice the operations that it takes where all was ACKed", () => {
    const streams = 50;
    const perStream = (isBad: (name: string) => boolean) => {
      const { cache, fleet } = settled(variant, streams, isBad);
      fleet.settle();
      const change = (content: number) => {
        cache.set(freshCluster("c7", content));
        fleet.settle();
      };
      change(2);
      const counts = [3, 4, 5].map((content) => operations(() => change(content)) / streams);
      fleet.close();
      return Math.max(...counts);
    };
    const acked = perStream(() => false);
    const refused = perStream((name) => name === bad);
    console.log(`${variant}: a change takes ${acked} operations per stream after ACKs, ${refused} after a NACK`);
    expect(acked).toBeGreaterThan(20);
    expect(acked).toBeLessThan(3_000);
    expect(refused).toBeLessThanOrEqual(2 * acked);
  }, 120_000);

  it("streams in the same position are sent the same lists, whose bodies they share", () => {
    const { cache, fleet } = settled(variant, 10, (name) => name === bad);
    const deliveries = new Deliveries(fleet);
    fleet.settle();
    const several = deliveries.responses;
    console.log(`${variant}: ${deliveries.lists.size} lists in ${several} responses to each of 10 streams`);
    expect(deliveries.lists.size).toBeLessThanOrEqual(several);
    deliveries.clear();
    cache.update({ set: [freshCluster("c7", 2), freshCluster("c8", 2)] });
    fleet.settle();
    expect(deliveries.responses).toBeGreaterThanOrEqual(1);
    expect(deliveries.lists.size).toBeLessThanOrEqual(deliveries.responses);
  }, 60_000);
});

describe("delta: after one of 5,000 clusters was refused,", () => {
  it("the other 4,999 are taken, each once, with about 2·log2(n) further responses", () => {
    const { fleet } = settled("delta", 1, (name) => name === bad);
    const deliveries = new Deliveries(fleet);
    fleet.settle();
    const { taken, responses, nacks } = deliveries;
    console.log(`delta: ${taken.size} of ${n} taken, after ${responses} responses and ${nacks} NACKs`);
    expect(taken.size).toBe(n - 1);
    expect(fleet.acks + fleet.nacks).toBe(responses);
    expect(responses - 1).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(n)) + 4);
  });

  it("a change of another is sent alone, and the correction of the bad one too", () => {
    const { cache, fleet } = settled("delta", 1, (name) => name === bad);
    const deliveries = new Deliveries(fleet);
    fleet.settle();
    for (const content of [2, 3]) {
      deliveries.clear();
      cache.set(freshCluster("c7", content));
      fleet.settle();
      expect([...deliveries.sent].slice(0, 10)).toEqual([["c7", 1]]);
      expect(deliveries.nacks).toBe(0);
    }
    deliveries.clear();
    cache.set(freshCluster(bad, 2));
    fleet.settle();
    expect([...deliveries.sent]).toEqual([[bad, 1]]);
    expect([...deliveries.taken.values()].sort(byName)).toEqual([...cache.resources()].sort(byName));
  });
});

describe("delta: of 5,000 clusters hundreds are bad:", () => {
  it("at most 64 NACKs, the rest stays refused together, and other changes get through", () => {
    const isBad = (name: string) => Number(name.slice(1)) % 16 === 3;
    const { cache, fleet, refused } = settled("delta", 1, isBad);
    const deliveries = new Deliveries(fleet);
    fleet.settle();
    console.log(`delta, ${refused.size} bad: ${deliveries.nacks} NACKs, ${deliveries.taken.size} taken`);
    expect(deliveries.nacks).toBeLessThanOrEqual(64);
    expect(deliveries.taken.size).toBeGreaterThan(0);

    // Nothing that was refused is sent again because of another.
    const isTaken = deliveries.taken.keys().next().value as string;
    deliveries.clear();
    cache.update({ set: [freshCluster(isTaken, 2), freshCluster("new", 1)] });
    fleet.settle();
    expect(Object.fromEntries(deliveries.sent)).toEqual({ [isTaken]: 1, new: 1 });
    expect(deliveries.nacks).toBe(0);

    // Once all are mended, the client has everything.
    cache.update({ set: [...refused].map(({ name }) => freshCluster(name, 2)) });
    fleet.settle();
    const lacking = cache.resources().filter(({ name, version }) => deliveries.taken.get(name)?.version !== version);
    expect(lacking.map(({ name }) => name).slice(0, 10)).toEqual([]);
  });
});

describe.each(["sotw", "delta"] as const)("%s: per-type streams of clients that share one node id,", (variant) => {
  /** CDS and RDS streams of so many clients; the cluster is replaced, and the route moves. */
  function perReplacement(clients: number, nodeId: (i: number) => string): number {
    const cache = new SnapshotCache({ nodeGroup: () => "all" });
    const serve = (content: number) =>
      cache.set("all", Snapshot.of([freshCluster(`c${content}`, 1), routeTo("r", `c${content}`)]));
    serve(1);
    const server = new FleetServer(cache);
    const options = { variant, streams: clients, own: true, nodeId, server };
    const fleets = [
      new Fleet(cache, { ...options, typeUrl: clusterType }),
      new Fleet(cache, { ...options, typeUrl: routeType, names: ["r"] }),
    ];
    settleTogether(fleets);
    const count = operations(() => {
      serve(2);
      settleTogether(fleets);
    });
    expect(fleets.map(({ acks }) => acks >= 2 * clients)).toEqual([true, true]);
    for (const fleet of fleets) fleet.close();
    return count;
  }

  it("a replaced cluster costs operations linear in their number, at most 3 times those with distinct ids", () => {
    const sizes = [125, 250, 500];
    const shared = sizes.map((clients) => perReplacement(clients, () => "shared") / clients);
    const distinct = sizes.map((clients) => perReplacement(clients, (i) => `node-${i}`) / clients);
    const rounded = (counts: number[]) => counts.map(Math.round).join(", ");
    console.log(`${variant}, ${sizes} clients: operations for each ${rounded(shared)}; distinct ${rounded(distinct)}`);
    const [few = 0, , many = 0] = shared;
    const [fewDistinct = 0, , manyDistinct = 0] = distinct;
    expect(manyDistinct).toBeLessThan(1.3 * fewDistinct);
    expect(many).toBeLessThan(1.3 * few);
    expect(many).toBeLessThan(3 * manyDistinct);
  }, 120_000);
});

const byName = (a: Resource, b: Resource) => (a.name < b.name ? -1 : 1);
