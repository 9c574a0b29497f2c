import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { resourceType } from "./default-api.js";
import { Resource } from "./resource.js";
import { ResourceSet, SetHash } from "./resource-set.js";
import { clusterType } from "./types.js";

const own = (name: string, version: string) => Resource.of(create(ClusterSchema, { name }), { version });
const hashOf = (...resources: Resource[]) => {
  const hash = new SetHash();
  for (const resource of resources) hash.add(resource);
  return hash.toString();
};

describe("SetHash", () => {
  it("differs by name also where a version of the user's own looks like one made from content", () => {
    const version = "0123456789abcdef";
    expect(hashOf(own("a", version))).not.toBe(hashOf(own("b", version)));
    expect(hashOf(own("a", version))).not.toBe(version);
  });

  it("is the sum, modulo 2^64, of the first 64 bits of SHA-256 of each name and version", () => {
    const resources = Array.from({ length: 50 }, (_, i) => own(`n${i}`, "v1"));
    // for i in $(seq 0 49); do printf "n$i\\0v1" | sha256sum | cut -c1-16; done, added up
    expect(hashOf(resources[0] as Resource)).toBe("ad9fbc15d7de9ee9");
    expect(hashOf(...resources)).toBe("da6b4aa15863ba19");
  });

  it("is back where it was when a member is removed, whatever the order", () => {
    const members = Array.from({ length: 50 }, (_, i) => own(`n${i}`, "v1"));
    const hash = new SetHash();
    for (const member of members) hash.add(member);
    for (const member of members.slice(1)) hash.remove(member);
    expect(hash.toString()).toBe(hashOf(members[0] as Resource));
    hash.remove(members[0] as Resource);
    expect(hash.toString()).toBe("0".repeat(16));
  });
});

describe("ResourceSet", () => {
  const type = resourceType(clusterType);
  const aliased = (name: string, ...aliases: string[]) => Resource.of(create(ClusterSchema, { name }), { aliases });

  it("refuses an alias that is another resource's name or alias, also as another spelling of an xdstp name", () => {
    const duplicate = expect.objectContaining({ code: "DUPLICATE_NAME" });
    expect(() => ResourceSet.of(type, [aliased("a", "b"), aliased("b")])).toThrow(duplicate);
    expect(() => ResourceSet.of(type, [aliased("a", "x"), aliased("b", "x")])).toThrow(duplicate);
    const [one, other] = ["xdstp://a/t/n?x=1&y=2", "xdstp://a/t/n?y=2&x=1"];
    expect(() => ResourceSet.of(type, [aliased("a", one), aliased("b", other)])).toThrow(duplicate);
    expect(() => ResourceSet.of(type, [aliased(one), aliased("b", other)])).toThrow(duplicate);
  });

  it("refuses an empty version", () => {
    expect(() => ResourceSet.of(type, [], "")).toThrow(/the version of \S+ must be a non-empty string, is ""/);
  });
});
