import { expect, it } from "vitest";
import { refusalIn } from "./refusal.js";

it("is the message of this program's own answers, or the begin of another server's, on one line", () => {
  expect(refusalIn('{"code":"UNKNOWN_NODE","message":"no connected node has the id \\"a\\""}\n')).toBe(
    'no connected node has the id "a"',
  );
  expect(refusalIn(`<html>\n${"x".repeat(1_000)}`)).toMatch(/^<html>\\u000ax{493}$/);
  expect(refusalIn("null")).toBe("null");
});
