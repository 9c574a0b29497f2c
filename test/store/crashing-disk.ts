import { basename, dirname } from "node:path";
import type { Disk } from "../../src/store/disk.js";

/** The machine has stopped. */
export class Crash extends Error {}

/** A file's content: as it was written, and as much of it as is durable. */
interface File {
  written: Uint8Array;
  durable: Uint8Array | undefined;
}

/**
 * What a disk has after a crash. `synced`: only what was synced. `all`: everything. `names without content`: all names,
 * but only synced content.
 */
export const crashes = ["synced", "all", "names without content"] as const;

/**
 * A disk in memory that stops after so many steps. `after()` has what a real disk would have after a power failure.
 * New folders are durable at once, as on file systems with a journal. Names in a folder are durable after a sync.
 */
export class CrashingDisk implements Disk {
  private readonly names = new Map<string, File>();
  private durableNames = new Map<string, File>();
  steps = 0;

  constructor(private stepsLeft = Number.POSITIVE_INFINITY) {}

  /** A working disk with what is left after a crash. */
  after(crash: (typeof crashes)[number]): CrashingDisk {
    const left = new CrashingDisk();
    for (const [path, { written, durable }] of crash === "synced" ? this.durableNames : this.names) {
      const content = crash === "all" ? written : (durable ?? new Uint8Array());
      const file: File = { written: content, durable: content };
      left.names.set(path, file);
      left.durableNames.set(path, file);
    }
    return left;
  }

  /** The disk works again for so many steps. */
  stopAfter(steps: number): void {
    this.stepsLeft = steps;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.names.get(path)?.written;
  }

  async list(path: string): Promise<readonly string[]> {
    const inside = [...this.names.keys()].filter((name) => name.startsWith(`${path}/`));
    return [...new Set(inside.map((name) => name.slice(path.length + 1).split("/")[0] as string))];
  }

  async makeFolder(): Promise<void> {
    this.step();
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    this.step();
    this.names.set(path, { written: bytes.slice(), durable: undefined });
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    this.step();
    const file = this.names.get(path) ?? { written: new Uint8Array(), durable: undefined };
    file.written = Buffer.concat([file.written, bytes]);
    this.names.set(path, file);
  }

  async sync(path: string): Promise<void> {
    this.step();
    const file = this.names.get(path);
    if (!file) throw new Error(`no file ${path}`);
    file.durable = file.written;
  }

  async rename(from: string, to: string): Promise<void> {
    this.step();
    const file = this.names.get(from);
    if (!file) throw new Error(`no file ${from}`);
    this.names.delete(from);
    this.names.set(to, file);
  }

  async syncFolder(path: string): Promise<void> {
    this.step();
    const isIn = (name: string) => dirname(name) === path && basename(name) !== "";
    this.durableNames = new Map([
      ...[...this.durableNames].filter(([name]) => !isIn(name)),
      ...[...this.names].filter(([name]) => isIn(name)),
    ]);
  }

  async remove(path: string): Promise<void> {
    this.step();
    this.names.delete(path);
  }

  private step(): void {
    if (this.stepsLeft-- <= 0) throw new Crash();
    this.steps++;
  }
}
