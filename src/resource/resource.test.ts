import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
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
