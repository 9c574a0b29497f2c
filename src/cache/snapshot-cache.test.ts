import { create } from "@bufbuild/protobuf";
import { describe, expect, it, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { cacheContract, cluster, Reader } from "../../test/contract/cache.js";
import { resourceType } from "../resource/default-api.js";
import { Resource } from "../resource/resource.js";
import { Snapshot } from "../resource/snapshot.js";
import { clusterType, endpointType } from "../resource/types.js";
import { SnapshotCache } from "./snapshot-cache.js";

describe("SnapshotCache keeps the cache contract", () =>
  cacheContract(() => {
    const cache = new SnapshotCache();
    return { cache, set: (resources) => cache.set("n", Snapshot.of(resources)) };
  }));

describe("SnapshotCache", () => {
  const type = resourceType(clusterType);
  const open = (cache: SnapshotCache, id = "n") => {
    const reader = new Reader();
    const watch = cache.watch({ node: { ...reader.node, id }, type }, reader);
    return { reader, watch };
  };

  it("gives back what was set, lists the groups, and clears", () => {
    const cache = new SnapshotCache();
    const snapshot = Snapshot.of([cluster("a")]);
    cache.set("g", snapshot);
    expect(cache.get("g")).toBe(snapshot);
    expect(cache.keys()).toEqual(["g"]);
    cache.clear("g");
    expect(cache.get("g")).toBeUndefined();
    expect(cache.keys()).toEqual([]);
  });

  it("takes the group from the user's function", () => {
    const cache = new SnapshotCache({ nodeGroup: (node) => `group of ${node.id}` });
    cache.set("group of n", Snapshot.of([cluster("a")]));
    expect(open(cache).watch.view.get("a")).toBeDefined();
  });

  it("stops serving a cleared group, and tells its readers what differs once it is set again", () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([cluster("a"), cluster("b")]));
    const { watch, reader } = open(cache);
    watch.view.followAll(reader);
    const { position } = watch.view;
    watch.view.retain(position);
    cache.clear("n");
    expect(watch.view.serving).toBe(false);
    expect(reader.woken).toEqual([]);
    cache.set("n", Snapshot.of([cluster("a")]));
    expect(reader.woken).toEqual([undefined]);
    expect(watch.view.since(position)).toEqual({ changed: [], removed: ["b"] });
  });

  it("lets nodes without a snapshot of their own read the fallback group's, and moves them when that changes", () => {
    const cache = new SnapshotCache({ fallbackGroup: "*" });
    cache.set("*", Snapshot.of([cluster("common")]));
    const { watch, reader } = open(cache, "n1");
    expect(watch.view.get("common")).toBeDefined();
    cache.set("n1", Snapshot.of([cluster("own")]));
    expect(reader.moved).toHaveLength(1);
    expect(reader.moved[0]?.get("own")).toBeDefined();
    cache.clear("n1");
    expect(reader.moved[1]?.get("common")).toBeDefined();
  });

  it("shows the connected nodes with their times, and forgets groups that only they made", () => {
    const cache = new SnapshotCache();
    const reader = new Reader();
    const watches = [clusterType, endpointType].map((typeUrl) =>
      cache.watch({ node: reader.node, type: resourceType(typeUrl) }, reader),
    );
    expect(cache.status()).toEqual([
      { node: reader.node, group: "n", typeUrls: [clusterType, endpointType], lastRequestAt: 1, lastResponseAt: 2 },
    ]);
    expect(cache.status("other")).toEqual([]);
    for (const watch of watches) watch.close();
    expect(cache.status()).toEqual([]);
    expect((cache as unknown as { groups: Map<string, unknown> }).groups.size).toBe(0);
  });

  it("collects groups that nobody is connected to", () => {
    const cache = new SnapshotCache({ fallbackGroup: "*" });
    for (const key of ["*", "used", "idle"]) cache.set(key, Snapshot.of([]));
    const { watch } = open(cache, "used");
    const later = Date.now() + 1_000;
    expect(cache.collectIdle(2_000, later)).toEqual([]);
    expect(cache.collectIdle(1_000, later)).toEqual(["idle"]);
    expect(cache.keys()).toEqual(["*", "used"]);
    watch.close();
    expect(cache.collectIdle(0, later)).toEqual(["used"]);
  });

  it("measures how long a group was idle with a clock that nobody sets", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const cache = new SnapshotCache();
      cache.set("idle", Snapshot.of([]));
      vi.setSystemTime(Date.now() + 3_600_000);
      expect(cache.collectIdle(60_000)).toEqual([]);
      vi.setSystemTime(Date.now() - 7_200_000);
      expect(cache.collectIdle(0)).toEqual(["idle"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("shows a node with more streams than a call can have arguments", () => {
    const cache = new SnapshotCache();
    const reader = new Reader();
    for (let i = 0; i < 150_000; i++) cache.watch({ node: reader.node, type }, reader);
    expect(cache.status()).toMatchObject([{ typeUrls: [clusterType], lastRequestAt: 1, lastResponseAt: 2 }]);
  });

  it("is ready with nothing where it is told to be, and nodes then wait", () => {
    const cache = new SnapshotCache({ readyWhenEmpty: true });
    expect(cache.ready()).toBe(true);
    const { watch, reader } = open(cache);
    watch.view.followAll(reader);
    expect(watch.view.serving).toBe(false);
    cache.set("n", Snapshot.of([cluster("a")]));
    expect(watch.view.serving).toBe(true);
    expect(reader.woken).toEqual([undefined]);
  });

  it("refuses other content under a resource's own version, and changes no type", () => {
    const cache = new SnapshotCache();
    const clusterOf = (version: string, bytes: number) =>
      Resource.of(create(ClusterSchema, { name: "a", perConnectionBufferLimitBytes: bytes }), { version });
    const listenerOf = (version: string, statPrefix: string) =>
      Resource.of(create(ListenerSchema, { name: "l", statPrefix }), { version });
    const first = Snapshot.of([clusterOf("v1", 1), listenerOf("v1", "x")]);
    cache.set("n", first);
    const { watch } = open(cache);
    const { version, position } = watch.view;
    const next = Snapshot.of([clusterOf("v2", 2), listenerOf("v1", "y")]);
    expect(() => cache.set("n", next)).toThrow(expect.objectContaining({ code: "VERSION_IN_USE" }));
    expect(() => cache.set("n", next)).toThrow(/"l" \(type.googleapis.com\/.*Listener\) .* version "v1"/);
    expect(cache.get("n")).toBe(first);
    expect(watch.view).toMatchObject({ version, position });
    cache.set("other", next); // what another group is served is no matter
    expect(cache.keys()).toEqual(["n", "other"]);
  });

  it("gives a type the user's version, and the hash of its content without one", () => {
    const cache = new SnapshotCache();
    const { watch } = open(cache);
    cache.set("n", Snapshot.of([cluster("a")], { version: "v1" }));
    expect(watch.view).toMatchObject({ version: "v1", versionIsContent: false });
    cache.set("n", Snapshot.of([cluster("a")], { version: { [clusterType]: "v2" } }));
    expect(watch.view.version).toBe("v2");
    cache.set("n", Snapshot.of([cluster("a")]));
    expect(watch.view).toMatchObject({ versionIsContent: true });
    cache.set("n", Snapshot.of([], { version: { [clusterType]: "v3" } }));
    expect(watch.view.version).toBe("v3");
    cache.set("n", Snapshot.of([], { version: "v4" }));
    expect(watch.view.version).toBe("v4");
    cache.set("n", Snapshot.of([cluster("a")]));
    expect(watch.view.version).toMatch(/^[0-9a-f]{16}$/);
  });
});
