import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClientHpack, type Form, integer, string } from "../../../test/http2/hpack-encoder.js";
import { HpackDecoder } from "./decoder.js";

const decoder = (tableBytes = 4_096, listBytes = 16_384) => new HpackDecoder(tableBytes, listBytes);
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");
const decode = (text: string) => decoder().decode(hex(text));
const compression = expect.objectContaining({ name: "ConnectionError", code: 9 });

const first = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"];
const second = [...first, "cache-control", "no-cache"];
const third = [
  ...[":method", "GET", ":scheme", "https", ":path", "/index.html", ":authority", "www.example.com"],
  ...["custom-key", "custom-value"],
];
const date1 = "Mon, 21 Oct 2013 20:13:21 GMT";
const date2 = "Mon, 21 Oct 2013 20:13:22 GMT";
const place = ["location", "https://www.example.com"];
const cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const responses = [
  [":status", "302", "cache-control", "private", "date", date1, ...place],
  [":status", "307", "cache-control", "private", "date", date1, ...place],
  [
    ...[":status", "200", "cache-control", "private", "date", date2, ...place],
    ...["content-encoding", "gzip", "set-cookie", cookie],
  ],
];

describe("examples of RFC 7541, appendix C", () => {
  it.each([
    ["C.2.1", "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", ["custom-key", "custom-header"]],
    ["C.2.2", "040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"]],
    ["C.2.3", "1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"]],
    ["C.2.4", "82", [":method", "GET"]],
  ])("%s: one field", (_, bytes, fields) => {
    expect(decode(bytes)).toEqual(fields);
  });

  const c3 = [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ];
  const c4 = [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ];
  it.each([
    ["C.3: requests without Huffman codes", c3],
    ["C.4: requests with Huffman codes", c4],
  ])("%s", (_, blocks) => {
    const one = decoder();
    expect(blocks.map((block) => one.decode(hex(block)))).toEqual([first, second, third]);
  });

  const c5 = [
    "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 " +
      "3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "4803 3330 37c1 c0bf",
    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a " +
      "6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d " +
      "6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
  ];
  const c6 = [
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d " +
      "29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    "4883 640e ffc1 c0bf",
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d " +
      "d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 " +
      "3d50 07",
  ];
  it.each([
    ["C.5: responses without Huffman codes, in a table of 256 bytes", c5],
    ["C.6: responses with Huffman codes, in a table of 256 bytes", c6],
  ])("%s", (_, blocks) => {
    const one = decoder(256);
    expect(blocks.map((block) => one.decode(hex(block)))).toEqual(responses);
  });
});

describe("a header list that is too large", () => {
  const long = (name: string) => Buffer.concat([hex("40"), string(name, false), string("v".repeat(100), false)]);

  it("is not given out, and the blocks after it can be decoded", () => {
    const one = decoder(4_096, 300);
    expect(one.decode(Buffer.concat([long("a"), long("b"), long("c")]))).toBeUndefined();
    expect(one.decode(hex("be"))).toEqual(["c", "v".repeat(100)]);
    expect(one.decode(hex("c0"))).toEqual(["a", "v".repeat(100)]);
  });

  it("is counted as SETTINGS_MAX_HEADER_LIST_SIZE counts: name, value and 32 bytes", () => {
    expect(decoder(4_096, 2 * 133).decode(Buffer.concat([long("a"), long("b")]))).toHaveLength(4);
    expect(decoder(4_096, 2 * 133 - 1).decode(Buffer.concat([long("a"), long("b")]))).toBeUndefined();
  });

  it("costs no memory when one byte stands for a long field (an HPACK bomb)", () => {
    const one = decoder();
    one.decode(Buffer.concat([hex("40"), string("a", false), string("v".repeat(4_000), false)]));
    expect(one.decode(Buffer.alloc(65_536, 0xbe))).toBeUndefined();
  });
});

