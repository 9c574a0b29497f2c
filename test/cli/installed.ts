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
    /** The packed package. */
    tarball: string;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

const npm = (cwd: string, ...args: string[]) => run("npm", args, { cwd, timeout: 300_000 });

/** Installs packages, among them ours, in a folder that has none; gives the path of the program. */
export async function install(folder: string, ...packages: string[]): Promise<string> {
  await writeFile(join(folder, "package.json"), '{ "private": true }');
  await npm(folder, "install", ...packages, "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error");
  return join(folder, "node_modules/.bin/xds");
}

/** Packs the built package, and installs it in a folder of its own, for all tests of the program. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "xds-installed-"));
  try {
    await npm(folder, "pack", root, "--ignore-scripts", "--silent");
    const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
    if (!tarball) throw new Error("npm pack left no tarball");
    project.provide("xds", await install(folder, `./${tarball}`));
    project.provide("tarball", join(folder, tarball));
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  return () => rm(folder, { recursive: true });
}
