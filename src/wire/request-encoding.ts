import { type Registry, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Node } from "../schema/node.js";
import { apiMessage } from "../schema/registry.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, ErrorDetail } from "./messages.js";

/** Encodes an `envoy.service.discovery.v3.DiscoveryRequest`. The node is encoded by `registry`. */
export function encodeDiscoveryRequest(request: DiscoveryRequest, registry: Registry): Uint8Array {
  const writer = new FieldWriter();
  writer.string(1, request.versionInfo);
  writer.message(2, node(request.node, registry));
  writer.strings(3, request.resourceNames);
  writer.string(4, request.typeUrl);
  writer.string(5, request.responseNonce);
  writer.message(6, errorDetail(request.errorDetail));
  return writer.finish();
}

/** Encodes an `envoy.service.discovery.v3.DeltaDiscoveryRequest`. The node is encoded by `registry`. */
export function encodeDeltaDiscoveryRequest(request: DeltaDiscoveryRequest, registry: Registry): Uint8Array {
  const writer = new FieldWriter();
  writer.message(1, node(request.node, registry));
  writer.string(2, request.typeUrl);
  writer.strings(3, request.resourceNamesSubscribe);
  writer.strings(4, request.resourceNamesUnsubscribe);
  for (const [name, version] of request.initialResourceVersions) {
    const entry = new FieldWriter();
    entry.string(1, name);
    entry.string(2, version);
    writer.message(5, entry.finish());
  }
  writer.string(6, request.responseNonce);
  writer.message(7, errorDetail(request.errorDetail));
  return writer.finish();
}

/** Writes fields. Empty and undefined fields are left out, as in proto3. */
class FieldWriter {
  private readonly writer = new BinaryWriter();

  string(field: number, value: string): void {
    if (value !== "") this.writer.tag(field, WireType.LengthDelimited).string(value);
  }

  strings(field: number, values: readonly string[]): void {
    for (const value of values) this.writer.tag(field, WireType.LengthDelimited).string(value);
  }

  message(field: number, bytes: Uint8Array | undefined): void {
    if (bytes) this.writer.tag(field, WireType.LengthDelimited).bytes(bytes);
  }

  finish(): Uint8Array {
    return this.writer.finish();
  }
}

function node(message: Node | undefined, registry: Registry): Uint8Array | undefined {
  return message && toBinary(apiMessage(registry, "envoy.config.core.v3.Node"), message);
}

/** Encodes a google.rpc.Status. */
function errorDetail(error: ErrorDetail | undefined): Uint8Array | undefined {
  if (!error) return undefined;
  const writer = new BinaryWriter();
  if (error.code !== 0) writer.tag(1, WireType.Varint).int32(error.code);
  if (error.message !== "") writer.tag(2, WireType.LengthDelimited).string(error.message);
  return writer.finish();
}
