import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, XdsError } from "../errors.js";
import { Burst } from "./burst.js";
import { combine, type GroupedFile, sameReading } from "./configuration.js";
import { DirectoryWatcher } from "./directory-watcher.js";
import { type FileTree, type Home, isSettling, reasonOf, scanTree, type TreeFile, treeSignature } from "./file-tree.js";
import { previousOf, takeOver } from "./handed-over.js";
import type { Problem } from "./problem.js";
import { ReadingEnded, type ReadingThread } from "./reading-thread.js";
import { type ResourceFile, readResourceFile, unreadable } from "./resource-file.js";
import type { Configuration, Reading, Source } from "./source.js";

export interface DirectorySourceOptions {
  /** How long it must be quiet after a change before it is taken up; by default 100. */
  readonly quietMs?: number;
  /** How long a change waits for quiet at most; by default 500. */
  readonly maxWaitMs?: number;
  /** How often to look for changes that the system does not tell; by default 500. Large trees are looked at less often. */
  readonly pollMs?: number;
  /** Whether to have the system tell of changes too; true by default. */
  readonly useEvents?: boolean;
  /** The most bytes of a file, and of all files together that its secrets have in themselves; by default 32 MiB. */
  readonly maxFileBytes?: number;
  /** Files that are not read though they are where it looks, such as a program's own settings. */
  readonly except?: readonly string[];
  /** "[redacted]" may stand for a secret, as in what `xds get` prints: the resources are not to be served. Default false. */
  readonly takesRedacted?: boolean;
  /** Reads the files in a thread of its own; it is closed with the source. By default they are read in this one. */
  readonly thread?: ReadingThread;
  /** Whether the thread also looks for what Envoy would refuse, which else is done when it is asked for. */
  readonly checks?: boolean;
}

/** Of a file that was read: what it was then, and what it said. */
interface KnownFile {
  /** Empty where the file may have changed since without another signature. */
  readonly signature: string;
  readonly hash: string;
  readonly content: ResourceFile;
  /** The thread ended at it: it is not read again before it changes, or is asked for. */
  readonly isGivenUp?: boolean;
}

const emptyHash = hash("sha1", "", "base64");
/** How often to start again when files change while they are read. */
const attempts = 3;
/** The part of its time that the source spends looking for changes is at most one in so many. */
const pollShare = 50;

/**
 * Configuration in files: all `.yaml`, `.yml` and `.json` files given, and those below the directories given, but hidden
 * ones. All of it is for all nodes, except what is in `<directory given>/groups/<group>/`, which only the nodes of that group are
 * served beside the rest. A secret has the files in itself that it names by relative paths (see `SecretFiles`). Only what changed is
 * read again.
 */
export class DirectorySource implements Source {
  private readonly options: Required<Omit<DirectorySourceOptions, "thread">> & { readonly thread?: ReadingThread };
  private readonly burst: Burst;
  private readonly watcher = new DirectoryWatcher(() => this.burst.add());
  private known = new Map<string, KnownFile>();
  private configuration: Configuration | undefined;
  /** The homes that it came from. */
  private filled: ReadonlySet<string> = new Set();
  /** What was told last. */
  private reading: Reading | undefined;
  /** Of the tree as it was last looked at. */
  private signature = "";
  private onReading: ((reading: Reading) => void) | undefined;
  private pollTimer: NodeJS.Timeout | undefined;
  /** Over when this reading has waited long enough for files that were empty. */
  private waited: Promise<void> | undefined;
  /** The reading or looking that goes on: one at a time. */
  private work: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(
    private paths: readonly string[],
    options: DirectorySourceOptions = {},
  ) {
    this.options = {
      quietMs: 100,
      maxWaitMs: 500,
      pollMs: 500,
      useEvents: true,
      maxFileBytes: 32 * 2 ** 20,
      except: [],
      takesRedacted: false,
      checks: false,
      ...options,
    };
    this.burst = new Burst(this.options.quietMs, this.options.maxWaitMs, () => this.enqueue(() => this.refresh()));
  }

