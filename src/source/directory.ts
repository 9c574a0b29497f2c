import { hash } from "node:crypto";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, XdsError } from "../errors.js";
import { inTurns } from "../in-turns.js";
import { checkOptions, type OptionNames } from "../options.js";
import { FileFollower } from "./files/file-follower.js";
import {
  type FileTree,
  type Home,
  isSettling,
  reasonOf,
  scanTree,
  type TreeFile,
  treeSignature,
} from "./files/file-tree.js";
import { commonLayer, type LayerPath } from "./files/layer-path.js";
import type { Problem } from "./files/problem.js";
import { FileNotRead, maxFileBytes, readGiven } from "./files/whole-file.js";
import { combining, type LayerFile, type LayersOfGroups, sameReading } from "./reading/configuration.js";
import { type HeapRoom, needs, needsOf, servedBytes, whyNoRoom } from "./reading/heap-needs.js";
import {
  groupsGone,
  inlinedBytes,
  isDataIn,
  isDue,
  isSame,
  isTriedAgain,
  type KnownFile,
  nothingIn,
  nothingServed,
  tooMuchInlined,
  unusedGroup,
} from "./reading/known-file.js";
import { type ResourceFile, readResourceFile, unreadable } from "./reading/resource-file.js";
import type { Configuration, Reading, Source } from "./reading/source.js";
import { type HandedFile, previousOf, TakeOver } from "./thread/handed-over.js";
import { ReadingEnded, type ReadingThread } from "./thread/reading-thread.js";

/** What is read, and how files are watched. Times are in milliseconds. */
export interface DirectorySourceOptions {
  /** How long files must be unchanged before a change is read. Default 100. */
  readonly quietMs?: number;
  /** The longest wait before a change is read while files keep changing. Default 500. */
  readonly maxWaitMs?: number;
  /**
   * The interval of polling, which finds changes that the file system does not report. Default 500. Large trees are
   * polled less often.
   */
  readonly pollMs?: number;
  /** Whether to use file system events besides polling. Default true. */
  readonly useEvents?: boolean;
  /** The most bytes of a file, and of all other files that are inlined into its resources. Default 32 MiB. */
  readonly maxFileBytes?: number;
  /** The most bytes of other files that are inlined into all resources together. Default 256 MiB. */
  readonly maxInlinedBytes?: number;
  /** Files below the paths that are not read, such as a program's own settings. */
  readonly except?: readonly string[];
  /**
   * Groups of nodes that have layers. A layer is a directory or a file. With such groups, directories `groups/` in the
   * paths are a mistake. By default there are none.
   */
  readonly groups?: readonly LayeredGroup[];
  /**
   * Whether "[redacted]" is accepted as a secret, as `xds get` prints it. Do not serve such resources. Default false.
   */
  readonly takesRedacted?: boolean;
  /**
   * The type URL of resources without `@type`. By default their fields decide it, if only one type has them.
   */
  readonly resourceType?: string | undefined;
  /**
   * @internal The thread that reads the files. It is closed with the source. By default the calling thread reads them.
   */
  readonly thread?: ReadingThread;
  /**
   * The wait before a file is tried again after reading it took too long, for example on a busy machine. Each further
   * try waits twice as long, at most an hour. Default 60,000.
   */
  readonly retryMs?: number;
  /**
   * @internal The heap of this thread. A configuration that would not fit is a mistake. By default there is no check.
   */
  readonly heap?: HeapRoom;
  /** @internal Whether the thread also checks for what Envoy would refuse. Otherwise the check is made on demand. */
  readonly checks?: boolean;
}

/** A group of nodes and its layers. Later layers replace resources of earlier ones. */
export interface LayeredGroup {
  readonly name: string;
  readonly layers: readonly LayerPath[];
}

const optionNames: OptionNames<DirectorySourceOptions> = {
  quietMs: true,
  maxWaitMs: true,
  pollMs: true,
  useEvents: true,
  maxFileBytes: true,
  maxInlinedBytes: true,
  except: true,
  groups: true,
  takesRedacted: true,
  resourceType: true,
  thread: true,
  retryMs: true,
  heap: true,
  checks: true,
};

