import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { cacheContract, cluster, Reader } from "../../test/contract/cache.js";
import { resourceType } from "../resource/default-api.js";
import { Resource } from "../resource/resource.js";
import { clusterType } from "../resource/types.js";
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
      /"l" is a .*Listener; only .*Cluster is allowed here/,
    );
    expect(() => cache.replace([cluster("b"), cluster("b", 2)])).toThrow(/two resources of type .* are named "b"/);
    expect(all(cache)).toEqual(["a"]);
  });

  it("refuses an alias that is the name or alias of a resource set before, and changes nothing", () => {
    const aliased = (name: string, ...aliases: string[]) => Resource.of(create(ClusterSchema, { name }), { aliases });
    const first = [aliased("a", "x"), aliased("b"), aliased("n", "xdstp://a/t/n?x=1&y=2")];
    const cache = new LinearCache(clusterType, { resources: first });
    const changes = [aliased("c", "x"), aliased("c", "a"), aliased("x"), aliased("c", "xdstp://a/t/n?y=2&x=1")];
    for (const change of changes) {
      const set = () => cache.update({ set: [aliased("d"), change] });
      expect(set).toThrow(expect.objectContaining({ code: "DUPLICATE_NAME" }));
      expect(all(cache)).toEqual(["a", "b", "n"]);
    }
    // An alias that its resource gives up in the same change is free.
    cache.update({ set: [aliased("a", "y"), aliased("c", "x")] });
    cache.update({ set: [aliased("d", "y")], delete: ["a"] });
    cache.set(aliased("d", "y", "z"));
    expect(["x", "y", "z"].map((alias) => cache.get(alias)?.name)).toEqual(["c", "d", "d"]);
  });

  it("refuses other content under the same own version, and changes nothing", () => {
    const own = (name: string, content: number) =>
      Resource.of(create(ClusterSchema, { name, perConnectionBufferLimitBytes: content }), { version: "v1" });
    const cache = new LinearCache(clusterType, { resources: [own("a", 1)] });
    for (const change of [
      () => cache.set(own("a", 2)),
      () => cache.update({ set: [own("b", 1), own("a", 2)] }),
      () => cache.replace([own("b", 1), own("a", 2)]),
    ])
      expect(change).toThrow(expect.objectContaining({ code: "VERSION_IN_USE" }));
    expect(all(cache)).toEqual(["a"]);
    expect(cache.get("a")?.hasBodyOf(own("a", 1))).toBe(true);
  });

  it("has nothing to say of another type", () => {
    const reader = new Reader();
    const type = resourceType("type.googleapis.com/envoy.config.listener.v3.Listener");
    expect(new LinearCache(clusterType).watch({ node: reader.node, type }, reader)).toBeUndefined();
  });
});