describe("the dynamic table", () => {
  it("forgets its oldest fields when it is full", () => {
    const one = decoder(3 * 34);
    one.decode(hex("4001610131 4001620132 4001630133 4001640134"));
    expect(one.decode(hex("be bf c0"))).toEqual(["d", "4", "c", "3", "b", "2"]);
    expect(() => one.decode(hex("c1"))).toThrow(compression);
  });

  it("is empty after a field that is larger than it, which is given out all the same", () => {
    const one = decoder(40);
    one.decode(hex("4001610131"));
    const large = Buffer.concat([hex("40"), string("b", false), string("v".repeat(50), false)]);
    expect(one.decode(large)).toEqual(["b", "v".repeat(50)]);
    expect(() => one.decode(hex("be"))).toThrow(compression);
  });

  it("lets a field take its name from the field that it drives out", () => {
    const one = decoder(40);
    one.decode(hex("4001610131"));
    expect(one.decode(hex("7e 0132"))).toEqual(["a", "2"]);
    expect(one.decode(hex("be"))).toEqual(["a", "2"]);
  });

  it("takes size updates at the beginning of a block, one or several", () => {
    const one = decoder();
    one.decode(hex("4001610131"));
    expect(one.decode(hex("20 3fe11f 82"))).toEqual([":method", "GET"]); // 0, then 4,096
    expect(() => one.decode(hex("be"))).toThrow(compression);
  });

  it("takes a size update alone", () => {
    expect(decode("20")).toEqual([]);
  });

  it.each([
    ["after a field", "82 20"],
    ["beyond what was announced", "3fe21f"],
  ])("refuses a size update %s", (_, bytes) => {
    expect(() => decode(bytes)).toThrow(compression);
  });

  it.each([
    ["0", "80"],
    ["0 with a long form", "ff 80 00 be"],
    ["beyond both tables", "be"],
    ["far beyond", "ff ff ff 07"],
    ["of a name beyond both tables", "7f 00 0131"],
  ])("refuses an index: %s", (_, bytes) => {
    expect(() => decode(bytes)).toThrow(compression);
  });
});

describe("integers", () => {
  it.each([
    ["C.1.1: 10 in 5 bits", "2a", 10],
    ["C.1.2: 1,337 in 5 bits", "3f9a0a", 1_337],
    ["31 in 5 bits", "3f00", 31],
    ["4,096 with zeros behind it", "3fe19f8000", 4_096],
  ])("%s", (_, bytes, value) => {
    expect(() => decoder(value).decode(hex(bytes))).not.toThrow();
    expect(() => decoder(value - 1).decode(hex(bytes))).toThrow(`a table size of ${value} bytes`);
  });

  it.each([
    ["beyond 2^24", "3f e0 ff ff ff 0f"],
    ["beyond 2^53", `3f ${"ff".repeat(9)} 7f`],
    ["of endless zeros", `3f ${"80".repeat(100)} 00`],
    ["that is cut off", "3f 80"],
    ["that would be a length", `00 7f ${"ff".repeat(8)} 01`],
  ])("refuses one %s", (_, bytes) => {
    expect(() => decode(bytes)).toThrow(compression);
  });
});

it.each([
  ["in a name", "40 0a 6375"],
  ["in a value", "40 01 61 05 31"],
  ["before a value", "40 01 61"],
  ["in a Huffman string", "40 01 61 85 f1"],
  ["after the first byte", "00"],
])("a block that ends %s is refused", (_, bytes) => {
  expect(() => decode(bytes)).toThrow(compression);
});

it("all that an encoder can send is decoded to the same fields, over many blocks of one connection", () => {
  const name = fc.oneof(
    fc.constantFrom(":path", ":method", "cookie", "te", "x"),
    fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789-_") }),
  );
  const value = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
  const form = fc.constantFrom<Form>("indexed", "plain", "never");
  const field = fc.tuple(fc.tuple(name, value), form, fc.boolean());
  const resizes = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 2 });
  const block = fc.record({ resizes, fields: fc.array(field, { maxLength: 8 }) });
  fc.assert(
    fc.property(fc.array(block, { maxLength: 8 }), (blocks) => {
      const client = new ClientHpack(500);
      const one = decoder(500, 1e6);
      for (const { resizes, fields } of blocks) {
        const sizes = resizes.map((bytes) => client.resize(bytes));
        const sent = fields.map(([[name, value], form, isHuffman]) => client.field(name, value, form, isHuffman));
        expect(one.decode(Buffer.concat([...sizes, ...sent]))).toEqual(fields.flatMap(([pair]) => pair));
      }
    }),
    { seed: 1 },
  );
});

it("bytes of chance give fields or a ConnectionError", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
      const one = decoder(200, 400);
      try {
        for (const block of blocks) one.decode(Buffer.from(block));
      } catch (error) {
        expect(error).toEqual(compression);
      }
    }),
    { seed: 1, numRuns: 1_000 },
  );
});

it("an integer of any prefix is read as it was written", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 20 }), (value) => {
      expect(() => decoder(value).decode(integer(0x20, 5, value))).not.toThrow();
      if (value > 0) expect(() => decoder(value - 1).decode(integer(0x20, 5, value))).toThrow(` ${value} bytes`);
    }),
    { seed: 1 },
  );
});
