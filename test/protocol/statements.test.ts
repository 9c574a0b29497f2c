import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const here = new URL("./", import.meta.url);
const statements = readFileSync(new URL("../../docs/protocol.md", here), "utf8");

const numbersIn = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].flatMap(([match]) =>
    [...match.matchAll(/\bP(\d+)\b/g)].map(([, number]) => Number(number)),
  );

it("every statement of docs/protocol.md is proved by a test that cites its number", () => {
  const stated = numbersIn(statements, /^### P\d+\b/gm);
  expect(stated).toEqual(Array.from({ length: 69 }, (_, i) => i + 1));
  const files = readdirSync(here).filter((file) => file.endsWith(".test.ts"));
  const titles = /\bit\(\s*["'`][^"'`\n]*/g;
  const cited = new Set(files.flatMap((file) => numbersIn(readFileSync(new URL(file, here), "utf8"), titles)));
  expect(stated.filter((number) => !cited.has(number))).toEqual([]);
  expect([...cited].filter((number) => !stated.includes(number))).toEqual([]);
});
