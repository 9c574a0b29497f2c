import { create } from "@bufbuild/protobuf";
import { expect, it, onTestFinished } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { collect } from "../../test/protocol/live-heap.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { Resource } from "../resource/resource.js";
import { clusterType, endpointType } from "../resource/types.js";
import { Revisions } from "../revisions/revisions.js";
import { configurationOf } from "../source/reading/layers.js";
import { MemoryStore } from "../store/memory-store.js";
import { HeadFollower } from "./head-follower.js";
import { commonGroup } from "./node-groups.js";
import { RevisionPublisher } from "./revision-publisher.js";
import { configurationIn, nodeGroupIn, viewing } from "./stored-configuration.js";

/** Resources as a source has them: objects of its own, of which one cluster and one endpoint differ by `content`. */
const files = (content: number): readonly Resource[] => [
  ...Array.from({ length: 500 }, (_, at) =>
    Resource.of(create(ClusterSchema, { name: `c${at}`, perConnectionBufferLimitBytes: at === 0 ? content : 1 })),
  ),
  ...Array.from({ length: 200 }, (_, at) =>
    Resource.of(create(ClusterLoadAssignmentSchema, { clusterName: at === 0 ? `e${content}` : `c${at}` })),
  ),
];

/** What a server does with revisions, from a store that may have some. */
async function start(store: MemoryStore, isGradual = false) {
  const cache = new SnapshotCache({ nodeGroup: () => "", fallbackGroup: commonGroup });
  const revisions = await Revisions.open(store);
  const follower = new HeadFollower(revisions, cache, {
    viewing: (layers, rules) => viewing(configurationIn(layers, rules)),
    groupsOf: nodeGroupIn,
    fallbackGroup: commonGroup,
  });
  const publisher = new RevisionPublisher(revisions, follower, {
    liveTypes: new Set([endpointType]),
    removalShare: 0.5,
    isGradual: () => isGradual,
    nodes: () => [],
    servesOthers: true,
    hasRules: true,
  });
  onTestFinished(async () => {
    await publisher.close();
    follower.close();
    revisions.close();
  });
  const publish = (resources: readonly Resource[]) => publisher.publish(configurationOf(resources), { rules: [] });
  return { cache, revisions, follower, publisher, publish };
}

/** One cluster and one endpoint differ. What is removed is remembered for a while, and has been read several times. */
const few = 10;

/** Counts the resources that are read from a store from now on, and still in memory. */
function watchRead() {
  const read: WeakRef<Resource>[] = [];
  // A spy of vitest would keep what it has seen.
  const { fromBytes } = Resource;
  Resource.fromBytes = (...args) => {
    const resource = fromBytes.apply(Resource, args);
    read.push(new WeakRef(resource));
    return resource;
  };
  onTestFinished(() => {
    Resource.fromBytes = fromBytes;
  });
  return async () => {
    await collect();
    return { read: read.length, alive: read.filter((one) => one.deref()).length };
  };
}

async function served(content: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const { publish, publisher } = await start(store);
  await publish(files(content));
  await publisher.close();
  return store;
}

it("a start with changed files keeps no second copy of what did not change", async () => {
  const store = await served(1);
  const alive = watchRead();
  const { publish, cache } = await start(store);
  const own = files(2);
  await publish(own);
  const counts = await alive();
  expect(counts.read).toBeGreaterThanOrEqual(700);
  expect(counts.alive).toBeLessThan(few);
  for (const [type, all] of [
    [clusterType, own.slice(0, 500)],
    [endpointType, own.slice(500)],
  ] as const)
    for (const resource of all) expect(cache.get(commonGroup)?.get(type, resource.name)).toBe(resource);
});

it("a start with broken files keeps no second copy once they are mended", async () => {
  const store = await served(1);
  const alive = watchRead();
  const { publish, publisher } = await start(store);
  await publisher.open();
  expect(await alive()).toEqual({ read: 700, alive: 700 });
  await publish(files(2));
  expect((await alive()).alive).toBeLessThan(few);
});

it("in a rollout, what is stable shares with the candidate what does not differ", async () => {
  const store = await served(1);
  const alive = watchRead();
  const { publish, publisher, cache, revisions } = await start(store, true);
  await publisher.open();
  const own = files(2);
  await publish(own);
  expect(revisions.head.rollout).toBeDefined();
  const shown = cache.candidate(commonGroup);
  expect(shown?.get(clusterType, "c1")).toBe(cache.get(commonGroup)?.get(clusterType, "c1"));
  expect(own).toContain(shown?.get(clusterType, "c1"));
  expect((await alive()).alive).toBeLessThan(few);
});
