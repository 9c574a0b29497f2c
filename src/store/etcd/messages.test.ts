import { describe, expect, it } from "vitest";
import { compareTarget, decode, encode } from "./messages.js";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const hex = (message: Uint8Array) => Buffer.from(message).toString("hex");

describe("etcd's messages", () => {
  it("have the numbers of fields that etcd's protos give them", () => {
    expect(hex(encode("RangeRequest", { key: bytes("a"), rangeEnd: bytes("b"), limit: 3n, keysOnly: true }))).toBe(
      "0a0161120162180340" + "01",
    );
    expect(hex(encode("PutRequest", { key: bytes("k"), value: bytes("v"), lease: 5n }))).toBe("0a016b1201761805");
    expect(hex(encode("WatchRequest", { createRequest: { key: bytes("k"), startRevision: 7n, fragment: true } }))).toBe(
      "0a07" + "0a016b" + "1807" + "4001",
    );
  });

  it("send a member of a oneof that is 0", () => {
    const compare = { target: compareTarget.createRevision, key: bytes("k"), createRevision: 0n };
    expect(hex(encode("TxnRequest", { compare: [compare] }))).toBe("0a07" + "1001" + "1a016b" + "2800");
  });

  it("are read with zeros for what was not sent", () => {
    expect(decode("RangeResponse", new Uint8Array())).toMatchObject({ kvs: [] });
    const { count, more, header } = decode("RangeResponse", new Uint8Array());
    expect([count, more, header]).toEqual([0n, false, undefined]);
    const kv = decode("KeyValue", Buffer.from("0a016b1001", "hex"));
    expect([Buffer.from(kv.key).toString(), kv.createRevision, kv.version, kv.value.length]).toEqual(["k", 1n, 0n, 0]);
  });

  it("skip fields that are not declared", () => {
    expect(decode("ResponseHeader", Buffer.from("0801100218032004", "hex"))).toMatchObject({ revision: 3n });
  });
});
