import { clone, create, createRegistry, equals, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import { type Node, NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import { ClientConfigSchema } from "../../gen/envoy/service/status/v3/csds_pb.js";
import { builtInBytes } from "../../test/schema/newer-api.js";
import { XdsError } from "../errors.js";
import { envoyRegistry } from "../resource/default-api.js";
import { lazyRegistry } from "../schema/lazy-registry.js";
import { decodeDeltaDiscoveryRequest, decodeDiscoveryRequest } from "./requests.js";

/** A node as an Envoy sends it, in parts: before its extensions, these, and what may follow. */
function parts({ id = "n", build = "a", count = 100 } = {}): [Uint8Array, Uint8Array, Uint8Array] {
  const before = create(NodeSchema, {
    id,
    cluster: "edge",
    metadata: { role: "sidecar", labels: { app: "web" } },
    locality: { region: "r", zone: "z" },
    userAgentName: "envoy",
    userAgentVersionType: {
      case: "userAgentBuildVersion",
      value: { version: { majorNumber: 1, minorNumber: 40 }, metadata: { "build.type": "RELEASE" } },
    },
  });
  const extensions = create(NodeSchema, {
    extensions: Array.from({ length: count }, (_, i) => ({
      name: `envoy.filters.http.${build}${i}`,
      category: "envoy.filters.http",
      typeUrls: [`envoy.extensions.filters.http.v3.Filter${i}`, `envoy.config.filter.v2.Filter${i}`],
      typeDescriptor: "filter",
      version: { version: { majorNumber: i }, metadata: { i } },
      disabled: i % 7 === 0,
    })),
  });
  const after = create(NodeSchema, { clientFeatures: ["envoy.lb.does_not_support_overprovisioning"] });
  return [toBinary(NodeSchema, before), toBinary(NodeSchema, extensions), toBinary(NodeSchema, after)];
}
const unknown = new BinaryWriter().tag(200, WireType.LengthDelimited).string("newer").finish();
const extension = (bytes: Uint8Array) => new BinaryWriter().tag(9, WireType.LengthDelimited).bytes(bytes).finish();

const sotwBytes = (node: Uint8Array) => new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(node).finish();
const sotw = (node: Uint8Array) => decodeDiscoveryRequest(sotwBytes(node), envoyRegistry()).node as Node;
const delta = (node: Uint8Array) =>
  decodeDeltaDiscoveryRequest(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(node).finish(), envoyRegistry())
    .node as Node;

describe("decoding the node of requests", () => {
  const [before, extensions, after] = parts();
  const [, few] = parts({ build: "few", count: 3 });
  const [, other] = parts({ build: "b" });

  it.each<[string, Uint8Array[]]>([
    ["as Envoy sends it", [before, extensions]],
    ["with fields behind the extensions", [before, extensions, after]],
    ["with the extensions first", [extensions, before, after]],
    ["with extensions only", [extensions]],
    ["without extensions", [before, after]],
    ["with much metadata and no extensions", [...Array(100).fill(before), after]],
    ["with few extensions", [before, few]],
    ["with extensions in several runs", [before, extensions, after, few, before, other]],
    ["with few extensions before the many", [few, before, extensions]],
    [
      "with fields that are not known, also in an extension",
      [unknown, before, extensions, extension(unknown), unknown],
    ],
    ["with empty extensions", [before, ...Array(5_000).fill(extension(new Uint8Array()))]],
    ["with a tag that is longer than it must be", [before, new Uint8Array([0xca, 0]), extensions.subarray(1), after]],
  ])("reads a node %s as the protobuf library does", (_, node) => {
    const bytes = Buffer.concat(node);
    const expected = fromBinary(NodeSchema, bytes);
    for (const decode of [sotw, delta, sotw])
      expect(equals(NodeSchema, decode(bytes), expected, { unknown: true, registry: createRegistry() })).toBe(true);
  });

  it("keeps the lists of extensions of two APIs apart", () => {
    const bytes = sotwBytes(Buffer.concat([before, extensions]));
    const apis = [envoyRegistry(), lazyRegistry(builtInBytes())];
    const lists = [...apis, ...apis].map((api) => decodeDiscoveryRequest(bytes, api).node?.extensions);
    expect(lists[0]).toBe(lists[2]);
    expect(lists[1]).toBe(lists[3]);
    expect(lists[0]).not.toBe(lists[1]);
    expect(lists[0]).toEqual(lists[1]);
  });

  it.each<[string, Uint8Array[]]>([
    ["that ends within an extension", [before, extensions.subarray(0, -1)]],
    ["that ends within what follows them", [before, extensions, after.subarray(0, -1)]],
    ["that ends within what precedes them", [before.subarray(0, -1), extensions]],
    ["with an extension that ends early", [before, extensions, extension(new Uint8Array([0x0a, 9, 65]))]],
    ["with a field 0 in an extension", [before, extensions, extension(new Uint8Array([0, 0]))]],
    ["with a field 0", [before, new Uint8Array([0, 0]), extensions]],
    ["with a group that does not end", [before, new Uint8Array([0x53]), extensions]],
  ])("refuses a node %s, as the protobuf library does", (_, node) => {
    const bytes = Buffer.concat(node);
    expect(() => fromBinary(NodeSchema, bytes)).toThrow();
    for (const decode of [sotw, delta, sotw])
      expect(() => decode(bytes)).toThrow(
        expect.toSatisfy((error) => error instanceof XdsError && error.code === "INVALID_REQUEST"),
      );
  });

  it("gives the nodes of one build the same extensions, and those of another build others", () => {
    const first = sotw(Buffer.concat(parts({ id: "first" })));
    const second = delta(Buffer.concat(parts({ id: "second" })));
    expect([first.id, second.id]).toEqual(["first", "second"]);
    expect(second.extensions).toBe(first.extensions);
    expect(sotw(Buffer.concat(parts({ build: "b" }))).extensions).not.toEqual(first.extensions);
  });

  it("lets nobody change what nodes share", () => {
    const shared = sotw(Buffer.concat([before, extensions])).extensions;
    expect(() => shared.push(...shared)).toThrow(TypeError);
    for (const part of [shared[0], shared[0]?.typeUrls, shared[0]?.version?.version, shared[0]?.version?.metadata])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it("keeps of a request no more than the extensions", () => {
    const list = Buffer.concat([extension(unknown), extensions]);
    const field = sotw(Buffer.concat([before, list])).extensions[0]?.$unknown?.[0];
    expect(field?.data.buffer.byteLength).toBe(list.length);
  });

  it("gives a node that can be encoded, printed, copied and put into other messages", () => {
    const bytes = Buffer.concat([before, extensions, after]);
    const [node, plain] = [sotw(bytes), fromBinary(NodeSchema, bytes)];
    expect(Object.isFrozen(node.extensions)).toBe(true);
    expect(toBinary(NodeSchema, node)).toEqual(toBinary(NodeSchema, plain));
    expect(toJson(NodeSchema, node)).toEqual(toJson(NodeSchema, plain));
    const copy = clone(NodeSchema, node);
    expect(copy).toEqual(plain);
    copy.extensions.pop();
    expect(node.extensions).toHaveLength(100);
    const [config, expected] = [node, plain].map((of) => create(ClientConfigSchema, { node: of }));
    expect(config && toJson(ClientConfigSchema, config)).toEqual(expected && toJson(ClientConfigSchema, expected));
  });
});

it("of what a client says in a NACK the first 32 KiB are read, and how much there was is told", () => {
  const nack = (message: string) => {
    const detail = new BinaryWriter().tag(1, WireType.Varint).int32(3).tag(2, WireType.LengthDelimited).string(message);
    return new BinaryWriter().tag(6, WireType.LengthDelimited).bytes(detail.finish()).finish();
  };
  const most = 32 << 10;
  expect(decodeDiscoveryRequest(nack("x".repeat(most)), envoyRegistry()).errorDetail).toEqual({
    code: 3,
    message: "x".repeat(most),
  });
  expect(decodeDiscoveryRequest(nack("x".repeat(most + 10)), envoyRegistry()).errorDetail).toEqual({
    code: 3,
    message: `${"x".repeat(most)}… (10 bytes more)`,
  });
});
