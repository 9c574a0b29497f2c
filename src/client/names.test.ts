import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { envoyRegistry, resourceType } from "../resource/default-api.js";
import { endpointType, virtualHostType } from "../resource/types.js";
import { lazyRegistry } from "../schema/lazy-registry.js";
import { nameInMessage, subscribedAs } from "./names.js";

describe("subscribedAs", () => {
  it("has a resource's name and aliases", () => {
    expect([...subscribedAs("a", ["b", "c"])]).toEqual(["a", "b", "c"]);
  });

  it("has an xdstp name in its canonical form, and the glob that it is a member of", () => {
    expect([...subscribedAs("xdstp://auth/t/x/y?b=1&a=2")]).toEqual([
      "xdstp://auth/t/x/y?a=2&b=1",
      "xdstp://auth/t/x/*?a=2&b=1",
    ]);
  });
});

describe("nameInMessage", () => {
  const type = resourceType(endpointType);
  const body = toBinary(ClusterLoadAssignmentSchema, create(ClusterLoadAssignmentSchema, { clusterName: "a" }));

  it("is the field of the type's row, without a schema the first", () => {
    expect(nameInMessage(type, body, envoyRegistry())).toBe("a");
    expect(nameInMessage(type, body, lazyRegistry(new Uint8Array()))).toBe("a");
  });

  it("is empty where there is none", () => {
    expect(nameInMessage(type, new Uint8Array(), envoyRegistry())).toBe("");
    expect(nameInMessage(resourceType(virtualHostType), body, envoyRegistry())).toBe("");
  });

  it("throws for bytes that are no message", () => {
    expect(() => nameInMessage(type, Buffer.of(0x0a, 0x7f), envoyRegistry())).toThrow();
  });
});
