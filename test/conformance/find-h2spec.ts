import { type ExecFileException, execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** An h2spec, or why there is none. */
export type FoundH2spec = { readonly binary: string } | { readonly missing: string };

const module = "github.com/summerwind/h2spec/cmd/h2spec";
/** The newest one that Go can build by its path. */
const version = "v2.2.1+incompatible";
const cache = fileURLToPath(new URL("../../node_modules/.cache/h2spec", import.meta.url));
const buildTimeoutMs = 300_000;

const run = promisify(execFile);

/** The h2spec of H2SPEC_BIN, else one built with Go, once, into node_modules/.cache. */
export async function findH2spec(): Promise<FoundH2spec> {
  const named = process.env.H2SPEC_BIN;
  const home = join(cache, version);
  const binary = named ?? join(home, "h2spec");
  try {
    if (!existsSync(binary) && named === undefined) await buildInto(home);
    await run(binary, ["--version"], { timeout: 30_000 });
    return { binary };
  } catch (error) {
    const output = (error as ExecFileException).stderr?.trim().split("\n").at(-1);
    const what = named === undefined ? `Go could not build h2spec ${version}` : `H2SPEC_BIN (${named}) does not run`;
    return { missing: `${what}: ${output || (error as Error).message}` };
  }
}

/** Builds beside the place and moves it there, so that two runs at once do not meet. */
async function buildInto(home: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, "build-"));
  try {
    const env = { ...process.env, GOBIN: scratch, GOFLAGS: "" };
    await run("go", ["install", `${module}@${version}`], { timeout: buildTimeoutMs, env, cwd: scratch });
    if (!existsSync(home)) renameSync(scratch, home);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