  async open(onReading: (reading: Reading) => void): Promise<Reading> {
    if (this.onReading || this.isClosed) throw new XdsError("WRONG_STATE", "a source can be opened only once");
    this.onReading = onReading;
    const reading = this.read();
    this.work = reading;
    this.reading = await reading;
    this.pollAfter(this.options.pollMs);
    return this.reading;
  }

  /**
   * Reads all files again, from now on those of these paths, and tells what it found, also where that is the same as
   * before.
   */
  async reread(paths: readonly string[] = this.paths): Promise<void> {
    this.enqueue(async () => {
      this.paths = paths;
      const known = [...this.known].filter(([, { isGivenUp }]) => !isGivenUp);
      this.known = new Map(known.map(([path, file]) => [path, { ...file, signature: "" }]));
      await this.refresh(true);
    });
    await this.work;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.burst.cancel();
    clearTimeout(this.pollTimer);
    this.watcher.close();
    await this.options.thread?.close();
    await this.work.catch(() => {});
  }

  private enqueue(job: () => Promise<void>): void {
    this.work = this.work.catch(() => {}).then(() => (this.isClosed ? undefined : job()));
  }

  private pollAfter(ms: number): void {
    if (this.isClosed) return;
    this.pollTimer = setTimeout(() => this.enqueue(() => this.poll()), ms);
    this.pollTimer.unref();
  }

  private async poll(): Promise<void> {
    const start = performance.now();
    try {
      const signature = treeSignature(await this.scan());
      if (signature !== this.signature) this.burst.add();
      this.signature = signature;
    } catch {
      this.burst.add(); // Reading tells what is wrong.
    } finally {
      this.pollAfter(Math.max(this.options.pollMs, (performance.now() - start) * pollShare));
    }
  }

  private async refresh(tellsSame = false): Promise<void> {
    const reading = await this.read();
    if (this.isClosed || (!tellsSame && this.reading && sameReading(this.reading, reading))) return;
    this.reading = reading;
    this.onReading?.(reading);
  }

  private async read(): Promise<Reading> {
    try {
      return await this.readTree();
    } catch (error) {
      // What nobody thought of must not end a server that serves; it is a problem like others.
      return { problems: [{ file: this.paths.join(", "), path: "", message: `cannot be read: ${messageOf(error)}` }] };
    }
  }

  /** Looks at what was read, and at what else there is now. */
  private scan(): Promise<FileTree> {
    const referred = new Set([...this.known.values()].flatMap(({ content }) => [...content.referred.keys()]));
    return scanTree(this.paths, this.options.except, referred);
  }

  /** Reads what changed. What is found is taken only if the files stood still meanwhile, or never do. */
  private async readTree(): Promise<Reading> {
    this.waited = undefined;
    let tree = await this.scan();
    let files = await this.readFiles(tree);
    for (let attempt = 1; attempt < attempts; attempt++) {
      const now = await this.scan();
      const isSame = treeSignature(now) === treeSignature(tree);
      tree = now;
      if (isSame) break;
      files = await this.readFiles(tree);
    }
    const isUnsure = [...this.known.values()].some(({ signature, content }) =>
      [signature, ...content.referred.values()].includes(""),
    );
    this.signature = isUnsure ? "" : treeSignature(tree);
    if (this.options.useEvents && !this.isClosed) this.watcher.update(tree.directories);
    if (tree.problems.length > 0)
      return { problems: [...tree.problems, ...files.flatMap(({ file }) => file.problems)] };
    const reading = combine(files, tree.groups, this.configuration);
    if ("problems" in reading) return reading;
    const filled = this.filledHomes(tree);
    const empty = tree.homes.filter((home) => !filled.has(home.path) && this.isMissed(home, filled.size === 0));
    if (empty.length > 0) return { problems: empty.map(nothingIn) };
    this.filled = filled;
    this.configuration = reading.configuration;
    return reading;
  }

  /** The paths of those that hold configuration, be it that there are no resources. */
  private filledHomes({ files, homes }: FileTree): Set<string> {
    const said = new Set(files.flatMap(({ path }) => (this.known.get(path)?.content.isBlank ? [] : [resolve(path)])));
    const filled = homes.filter((home) => [...home.files].some((file) => said.has(file)));
    return new Set(filled.map(({ path }) => path));
  }

