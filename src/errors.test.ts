import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorTable, messageOf, XdsError } from "./errors.js";

describe("docs/errors.md", () => {
  it("has a row for each code, with the statuses of the table, and no other", () => {
    const page = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (\d+) \| (.+) \|$/gm)];
    const documented = Object.fromEntries(
      rows.map(([, code, grpc, http]) => [code, { grpc: Number(grpc), http: Number(http) }]),
    );
    expect(documented).toEqual(errorTable);
    for (const [, code, , , text] of rows) expect(text?.length, code).toBeGreaterThan(30);
  });
});

describe("XdsError", () => {
  it("knows its statuses", () => {
    const error = new XdsError("NOT_READY", "later", { cause: "c" });
    expect(error).toMatchObject({ grpcStatus: 14, httpStatus: 503, message: "later", cause: "c", name: "XdsError" });
  });

  it("has the text of whatever was thrown", () => {
    expect(messageOf(new Error("e"))).toBe("e");
    expect(messageOf("text")).toBe("text");
    expect(messageOf(undefined)).toBe("undefined");
  });
});
