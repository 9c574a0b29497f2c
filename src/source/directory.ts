import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Registry } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import { Burst } from "./burst.js";
import { combine, type GroupedFile, sameReading } from "./configuration.js";
import { DirectoryWatcher } from "./directory-watcher.js";
import { type FileTree, reasonOf, scanTree, type TreeFile, treeSignature } from "./file-tree.js";
import { type ResourceFile, readResourceFile } from "./resource-file.js";
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
  /** The largest file to read, in bytes; by default 32 MiB. */
  readonly maxFileBytes?: number;
  /** Files that are not read though they are where it looks, such as a program's own settings. */
  readonly except?: readonly string[];
  /** The messages that may occur in the files; by default those of the Envoy API. */
  readonly registry?: Registry;
}

/** Of a file that was read: what it was then, and what it said. */
interface KnownFile {
  /** Empty where the file may have changed since without another signature. */
  readonly signature: string;
  readonly hash: string;
  readonly content: ResourceFile;
}

/** A file system's clock may tick only so often: what was written within one tick looks the same. */
const clockTickMs = 50;
/** How often to start again when files change while they are read. */
const attempts = 3;
/** The part of its time that the source spends looking for changes is at most one in so many. */
const pollShare = 50;

/**
 * Configuration in files: all `.yaml`, `.yml` and `.json` files given, and those below the directories given, but hidden
 * ones. All of it is for all nodes, except what is in `<directory given>/groups/<group>/`, which only the nodes of that group are
 * served beside the rest. Only what changed is read again.
 */
export class DirectorySource implements Source {
  private readonly options: Required<Omit<DirectorySourceOptions, "registry">> & { readonly registry?: Registry };
  private readonly burst: Burst;
  private readonly watcher = new DirectoryWatcher(() => this.burst.add());
  private known = new Map<string, KnownFile>();
  private configuration: Configuration | undefined;
  /** What was told last. */
  private reading: Reading | undefined;
  /** Of the tree as it was last looked at. */
  private signature = "";
  private onReading: ((reading: Reading) => void) | undefined;
  private pollTimer: NodeJS.Timeout | undefined;
  /** The reading or looking that goes on: one at a time. */
  private work: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(
    private readonly paths: readonly string[],
    options: DirectorySourceOptions = {},
  ) {
    this.options = {
      quietMs: 100,
      maxWaitMs: 500,
      pollMs: 500,
      useEvents: true,
      maxFileBytes: 32 * 2 ** 20,
      except: [],
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

  async close(): Promise<void> {
    this.isClosed = true;
    this.burst.cancel();
    clearTimeout(this.pollTimer);
    this.watcher.close();
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
      const signature = treeSignature(await scanTree(this.paths, this.options.except));
      if (signature !== this.signature) this.burst.add();
      this.signature = signature;
    } catch {
      this.burst.add(); // Reading tells what is wrong.
    } finally {
      this.pollAfter(Math.max(this.options.pollMs, (performance.now() - start) * pollShare));
    }
  }

  private async refresh(): Promise<void> {
    const reading = await this.read();
    if (this.isClosed || (this.reading && sameReading(this.reading, reading))) return;
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

  /** Reads what changed. What is found is taken only if the files stood still meanwhile, or never do. */
  private async readTree(): Promise<Reading> {
    let tree = await scanTree(this.paths, this.options.except);
    let files = await this.readFiles(tree);
    for (let attempt = 1; attempt < attempts; attempt++) {
      const now = await scanTree(this.paths, this.options.except);
      const isSame = treeSignature(now) === treeSignature(tree);
      tree = now;
      if (isSame) break;
      files = await this.readFiles(tree);
    }
    const isUnsure = [...this.known.values()].some(({ signature }) => signature === "");
    this.signature = isUnsure ? "" : treeSignature(tree);
    if (this.options.useEvents && !this.isClosed) this.watcher.update(tree.directories);
    if (tree.problems.length > 0)
      return { problems: [...tree.problems, ...files.flatMap(({ file }) => file.problems)] };
    const reading = combine(files, tree.groups, this.configuration);
    if ("configuration" in reading) this.configuration = reading.configuration;
    return reading;
  }

  private async readFiles(tree: FileTree): Promise<GroupedFile[]> {
    const known = new Map<string, KnownFile>();
    const files: GroupedFile[] = [];
    for (const file of tree.files) {
      const before = this.known.get(file.path);
      const now = before?.signature === file.signature ? before : await this.readFile(file, before);
      known.set(file.path, now);
      files.push({ group: file.group, file: now.content });
    }
    this.known = known;
    return files;
  }

  private async readFile(file: TreeFile, before: KnownFile | undefined): Promise<KnownFile> {
    const { maxFileBytes, registry } = this.options;
    if (file.size > maxFileBytes) {
      const message = `the file has ${file.size} bytes, where ${maxFileBytes} is the most; split it into several files`;
      return { signature: file.signature, hash: "", content: unreadable(file, message) };
    }
    const age = Date.now() - Number(file.modifiedNs / 1_000_000n);
    const signature = age >= 0 && age < clockTickMs ? "" : file.signature;
    try {
      const bytes = await readFile(file.path);
      const contentHash = hash("sha1", bytes, "base64");
      if (before?.hash === contentHash) return { ...before, signature };
      const content = readResourceFile(file.path, bytes, { previous: before?.content, ...(registry && { registry }) });
      return { signature, hash: contentHash, content };
    } catch (error) {
      return { signature: "", hash: "", content: unreadable(file, `cannot be read: ${reasonOf(error)}`) };
    }
  }
}

function unreadable({ path }: TreeFile, message: string): ResourceFile {
  return { resources: [], problems: [{ file: path, path: "", message }], notes: [], bySource: new Map() };
}
