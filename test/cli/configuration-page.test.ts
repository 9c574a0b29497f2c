import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { settings } from "../../src/cli/settings/settings.js";
import { readSettingsFile } from "../../src/cli/settings/settings-file.js";
import { documentKinds } from "../../src/source/documents/document-kinds.js";
import { readResourceFile } from "../../src/source/reading/resource-file.js";

const page = await readFile(new URL("../../docs/configuration.md", import.meta.url), "utf8");
const examples = Array.from(page.matchAll(/^```yaml ?(.*)\n([\s\S]*?)^```$/gm), ([, name = "", text = ""]) => ({
  name,
  text,
}));

test("the files of resources on docs/configuration.md can be read", () => {
  const files = examples.filter(({ name }) => name === "");
  expect(files).not.toEqual([]);
  for (const { text } of files) {
    const { resources, problems } = readResourceFile("page", Buffer.from(text));
    expect(problems).toEqual([]);
    expect(resources.length).toBeGreaterThan(1);
  }
});

test("the settings on docs/configuration.md are taken", async () => {
  const directory = await mkdtemp(join(tmpdir(), "xds-page-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const files = examples.filter(({ name }) => name === "xds.yaml");
  expect(files).toHaveLength(3);
  for (const { text } of files) {
    await writeFile(join(directory, "xds.yaml"), text);
    await expect(readSettingsFile(join(directory, "xds.yaml"))).resolves.toMatchObject({
      paths: [expect.stringMatching(/\/(?:config|base)$/)],
    });
  }
});

test("docs/configuration.md names settings that there are, and every key that tells a kind of document", () => {
  const keys: string[] = Object.values(settings).map(({ key }) => key);
  const groups = new Set(keys.filter((key) => key.includes(".")).map((key) => key.split(".")[0]));
  const named = Array.from(page.matchAll(/`([a-z]+\.[a-z_]+)`/g), ([, key = ""]) => key);
  const ofGroups = named.filter((key) => groups.has(key.split(".")[0]));
  expect(ofGroups.length).toBeGreaterThan(2);
  for (const key of ofGroups) expect(keys).toContain(key);
  for (const key of documentKinds.flatMap((kind) => kind.keys ?? [])) expect(page).toMatch(new RegExp(`\`${key}:?\``));
});
