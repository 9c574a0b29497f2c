import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterEach, expect, it, vi } from "vitest";
import { envoyRegistry } from "../resource/default-api.js";
import { WireReader } from "../schema/wire-reader.js";
import { type RequestBounds, unbounded } from "./request-bounds.js";
import { decodeDeltaDiscoveryRequest, decodeDiscoveryRequest } from "./requests.js";

afterEach(() => void vi.restoreAllMocks());

const most = 1_000;
const bounds: RequestBounds = {
  ...unbounded,
  mostNames: most,
  tooManyValues: (count, kind) => new Error(`more than ${count} ${kind}`),
};
const tooManyNames = "more than 1000 names in one list";
const tooManyOthers = "more than 64 fields beside its lists";
/** Fields, of this number and each empty. */
const empty = (field: number, count: number): Uint8Array => {
  const one = inField(field, new Uint8Array());
  return Buffer.alloc(count * one.length, one);
};
const inField = (field: number, bytes: Uint8Array) =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish();
/** What is done to a request before it is refused: how many tags are passed, and how many values are read. */
function countReads() {
  const { prototype } = WireReader;
  const passed = vi.spyOn(prototype, "fieldTag");
  const read = [vi.spyOn(prototype, "text"), vi.spyOn(prototype, "tag"), vi.spyOn(prototype, "bytes")];
  for (const spy of [passed, ...read]) spy.mockClear();
  return {
    passed: () => passed.mock.calls.length,
    read: () => read.reduce((sum, { mock }) => sum + mock.calls.length, 0),
  };
}

const decoders = [
  ["DiscoveryRequest", decodeDiscoveryRequest, [3, 7]],
  ["DeltaDiscoveryRequest", decodeDeltaDiscoveryRequest, [3, 4, 5, 8, 9]],
] as const;
const fields = Array.from({ length: 20 }, (_, i) => i + 1);
it.each(decoders)("a %s with too many values of any field is refused before one is read", (_, decode, lists) => {
  for (const field of fields) {
    const isList = (lists as readonly number[]).includes(field);
    const request = empty(field, 100_000);
    const count = countReads();
    expect(() => decode(request, envoyRegistry(), bounds), `field ${field}`).toThrow(
      isList ? tooManyNames : tooManyOthers,
    );
    expect(count.read(), `field ${field}`).toBe(0);
    expect(count.passed(), `field ${field}`).toBe((isList ? most : 64) + 1);
  }
});

it("400,000 versions are refused before one is read, however they are mixed with other fields", () => {
  const version = inField(5, Buffer.concat([inField(1, Buffer.from("name")), inField(2, Buffer.from("v"))]));
  const many = (...parts: Uint8Array[]) => {
    const pattern = Buffer.concat(parts);
    return Buffer.alloc(Math.ceil(400_000 / parts.length) * pattern.length, pattern);
  };
  const defaults = { ...bounds, mostNames: 100_000 };
  for (const request of [many(version), many(version, empty(3, 1)), many(version, empty(4, 1), empty(9, 1))]) {
    const count = countReads();
    expect(() => decodeDeltaDiscoveryRequest(request, envoyRegistry(), defaults)).toThrow(
      "more than 100000 names in one list",
    );
    expect(count.read()).toBe(0);
  }
});

it("names and locators are one list, and no list takes the place of another", () => {
  const filler = inField(15, Buffer.alloc(20_000)); // small requests are not counted
  const delta =
    (...parts: Uint8Array[]) =>
    () =>
      decodeDeltaDiscoveryRequest(Buffer.concat([filler, ...parts]), envoyRegistry(), bounds);
  expect(delta(empty(3, 600), empty(8, 600))).toThrow(tooManyNames);
  expect(delta(empty(4, 600), empty(9, 600))).toThrow(tooManyNames);
  expect(delta(empty(5, most + 1))).toThrow(tooManyNames);
  expect(() =>
    decodeDiscoveryRequest(Buffer.concat([filler, empty(3, 600), empty(7, 600)]), envoyRegistry(), bounds),
  ).toThrow(tooManyNames);
  expect(delta(empty(3, 600), empty(4, 600), empty(5, 600))().resourceNamesSubscribe).toHaveLength(600);
});

