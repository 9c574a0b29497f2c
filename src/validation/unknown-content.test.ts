import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { AddressSchema } from "../../gen/envoy/config/core/v3/address_pb.js";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { Resource } from "../resource/resource.js";
import { hasUnknownContent } from "./unknown-content.js";

/** The same message with a field that no API has. */
const withUnknown = <T extends Message>(message: T): T =>
  Object.assign(message, { $unknown: [{ no: 60_000, wireType: 0, data: new Uint8Array([1]) }] });
const any = (typeName: string, value = new Uint8Array()) =>
  create(AnySchema, { typeUrl: `type.googleapis.com/${typeName}`, value });

describe("hasUnknownContent()", () => {
  const cluster = (config?: Any) =>
    create(ClusterSchema, {
      name: "a",
      filters: [{ name: "f", ...(config && { typedConfig: config }) }],
      metadata: { filterMetadata: { x: { y: 1 } } },
    });

  test.each([
    ["a message that the API knows whole", cluster(), false],
    ["one in an Any", cluster(anyPack(RouterSchema, create(RouterSchema, { startChildSpan: true }))), false],
    ["an Any of a type that it lacks, without content", cluster(any("acme.Empty")), false],
    ["an Any of a type that it lacks", cluster(any("acme.Filter", new Uint8Array([8, 1]))), true],
    [
      "a field that it lacks, in an Any",
      cluster(any(RouterSchema.typeName, toBinary(RouterSchema, withUnknown(create(RouterSchema))))),
      true,
    ],
    ["a field that it lacks", withUnknown(create(ClusterSchema, { name: "a" })), true],
    ["one deeper", create(ClusterSchema, { name: "a", dnsResolvers: [withUnknown(create(AddressSchema))] }), true],
  ])("%s", (_, message, expected) => {
    expect(hasUnknownContent(Resource.of(message))).toBe(expected);
  });
});