type Optional = "thread" | "heap" | "resourceType" | "groups";

/** The longest wait for another try, in milliseconds. */
const longestRetryMs = 3_600_000;

const emptyHash = hash("sha1", "", "base64");
/** How often to start again when files change while they are read. */
const attempts = 3;

/**
 * Configuration in files. A given file can have any name. Below a given directory, all `.yaml`, `.yml` and `.json`
 * files are read, except hidden ones. `-` is standard input, which is read once. All nodes are served all files, except
 * those in `<directory given>/groups/<group>/`: they are served in addition, only to the nodes of that group. Groups
 * can have layers instead: see {@link DirectorySourceOptions.groups}. Files that a resource names by relative paths are
 * inlined into the resource. Only changed files are read again.
 */
export class DirectorySource implements Source {
  private readonly options: Required<Omit<DirectorySourceOptions, Optional>> & Pick<DirectorySourceOptions, Optional>;
  private readonly follower: FileFollower;
  private known = new Map<string, KnownFile>();
  private configuration: Configuration | undefined;
  /** The files of the last good configuration, by path. */
  private good: ReadonlyMap<string, ResourceFile> = new Map();
  /** The bytes of heap that the last good configuration needs. */
  private servedBytes = 0;
  /** The paths and group directories that have resources in the last good configuration. */
  private filled: ReadonlySet<string> = new Set();
  /** The directories of the groups in the last good configuration. */
  private groupHomes: readonly string[] = [];
  /** The last reported reading. */
  private reading: Reading | undefined;
  /** The signature of the tree when it was last looked at. */
  private signature = "";
  private onReading: ((reading: Reading) => void) | undefined;
  /** Resolves when this reading has waited long enough for empty files to be written. */
  private waited: Promise<void> | undefined;
  private readonly closing = new AbortController();
  private layered: readonly LayeredGroup[];

  /** @throws XdsError INVALID_OPTION */
  constructor(
    private paths: readonly string[],
    options: DirectorySourceOptions = {},
  ) {
    checkOptions("DirectorySource", options, optionNames);
    if (!Array.isArray(paths))
      throw new XdsError("INVALID_OPTION", 'DirectorySource takes a list of paths: ["config"]');
    this.options = {
      quietMs: 100,
      maxWaitMs: 500,
      pollMs: 500,
      useEvents: true,
      maxFileBytes,
      maxInlinedBytes: 256 * 2 ** 20,
      except: [],
      takesRedacted: false,
      checks: false,
      retryMs: 60_000,
      ...options,
    };
    this.layered = options.groups ?? [];
    this.follower = new FileFollower(this.options, {
      looksChanged: () => this.looksChanged(),
      reload: () => this.refresh(),
    });
  }

  async open(onReading: (reading: Reading) => void): Promise<Reading> {
    if (this.onReading || this.closing.signal.aborted)
      throw new XdsError("WRONG_STATE", "a source can be opened only once");
    this.onReading = onReading;
    const reading = this.read();
    void this.follower.do(async () => void (await reading));
    this.reading = await reading;
    this.follower.start();
    return this.reading;
  }

  /**
   * Reads all files of these paths and layers again, and follows them from now on. Reports the result even if nothing
   * has changed. `onBegin` is called first: readings before it are of the old paths and layers, readings after it are
   * of the new ones.
   */
  async reread(
    paths: readonly string[] = this.paths,
    groups: readonly LayeredGroup[] = this.layered,
    onBegin: () => void = () => {},
  ): Promise<void> {
    await this.follower.do(async () => {
      onBegin();
      this.paths = paths;
      this.layered = groups;
      const known = [...this.known].filter(([, { givenUp }]) => !givenUp);
      this.known = new Map(known.map(([path, file]) => [path, { ...file, signature: "" }]));
      await this.refresh(true);
    });
  }

