import type { BigIntStats, Dirent } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { messageOf } from "../errors.js";
import type { Problem } from "./problem.js";

/** A file of the configuration, not read yet. */
export interface TreeFile {
  /** As the user would name it. */
  readonly path: string;
  /** The node group that it is for; undefined: all nodes. */
  readonly group: string | undefined;
  /** In bytes. */
  readonly size: bigint;
  readonly modifiedNs: bigint;
  /** {@link signatureOf} it. */
  readonly signature: string;
}

/** What there is to read under some paths. */
export interface FileTree {
  /** In an order that does not depend on the file system. */
  readonly files: readonly TreeFile[];
  /** The node groups that have a directory. */
  readonly groups: readonly string[];
  /** Where configuration has to be: the paths given, and the directories of node groups. */
  readonly homes: readonly Home[];
  readonly problems: readonly Problem[];
  /** The directories given, and those of the files given. */
  readonly roots: readonly string[];
  /** Of the files that were asked about, path → {@link signatureOf}. */
  readonly referred: ReadonlyMap<string, string>;
  /** The directories in which a change can change the tree. */
  readonly directories: ReadonlyMap<string, WatchedDirectory>;
}

/**
 * A path given, or a node group's directory. Without any configuration it is taken for a mistake, such as a volume
 * that is gone.
 */
export interface Home {
  readonly path: string;
  /** undefined: a path given. */
  readonly group: string | undefined;
  /** The absolute paths of the files in it, also of those that were found in another home before. */
  readonly files: ReadonlySet<string>;
  /** Whether it has files of other kinds, such as those that secrets have in themselves. */
  readonly hasOthers: boolean;
}

export interface WatchedDirectory {
  /** Another directory that takes the place of this one has another. */
  readonly identity: string;
  /** The names in it that matter; undefined: all. */
  readonly names?: ReadonlySet<string>;
}

const extensions = new Set([".yaml", ".yml", ".json"]);

/**
 * Looks at files, and at directories with all that is below them but hidden names and the files in `except`; besides, at files
 * that others refer to. Opens no file.
 */
export async function scanTree(
  paths: readonly string[],
  except: readonly string[] = [],
  referred: Iterable<string> = [],
): Promise<FileTree> {
  const scan = new TreeScan(except);
  for (const path of paths) await scan.root(path);
  for (const path of referred) await scan.refer(path);
  return scan;
}

/** Equal for two trees in which the same files would be read to the same effect. */
export function treeSignature({ files, groups, homes, problems, referred }: FileTree): string {
  const filled = homes.map(({ files }) => files.size > 0);
  return JSON.stringify([
    files.map(({ path, signature }) => [path, signature]),
    groups,
    filled,
    problems,
    [...referred],
  ]);
}

/** Changes when a file does: what the file system says of it without its content; undefined: it is not there. */
export const signatureOf = (stats: BigIntStats | undefined): string =>
  stats ? `${identityOf(stats)} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}` : "none";

/** A file system's clock may tick only so often: what was written within one tick looks the same. */
const clockTickMs = 50;

