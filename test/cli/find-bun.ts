import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A Bun, or why there is none. */
export type FoundBun = { readonly binary: string } | { readonly missing: string };

const version = "1.4.5";
const cache = fileURLToPath(new URL("../../.cache/bun", import.meta.url));
const architectures: Readonly<Record<string, string>> = { x64: "x64", arm64: "aarch64" };

const run = promisify(execFile);

/** The Bun of BUN_BIN, else that of PATH, else one fetched with npm, once, into .cache/. */
export async function findBun(): Promise<FoundBun> {
  const onPath = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, "bun"));
  const named = process.env.BUN_BIN ?? onPath.find(existsSync);
  try {
    const binary = named ?? (await fetched());
    await run(binary, ["--version"], { timeout: 30_000 });
    return { binary };
  } catch (error) {
    const what = named ?? `Bun ${version}, which npm was to fetch,`;
    return { missing: `${what} cannot be had: ${(error as Error).message.trim().split("\n").at(-1)}` };
  }
}

/** Installs it beside the place and moves it there, so that two runs at once do not meet. */
async function fetched(): Promise<string> {
  const name = `@oven/bun-${process.platform}-${architectures[process.arch] ?? process.arch}`;
  const home = join(cache, version);
  const binary = join(home, "node_modules", name, "bin/bun");
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, "fetch-"));
  try {
    const options = ["--prefix", scratch, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    await run("npm", ["install", ...options, `${name}@${version}`], { timeout: 300_000 });
    if (!existsSync(home)) renameSync(scratch, home);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return binary;
}
