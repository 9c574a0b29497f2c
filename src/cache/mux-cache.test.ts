import { describe, expect, it } from "vitest";
import { cacheContract, cluster, Reader } from "../../test/contract/cache.js";
import { resourceType } from "../resource/default-api.js";
import { clusterType, endpointType } from "../resource/types.js";
import { LinearCache } from "./linear-cache.js";
import { MuxCache } from "./mux-cache.js";

describe("MuxCache keeps the cache contract", () =>
  cacheContract(() => {
    const linear = new LinearCache(clusterType);
    return { cache: new MuxCache(() => linear), set: (resources) => linear.replace(resources) };
  }));

describe("MuxCache", () => {
  it("sends each request to the cache that is picked for it", () => {
    const clusters = new LinearCache(clusterType, { resources: [cluster("a")] });
    const cache = new MuxCache(({ type, node }) =>
      type.typeUrl === clusterType && node.id === "n" ? clusters : undefined,
    );
    const reader = new Reader();
    const watch = (typeUrl: string, id: string) =>
      cache.watch({ node: { ...reader.node, id }, type: resourceType(typeUrl) }, reader);
    expect(watch(clusterType, "n")?.view.get("a")).toBeDefined();
    expect(watch(endpointType, "n")).toBeUndefined();
    expect(watch(clusterType, "other")).toBeUndefined();
    expect(cache.ready({ node: reader.node, type: resourceType(endpointType) })).toBe(true);
  });
});
