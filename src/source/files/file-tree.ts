import type { BigIntStats, Dirent } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { messageOf } from "../../errors.js";
import { commonLayer, type LayerPath } from "./layer-path.js";
import type { Problem } from "./problem.js";
import { isStream } from "./stream.js";
import { kindOf } from "./whole-file.js";

/** A file of the configuration that is not read yet. */
export interface TreeFile {
  /** As the user would name it. */
  readonly path: string;
  /** The layer of the file. */
  readonly layer: string;
  /** In bytes. */
  readonly size: bigint;
  readonly modifiedNs: bigint;
  /** {@link signatureOf} it. */
  readonly signature: string;
}

/** The files and directories at some paths and below. */
export interface FileTree {
  /** In an order that does not depend on the file system. */
  readonly files: readonly TreeFile[];
  /** The node groups that have a directory. */
  readonly groups: readonly string[];
  /** The places that must have configuration: the paths given, and the directories of node groups. */
  readonly homes: readonly Home[];
  readonly problems: readonly Problem[];
  /** The directories given, and those of the files given. */
  readonly roots: readonly string[];
  /** The files that other files name: path → {@link signatureOf}. */
  readonly referred: ReadonlyMap<string, string>;
  /** The directories to watch: a change in one of them can change the tree. */
  readonly directories: ReadonlyMap<string, WatchedDirectory>;
}

/**
 * A path given, or the directory of a node group or a layer. If it has no configuration, that is a mistake: for
 * example, a volume is gone.
 */
export interface Home {
  readonly path: string;
  readonly kind: "path" | "group" | "layer";
  /** The absolute paths of its files, also of files that were first found in another home. */
  readonly files: ReadonlySet<string>;
  /** Whether it has files of other kinds, such as files that are inlined into resources. */
  readonly hasOthers: boolean;
}

export interface WatchedDirectory {
  /** Changes if another directory replaces this one. */
  readonly identity: string;
  /** The names that matter in this directory. Undefined means all. */
  readonly names?: ReadonlySet<string>;
}

const extensions = new Set([".yaml", ".yml", ".json"]);

/** How to look at a tree. */
export interface ScanOptions {
  /** Files to leave out. */
  readonly except?: readonly string[];
  /** Files that other files name. */
  readonly referred?: Iterable<string>;
  /** Stops before the next directory or file. */
  readonly signal?: AbortSignal;
  /** Directories or files that are layers. They can be among the paths too. */
  readonly layers?: readonly LayerPath[];
  /** The most directories. More are a mistake: probably a wrong path. Default 10,000. */
  readonly mostDirectories?: number;
}

/**
 * Looks at files, at directories and everything below them, except hidden names and the files in `except`, and at files
 * that other files name. Opens no file. If several links lead to a directory, it is visited once for each node group.
 */
export async function scanTree(
  paths: readonly string[],
  { except = [], referred = [], layers = [], signal, mostDirectories = 10_000 }: ScanOptions = {},
): Promise<FileTree> {
  const scan = new TreeScan(except, mostDirectories, signal);
  for (const path of paths) await scan.root(path, commonLayer);
  for (const { name, path } of layers) await scan.layer(name, path);
  for (const path of referred) await scan.refer(path);
  return scan;
}

/** The signature of a tree. If it is equal for two trees, reading them gives the same result. */
export function treeSignature({ files, groups, homes, problems, referred }: FileTree): string {
  const filled = homes.map(({ files }) => files.size > 0);
  return JSON.stringify([
    files.map(({ path, layer, signature }) => [path, layer, signature]),
    groups,
    filled,
    problems,
    [...referred],
  ]);
}

/** The file system's data about a file, without its content. It changes when the file changes. */
export const signatureOf = (stats: BigIntStats | undefined): string =>
  stats ? `${identityOf(stats)} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}` : "none";

/** A file system's clock can be this coarse. Two writes within one tick have the same time. */
const clockTickMs = 50;

/** Whether a file with this time may have changed since then, with the same signature. */
export function isSettling(modifiedNs: bigint): boolean {
  const age = Date.now() - Number(modifiedNs / 1_000_000n);
  return age >= 0 && age < clockTickMs;
}

