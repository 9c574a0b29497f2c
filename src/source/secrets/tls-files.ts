import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf, XdsError } from "../../errors.js";
import { type Logger, silentLogger } from "../../logger.js";
import { checkOptions, type OptionNames } from "../../options.js";
import { FileFollower } from "../files/file-follower.js";
import type { WatchedDirectory } from "../files/file-tree.js";
import { readGiven } from "../files/whole-file.js";

/** The paths of a server's certificates and key, in PEM. */
export interface TlsFilePaths {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string | undefined;
}

/** The content of the files, in the form of a server's `tls` option. */
export interface TlsFileContents {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa?: Buffer;
}

/** How the files are watched. Times are in milliseconds. */
export interface TlsFilesOptions {
  readonly logger?: Logger;
  /** How long the files must be unchanged before a change is read. Default 100. */
  readonly quietMs?: number;
  /** The longest wait before a change is read while the files keep changing. Default 500. */
  readonly maxWaitMs?: number;
  /** The interval of polling, which finds changes that the system does not report. Default 1,000. */
  readonly pollMs?: number;
  /** Whether to use events of the file system too. Default true. */
  readonly useEvents?: boolean;
}

const pathNames: OptionNames<TlsFilePaths> = {
  certFile: true,
  keyFile: true,
  clientCaFile: true,
};
const optionNames: OptionNames<TlsFilesOptions> = {
  logger: true,
  quietMs: true,
  maxWaitMs: true,
  pollMs: true,
  useEvents: true,
};

/** How often to read again when files change while they are read. */
const attempts = 3;

/**
 * Certificates in files that are replaced while a server runs. The files can be written in place one after the other,
 * renamed, or swapped at once by a `..data` symlink, which is one change.
 */
export class TlsFiles {
  /** How often changed files were taken into use, and how often that failed. A lasting failure counts once. */
  reloads = 0;
  failures = 0;
  private readonly paths: readonly string[];
  private readonly logger: Logger;
  private readonly follower: FileFollower;
  private take: ((contents: TlsFileContents) => void) | undefined;
  /** The certificates in use. */
  private taken: readonly Buffer[] = [];
  /** The signature of the files when they were last read. It is empty if they must be read again. */
  private signature = "";
  /** Why the current files cannot be used, and since when (milliseconds since 1970). Undefined if they are in use. */
  failure: { readonly since: number; readonly message: string } | undefined;
  private isClosed = false;

  /** @throws XdsError INVALID_OPTION */
  constructor(paths: TlsFilePaths, options: TlsFilesOptions = {}) {
    checkOptions("TlsFiles", paths, pathNames);
    checkOptions("TlsFiles", options, optionNames);
    const { certFile, keyFile, clientCaFile } = paths;
    const { logger = silentLogger, quietMs = 100, maxWaitMs = 500, pollMs = 1_000, useEvents = true } = options;
    this.paths = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])];
    this.logger = logger;
    this.follower = new FileFollower(
      { quietMs, maxWaitMs, pollMs, useEvents },
      {
        looksChanged: async () => (await this.look()) !== this.signature,
        reload: () => this.reload(),
      },
    );
  }

  /**
   * Reads the files, and then calls `take` whenever their content has changed. If `take` throws, as `server.setTls()`
   * does for a certificate whose key is not written yet, the error is logged, and `take` is called again after the next
   * change. Does not keep the process running.
   * @throws XdsError INVALID_OPTION for a file that cannot be read, WRONG_STATE when it is opened again
   */
  async open(take: (contents: TlsFileContents) => void): Promise<TlsFileContents> {
    if (this.take || this.isClosed) throw new XdsError("WRONG_STATE", "certificate files can be opened only once");
    this.take = take;
    const contents = await this.read();
    this.taken = contents;
    this.follower.start();
    return named(contents);
  }

  /**
   * Reads the files again, even if they seem unchanged. The log has the result, also if nothing has changed.
   */
  async reread(): Promise<void> {
    await this.follower.do(() => this.reload(true));
  }

  /** Stops. Resolves when no timer, watcher or open file is left. Can be called at any time, and again. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.follower.close();
  }

  /** Like {@link TlsFiles.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async reload(isAsked = false): Promise<void> {
    try {
      const contents = await this.read();
      if (this.isClosed) return;
      const isSame = contents.every((content, i) => content.equals(this.taken[i] as Buffer));
      if (!isSame) this.take?.(named(contents));
      this.failure = undefined;
      if (isSame && isAsked) this.logger.info({ files: this.paths }, "certificates read again; nothing changed");
      if (isSame) return;
      this.taken = contents;
      this.reloads++;
      this.logger.info({ files: this.paths }, "serving the changed certificates");
    } catch (error) {
      this.signature = "";
      const message = messageOf(error);
      const isNew = message !== this.failure?.message; // a lasting failure is logged once
      if (!isNew && !isAsked) return;
      this.failure = { since: this.failure?.since ?? Date.now(), message };
      if (isNew) this.failures++;
      this.logger.error(
        { files: this.paths, error: message },
        "the new certificates cannot be used; still serving the old ones",
      );
    }
  }

  /** The content of all files at one moment, if they stop changing. */
  private async read(): Promise<readonly Buffer[]> {
    for (let attempt = 1; ; attempt++) {
      await this.watch();
      const before = await this.look();
      const contents = await Promise.all(this.paths.map(readOne));
      this.signature = before;
      if (attempt === attempts || (await this.look()) === before) return contents;
    }
  }

  /** The file system's data about the files, without their contents. */
  private async look(): Promise<string> {
    const each = this.paths.map(async (path) => {
      const stats = await stat(path, { bigint: true }).catch(() => undefined);
      return stats ? [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(":") : "";
    });
    return (await Promise.all(each)).join(" ");
  }

  /** Watches the directories of the files, and those that links lead to. */
  private async watch(): Promise<void> {
    const directories = new Map<string, WatchedDirectory>();
    for (const path of this.paths)
      for (const place of [resolve(path), await realpath(path).catch(() => path)]) {
        const stats = await stat(dirname(place), { bigint: true }).catch(() => undefined);
        if (stats) directories.set(dirname(place), { identity: `${stats.dev}:${stats.ino}` });
      }
    this.follower.watch(directories);
  }
}

async function readOne(path: string): Promise<Buffer> {
  try {
    return await readGiven(path);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

const named = ([cert, key, clientCa]: readonly Buffer[]): TlsFileContents => ({
  cert: cert as Buffer,
  key: key as Buffer,
  ...(clientCa && { clientCa }),
});