  /** Stops. Resolves when no timer, watcher or open file is left. Can be called at any time, and again. */
  async close(): Promise<void> {
    this.closing.abort();
    const closed = this.follower.close();
    await this.options.thread?.close();
    await closed;
  }

  /** Like {@link DirectorySource.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async looksChanged(): Promise<boolean> {
    const signature = treeSignature(await this.scan());
    const isChanged = signature !== this.signature || [...this.known.values()].some(isDue);
    this.signature = signature;
    return isChanged;
  }

  private async refresh(tellsSame = false): Promise<void> {
    const reading = await this.read();
    if (this.closing.signal.aborted || (!tellsSame && this.reading && sameReading(this.reading, reading))) return;
    this.reading = reading;
    this.onReading?.(reading);
  }

  private async read(): Promise<Reading> {
    try {
      return await this.readTree();
    } catch (error) {
      // An unexpected error must not end a running server. It is a problem like others.
      return { problems: [{ file: this.paths.join(", "), path: "", message: `cannot be read: ${messageOf(error)}` }] };
    }
  }

  /** Looks at the files that were read, and at all other files of the tree. */
  private scan(): Promise<FileTree> {
    const referred = new Set([...this.known.values()].flatMap(({ content }) => [...content.referred.keys()]));
    const layers = [...new Map(this.layered.flatMap(({ layers }) => layers.map((one) => [one.name, one]))).values()];
    return scanTree(this.paths, { except: this.options.except, referred, layers, signal: this.closing.signal });
  }

  /**
   * The layers, and the groups that have them. A directory `groups/<group>` is a layer above the files for all nodes.
   */
  private layersOf({ groups }: FileTree): LayersOfGroups {
    const layers = new Map<string, string | undefined>([[commonLayer, undefined]]);
    if (this.layered.length === 0) {
      for (const group of groups) layers.set(group, commonLayer);
      return { layers, groups: new Map(groups.map((group) => [group, [commonLayer, group]])) };
    }
    const orders = this.layered.map(({ name, layers }) => [name, layers.map((layer) => layer.name)] as const);
    for (const [, order] of orders) for (const name of order) layers.set(name, undefined);
    return { layers, groups: new Map(orders) };
  }

