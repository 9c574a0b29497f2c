import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { envoyRegistry } from "../resource/default-api.js";
import { WireReader } from "../schema/wire-reader.js";
import { NameLists } from "./name-lists.js";
import { decodeDeltaDiscoveryRequest, decodeDiscoveryRequest } from "./requests.js";

const sotw = (resourceNames: string[], responseNonce = "", locators: string[] = []) =>
  toBinary(
    DiscoveryRequestSchema,
    create(DiscoveryRequestSchema, {
      resourceNames,
      responseNonce,
      resourceLocators: locators.map((name) => ({ name })),
    }),
  );
/** The value of a repeated field 3, after its first tag. */
const read = (lists: NameLists, names: string[]) => {
  const reader = new WireReader(sotw(names));
  reader.tag();
  const list = lists.read(reader, 3);
  expect(reader.pos).toBe(reader.len);
  return list;
};

describe("NameLists", () => {
  it("gives the same array for the same names of another request, and another for others", () => {
    const lists = new NameLists();
    const list = read(lists, ["a", "ü", ""]);
    expect(list).toEqual(["a", "ü", ""]);
    expect(read(lists, ["a", "ü", ""])).toBe(list);
    expect(read(lists, ["a", "ü"])).toEqual(["a", "ü"]);
    expect(read(lists, ["a\u001a\u0001b"])).toEqual(["a\u001a\u0001b"]); // looks like the next tag, and is a name
  });

  it("keeps what was read last, and no more than so many bytes", () => {
    const lists = new NameLists();
    const long = (i: number) => [`${i}`.padEnd(100_000, "x")];
    const first = read(lists, long(0));
    const second = read(lists, long(1));
    for (let i = 2; i < 40; i++) {
      read(lists, long(i));
      expect(read(lists, long(0))).toBe(first);
    }
    expect(read(lists, long(1))).not.toBe(second);
    const kept = (lists as unknown as { lists: { lists: Map<string, unknown> } }).lists.lists;
    expect([...kept.keys()].reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(2 * 2 ** 20);
    read(lists, ["y".repeat(3 * 2 ** 20)]);
    expect(kept.size).toBe(0);
  });
});

describe("decoding the names of requests", () => {
  it("gives an ACK the list of the request that it repeats", () => {
    const names = decodeDiscoveryRequest(sotw(["a", "b"]), envoyRegistry()).resourceNames;
    expect(decodeDiscoveryRequest(sotw(["a", "b"], "1"), envoyRegistry()).resourceNames).toBe(names);
  });

  it("takes names and locators together, and leaves shared lists as they are", () => {
    const names = decodeDiscoveryRequest(sotw(["a", "b"]), envoyRegistry()).resourceNames;
    const both = Buffer.concat([sotw(["a", "b"]), sotw([], "", ["c", "d"]), sotw(["a"])]);
    expect(decodeDiscoveryRequest(both, envoyRegistry()).resourceNames).toEqual(["a", "b", "c", "d", "a"]);
    expect(names).toEqual(["a", "b"]);
    const message = create(DeltaDiscoveryRequestSchema, {
      resourceNamesSubscribe: ["a", "b"],
      resourceNamesUnsubscribe: ["a", "b"],
      resourceLocatorsUnsubscribe: [{ name: "e" }],
    });
    const delta = decodeDeltaDiscoveryRequest(toBinary(DeltaDiscoveryRequestSchema, message), envoyRegistry());
    expect(delta.resourceNamesSubscribe).toBe(names);
    expect(delta.resourceNamesUnsubscribe).toEqual(["a", "b", "e"]);
  });
});
