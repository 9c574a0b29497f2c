import { describe, expect, it } from "vitest";
import { checkTrailers, fieldOf, MalformedRequest, requestHeadersOf } from "./request-headers.js";

const pseudo = [":method", "POST", ":scheme", "http", ":path", "/a.B/C", ":authority", "here"];
const without = (name: string) => {
  const at = pseudo.indexOf(name);
  return [...pseudo.slice(0, at), ...pseudo.slice(at + 2)];
};

describe("a request's headers", () => {
  it("are its pseudo-header fields, and the regular fields in their order", () => {
    expect(requestHeadersOf([...pseudo, "te", "trailers", "x", "1", "x", "2"])).toEqual({
      method: "POST",
      scheme: "http",
      path: "/a.B/C",
      authority: "here",
      contentLength: undefined,
      fields: ["te", "trailers", "x", "1", "x", "2"],
    });
  });

  it("need no authority", () => {
    expect(requestHeadersOf(without(":authority")).authority).toBe("");
  });

  it("have the content-length as a number; twice the same counts once", () => {
    expect(requestHeadersOf([...pseudo, "content-length", "12", "content-length", "12"]).contentLength).toBe(12);
  });

  it("are found by name; the first one counts", () => {
    const headers = requestHeadersOf([...pseudo, "x", "1", "x", "2"]);
    expect([fieldOf(headers, "x"), fieldOf(headers, "y"), fieldOf(headers, "1")]).toEqual(["1", undefined, undefined]);
  });

  it.each([
    ["no method", without(":method")],
    ["no scheme", without(":scheme")],
    ["no path", without(":path")],
    ["an empty path", [...without(":path"), ":path", ""]],
    ["nothing", []],
    ["a pseudo-header field twice", [...pseudo, ":path", "/"]],
    ["an authority twice, the first one empty", [...without(":authority"), ":authority", "", ":authority", "a"]],
    ["a pseudo-header field behind a regular one", ["x", "1", ...pseudo]],
    ["a pseudo-header field of responses", [...pseudo, ":status", "200"]],
    ["an unknown pseudo-header field", [...pseudo, ":protocol", "websocket"]],
    ["a name in upper case", [...pseudo, "X", "1"]],
    ["an empty name", [...pseudo, "", "1"]],
    ["a name with a space", [...pseudo, "a b", "1"]],
    ["a name with a line feed", [...pseudo, "a\n", "1"]],
    ["a name with a colon", [...pseudo, "a:", "1"]],
    ["a name beyond ASCII", [...pseudo, "\xe4", "1"]],
    ["a value with a line feed", [...pseudo, "x", "1\n2"]],
    ["a value with a carriage return", [...pseudo, "x", "\r"]],
    ["a value with NUL", [...pseudo, "x", "\0"]],
    ["a value that begins with a space", [...pseudo, "x", " 1"]],
    ["a value that ends with a tab", [...pseudo, "x", "1\t"]],
    ["a path with a line feed", [...without(":path"), ":path", "/\n"]],
    ["connection", [...pseudo, "connection", "close"]],
    ["keep-alive", [...pseudo, "keep-alive", "1"]],
    ["proxy-connection", [...pseudo, "proxy-connection", "1"]],
    ["transfer-encoding", [...pseudo, "transfer-encoding", "chunked"]],
    ["upgrade", [...pseudo, "upgrade", "h2c"]],
    ["te other than trailers", [...pseudo, "te", "gzip"]],
    ["a content-length that is no number", [...pseudo, "content-length", "1a"]],
    ["a negative content-length", [...pseudo, "content-length", "-1"]],
    ["an empty content-length", [...pseudo, "content-length", ""]],
    ["a content-length beyond all numbers", [...pseudo, "content-length", "9".repeat(20)]],
    ["two content-lengths", [...pseudo, "content-length", "1", "content-length", "2"]],
  ])("with %s are malformed", (_, fields) => {
    expect(() => requestHeadersOf(fields)).toThrow(MalformedRequest);
  });
});

describe("trailers", () => {
  it("may have regular fields", () => {
    expect(() => checkTrailers(["x", "1", "te", "trailers"])).not.toThrow();
    expect(() => checkTrailers([])).not.toThrow();
  });

  it.each([
    ["a pseudo-header field", [":path", "/"]],
    ["a name in upper case", ["X", "1"]],
    ["connection", ["connection", "close"]],
  ])("with %s are malformed", (_, fields) => {
    expect(() => checkTrailers(fields)).toThrow(MalformedRequest);
  });
});
