import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HpackDecoder } from "../http2/hpack/decoder.js";
import { httpStatus, responseHeaders, status, trailers, trailersOnly } from "./status.js";

const fieldsOf = (block: Buffer): Map<string, string> => {
  const list = new HpackDecoder(4_096, 1 << 20).decode(block) ?? [];
  const fields = new Map<string, string>();
  for (let i = 0; i < list.length; i += 2) fields.set(list[i] as string, list[i + 1] as string);
  return fields;
};
const messageOf = (details: string) =>
  fieldsOf(trailers({ code: status.INTERNAL, details })).get("grpc-message") as string;

describe("a status", () => {
  it("is in the trailers after messages, and in the only header block without", () => {
    const failed = { code: status.NOT_FOUND, details: "none" };
    expect([...fieldsOf(trailers(failed))]).toEqual([
      ["grpc-status", "5"],
      ["grpc-message", "none"],
    ]);
    expect([...fieldsOf(trailersOnly(failed))]).toEqual([
      [":status", "200"],
      ["content-type", "application/grpc"],
      ["grpc-accept-encoding", "identity"],
      ["grpc-status", "5"],
      ["grpc-message", "none"],
    ]);
    expect(fieldsOf(responseHeaders).get(":status")).toBe("200");
    expect([...fieldsOf(trailers({ code: status.OK, details: "not told" }))]).toEqual([["grpc-status", "0"]]);
    expect([...fieldsOf(httpStatus(431))]).toEqual([[":status", "431"]]);
  });

  it("has its message percent-encoded", () => {
    expect(messageOf("100 % of \u00e4\n\u{1f600}~ \0\x7f")).toBe("100 %25 of %C3%A4%0A%F0%9F%98%80~ %00%7F");
  });

  it("has its message as it was, once decoded, with no character that a header may not have", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (details) => {
        const message = messageOf(details);
        expect(message).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeURIComponent(message)).toBe(details);
      }),
    );
  });

  it.each(["a", "%", "\u00e4", "\u20ac", "\u{1f600}", "a\u{1f600}"])(
    "has 4 KB of a longer message, cut between two characters: %j",
    (text) => {
      const details = text.repeat(100_000 / text.length);
      const message = messageOf(details);
      expect(message.length).toBeLessThanOrEqual(4_096);
      expect(message.length).toBeGreaterThan(4_096 - 12);
      expect(details.startsWith(decodeURIComponent(message))).toBe(true);
    },
  );

  it("has half of a surrogate pair as a replacement character", () => {
    expect(decodeURIComponent(messageOf("a\ud800b"))).toBe("a\ufffdb");
  });
});
