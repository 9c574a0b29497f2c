import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { cacheContract, cluster, Reader } from "../../test/contract/cache.js";
import { clusterType, resourceType } from "../resource/types.js";
import type { Watch } from "./config-watcher.js";
import { LinearCache } from "./linear-cache.js";

describe("LinearCache keeps the cache contract", () =>
  cacheContract(() => {
    const cache = new LinearCache(clusterType);
    return { cache, set: (resources) => cache.replace(resources) };
  }));

describe("LinearCache", () => {
  const all = (cache: LinearCache) => cache.resources().map(({ name }) => name);

  it("sets, updates, deletes and replaces", () => {
    const cache = new LinearCache(clusterType, { resources: [cluster("a"), cluster("b")] });
    cache.set(cluster("c"));
    cache.delete("a");
    cache.delete("never there");
    expect(all(cache)).toEqual(["b", "c"]);
    cache.update({ set: [cluster("d"), cluster("b", 2)], delete: ["c", "b"] });
    expect(all(cache).sort()).toEqual(["b", "d"]);
    expect(cache.get("b")?.version).toBe(cluster("b", 2).version);
    cache.replace([cluster("e")]);
    expect(all(cache)).toEqual(["e"]);
    expect(cache.size).toBe(1);
  });

  it("wakes once for several changes made at once", () => {
    const cache = new LinearCache(clusterType, { resources: [cluster("a")] });
    const reader = new Reader();
    const { view } = cache.watch({ node: reader.node, type: resourceType(clusterType) }, reader) as Watch;
    view.followAll(reader);
    cache.update({ set: [cluster("b"), cluster("c")], delete: ["a"] });
    expect(reader.woken).toEqual([undefined]);
  });

  it("puts the prefix before its versions", () => {
    const cache = new LinearCache(clusterType, { resources: [cluster("a")], versionPrefix: "east-" });
    const reader = new Reader();
    const { view } = cache.watch({ node: reader.node, type: resourceType(clusterType) }, reader) as Watch;
    expect(view.version).toMatch(/^east-[0-9a-f]{16}$/);
  });

  it("refuses another type and a duplicate by name, and changes nothing", () => {
    const cache = new LinearCache(clusterType, { resources: [cluster("a")] });
    expect(() => cache.update({ set: [cluster("b"), create(ListenerSchema, { name: "l" })] })).toThrow(
      /"l" is a .*Listener, where only .*Cluster can be/,
    );
    expect(() => cache.replace([cluster("b"), cluster("b", 2)])).toThrow(/two resources of type .* are named "b"/);
    expect(all(cache)).toEqual(["a"]);
  });

  it("has nothing to say of another type", () => {
    const reader = new Reader();
    const type = resourceType("type.googleapis.com/envoy.config.listener.v3.Listener");
    expect(new LinearCache(clusterType).watch({ node: reader.node, type }, reader)).toBeUndefined();
  });
});
