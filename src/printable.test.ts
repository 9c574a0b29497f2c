import { expect, it } from "vitest";
import { printable, printableLines } from "./printable.js";

/** All that moves the cursor, begins a line, or turns the direction of text. */
const codes = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, code) => 0x7f + code),
  ...[0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x061c, 0x200e, 0x200f],
];
const spelled = (code: number) => `\\u${code.toString(16).padStart(4, "0")}`;

it("escapes controls, separators and what turns the direction of text, and nothing else", () => {
  const text = `naïve 名前 🙂 a\u200db ${codes.map((code) => String.fromCharCode(code)).join("")} \\u001b`;
  expect(printable(text)).toBe(`naïve 名前 🙂 a\u200db ${codes.map(spelled).join("")} \\u001b`);
  expect(printableLines("a\tb\nc\r\u202e")).toBe("a\\u0009b\nc\\u000d\\u202e");
});

it("leaves the values of JSON as they are", () => {
  const value = { text: codes.map((code) => String.fromCharCode(code)).join("\\") };
  const json = printable(JSON.stringify(value));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toMatch(/^[\x20-\x7e]*$/);
});