  /** Reads changed files. The result is used only if no file changed meanwhile, or if files never stop changing. */
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
    const isCut = this.known.size < new Set(tree.files.map(({ path }) => path)).size;
    const isTooMuch = isCut || inlinedBytes(this.known.values()) > this.options.maxInlinedBytes;
    this.signature = isUnsure || isCut ? "" : treeSignature(tree);
    this.follower.watch(tree.directories);
    const layers = this.layersOf(tree);
    if (this.layered.length > 0 && tree.groups.length > 0) return { problems: tree.homes.flatMap(unusedGroup) };
    if (tree.problems.length > 0)
      return { problems: [...tree.problems, ...files.flatMap(({ file }) => file.problems)] };
    if (isTooMuch) return { problems: [tooMuchInlined(this.paths, this.options.maxInlinedBytes)] };
    const heapNeeds = needsOf(files, servedBytes(layers));
    const count = [...new Set(files.map(({ file }) => file))].reduce((sum, { resources }) => sum + resources.length, 0);
    const bytes = heapNeeds.served - this.servedBytes;
    const noRoom = await whyNoRoom(this.options.heap, count, { bytes, all: heapNeeds.all });
    if (noRoom !== undefined) return { problems: [{ file: this.paths.join(", "), path: "", message: noRoom }] };
    const reading = await inTurns(combining(files, layers, this.configuration), this.closing.signal);
    if ("problems" in reading) return reading;
    const filled = this.filledHomes(tree);
    const empty = tree.homes.filter((home) => !filled.has(home.path) && this.isMissed(home, filled.size === 0));
    const isGone = (path: string) => empty.length === 0 && !tree.directories.has(path);
    const missed = [...this.unserved(empty), ...this.groupDirectories(this.groupHomes).filter(isGone).map(groupsGone)];
    if (missed.length > 0) return { problems: missed };
    this.filled = filled;
    this.groupHomes = tree.homes.filter(({ kind }) => kind === "group").map(({ path }) => path);
    this.servedBytes = heapNeeds.served;
    this.good = new Map(Array.from(this.known, ([path, { content }]) => [path, content]));
    this.configuration = reading.configuration;
    return reading;
  }

  /** The `groups` directories of these directories, below the paths that are still given. */
  private groupDirectories(homes: readonly string[]): string[] {
    const given = new Set(this.paths.map((path) => resolve(path)));
    return [...new Set(homes.map((home) => dirname(home)))].filter((path) => given.has(resolve(dirname(path))));
  }

  /**
   * The mistakes of homes without configuration, and of an Envoy's own files that replaced resources, with the rules
   * that these files break.
   */
  private unserved(empty: readonly Home[]): Problem[] {
    const own = [...this.known].filter(([, { content }]) => content.isUnserved).map(([path]) => path);
    const isIn = (path: string) => empty.some(({ files }) => files.has(resolve(path)));
    const replaced = own.filter((path) => isIn(path) || (this.good.get(path)?.resources.length ?? 0) > 0);
    const others = empty.filter(({ files }) => !own.some((path) => files.has(resolve(path))));
    const rulesOf = (path: string) =>
      this.known.get(path)?.content.notes.filter(({ code }) => code === "BOOTSTRAP") ?? [];
    return [...replaced.flatMap((path) => [nothingServed(path), ...rulesOf(path)]), ...others.map(nothingIn)];
  }

  /** The paths of the homes that hold configuration, even if it is an empty list of resources. */
  private filledHomes({ files, homes }: FileTree): Set<string> {
    const contentOf = (path: string) => this.known.get(path)?.content;
    const saysNothing = (path: string) => contentOf(path)?.isBlank || contentOf(path)?.isUnserved;
    const said = new Set(files.flatMap(({ path }) => (saysNothing(path) ? [] : [resolve(path)])));
    const filled = homes.filter((home) => [...home.files].some((file) => said.has(file)));
    return new Set(filled.map(({ path }) => path));
  }

  /**
   * Whether a home without configuration is a mistake: its volume may be gone, or its files may come later. A given
   * path with only files that resources name is no mistake.
   */
  private isMissed({ path, kind, hasOthers }: Home, isAll: boolean): boolean {
    return isAll || kind !== "path" || !hasOthers || this.filled.has(path);
  }

  /** Keeps unchanged files as they were, and reads changed ones up to the limit of inlined bytes. */
  private async readFiles(tree: FileTree): Promise<LayerFile[]> {
    const { roots, referred } = tree;
    const before = this.known;
    const layersOf = new Map<string, string[]>();
    for (const { path, layer } of tree.files) layersOf.set(path, [...(layersOf.get(path) ?? []), layer]);
    const files = [...new Map(tree.files.map((file) => [file.path, file])).values()];
    const read = files.map((file) => {
      const known = before.get(file.path);
      return known && isSame(known, file, referred) && !isTriedAgain(known) ? known : undefined;
    });
    const inLayers = (path: string, { content: file }: KnownFile) =>
      (layersOf.get(path) ?? []).map((layer) => ({ layer, file }));
    const served = servedBytes(this.layersOf(tree));
    const same = files.flatMap(({ path }, index) => (read[index] ? inLayers(path, read[index]) : []));
    let all = needsOf(same, served).all;
    let inlined = inlinedBytes(read);
    let next = 0;
    const lane = async () => {
      for (let index = next++; index < files.length; index = next++) {
        if (read[index] || inlined > this.options.maxInlinedBytes) continue;
        const file = files[index] as TreeFile;
        const servedOfOne = (layersOf.get(file.path) ?? []).reduce((sum, layer) => sum + served(layer), 0);
        const whyNotTaken = async ({ count, newCount, heapBytes }: HandedFile) => {
          const bytes = heapBytes + newCount * servedOfOne;
          const allThen = all + bytes + (count - newCount) * (needs.resource + servedOfOne);
          const why = await whyNoRoom(this.options.heap, newCount, { bytes, all: allThen });
          if (why === undefined) all = allThen;
          return why;
        };
        const known = await this.readFile(file, before.get(file.path), { roots, whyNoRoom: whyNotTaken });
        read[index] = known;
        inlined += inlinedBytes([known]);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    this.options.thread?.rest();
    const known = files.flatMap(({ path }, index) => (read[index] ? [{ path, file: read[index] }] : []));
    this.known = new Map(known.map(({ path, file }) => [path, file]));
    const isData = isDataIn(this.known);
    return known.flatMap(({ path, file }) => (isData(path, file) ? [] : inLayers(path, file)));
  }

  private async readFile(file: TreeFile, before: KnownFile | undefined, how: FileReading): Promise<KnownFile> {
    const { maxFileBytes } = this.options;
    const { path } = file;
    const problem = (message: string) => unreadable({ file: path, path: "", message });
    const tooLarge = `the file has more than ${maxFileBytes} bytes, the limit; split it into several files`;
    if (file.size > maxFileBytes) return { signature: file.signature, hash: "", content: problem(tooLarge) };
    const signature = isSettling(file.modifiedNs) ? "" : file.signature;
    let contentHash = "";
    try {
      const bytes = await this.bytesOf(path, before);
      contentHash = hash("sha1", bytes, "base64");
      if (before?.hash === contentHash && before.content.referred.size === 0 && !isTriedAgain(before))
        return { ...before, signature };
      const isGood = before?.content.problems.length === 0;
      const content = await this.contentOf(path, bytes, isGood ? before.content : this.good.get(path), how);
      return { signature, hash: contentHash, content };
    } catch (error) {
      if (error instanceof FileNotRead && error.why === "size")
        return { signature, hash: "", content: problem(tooLarge) };
      if (!(error instanceof ReadingEnded))
        return { signature: "", hash: "", content: problem(`cannot be read: ${reasonOf(error)}`) };
      const { retryMs } = this.options;
      const waitMs = before?.givenUp ? Math.min(2 * before.givenUp.waitMs, longestRetryMs) : retryMs;
      const { isLate, lacksRoom } = error;
      const until = isLate || lacksRoom ? performance.now() + waitMs : Number.POSITIVE_INFINITY;
      return { signature, hash: contentHash, content: problem(error.message), givenUp: { until, waitMs, lacksRoom } };
    }
  }

  private async bytesOf(path: string, before: KnownFile | undefined): Promise<Buffer<ArrayBuffer>> {
    const options = { maxBytes: this.options.maxFileBytes, signal: this.closing.signal };
    const bytes = await readGiven(path, options);
    if (bytes.length > 0 || !before || before.hash === emptyHash) return bytes;
    // A program that writes the file in place has probably just begun, and will finish soon.
    this.waited ??= sleep(this.options.quietMs);
    await this.waited;
    return await readGiven(path, options);
  }

  private async contentOf(
    path: string,
    bytes: Buffer<ArrayBuffer>,
    previous: ResourceFile | undefined,
    { roots, whyNoRoom }: FileReading,
  ): Promise<ResourceFile> {
    const { thread, checks, takesRedacted, resourceType, maxFileBytes: maxBytes } = this.options;
    const options = { inlining: { roots, maxBytes }, takesRedacted, resourceType };
    if (!thread) return readResourceFile(path, bytes, { previous, ...options });
    const job = { path, bytes, previous: previousOf(previous), checks, ...options };
    const taking = new TakeOver(path, previous);
    return taking.finish(await thread.read(job, taking.take, whyNoRoom));
  }
}

/** How files are read. */
interface FileReading {
  readonly roots: readonly string[];
  /** Why the result of the reading thread cannot be used, if it cannot. */
  readonly whyNoRoom: (file: HandedFile) => Promise<string | undefined>;
}

/** The most files that are read at the same time. */
const lanes = 4;
