import { expect, it } from "vitest";
import { errorMessageIn } from "./error-message.js";

it("is the message of this program's own answers, or the begin of another server's, on one line", () => {
  expect(errorMessageIn('{"code":"UNKNOWN_NODE","message":"no connected node has the id \\"a\\""}\n')).toBe(
    'no connected node has the id "a"',
  );
  expect(errorMessageIn(`<html>\n${"x".repeat(1_000)}`)).toMatch(/^<html>\\u000ax{493}$/);
  expect(errorMessageIn("null")).toBe("null");
});
