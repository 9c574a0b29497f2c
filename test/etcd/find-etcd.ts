import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type FoundProgram, programHere, tried } from "../found-program.js";

const cache = fileURLToPath(new URL("../../node_modules/.cache/etcd", import.meta.url));
/** Debian's package. It is unpacked and not installed, so nothing is started, and root is not needed. */
const debianPackage = "etcd-server";
const fetchTimeoutMs = 300_000;

const run = promisify(execFile);

/** The etcd of ETCD_BIN, else that of PATH, else the one in Debian's package, fetched once into node_modules/.cache. */
export async function findEtcd(): Promise<FoundProgram> {
  const here = await programHere("ETCD_BIN", "etcd");
  if (here) return here;
  const home = join(cache, debianPackage);
  try {
    if (!existsSync(home)) await unpackInto(home);
  } catch (error) {
    const why = (error as Error).message.trim().split("\n").at(-1);
    return {
      missing: `neither ETCD_BIN nor PATH has an etcd, and the Debian package ${debianPackage} cannot be had: ${why}`,
    };
  }
  return tried(join(home, "usr/bin/etcd"), `the Debian package ${debianPackage}`);
}

/** Unpacks beside the place and moves it there, so that two runs at once do not meet. */
async function unpackInto(home: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, "unpack-"));
  try {
    await run("apt-get", ["download", debianPackage], { cwd: scratch, timeout: fetchTimeoutMs });
    const file = readdirSync(scratch).find((name) => name.endsWith(".deb")) as string;
    await run("dpkg", ["-x", join(scratch, file), join(scratch, "root")], { timeout: fetchTimeoutMs });
    if (!existsSync(home)) renameSync(join(scratch, "root"), home);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
