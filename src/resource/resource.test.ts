import { create, fromBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { DeltaDiscoveryResponseSchema } from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import type { XdsError } from "../errors.js";
import { Resource } from "./resource.js";
import { Snapshot } from "./snapshot.js";

/** The code and message of what is thrown. */
function thrown(run: () => unknown): string {
  try {
    run();
    return "nothing";
  } catch (error) {
    return `${(error as XdsError).code}: ${(error as Error).message}`;
  }
}

it("a resource is made of a message, and what is none is told how to become one", () => {
  expect(Resource.of(create(ClusterSchema, { name: "c" })).name).toBe("c");
  const json = { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", name: "c" };
  for (const none of [json, {}, undefined, null, "c"])
    expect(thrown(() => Resource.of(none as never))).toMatch(/^INVALID_RESOURCE: not a message; make one with create/);
  expect(thrown(() => Snapshot.of([json as never]))).toMatch(/^INVALID_RESOURCE: .*resource 0 .*not a message/);
});

it("a TTL is what a google.protobuf.Duration can hold, and never has a whole second of nanoseconds", () => {
  const withTtl = (ttlMs: number) => Resource.of(create(ClusterSchema, { name: "c" }), { ttlMs });
  for (const ttlMs of [0, -1, 1e-7, 1e300, Number.NaN, Number.POSITIVE_INFINITY])
    expect(thrown(() => withTtl(ttlMs))).toMatch(
      /^INVALID_OPTION: .*"c": ttlMs must be from 0.000001 to 315576000000000, is /,
    );
  const { resources } = fromBinary(DeltaDiscoveryResponseSchema, withTtl(1_999.9999999).deltaEntry(true));
  expect(resources[0]?.ttl).toMatchObject({ seconds: 2n, nanos: 0 });
  expect(() => withTtl(315_576_000_000_000).deltaEntry(true)).not.toThrow();
});

it("aliases are kept as they are spelt, and beside that as what all equal xdstp names are", () => {
  const of = (...aliases: string[]) =>
    Resource.of(create(ClusterSchema, { name: "xdstp://a/t/c?x=1&y=2" }), { aliases });
  const spelt = of("xdstp://a/t/n?y=2&x=1", "plain");
  expect(spelt.aliases).toEqual(["xdstp://a/t/n?y=2&x=1", "plain"]);
  expect(spelt.aliasKeys).toEqual(["xdstp://a/t/n?x=1&y=2", "plain"]);
  expect(thrown(() => of(""))).toMatch(/^INVALID_OPTION: .*an alias is empty/);
  expect(thrown(() => of("xdstp://a/t/c?y=2&x=1"))).toMatch(/^INVALID_OPTION: .*is its name or another of its aliases/);
  expect(thrown(() => of("xdstp://a/t/n?x=1&y=2", "xdstp://a/t/n?y=2&x=1"))).toMatch(/^INVALID_OPTION/);
});

it("a resource may have more aliases than a call can have arguments", () => {
  const aliases = Array.from({ length: 150_000 }, (_, i) => `a${i}`);
  const resource = Resource.of(create(ClusterSchema, { name: "c" }), { aliases });
  const { resources } = fromBinary(DeltaDiscoveryResponseSchema, resource.deltaEntry(false));
  expect(resources[0]?.aliases).toHaveLength(150_000);
});
