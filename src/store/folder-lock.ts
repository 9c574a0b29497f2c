import { link, readFile, readlink, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { XdsError } from "../errors.js";

/** How often the owner touches the lock file to show that it is alive. */
const beatMs = 1_000;
/** An owner on another machine that has not touched the file for this time counts as dead. */
const longestSilenceMs = 5_000;

/** The process that has the lock. */
interface Owner {
  readonly pid: number;
  /** The process's start time from the kernel. It is needed because a later process can get the same id. */
  readonly started: string;
  /** The machine, its boot, and the container's namespace. Process ids can be compared only within one place. */
  readonly place: string;
}

/**
 * Lets one process at a time use a folder. The file `lock` names the owner. After a crash of the owner another process
 * can take the lock. If both run on the same machine and in the same container, it can do so at once, because the
 * owner's id and start time show that the owner is dead. Any other owner counts as dead after 5 s in which it has not
 * touched the file.
 */
export class FolderLock {
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly path: string,
    private readonly content: string,
  ) {
    const beat = () => void utimes(path, new Date(), new Date()).catch(() => {}); // check() reports what is wrong
    this.timer = setInterval(beat, beatMs).unref();
  }

  /** Takes the lock of a folder. @throws XdsError STORE_LOCKED while another process has it */
  static async take(folder: string, silentMs = longestSilenceMs): Promise<FolderLock> {
    const path = join(folder, "lock");
    const content = JSON.stringify({ ...(await thisProcess()), token: Math.random() });
    const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    await writeFile(mine, content, { mode: 0o600 });
    try {
      for (let tries = 0; tries < 10; tries++) {
        if (await linked(mine, path)) return new FolderLock(path, content);
        const other = await readFile(path, "utf8").catch(() => undefined);
        if (other === undefined) continue;
        if (await isAlive(path, other, silentMs)) {
          const owner = parseOwner(other);
          throw new XdsError(
            "STORE_LOCKED",
            `${folder} is in use by ${owner ? `process ${owner.pid}` : "another process"}; end that process, or use another state directory`,
          );
        }
        await takeAway(path, other, mine);
      }
      throw new XdsError("STORE_LOCKED", `other processes are opening ${folder} at the same time; try again`);
    } finally {
      await rm(mine, { force: true });
    }
  }

  /**
   * Checks that this process still has the lock.
   * @throws XdsError STORE_LOCKED if another process has taken it, which can happen when this one stopped for seconds;
   * STORE_FAILED if the file is gone, usually because somebody removed the folder
   */
  async check(): Promise<void> {
    const found = await readFile(this.path, "utf8").catch(() => undefined);
    if (found === undefined)
      throw new XdsError(
        "STORE_FAILED",
        `the lock ${this.path} is gone or cannot be read; restart this program to make a new one`,
      );
    if (found !== this.content)
      throw new XdsError(
        "STORE_LOCKED",
        `another process has taken the lock ${this.path}; this process no longer writes`,
      );
  }

  async release(): Promise<void> {
    clearInterval(this.timer);
    const isMine = await this.check().then(
      () => true,
      () => false,
    );
    if (isMine) await rm(this.path, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock of a dead owner. If another process has taken the lock meanwhile, that lock is put back. */
async function takeAway(path: string, content: string, unique: string): Promise<void> {
  const aside = `${unique}.old`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await readFile(aside, "utf8")) !== content) await linked(aside, path);
  await rm(aside, { force: true });
}

async function isAlive(path: string, content: string, silentMs: number): Promise<boolean> {
  const owner = parseOwner(content);
  const { place } = await thisProcess();
  if (owner && owner.place === place && owner.started !== "") return owner.started === (await startOf(owner.pid));
  const before = await touchedAt(path);
  const until = Date.now() + silentMs;
  while (Date.now() < until) {
    await sleep(Math.min(200, silentMs / 4));
    const now = await touchedAt(path);
    if (now === undefined) return false;
    if (now !== before) return true;
  }
  return false;
}

const touchedAt = (path: string) =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );

function parseOwner(content: string): Owner | undefined {
  try {
    const { pid, started, place } = JSON.parse(content) as Partial<Owner>;
    return typeof pid === "number" && typeof started === "string" && typeof place === "string"
      ? { pid, started, place }
      : undefined;
  } catch {
    return undefined;
  }
}

async function thisProcess(): Promise<Owner> {
  const read = (path: string) => readFile(path, "utf8").catch(() => "");
  const boot = (await read("/proc/sys/kernel/random/boot_id")).trim();
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  return { pid: process.pid, started: await startOf(process.pid), place: `${hostname()} ${boot} ${namespace}` };
}

/** A process's start time, in clock ticks since the boot. "" if there is no such process or no `/proc`. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The process's name stands in brackets, and can contain spaces and brackets.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "" : (fields[19] ?? "");
}
