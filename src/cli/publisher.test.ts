import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { Resource } from "../resource/resource.js";
import { commonGroup, Publisher } from "./publisher.js";

const own = (name: string, version: string, bytes: number) =>
  Resource.of(create(ClusterSchema, { name, perConnectionBufferLimitBytes: bytes }), { version });

it("serves all groups of a configuration or, where one cannot be, none", () => {
  const cache = new SnapshotCache();
  const publisher = new Publisher(cache);
  publisher.publish({ common: [own("a", "v1", 1)], groups: new Map([["edge", [own("b", "v1", 1)]]]) });
  const served = [commonGroup, "edge"].map((group) => cache.get(group));
  const next = { common: [own("a", "v2", 2)], groups: new Map([["edge", [own("b", "v1", 2)]]]) };
  expect(() => publisher.publish(next)).toThrow(expect.objectContaining({ code: "VERSION_IN_USE" }));
  expect([commonGroup, "edge"].map((group) => cache.get(group))).toEqual(served);
  expect(publisher.publish({ ...next, groups: new Map([["edge", [own("b", "v2", 2)]]]) })).toMatchObject({
    changed: 2,
  });
});
