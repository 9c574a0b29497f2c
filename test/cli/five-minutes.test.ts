import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { describeWithEnvoy } from "../e2e/envoy.js";
import { blocksOf, follow } from "./page-reader.js";

const page = new URL("../../docs/five-minutes.md", import.meta.url);

describeWithEnvoy("docs/five-minutes.md", () => {
  test("does what it says, block by block", { timeout: 180_000 }, async () => {
    const blocks = blocksOf(await readFile(page, "utf8"));
    expect(blocks.filter(({ kind }) => kind === "sh").length).toBeGreaterThan(10);
    // It does not share memory with the Envoys of other tests.
    await follow(blocks, {
      ports: ["8080", "8081", "9901", "10000"],
      envoyFlags: "--use-dynamic-base-id --concurrency 1",
    });
  });
});