class TreeScan implements FileTree {
  readonly files: TreeFile[] = [];
  readonly groups: string[] = [];
  readonly homes: FilledHome[] = [];
  readonly problems: Problem[] = [];
  readonly roots: string[] = [];
  readonly referred = new Map<string, string>();
  readonly directories = new Map<string, { identity: string; names?: Set<string> }>();
  /** Absolute paths of the files found so far. Paths given can overlap. */
  private found = new Set<string>();
  /** The visited directories of the current path given: identity and role. */
  private seen = new Set<string>();
  /** The number of visited directories. */
  private count = 0;
  /** The identities of the files to leave out. */
  private readonly except: ReadonlySet<string>;

  constructor(
    except: readonly string[],
    private readonly mostDirectories: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.except = new Set(except.map((path) => resolve(path)));
  }

  /** A layer has its own files, even if other layers have the same files. */
  async layer(name: string, path: string): Promise<void> {
    this.found = new Set();
    await this.root(path, name);
  }

  async root(path: string, layer: string): Promise<void> {
    const kind = layer === commonLayer ? "path" : "layer";
    if (isStream(path)) {
      this.roots.push(".");
      this.take(path, { path, layer, size: 0n, modifiedNs: 0n, signature: path }, [this.home(path, kind)]);
      return;
    }
    this.seen = new Set();
    // If the path itself is replaced, that is a change in its parent directory.
    await this.watchEntry(resolve(path));
    const stats = await this.statOf(path, true);
    if (!stats) return;
    this.roots.push(stats.isDirectory() ? path : dirname(path));
    const homes = [this.home(path, kind)];
    if (stats.isDirectory()) await this.directory(path, stats, { homes, layer, isRoot: kind === "path" });
    else this.file(path, stats, { homes, layer }, true);
  }

  async refer(path: string): Promise<void> {
    this.signal?.throwIfAborted();
    const [target, stats] = await Promise.all([realpath(path), stat(path, { bigint: true })]).catch(() => []);
    await this.watchEntry(resolve(path));
    if (target !== undefined) await this.watchEntry(target);
    this.referred.set(path, signatureOf(stats));
  }

