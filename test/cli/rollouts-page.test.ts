import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { describeWithEnvoy } from "../e2e/envoy.js";
import { blocksOf, follow } from "./page-reader.js";

const page = new URL("../../docs/rollouts.md", import.meta.url);
const heading = "## Try a rollout in ten minutes";
/** A minute on the page: time to pause the rollout. */
const bake = ["--rollout-bake 1m", "--rollout-bake 15s"] as const;

describeWithEnvoy("docs/rollouts.md", () => {
  test("does what it says, block by block, with shorter bakes", { timeout: 300_000 }, async () => {
    const [, section = ""] = (await readFile(page, "utf8")).split(heading);
    const blocks = blocksOf(section.split(/^## /m)[0] as string);
    expect(blocks.filter(({ kind }) => kind === "sh").length).toBeGreaterThan(10);
    expect(blocks.filter(({ text }) => text.includes(bake[0]))).toHaveLength(1);
    const faster = blocks.map((block) => ({ ...block, text: block.text.replace(...bake) }));
    await follow(faster, { ports: ["9901", "9902"], envoyFlags: "--concurrency 1", patienceMs: 90_000 });
  });
});
