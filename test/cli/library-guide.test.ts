import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { outerEnvironment } from "./program.js";

// Runs docs/library.md: each block ```ts FILE is a program; a block ```text behind it is all that it prints.

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "docs/library.md"), "utf8");
const programs = Array.from(
  page.matchAll(/^```ts (\S+)\n([\s\S]*?)^```\n(?:```text\n([\s\S]*?)^```$)?/gm),
  ([, name = "", code = "", printed]) => ({ name, code, printed }),
);
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "xds-guide-"));
  // The package as it is installed, and what its users install beside it.
  const installed = join(dirname(dirname(dirname(inject("xds")))), "node_modules");
  await mkdir(join(folder, "node_modules"));
  for (const name of ["ts-control-plane", "@bufbuild", "prom-client"])
    await symlink(join(installed, name), join(folder, "node_modules", name));
  await symlink(join(root, "node_modules/@types"), join(folder, "node_modules/@types"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  for (const { name, code } of programs) {
    await writeFile(join(folder, name), code);
    const { code: js } = await transform(code, { loader: "ts", format: "esm", target: "node20" });
    await writeFile(join(folder, name.replace(/ts$/, "js")), js);
  }
});
afterAll(() => rm(folder, { recursive: true }));

test("docs/library.md has a dozen programs, and their types are right", { timeout: 120_000 }, async () => {
  expect(programs.length).toBeGreaterThanOrEqual(11);
  const options = "--noEmit --strict --module nodenext --target es2022 --types node".split(" ");
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const files = programs.map(({ name }) => name);
  const { stdout } = await run(process.execPath, [tsc, ...options, ...files], { cwd: folder }).catch((error) => error);
  expect(stdout).toBe("");
});

test.each(programs.map(({ name, printed }) => [name, printed] as const))(
  "%s prints what the page says",
  async (name, printed) => {
    const script = join(folder, name.replace(/ts$/, "js"));
    const { stdout } = await run(process.execPath, [script], { env: outerEnvironment() });
    if (printed !== undefined) expect(stdout).toBe(printed);
  },
);

test("a cache of one's own has 40 lines at most", () => {
  const { code = "" } = programs.find(({ name }) => name === "own-cache.ts") ?? {};
  const [cache = ""] = /^class \w+ implements ConfigWatcher [\s\S]*?^}$/m.exec(code) ?? [];
  expect(cache.split("\n").length).toBeLessThanOrEqual(40);
  expect(cache).toContain("watch(");
});