  private async directory(path: string, stats: BigIntStats, place: TreePlace): Promise<void> {
    const identity = identityOf(stats);
    const above = place.above ?? [];
    if (above.includes(identity)) {
      this.problem(path, "this symbolic link leads back to a directory that it is in; remove it");
      return;
    }
    // Without this, ten directories with two links each to the next would be a thousand directories.
    const key = `${identity} ${place.isGroups ? "groups" : `of ${place.layer}`}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    if (++this.count > this.mostDirectories) {
      if (this.count === this.mostDirectories + 1) this.problem(path, this.tooMany());
      return;
    }
    this.signal?.throwIfAborted();
    this.directories.set(path, { identity });
    let entries: Dirent[];
    try {
      entries = await readdir(path, { withFileTypes: true });
    } catch (error) {
      this.problem(path, `the directory cannot be read: ${reasonOf(error)}`);
      return;
    }
    // Hidden names are those of editors, and `..data` in a Kubernetes volume. Links beside `..data` lead to its files.
    const seen = entries.filter(({ name }) => !name.startsWith(".")).sort((a, b) => (a.name < b.name ? -1 : 1));
    const all = await Promise.all(seen.map((entry) => this.entryStats(join(path, entry.name), entry)));
    const below = { homes: place.homes, above: [...above, identity], layer: place.layer };
    const isMeant = (name: string, index: number) => all[index]?.isDirectory() || extensions.has(extname(name));
    if (place.isGroups && !seen.some(({ name }, index) => isMeant(name, index)))
      this.problem(path, "holds no node group's directory; put the directories back, or remove this one and restart");
    for (const [index, { name }] of seen.entries()) {
      const entryStats = all[index];
      const entryPath = join(path, name);
      if (!entryStats) continue;
      if (place.isGroups) await this.groupEntry(entryPath, entryStats, below);
      else if (!entryStats.isDirectory()) this.file(entryPath, entryStats, place);
      else
        await this.directory(entryPath, entryStats, { ...below, isGroups: place.isRoot === true && name === "groups" });
    }
  }

  /** An entry of `<path given>/groups`. */
  private async groupEntry(path: string, stats: BigIntStats, { homes, above }: TreePlace): Promise<void> {
    const group = basename(path);
    if (!stats.isDirectory()) {
      if (extensions.has(extname(path)))
        this.problem(
          path,
          "a file of no group; move it into a directory named after its node group, or out of groups/",
        );
      return;
    }
    if (!this.groups.includes(group)) this.groups.push(group);
    await this.directory(path, stats, { homes: [...homes, this.home(path, "group")], above, layer: group });
  }

  private home(path: string, kind: Home["kind"]): FilledHome {
    const home = { path, kind, files: new Set<string>(), hasOthers: false };
    this.homes.push(home);
    return home;
  }

  /** A file. `isGiven`: whether the path itself was given, not a directory above. */
  private file(path: string, stats: BigIntStats, { homes, layer }: TreePlace, isGiven = false): void {
    if (this.except.has(resolve(path))) return;
    if (!isGiven && !extensions.has(extname(path))) {
      for (const home of homes) home.hasOthers = true;
      return;
    }
    const { size, mtimeNs: modifiedNs } = stats;
    const file = { path, layer, size, modifiedNs, signature: signatureOf(stats) };
    if (!this.take(path, stats.isFile() ? file : undefined, homes) || stats.isFile()) return;
    const advice = isGiven
      ? "name a file, a directory, or - for standard input"
      : `remove it, or rename it without ${extname(path)}`;
    this.problem(path, `expected a regular file or a directory, got ${kindOf(stats)}; ${advice}`);
  }

  /** Whether the path was not found before. */
  private take(path: string, file: TreeFile | undefined, homes: readonly FilledHome[]): boolean {
    const absolute = resolve(path);
    for (const { files } of homes) files.add(absolute);
    if (this.found.has(absolute)) return false;
    this.found.add(absolute);
    if (file) this.files.push(file);
    return true;
  }

  private async entryStats(path: string, entry: Dirent): Promise<BigIntStats | undefined> {
    if (entry.isSymbolicLink()) {
      const target = await realpath(path).catch(() => undefined);
      if (target !== undefined) await this.watchEntry(target);
    }
    return await this.statOf(path, false);
  }

  /** The stats of a path. A file that has vanished since its directory was read is no problem; a broken link is one. */
  private async statOf(path: string, mustExist: boolean): Promise<BigIntStats | undefined> {
    try {
      return await stat(path, { bigint: true });
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const isLink = isMissing && (await lstat(path).catch(() => undefined)) !== undefined;
      if (isLink)
        this.problem(path, "a symbolic link whose target does not exist; remove the link, or put the target back");
      else if (isMissing && mustExist) this.problem(path, "no such file or directory; check the path, or put it back");
      else if (!isMissing) this.problem(path, `cannot be read: ${reasonOf(error)}`);
      return undefined;
    }
  }

  private tooMany(): string {
    const most = `the paths given have more than ${this.mostDirectories} directories, the limit`;
    return `${most}; give others, or hide some by names that begin with "."`;
  }

  /** Watches for a missing path, in the nearest existing directory above it. */
  private async watchEntry(path: string): Promise<void> {
    const directory = dirname(path);
    const watched = this.directories.get(directory);
    if (watched) watched.names?.add(basename(path));
    else {
      const stats = await stat(directory, { bigint: true }).catch(() => undefined);
      if (stats) this.directories.set(directory, { identity: identityOf(stats), names: new Set([basename(path)]) });
      else if (directory !== path) await this.watchEntry(directory);
    }
  }

  private problem(file: string, message: string): void {
    this.problems.push({ file, path: "", message });
  }
}

/** Error code → reason, for errors of which the system's own words do not say what to do. */
export const reasons: Partial<Record<string, string>> = {
  EACCES: "permission denied; let the user who runs this read it",
  ELOOP: "a symbolic link that leads to itself; remove it, or make it lead to a file",
};

/** Why a file or a directory cannot be read, with advice if there is some. */
export const reasonOf = (error: unknown): string =>
  reasons[(error as NodeJS.ErrnoException).code ?? ""] ?? messageOf(error);

interface FilledHome extends Home {
  readonly files: Set<string>;
  hasOthers: boolean;
}

/** The role of a directory in the layout. */
interface TreePlace {
  /** The homes that contain it. */
  readonly homes: readonly FilledHome[];
  readonly isRoot?: boolean;
  readonly isGroups?: boolean;
  /** The layer of its files. */
  readonly layer: string;
  /** The identities of the directories above. */
  readonly above?: readonly string[] | undefined;
}

const identityOf = ({ dev, ino }: BigIntStats) => `${dev}:${ino}`;
