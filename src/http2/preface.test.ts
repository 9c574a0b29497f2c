import { expect, it } from "vitest";
import { clientPreface } from "./frames.js";
import { http1Answer, readPreface } from "./preface.js";

const read = (text: string) => readPreface(Buffer.from(text, "latin1"));
const preface = clientPreface.toString("latin1");

it("the preface is found, with or without what follows it, and its beginning is waited for", () => {
  expect(read(preface)).toBe("preface");
  expect(read(`${preface}\0\0\0`)).toBe("preface");
  for (let length = 0; length < preface.length; length++) expect(read(preface.slice(0, length))).toBe("more");
});

it.each([
  ["a request of HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1"],
  ["one of HTTP/1.0", "POST /a?b=c HTTP/1.0\n\n", "HTTP/1.1"],
  ["one whose method begins as the preface", "PRI / HTTP/1.1\r\n\r\n", "HTTP/1.1"],
  ["the beginning of one", "GE", "more"],
  ["a request's line without its end", "GET /path HTTP/1.", "more"],
  ["a request's line that never ends", `GET /${"a".repeat(9_000)}`, "something else"],
  ["a TLS handshake", "\x16\x03\x01\x02\0", "TLS"],
  ["the first byte of one", "\x16", "TLS"],
  ["a preface with a fault", preface.replace("SM", "XX"), "something else"],
  ["another version of HTTP", "GET / HTTP/3.0\r\n\r\n", "something else"],
  ["bytes", "\0\x01\x02", "something else"],
  ["words", "hello there\r\n", "something else"],
])("%s", (_, text, found) => {
  expect(read(text)).toBe(found);
});

it("an HTTP/1.1 request is answered so that every client can show the reason", () => {
  const answer = http1Answer("this port speaks gRPC, café").toString("utf8");
  expect(answer).toMatch(/^HTTP\/1\.1 505 HTTP Version Not Supported\r\n/);
  expect(answer).toMatch(/\r\nContent-Length: 29\r\n/);
  expect(answer).toMatch(/\r\n\r\nthis port speaks gRPC, café\n$/);
});