  /**
   * Whether configuration has to be in a home that has none: its volume may be gone, or its files on their way. A
   * path may be given for the files of secrets alone.
   */
  private isMissed({ path, group, hasOthers }: Home, isAll: boolean): boolean {
    return isAll || group !== undefined || !hasOthers || this.filled.has(path);
  }

  private async readFiles({ files, roots, referred }: FileTree): Promise<GroupedFile[]> {
    const read: KnownFile[] = [];
    let next = 0;
    const lane = async () => {
      for (let index = next++; index < files.length; index = next++) {
        const file = files[index] as TreeFile;
        const before = this.known.get(file.path);
        read[index] = before && isSame(before, file, referred) ? before : await this.readFile(file, before, roots);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    this.options.thread?.rest();
    this.known = new Map(files.map(({ path }, index) => [path, read[index] as KnownFile]));
    return files.map(({ group }, index) => ({ group, file: (read[index] as KnownFile).content }));
  }

  private async readFile(file: TreeFile, before: KnownFile | undefined, roots: readonly string[]): Promise<KnownFile> {
    const { maxFileBytes } = this.options;
    const { path } = file;
    const problem = (message: string) => unreadable({ file: path, path: "", message });
    if (file.size > maxFileBytes) {
      const message = `the file has ${file.size} bytes, where ${maxFileBytes} is the most; split it into several files`;
      return { signature: file.signature, hash: "", content: problem(message) };
    }
    const signature = isSettling(file.modifiedNs) ? "" : file.signature;
    let contentHash = "";
    try {
      const bytes = await this.bytesOf(path, before);
      contentHash = hash("sha1", bytes, "base64");
      if (before?.hash === contentHash && before.content.referred.size === 0) return { ...before, signature };
      const content = await this.contentOf(path, bytes, before?.content, roots);
      return { signature, hash: contentHash, content };
    } catch (error) {
      if (!(error instanceof ReadingEnded))
        return { signature: "", hash: "", content: problem(`cannot be read: ${reasonOf(error)}`) };
      return { signature, hash: contentHash, content: problem(error.message), isGivenUp: true };
    }
  }

  private async bytesOf(path: string, before: KnownFile | undefined): Promise<Buffer<ArrayBuffer>> {
    const bytes = await readFile(path);
    if (bytes.length > 0 || !before || before.hash === emptyHash) return bytes;
    // Whoever writes it in place has only begun, and is most likely done in a moment.
    this.waited ??= sleep(this.options.quietMs);
    await this.waited;
    return await readFile(path);
  }

  private async contentOf(
    path: string,
    bytes: Buffer<ArrayBuffer>,
    previous: ResourceFile | undefined,
    roots: readonly string[],
  ): Promise<ResourceFile> {
    const { thread, checks, takesRedacted, maxFileBytes: maxBytes } = this.options;
    const secretFiles = { roots, maxBytes };
    if (!thread) return readResourceFile(path, bytes, { previous, secretFiles, takesRedacted });
    const job = { path, bytes, previous: previousOf(previous), secretFiles, takesRedacted, checks };
    return takeOver(path, await thread.read(job), previous);
  }
}

/** How many files are read at once. */
const lanes = 4;

const nothingIn = ({ path, group }: Home): Problem => ({
  file: path,
  path: "",
  message: group === undefined ? noFiles : noGroup,
});
const noFiles =
  'holds no configuration; put its files (.yaml, .yml, .json) there, or one with "resources: []" to serve nothing';
const noGroup =
  'this node group\'s directory holds no configuration; put its files there, or one with "resources: []" if the group has nothing of its own, or remove the directory';

/** Whether neither a file nor one that it refers to has changed since it was read. */
const isSame = ({ signature, content }: KnownFile, file: TreeFile, referred: FileTree["referred"]): boolean =>
  signature === file.signature && [...content.referred].every(([path, was]) => referred.get(path) === was);
