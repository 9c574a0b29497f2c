import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { type Cluster, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { clusterType } from "../resource/types.js";
import { decodeDeltaDiscoveryResponse, decodeDiscoveryResponse } from "./response-decoding.js";

const cluster: Cluster = create(ClusterSchema, { name: "a", perConnectionBufferLimitBytes: 7 });
const body = toBinary(ClusterSchema, cluster);
const resource = create(ResourceSchema, {
  name: "a",
  aliases: ["b", "c"],
  version: "1",
  resource: anyPack(ClusterSchema, cluster),
  ttl: durationFromMs(1_250),
});
const entry = { name: "a", aliases: ["b", "c"], version: "1", typeUrl: clusterType, body, ttlMs: 1_250 };

const sotw = (init: MessageInitShape<typeof DiscoveryResponseSchema>) =>
  toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, init));
const delta = (init: MessageInitShape<typeof DeltaDiscoveryResponseSchema>) =>
  toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, init));

/** `resource_errors` under a field number: newer than the API that this package is generated from. */
function resourceErrors(field: number): Uint8Array {
  const message = (...parts: [number, Uint8Array | string | number][]) => {
    const writer = new BinaryWriter();
    for (const [number, value] of parts)
      if (typeof value === "number") writer.tag(number, WireType.Varint).int32(value);
      else if (typeof value === "string") writer.tag(number, WireType.LengthDelimited).string(value);
      else writer.tag(number, WireType.LengthDelimited).bytes(value);
    return writer.finish();
  };
  return message([field, message([1, message([1, "x"])], [2, message([1, 5], [2, "no x here"])])]);
}
const errors = [{ name: "x", error: { code: 5, message: "no x here" } }];
const nothing = { version: "", typeUrl: "", nonce: "", controlPlane: "", resources: [], removed: [], errors: [] };

describe("decodeDiscoveryResponse", () => {
  it("reads what the message's schema writes, entries in a Resource too", () => {
    const bytes = sotw({
      versionInfo: "v1",
      typeUrl: clusterType,
      nonce: "7",
      canary: true,
      controlPlane: { identifier: "cp" },
      resources: [anyPack(ClusterSchema, cluster), anyPack(ResourceSchema, resource)],
    });
    expect(decodeDiscoveryResponse(bytes)).toEqual({
      ...nothing,
      version: "v1",
      typeUrl: clusterType,
      nonce: "7",
      controlPlane: "cp",
      resources: [{ name: "", aliases: [], version: "", typeUrl: clusterType, body, ttlMs: undefined }, entry],
    });
  });

  it("reads a heartbeat, resource errors, and nothing", () => {
    const heartbeat = create(ResourceSchema, { name: "a", version: "1", ttl: durationFromMs(2_000) });
    const bytes = Buffer.concat([sotw({ resources: [anyPack(ResourceSchema, heartbeat)] }), resourceErrors(7)]);
    expect(decodeDiscoveryResponse(bytes)).toEqual({
      ...nothing,
      resources: [{ name: "a", aliases: [], version: "1", typeUrl: "", body: undefined, ttlMs: 2_000 }],
      errors,
    });
    expect(decodeDiscoveryResponse(new Uint8Array())).toEqual(nothing);
  });

  it("refuses other bytes", () => {
    const refusal = expect.objectContaining({
      code: "INVALID_RESPONSE",
      message: expect.stringContaining("Discovery"),
    });
    expect(() => decodeDiscoveryResponse(Buffer.from("not a message"))).toThrow(refusal);
    expect(() => decodeDeltaDiscoveryResponse(Buffer.of(0x12, 0x7f))).toThrow(refusal);
  });
});

describe("decodeDeltaDiscoveryResponse", () => {
  it("reads what the message's schema writes", () => {
    const bytes = delta({
      systemVersionInfo: "v1",
      typeUrl: clusterType,
      nonce: "7",
      controlPlane: { identifier: "cp" },
      resources: [resource, { resourceName: { name: "by name" }, version: "2" }],
      removedResources: ["r1"],
      removedResourceNames: [{ name: "r2" }],
    });
    expect(decodeDeltaDiscoveryResponse(bytes)).toEqual({
      ...nothing,
      version: "v1",
      typeUrl: clusterType,
      nonce: "7",
      controlPlane: "cp",
      resources: [
        entry,
        { name: "by name", aliases: [], version: "2", typeUrl: "", body: undefined, ttlMs: undefined },
      ],
      removed: ["r1", "r2"],
    });
  });

  it("reads resource errors", () => {
    expect(decodeDeltaDiscoveryResponse(resourceErrors(9))).toEqual({ ...nothing, errors });
  });
});