/** Whether a file of this time may have changed since without another signature. */
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
  /** Absolute paths of the files found, for paths that overlap. */
  private readonly found = new Set<string>();
  /** Those of the files to leave out. */
  private readonly except: ReadonlySet<string>;

  constructor(except: readonly string[]) {
    this.except = new Set(except.map((path) => resolve(path)));
  }

  async root(path: string): Promise<void> {
    // What replaces the path itself shows in the directory that it is in.
    await this.watchEntry(resolve(path));
    const stats = await this.statOf(path, true);
    if (!stats) return;
    this.roots.push(stats.isDirectory() ? path : dirname(path));
    const homes = [this.home(path, undefined)];
    if (stats.isDirectory()) await this.directory(path, stats, { homes, isRoot: true });
    else if (extensions.has(extname(path))) this.file(path, stats, { homes });
    else this.problem(path, `expected a directory, or a file that ends in ${[...extensions].join(", ")}`);
  }

  async refer(path: string): Promise<void> {
    const [target, stats] = await Promise.all([realpath(path), stat(path, { bigint: true })]).catch(() => []);
    await this.watchEntry(resolve(path));
    if (target !== undefined) await this.watchEntry(target);
    this.referred.set(path, signatureOf(stats));
  }

  private async directory(path: string, stats: BigIntStats, place: Place): Promise<void> {
    const identity = identityOf(stats);
    const above = place.above ?? [];
    if (above.includes(identity)) {
      this.problem(path, "this symbolic link leads back to a directory that it is in; remove it");
      return;
    }
    this.directories.set(path, { identity });
    let entries: Dirent[];
    try {
      entries = await readdir(path, { withFileTypes: true });
    } catch (error) {
      this.problem(path, `the directory cannot be read: ${reasonOf(error)}`);
      return;
    }
    // Hidden names are the editors', and the `..data` of a Kubernetes volume, whose files are linked to from beside it.
    const seen = entries.filter(({ name }) => !name.startsWith(".")).sort((a, b) => (a.name < b.name ? -1 : 1));
    const all = await Promise.all(seen.map((entry) => this.entryStats(join(path, entry.name), entry)));
    const below = { homes: place.homes, above: [...above, identity], group: place.group };
    const isMeant = (name: string, index: number) => all[index]?.isDirectory() || extensions.has(extname(name));
    if (place.isGroups && !seen.some(({ name }, index) => isMeant(name, index)))
      this.problem(path, "holds no node group's directory; put the directories back, or remove this one");
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

  /** Something in `<path given>/groups`. */
  private async groupEntry(path: string, stats: BigIntStats, { homes, above }: Place): Promise<void> {
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
    await this.directory(path, stats, { homes: [...homes, this.home(path, group)], above, group });
  }

  private home(path: string, group: string | undefined): FilledHome {
    const home = { path, group, files: new Set<string>(), hasOthers: false };
    this.homes.push(home);
    return home;
  }

  private file(path: string, stats: BigIntStats, { homes, group }: Place): void {
    const absolute = resolve(path);
    if (this.except.has(absolute)) return;
    if (!extensions.has(extname(path))) {
      for (const home of homes) home.hasOthers = true;
      return;
    }
    for (const { files } of homes) files.add(absolute);
    if (this.found.has(absolute)) return;
    this.found.add(absolute);
    if (!stats.isFile()) {
      const kind = stats.isFIFO() ? "a pipe" : stats.isSocket() ? "a socket" : "a device";
      const message = `expected a regular file or a directory, got ${kind}; remove it, or rename it without ${extname(path)}`;
      this.problem(path, message);
      return;
    }
    const { size, mtimeNs: modifiedNs } = stats;
    this.files.push({ path, group, size, modifiedNs, signature: signatureOf(stats) });
  }

  private async entryStats(path: string, entry: Dirent): Promise<BigIntStats | undefined> {
    if (entry.isSymbolicLink()) {
      const target = await realpath(path).catch(() => undefined);
      if (target !== undefined) await this.watchEntry(target);
    }
    return await this.statOf(path, false);
  }

  /** Of what a path leads to. What vanished since its directory was read is no problem; a link to nothing is. */
  private async statOf(path: string, mustExist: boolean): Promise<BigIntStats | undefined> {
    try {
      return await stat(path, { bigint: true });
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const isLink = isMissing && (await lstat(path).catch(() => undefined)) !== undefined;
      if (isLink) this.problem(path, "a symbolic link to nothing; remove it, or put back what it leads to");
      else if (isMissing && mustExist) this.problem(path, "no such file or directory; check the path, or put it back");
      else if (!isMissing) this.problem(path, `cannot be read: ${reasonOf(error)}`);
      return undefined;
    }
  }

  /** In a directory that is there: the nearest one above the path. */
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

/** By its code: why the system refuses, where its own words do not say what to do. */
export const reasons: Partial<Record<string, string>> = {
  EACCES: "permission denied; let the user who runs this read it",
  ELOOP: "a symbolic link that leads to itself; remove it, or let it lead to a file",
};

/** Why a file or a directory cannot be read, and where it is known what to do. */
export const reasonOf = (error: unknown): string =>
  reasons[(error as NodeJS.ErrnoException).code ?? ""] ?? messageOf(error);

interface FilledHome extends Home {
  readonly files: Set<string>;
  hasOthers: boolean;
}

/** Where a directory stands in the layout. */
interface Place {
  /** Those that it is in. */
  readonly homes: readonly FilledHome[];
  readonly isRoot?: boolean;
  readonly isGroups?: boolean;
  readonly group?: string | undefined;
  /** The identities of the directories above. */
  readonly above?: readonly string[] | undefined;
}

const identityOf = ({ dev, ino }: BigIntStats) => `${dev}:${ino}`;