it("what is in a locator, an error and a version counts too", () => {
  const many = empty(2, 100_000);
  const requests = [
    ...[6, 7].map((field) => () => decodeDiscoveryRequest(inField(field, many), envoyRegistry(), bounds)),
    ...[5, 7, 8, 9].map((field) => () => decodeDeltaDiscoveryRequest(inField(field, many), envoyRegistry(), bounds)),
  ];
  for (const request of requests) {
    const count = countReads();
    expect(request).toThrow(tooManyOthers);
    expect(count.read()).toBe(0);
  }
});

it("as many names as there may be are read, in each of a request's lists", () => {
  const mostNames = 10_000;
  const three = [3, 4, 5].map((field) => empty(field, mostNames));
  const request = decodeDeltaDiscoveryRequest(Buffer.concat(three), envoyRegistry(), { ...bounds, mostNames });
  expect(request.resourceNamesSubscribe).toHaveLength(mostNames);
  expect(request.resourceNamesUnsubscribe).toHaveLength(mostNames);
  const names = decodeDiscoveryRequest(empty(3, mostNames), envoyRegistry(), { ...bounds, mostNames }).resourceNames;
  expect(names).toHaveLength(mostNames);
});

it.each([
  ["a version that is longer than it says", Buffer.from([0x2a, 0x02, 0x0a, 0x05, 0x61])],
  ["a version that ends in the middle of a tag", Buffer.from([0x2a, 0x01, 0x80])],
  ["a locator whose name is longer than the locator", Buffer.from([0x42, 0x02, 0x0a, 0x01, 0x61])],
])("%s is refused, in small requests and in large ones", (_, bytes) => {
  for (const filler of [Buffer.of(), inField(15, Buffer.alloc(20_000))])
    expect(() => decodeDeltaDiscoveryRequest(Buffer.concat([filler, bytes]), envoyRegistry(), bounds)).toThrow(
      expect.objectContaining({ code: "INVALID_REQUEST" }),
    );
});

it("the parts of a node are counted before one is read", () => {
  const metadata = inField(3, empty(1, 25_000)); // entries of a map
  const extensions = empty(9, 25_000);
  for (const [what, content] of [
    ["metadata", metadata],
    ["extensions", extensions],
    ["extensions after others", Buffer.concat([empty(9, 3_000), inField(1, Buffer.from("n")), extensions])],
  ] as const)
    expect(() => decodeDeltaDiscoveryRequest(inField(1, content), envoyRegistry(), bounds), what).toThrow(
      expect.objectContaining({ code: "LIMIT_EXCEEDED", message: "a node with more than 20000 messages" }),
    );
  expect(() => decodeDeltaDiscoveryRequest(inField(1, empty(20, 110_000)), envoyRegistry(), bounds)).toThrow(
    "a node with more than 100000 fields",
  );
  expect(
    decodeDeltaDiscoveryRequest(inField(1, empty(9, 19_000)), envoyRegistry(), bounds).node?.extensions,
  ).toHaveLength(19_000);
});

it("a known field of another wire type is skipped, as it was when it was counted", () => {
  const node = inField(1, inField(1, Buffer.from("n")));
  for (const field of [3, 4, 5, 8, 9]) {
    const request = decodeDeltaDiscoveryRequest(
      Buffer.concat([Buffer.of(field << 3, 4), node]),
      envoyRegistry(),
      bounds,
    );
    expect([request.node?.id, request.resourceNamesSubscribe, request.initialResourceVersions.size]).toEqual([
      "n",
      [],
      0,
    ]);
  }
  // Read as a list of names, the number would be a length that hides where the 100,000 names begin.
  const hidden = Buffer.concat([empty(3, 100_000)]);
  const head = Buffer.of(
    0x18,
    4,
    0x7a,
    ...[0, 7, 14].map((bits) => ((hidden.length >> bits) & 127) | (bits < 14 ? 128 : 0)),
  );
  expect(decodeDiscoveryRequest(Buffer.concat([head, hidden]), envoyRegistry(), bounds).resourceNames).toEqual([]);
});

it("of nodes and errors only the last is read", () => {
  const seen: number[] = [];
  const noting = { ...bounds, checkNode: (bytes: number) => void seen.push(bytes) };
  const id = (value: string) => new BinaryWriter().tag(1, WireType.LengthDelimited).string(value).finish();
  const nodes = Array.from({ length: 100 }, (_, i) => inField(1, id(`n${i}`)));
  expect(decodeDeltaDiscoveryRequest(Buffer.concat(nodes), envoyRegistry(), noting).node?.id).toBe("n99");
  expect(seen).toEqual([5]);
});
