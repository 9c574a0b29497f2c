import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The program `xds`, as `npm install` of the packed package puts it into an empty folder. */
    xds: string;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

/** Packs the built package, and installs it in a folder of its own, for all tests of the program. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "xds-installed-"));
  const npm = (...args: string[]) => run("npm", args, { cwd: folder, timeout: 300_000 });
  try {
    await npm("pack", root, "--ignore-scripts", "--silent");
    const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
    if (!tarball) throw new Error("npm pack left no tarball");
    await writeFile(join(folder, "package.json"), '{ "private": true }');
    await npm("install", `./${tarball}`, "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error");
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  project.provide("xds", join(folder, "node_modules/.bin/xds"));
  return () => rm(folder, { recursive: true });
}
