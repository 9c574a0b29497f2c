import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { LoadStatsRequestSchema } from "../../gen/envoy/service/load_stats/v3/lrs_pb.js";
import { tooManyParts } from "./message-parts.js";

const report = create(LoadStatsRequestSchema, {
  node: { id: "n" },
  clusterStats: [
    {
      clusterName: "c",
      upstreamLocalityStats: [
        {
          locality: { zone: "z" },
          upstreamEndpointStats: [
            // A Struct, an entry, two Values of the entry and its list, with two Values and a Struct
            { metadata: { a: [1, {}] } },
            {},
          ],
        },
      ],
      droppedRequests: [{ category: "d" }],
    },
    {},
  ],
});
const bytes = toBinary(LoadStatsRequestSchema, report);
// node, 2 clusters, dropped requests, locality stats, locality, 2 endpoints; in the metadata a Struct, an entry, its
// Value, that one's list, 2 Values in it, and a Struct
const messages = 8 + 7;
const count = (most: { messages?: number; fields?: number }) =>
  tooManyParts(LoadStatsRequestSchema, bytes, { messages: 1_000, fields: 1_000, ...most });

it("messages are counted wherever they are: in lists, maps and each other", () => {
  expect(count({ messages })).toBeUndefined();
  expect(count({ messages: messages - 1 })).toBe("messages");
});

it("fields are counted: each message is one, and so is each text, number and unknown field", () => {
  // id, name, zone and category; the key of the entry, and the number in the list
  const fields = messages + 6;
  expect(count({ fields })).toBeUndefined();
  expect(count({ fields: fields - 1 })).toBe("fields");
  const unknown = Buffer.concat([bytes, Buffer.from([0x78, 0, 0x78, 0])]);
  expect(tooManyParts(LoadStatsRequestSchema, unknown, { messages, fields })).toBe("fields");
  expect(tooManyParts(LoadStatsRequestSchema, unknown, { messages, fields: fields + 2 })).toBeUndefined();
});

it("what is cut off, or nested without an end, is an error", () => {
  expect(() => tooManyParts(LoadStatsRequestSchema, bytes.subarray(0, 7), { messages, fields: 100 })).toThrow();
  let nested: Uint8Array = new Uint8Array();
  const inField = (field: number, value: Uint8Array) => {
    const head = [(field << 3) | 2];
    let left = value.length;
    for (; left > 127; left >>>= 7) head.push((left & 127) | 128);
    return Buffer.concat([Buffer.from([...head, left]), value]);
  };
  for (let depth = 0; depth < 100; depth++) nested = inField(6, inField(1, nested)); // a list in a Value
  const metadata = inField(1, inField(2, nested));
  const report = inField(2, inField(2, inField(7, inField(6, metadata))));
  expect(() => tooManyParts(LoadStatsRequestSchema, report, { messages: 1_000, fields: 1_000 })).toThrow(/deep/);
});

it("what the decoder would read otherwise than it is counted is an error", () => {
  const parts = (...bytes: number[]) => tooManyParts(LoadStatsRequestSchema, Buffer.from(bytes), most);
  const most = { messages: 100, fields: 100 };
  const stats = 0x12; // a list of messages: ClusterStats
  expect(parts(stats, 2, 0x0a, 0)).toBeUndefined();
  expect(() => parts(0x10, 2, 0x0a, 0), "a number for a message").toThrow("field 2 in it has the wire type 0");
  expect(() => parts(stats, 2, 0x08, 0), "a number for a text").toThrow("field 1 in it has the wire type 0");
  expect(() => parts(stats, 2, 0x1a, 0, 0), "a text for a number").toThrow();
  expect(() => parts(stats, 1, 0x18, 1), "a number beyond the end of its message").toThrow("longer than its stated");
  expect(() => parts(stats, 1, 0x0a, 1, 0x61), "a text beyond the end of its message").toThrow(
    "longer than its stated",
  );
  // node, metadata, an entry: a map's decoder does not pass over fields that it does not know
  expect(parts(0x0a, 4, 0x1a, 2, 0x0a, 0)).toBeUndefined();
  expect(() => parts(0x0a, 6, 0x1a, 4, 0x0a, 2, 0x18, 0)).toThrow("an entry of a map in it has a field 3");
  const numbers = (...bytes: number[]) => tooManyParts(FileDescriptorProtoSchema, Buffer.from(bytes), most);
  expect(numbers(0x52, 2, 0x80, 1)).toBeUndefined();
  expect(numbers(0x50, 1)).toBeUndefined();
  expect(() => numbers(0x52, 1, 0x80, 1)).toThrow("ends in the middle of a number");
});
