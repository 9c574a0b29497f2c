import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf, XdsError } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import { Burst } from "./burst.js";
import { DirectoryWatcher } from "./directory-watcher.js";
import type { WatchedDirectory } from "./file-tree.js";

/** Where a server's certificates are, in PEM. */
export interface TlsFilePaths {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string | undefined;
}

/** What is in them, as a server's `tls` option takes it. */
export interface TlsFileContents {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa?: Buffer;
}

export interface TlsFilesOptions {
  readonly logger?: Logger;
  /** How long it must be quiet after a change before it is taken up; by default 100. */
  readonly quietMs?: number;
  /** How long a change waits for quiet at most; by default 500. */
  readonly maxWaitMs?: number;
  /** How often to look for changes that the system does not tell; by default 1,000. */
  readonly pollMs?: number;
  /** Whether to have the system tell of changes too; true by default. */
  readonly useEvents?: boolean;
}

/** How often to read again when files change while they are read. */
const attempts = 3;

/**
 * Certificates in files that are replaced while a server runs, by whatever means: written in place one after the other, renamed, or
 * swapped all at once by a `..data` symlink, which is one change.
 */
export class TlsFiles {
  /** How often changed files were taken, and how often they could not be, a failure that stays counted once. */
  reloads = 0;
  failures = 0;
  private readonly paths: readonly string[];
  private readonly logger: Logger;
  private readonly pollMs: number;
  private readonly burst: Burst;
  private readonly watcher: DirectoryWatcher | undefined;
  private take: ((contents: TlsFileContents) => void) | undefined;
  /** What was taken last. */
  private taken: readonly Buffer[] = [];
  /** Of the files when they were last read; empty: they are to be read again. */
  private signature = "";
  /** The failure that stands, so that it is logged once. */
  private failure = "";
  private pollTimer: NodeJS.Timeout | undefined;
  /** The reading or looking that goes on: one at a time. */
  private work: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor({ certFile, keyFile, clientCaFile }: TlsFilePaths, options: TlsFilesOptions = {}) {
    const { logger = silentLogger, quietMs = 100, maxWaitMs = 500, pollMs = 1_000, useEvents = true } = options;
    this.paths = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])];
    this.logger = logger;
    this.pollMs = pollMs;
    this.burst = new Burst(quietMs, maxWaitMs, () => this.enqueue(() => this.reload()));
    this.watcher = useEvents ? new DirectoryWatcher(() => this.burst.add()) : undefined;
  }

  /**
   * Reads the files, and from then on calls `take` when what is in them has changed. If `take` throws, as `server.setTls()` does for
   * a certificate whose key has not been written yet, that is logged, and tried again when the files change further. Does not keep
   * the process running.
   * @throws XdsError INVALID_OPTION for a file that cannot be read, WRONG_STATE when it is opened again
   */
  async open(take: (contents: TlsFileContents) => void): Promise<TlsFileContents> {
    if (this.take || this.isClosed) throw new XdsError("WRONG_STATE", "certificate files can be opened only once");
    this.take = take;
    const contents = await this.read();
    this.taken = contents;
    this.pollAfter();
    return named(contents);
  }

  /**
   * Reads the files again, also where they seem to be the same; the log says what came of it, also that they are the
   * same.
   */
  async reread(): Promise<void> {
    this.enqueue(() => this.reload(true));
    await this.work;
  }

  /** Stops; resolves when no timer, watcher or open file is left. May be called at any time, and again. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.burst.cancel();
    clearTimeout(this.pollTimer);
    this.watcher?.close();
    await this.work;
  }

  private enqueue(job: () => Promise<void>): void {
    this.work = this.work.then(() => (this.isClosed ? undefined : job()));
  }

  private pollAfter(): void {
    if (this.isClosed) return;
    this.pollTimer = setTimeout(() => this.enqueue(() => this.poll()), this.pollMs).unref();
  }

  private async poll(): Promise<void> {
    if ((await this.look()) !== this.signature) this.burst.add();
    this.pollAfter();
  }

  private async reload(isAsked = false): Promise<void> {
    try {
      const contents = await this.read();
      if (this.isClosed) return;
      const isSame = contents.every((content, i) => content.equals(this.taken[i] as Buffer));
      if (!isSame) this.take?.(named(contents));
      this.failure = "";
      if (isSame && isAsked) this.logger.info({ files: this.paths }, "certificates read again; nothing changed");
      if (isSame) return;
      this.taken = contents;
      this.reloads++;
      this.logger.info({ files: this.paths }, "serving the changed certificates");
    } catch (error) {
      this.signature = "";
      const message = messageOf(error);
      const isNew = message !== this.failure;
      if (!isNew && !isAsked) return;
      this.failure = message;
      if (isNew) this.failures++;
      this.logger.error({ files: this.paths, error: message }, "still serving the certificates of before");
    }
  }

  /** All files as they were at one moment, if they ever stand still. */
  private async read(): Promise<readonly Buffer[]> {
    for (let attempt = 1; ; attempt++) {
      await this.watch();
      const before = await this.look();
      const contents = await Promise.all(this.paths.map(readOne));
      this.signature = before;
      if (attempt === attempts || (await this.look()) === before) return contents;
    }
  }

  /** What the file system says of the files without their contents. */
  private async look(): Promise<string> {
    const each = this.paths.map(async (path) => {
      const stats = await stat(path, { bigint: true }).catch(() => undefined);
      return stats ? [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(":") : "";
    });
    return (await Promise.all(each)).join(" ");
  }

  /** Watches the directories that the files are in, and those that links lead to. */
  private async watch(): Promise<void> {
    if (!this.watcher) return;
    const directories = new Map<string, WatchedDirectory>();
    for (const path of this.paths)
      for (const place of [resolve(path), await realpath(path).catch(() => path)]) {
        const stats = await stat(dirname(place), { bigint: true }).catch(() => undefined);
        if (stats) directories.set(dirname(place), { identity: `${stats.dev}:${stats.ino}` });
      }
    if (!this.isClosed) this.watcher.update(directories);
  }
}

async function readOne(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

const named = ([cert, key, clientCa]: readonly Buffer[]): TlsFileContents => ({
  cert: cert as Buffer,
  key: key as Buffer,
  ...(clientCa && { clientCa }),
});
