import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  FileFollower,
  processCpuMs
} from "./chunk-PZFUJURE.js";
import {
  TakeOver,
  isSettling,
  needs,
  needsOf,
  previousOf,
  readResourceFile,
  reasonOf,
  scanTree,
  servedBytes,
  sizeOf,
  treeSignature,
  unreadable,
  whyNoRoom
} from "./chunk-KDGB6NNX.js";
import {
  formatProblem
} from "./chunk-BAMRFF5H.js";
import {
  commonLayer,
  layerKey,
  merging
} from "./chunk-BWU6O4MA.js";
import {
  findResourceType
} from "./chunk-C24J2H5X.js";
import {
  inTurns
} from "./chunk-IDIDKZNG.js";
import {
  FileNotRead,
  maxFileBytes,
  readGiven
} from "./chunk-D2S3E5CW.js";
import {
  mostFaults
} from "./chunk-AKMKR4LC.js";
import {
  XdsApi
} from "./chunk-QMJ32M3M.js";
import {
  checkOptions
} from "./chunk-QXIDAFG2.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/source/directory.js
import { hash } from "node:crypto";
import { dirname, resolve as resolve2 } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

// dist/source/reading/configuration.js
function* combining(files, { layers, groups }, previous) {
  const problems = files.flatMap(({ file }) => file.problems);
  const named = /* @__PURE__ */ new Map();
  for (const [name, below] of layers) {
    const layer = new NamedResources(below === void 0 ? void 0 : named.get(below));
    yield* layer.knowing(previous?.layers.get(name)?.resources);
    named.set(name, layer);
  }
  const inLayer = /* @__PURE__ */ new Map();
  for (const { layer, file } of files) {
    const others = inLayer.get(layer);
    if (others)
      others.push(file);
    else
      inLayer.set(layer, [file]);
  }
  for (const [name, layer] of named)
    for (const file of inLayer.get(name) ?? [])
      yield* layer.adding(file, problems);
  if (problems.length === 0)
    yield* checkingAliases(named, groups, problems);
  if (problems.length > 0)
    return { problems };
  const places = /* @__PURE__ */ new Map();
  for (const layer of named.values())
    for (const [resource, place] of layer.places) {
      places.set(resource, place);
      yield;
    }
  const all = new Set(files.map(({ file }) => file));
  const plain = Array.from(named, ([name, { resources, removes }]) => [name, { resources, removes }]);
  const configuration = { layers: new Map(plain), groups };
  return {
    configuration,
    places,
    notes: [...[...all].flatMap(({ notes }) => notes), ...vainRemoves(configuration)],
    unserved: [...all].flatMap(({ unserved }) => unserved ?? []),
    dumps: new Map([...all].flatMap(({ dump, resources }) => dump && resources[0] ? [[resources[0].file, dump]] : []))
  };
}
function* checkingAliases(layers, groups, problems) {
  for (const [group, names] of groups) {
    const all = names.flatMap((name) => layers.get(name) ?? []);
    if (all.length < 2 || !all.some(({ hasAliases }) => hasAliases))
      continue;
    const view = yield* merging(all);
    const places = /* @__PURE__ */ new Map();
    for (const resource of view) {
      yield;
      const place = all.map((layer) => layer.places.get(resource)).find(Boolean);
      const located = { resource, ...place ?? { file: "", line: 1, column: 1 } };
      const keys = keysOf(resource);
      const taken = keys.findIndex((key) => places.has(key));
      const other = places.get(keys[taken] ?? "");
      for (const key of keys)
        places.set(key, located);
      if (!other)
        continue;
      const problem = duplicate(located, taken, other);
      problems.push({ ...problem, message: `${problem.message} (for nodes of group ${group})` });
      if (problems.length >= mostFaults)
        return;
    }
  }
}
function vainRemoves({ layers, groups }) {
  const notes = [];
  const orders = [...groups.values()];
  for (const [name, { removes }] of layers) {
    if (removes.length === 0)
      continue;
    const below = orders.flatMap((order) => order.slice(0, Math.max(0, order.indexOf(name))));
    const keys = new Set(below.flatMap((layer) => layers.get(layer)?.resources.map(layerKey) ?? []));
    for (const { typeUrl, key, ...place } of removes)
      if (!keys.has(`${typeUrl} ${key}`)) {
        const what = `${findResourceType(typeUrl)?.name ?? typeUrl} ${JSON.stringify(key)}`;
        notes.push({ ...place, path: "", message: `removes nothing: no layer before this one has ${what}` });
      }
  }
  return notes;
}
function sameReading(a, b) {
  if ("problems" in a)
    return "problems" in b && JSON.stringify(a.problems) === JSON.stringify(b.problems);
  if ("problems" in b)
    return false;
  const [one, other] = [a.configuration, b.configuration];
  if (!sameEntries(one.groups, other.groups, (names, others) => names.join("\0") === others.join("\0")))
    return false;
  if (JSON.stringify(a.notes.map(formatElsewhere)) !== JSON.stringify(b.notes.map(formatElsewhere)))
    return false;
  if (JSON.stringify(partsOf(a)) !== JSON.stringify(partsOf(b)))
    return false;
  return sameEntries(one.layers, other.layers, (layer, others) => sameList(layer.resources, others.resources) && removed(layer) === removed(others));
}
var removed = ({ removes }) => removes.map(({ typeUrl, key }) => `${typeUrl} ${key}`).join("\0");
var sameEntries = (a, b, areSame) => a.size === b.size && [...a].every(([key, value]) => b.has(key) && areSame(value, b.get(key)));
var formatElsewhere = ({ file, path, message }) => formatProblem({ file, path, message });
var partsOf = ({ unserved = [] }) => unserved.map(({ file, parts }) => [file, ...parts]);
var sameList = (a, b) => a.length === b?.length && a.every((resource, index) => resource === b[index]);
var keysOf = ({ type, key, aliasKeys }) => [key, ...aliasKeys].map((name) => `${type.typeUrl} ${name}`);
var NamedResources = class {
  below;
  resources = [];
  removes = [];
  places = /* @__PURE__ */ new Map();
  hasAliases = false;
  byKey = /* @__PURE__ */ new Map();
  previous = /* @__PURE__ */ new Map();
  /** `below`: the layer that has no resources of the same names. */
  constructor(below) {
    this.below = below;
  }
  /** Remembers the resources of the previous reading, to use these objects for unchanged resources. */
  *knowing(previous = []) {
    for (const resource of previous) {
      this.previous.set(keysOf(resource)[0] ?? "", resource);
      yield;
    }
  }
  *adding({ resources, removes }, problems) {
    let duplicates = 0;
    this.removes.push(...removes);
    for (const each of resources) {
      yield;
      const keys = keysOf(each.resource);
      const taken = keys.findIndex((key) => this.placeOf(key));
      const other = this.placeOf(keys[taken] ?? "");
      if (other && ++duplicates > mostFaults) {
        const { file } = each;
        problems.push({
          file,
          path: "",
          message: `more than ${mostFaults} names are already taken; the rest of the file is not checked`
        });
        return;
      }
      if (other)
        problems.push(duplicate(each, taken, other));
      else {
        for (const key of keys)
          this.byKey.set(key, each);
        if (keys.length > 1)
          this.hasAliases = true;
        const { file, line, column } = each;
        const resource = sameOr(this.previous.get(keys[0] ?? ""), each.resource);
        this.places.set(resource, { file, line, column });
        this.resources.push(resource);
      }
    }
  }
  placeOf(key) {
    return this.byKey.get(key) ?? this.below?.byKey.get(key);
  }
};
function sameOr(previous, resource) {
  if (previous?.version !== resource.version || previous.name !== resource.name)
    return resource;
  const same = previous.ttlMs === resource.ttlMs && previous.aliases.join("\0") === resource.aliases.join("\0");
  return same && previous.hasBodyOf(resource) ? previous : resource;
}
function duplicate({ resource, ...place }, taken, other) {
  const name = taken === 0 ? resource.name : `${resource.aliases[taken - 1]} (an alias)`;
  const where = `${other.file}:${other.line}:${other.column}`;
  const message = `${resource.type.name} ${JSON.stringify(name)} is already at ${where}; rename or remove one of the two`;
  return { ...place, path: "", message };
}

// dist/source/reading/known-file.js
import { resolve } from "node:path";
var isTriedAgain = (file) => isDue(file) || file.givenUp?.lacksRoom === true;
var isDue = ({ givenUp }) => givenUp !== void 0 && performance.now() >= givenUp.until;
var isSame = ({ signature, content }, file, referred) => signature === file.signature && [...content.referred].every(([path, was]) => referred.get(path) === was);
function isDataIn(known) {
  const named = new Set([...known.values()].flatMap(({ content }) => [...content.referred.keys()].map((path) => resolve(path))));
  return (path, { content }) => content.problems.length > 0 && named.has(resolve(path));
}
function inlinedBytes(files) {
  let bytes = 0;
  for (const file of files)
    if (file)
      bytes += sizeOf(file.content.inlined);
  return bytes;
}
var tooMuchInlined = (paths, maxBytes) => ({
  file: paths.join(", "),
  path: "",
  message: `more than ${maxBytes} bytes of other files, the limit, are inlined into resources; ${lessInlined}`
});
var lessInlined = "name large files by absolute paths, which the Envoys read on their own machines";
var groupsGone = (path) => ({ file: path, path: "", message: noGroups });
var noGroups = 'no such directory, and its node groups are still served; put it back, with "resources: []" in each group without resources of its own, or restart to serve no groups';
var unusedGroup = ({ path, kind }) => kind === "group" ? [{ file: path, path: "", message: onlyLayers }] : [];
var onlyLayers = "is a node group's directory, but the groups have layers (`groups:` in xds.yaml); name it as a layer of its group, and move it out of groups/";
var nothingIn = ({ path, kind }) => ({
  file: path,
  path: "",
  message: { path: noFiles, group: noGroup, layer: noLayer }[kind]
});
var nothingServed = (path) => ({ file: path, path: "", message: onlyOwn });
var onlyOwn = 'no resource in it can be served: it has only parts of an Envoy\'s own file, like a file from `xds bootstrap`; put the file with the resources there, or one with "resources: []" to serve nothing';
var noFiles = 'holds no configuration; put its files (.yaml, .yml, .json) there, or one with "resources: []" to serve nothing';
var noLayer = `this layer's directory holds no configuration; put its files there, or one with "resources: []" if the layer is to have nothing`;
var noGroup = `this node group's directory holds no configuration; put its files there, or one with "resources: []" if the group has no resources of its own, or remove the directory`;

// dist/source/thread/reading-thread.js
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
var ReadingEnded = class extends Error {
  isLate;
  lacksRoom;
  /** With `isLate` (the time was exceeded) or `lacksRoom` (the heap was full), another try may succeed. */
  constructor(message, isLate = false, lacksRoom = false) {
    super(message);
    this.isLate = isLate;
    this.lacksRoom = lacksRoom;
  }
};
var looks = 10;
var mostLooks = 100;
var restingBytes = 128 * 2 ** 20;
var ReadingThread = class {
  limits;
  file;
  cpuMs;
  /** The number of threads that were started. */
  starts = 0;
  worker;
  /** The port that receives the parts of files. */
  parts;
  /** Resolves when the parts of all files read so far were received. Parts come in the order of the files. */
  taking = Promise.resolve();
  /** The thread works on the first job. */
  jobs = [];
  timer;
  /** Why the worker ends, if it does. */
  why;
  heapBytes = 0;
  heapLimit;
  /** Whether the worker has started. */
  isReady = false;
  isClosed = false;
  constructor(limits, file, cpuMs = processCpuMs) {
    this.limits = limits;
    this.file = file;
    this.cpuMs = cpuMs;
    this.heapLimit = limits.heapBytes;
  }
  /**
   * Reads a file. `take` receives all parts except the last, one in each turn of the event loop, unless `whyNoRoom`
   * returns why there is no room for the file.
   * @throws ReadingEnded
   */
  read(job, take, whyNoRoom2 = async () => void 0) {
    return new Promise((resolve3, reject) => {
      const read = (file, parts) => {
        this.taking = this.taking.then(async () => {
          const why = await whyNoRoom2(file);
          await this.takeParts(file.before, parts, why === void 0 ? take : () => {
          });
          if (why !== void 0)
            throw new ReadingEnded(why, false, true);
        });
        this.taking = this.taking.then(() => resolve3(file), reject);
      };
      this.add({ kind: "read", types: XdsApi.default.registeredTypes(), ...job }, read, reject);
    });
  }
  async takeParts(count, parts, take) {
    for (let left = count; left > 0; left--) {
      await nextTurn();
      const part = this.isClosed ? void 0 : receiveMessageOnPort(parts);
      if (!part)
        throw new ReadingEnded("reading was ended");
      take(part.message);
    }
  }
  locate(asked) {
    return new Promise((resolve3, reject) => this.add({ kind: "locate", asked }, resolve3, reject));
  }
  /** Keeps a thread with little memory ready. Call this when jobs are expected, and when they are done. */
  rest() {
    if (this.jobs.length > 0 || this.isClosed)
      return;
    if (this.heapBytes > restingBytes)
      this.leave();
    this.worker ??= this.start();
  }
  /** Ends the thread. Pending jobs are rejected. */
  async close() {
    this.isClosed = true;
    const { worker } = this;
    this.leave();
    for (const { reject } of this.jobs.splice(0))
      reject(new ReadingEnded("reading was ended"));
    await worker?.terminate();
  }
  add(job, resolve3, reject) {
    if (this.isClosed) {
      reject(new ReadingEnded("reading was ended"));
      return;
    }
    this.worker ??= this.start();
    this.worker.postMessage(job);
    this.worker.ref();
    this.jobs.push({ job, resolve: resolve3, reject });
    if (this.jobs.length === 1)
      this.watch();
  }
  start() {
    const { port1, port2 } = new MessageChannel();
    this.parts = port1;
    const start = { api: XdsApi.default.posted(), parts: port2 };
    const resourceLimits = { maxOldGenerationSizeMb: Math.ceil(this.limits.heapBytes / 2 ** 20) };
    const worker = new Worker(this.file, { workerData: start, transferList: [port2], resourceLimits });
    worker.unref();
    this.starts++;
    this.heapBytes = 0;
    this.isReady = false;
    this.why = void 0;
    const isCurrent = () => worker === this.worker;
    worker.on("message", (message) => isCurrent() && this.take(message));
    worker.on("error", (error) => {
      if (isCurrent())
        this.why = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? this.tooMuchMemory() : error.message;
    });
    worker.on("exit", (code) => isCurrent() && this.ended(this.why ?? `the reading thread ended with code ${code}`));
    return worker;
  }
  /** Forgets the worker. */
  leave() {
    const { worker } = this;
    this.worker = void 0;
    this.heapBytes = 0;
    clearInterval(this.timer);
    void worker?.terminate();
  }
  take(answer) {
    if ("heapLimit" in answer) {
      this.heapLimit = answer.heapLimit;
      this.isReady = true;
      return;
    }
    const done = this.jobs.shift();
    this.heapBytes = answer.heapBytes;
    this.watch();
    if ("error" in answer)
      done?.reject(new Error(answer.error));
    else
      done?.resolve(answer.result, this.parts);
  }
  /** Starts the time limit of the first job. */
  watch() {
    clearInterval(this.timer);
    if (this.jobs.length === 0) {
      this.worker?.unref();
      return;
    }
    const { timeMs } = this.limits;
    let left = timeMs;
    let looksLeft = mostLooks;
    let before = this.cpuMs();
    this.timer = setInterval(() => {
      const now = this.cpuMs();
      if (this.isReady)
        left -= Math.min(now - before, timeMs / looks);
      before = now;
      if (left <= 0 || --looksLeft === 0)
        this.ended(`reading the file takes longer than ${timeMs} ms, ${advice("--limits-file-time")}`, true);
    }, timeMs / looks);
  }
  /** The worker has ended, or must end, during the first job. */
  ended(why, isLate = false) {
    this.leave();
    this.jobs.shift()?.reject(new ReadingEnded(why, isLate));
    if (this.jobs.length === 0)
      return;
    const worker = this.start();
    this.worker = worker;
    worker.ref();
    for (const { job } of this.jobs)
      worker.postMessage(job);
    this.watch();
  }
  tooMuchMemory() {
    const [asked, actual] = [this.limits.heapBytes, this.heapLimit].map((bytes) => Math.ceil(bytes / 2 ** 20));
    const setting = asked === actual ? "--limits-file-memory" : "Node's --max-old-space-size";
    return `reading the file takes more than ${actual} MiB of memory, ${advice(setting)}`;
  }
};
var advice = (setting) => `the limit ${setting}; simplify the file, split it, or raise the limit`;

// dist/source/directory.js
var optionNames = {
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
  checks: true
};
var longestRetryMs = 36e5;
var emptyHash = hash("sha1", "", "base64");
var attempts = 3;
var DirectorySource = class {
  paths;
  options;
  follower;
  known = /* @__PURE__ */ new Map();
  configuration;
  /** The files of the last good configuration, by path. */
  good = /* @__PURE__ */ new Map();
  /** The bytes of heap that the last good configuration needs. */
  servedBytes = 0;
  /** The paths and group directories that have resources in the last good configuration. */
  filled = /* @__PURE__ */ new Set();
  /** The directories of the groups in the last good configuration. */
  groupHomes = [];
  /** The last reported reading. */
  reading;
  /** The signature of the tree when it was last looked at. */
  signature = "";
  onReading;
  /** Resolves when this reading has waited long enough for empty files to be written. */
  waited;
  closing = new AbortController();
  layered;
  /** @throws XdsError INVALID_OPTION */
  constructor(paths, options = {}) {
    this.paths = paths;
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
      retryMs: 6e4,
      ...options
    };
    this.layered = options.groups ?? [];
    this.follower = new FileFollower(this.options, {
      looksChanged: () => this.looksChanged(),
      reload: () => this.refresh()
    });
  }
  async open(onReading) {
    if (this.onReading || this.closing.signal.aborted)
      throw new XdsError("WRONG_STATE", "a source can be opened only once");
    this.onReading = onReading;
    const reading = this.read();
    void this.follower.do(async () => void await reading);
    this.reading = await reading;
    this.follower.start();
    return this.reading;
  }
  /**
   * Reads all files of these paths and layers again, and follows them from now on. Reports the result even if nothing
   * has changed. `onBegin` is called first: readings before it are of the old paths and layers, readings after it are
   * of the new ones.
   */
  async reread(paths = this.paths, groups = this.layered, onBegin = () => {
  }) {
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
  async close() {
    this.closing.abort();
    const closed = this.follower.close();
    await this.options.thread?.close();
    await closed;
  }
  /** Like {@link DirectorySource.close}, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.close();
  }
  async looksChanged() {
    const signature = treeSignature(await this.scan());
    const isChanged = signature !== this.signature || [...this.known.values()].some(isDue);
    this.signature = signature;
    return isChanged;
  }
  async refresh(tellsSame = false) {
    const reading = await this.read();
    if (this.closing.signal.aborted || !tellsSame && this.reading && sameReading(this.reading, reading))
      return;
    this.reading = reading;
    this.onReading?.(reading);
  }
  async read() {
    try {
      return await this.readTree();
    } catch (error) {
      return { problems: [{ file: this.paths.join(", "), path: "", message: `cannot be read: ${messageOf(error)}` }] };
    }
  }
  /** Looks at the files that were read, and at all other files of the tree. */
  scan() {
    const referred = new Set([...this.known.values()].flatMap(({ content }) => [...content.referred.keys()]));
    const layers = [...new Map(this.layered.flatMap(({ layers: layers2 }) => layers2.map((one) => [one.name, one]))).values()];
    return scanTree(this.paths, { except: this.options.except, referred, layers, signal: this.closing.signal });
  }
  /**
   * The layers, and the groups that have them. A directory `groups/<group>` is a layer above the files for all nodes.
   */
  layersOf({ groups }) {
    const layers = /* @__PURE__ */ new Map([[commonLayer, void 0]]);
    if (this.layered.length === 0) {
      for (const group of groups)
        layers.set(group, commonLayer);
      return { layers, groups: new Map(groups.map((group) => [group, [commonLayer, group]])) };
    }
    const orders = this.layered.map(({ name, layers: layers2 }) => [name, layers2.map((layer) => layer.name)]);
    for (const [, order] of orders)
      for (const name of order)
        layers.set(name, void 0);
    return { layers, groups: new Map(orders) };
  }
  /** Reads changed files. The result is used only if no file changed meanwhile, or if files never stop changing. */
  async readTree() {
    this.waited = void 0;
    let tree = await this.scan();
    let files = await this.readFiles(tree);
    for (let attempt = 1; attempt < attempts; attempt++) {
      const now = await this.scan();
      const isSame2 = treeSignature(now) === treeSignature(tree);
      tree = now;
      if (isSame2)
        break;
      files = await this.readFiles(tree);
    }
    const isUnsure = [...this.known.values()].some(({ signature, content }) => [signature, ...content.referred.values()].includes(""));
    const isCut = this.known.size < new Set(tree.files.map(({ path }) => path)).size;
    const isTooMuch = isCut || inlinedBytes(this.known.values()) > this.options.maxInlinedBytes;
    this.signature = isUnsure || isCut ? "" : treeSignature(tree);
    this.follower.watch(tree.directories);
    const layers = this.layersOf(tree);
    if (this.layered.length > 0 && tree.groups.length > 0)
      return { problems: tree.homes.flatMap(unusedGroup) };
    if (tree.problems.length > 0)
      return { problems: [...tree.problems, ...files.flatMap(({ file }) => file.problems)] };
    if (isTooMuch)
      return { problems: [tooMuchInlined(this.paths, this.options.maxInlinedBytes)] };
    const heapNeeds = needsOf(files, servedBytes(layers));
    const count = [...new Set(files.map(({ file }) => file))].reduce((sum, { resources }) => sum + resources.length, 0);
    const bytes = heapNeeds.served - this.servedBytes;
    const noRoom = await whyNoRoom(this.options.heap, count, { bytes, all: heapNeeds.all });
    if (noRoom !== void 0)
      return { problems: [{ file: this.paths.join(", "), path: "", message: noRoom }] };
    const reading = await inTurns(combining(files, layers, this.configuration), this.closing.signal);
    if ("problems" in reading)
      return reading;
    const filled = this.filledHomes(tree);
    const empty = tree.homes.filter((home) => !filled.has(home.path) && this.isMissed(home, filled.size === 0));
    const isGone = (path) => empty.length === 0 && !tree.directories.has(path);
    const missed = [...this.unserved(empty), ...this.groupDirectories(this.groupHomes).filter(isGone).map(groupsGone)];
    if (missed.length > 0)
      return { problems: missed };
    this.filled = filled;
    this.groupHomes = tree.homes.filter(({ kind }) => kind === "group").map(({ path }) => path);
    this.servedBytes = heapNeeds.served;
    this.good = new Map(Array.from(this.known, ([path, { content }]) => [path, content]));
    this.configuration = reading.configuration;
    return reading;
  }
  /** The `groups` directories of these directories, below the paths that are still given. */
  groupDirectories(homes) {
    const given = new Set(this.paths.map((path) => resolve2(path)));
    return [...new Set(homes.map((home) => dirname(home)))].filter((path) => given.has(resolve2(dirname(path))));
  }
  /**
   * The mistakes of homes without configuration, and of an Envoy's own files that replaced resources, with the rules
   * that these files break.
   */
  unserved(empty) {
    const own = [...this.known].filter(([, { content }]) => content.isUnserved).map(([path]) => path);
    const isIn = (path) => empty.some(({ files }) => files.has(resolve2(path)));
    const replaced = own.filter((path) => isIn(path) || (this.good.get(path)?.resources.length ?? 0) > 0);
    const others = empty.filter(({ files }) => !own.some((path) => files.has(resolve2(path))));
    const rulesOf = (path) => this.known.get(path)?.content.notes.filter(({ code }) => code === "BOOTSTRAP") ?? [];
    return [...replaced.flatMap((path) => [nothingServed(path), ...rulesOf(path)]), ...others.map(nothingIn)];
  }
  /** The paths of the homes that hold configuration, even if it is an empty list of resources. */
  filledHomes({ files, homes }) {
    const contentOf = (path) => this.known.get(path)?.content;
    const saysNothing = (path) => contentOf(path)?.isBlank || contentOf(path)?.isUnserved;
    const said = new Set(files.flatMap(({ path }) => saysNothing(path) ? [] : [resolve2(path)]));
    const filled = homes.filter((home) => [...home.files].some((file) => said.has(file)));
    return new Set(filled.map(({ path }) => path));
  }
  /**
   * Whether a home without configuration is a mistake: its volume may be gone, or its files may come later. A given
   * path with only files that resources name is no mistake.
   */
  isMissed({ path, kind, hasOthers }, isAll) {
    return isAll || kind !== "path" || !hasOthers || this.filled.has(path);
  }
  /** Keeps unchanged files as they were, and reads changed ones up to the limit of inlined bytes. */
  async readFiles(tree) {
    const { roots, referred } = tree;
    const before = this.known;
    const layersOf = /* @__PURE__ */ new Map();
    for (const { path, layer } of tree.files)
      layersOf.set(path, [...layersOf.get(path) ?? [], layer]);
    const files = [...new Map(tree.files.map((file) => [file.path, file])).values()];
    const read = files.map((file) => {
      const known2 = before.get(file.path);
      return known2 && isSame(known2, file, referred) && !isTriedAgain(known2) ? known2 : void 0;
    });
    const inLayers = (path, { content: file }) => (layersOf.get(path) ?? []).map((layer) => ({ layer, file }));
    const served = servedBytes(this.layersOf(tree));
    const same = files.flatMap(({ path }, index) => read[index] ? inLayers(path, read[index]) : []);
    let all = needsOf(same, served).all;
    let inlined = inlinedBytes(read);
    let next = 0;
    const lane = async () => {
      for (let index = next++; index < files.length; index = next++) {
        if (read[index] || inlined > this.options.maxInlinedBytes)
          continue;
        const file = files[index];
        const servedOfOne = (layersOf.get(file.path) ?? []).reduce((sum, layer) => sum + served(layer), 0);
        const whyNotTaken = async ({ count, newCount, heapBytes }) => {
          const bytes = heapBytes + newCount * servedOfOne;
          const allThen = all + bytes + (count - newCount) * (needs.resource + servedOfOne);
          const why = await whyNoRoom(this.options.heap, newCount, { bytes, all: allThen });
          if (why === void 0)
            all = allThen;
          return why;
        };
        const known2 = await this.readFile(file, before.get(file.path), { roots, whyNoRoom: whyNotTaken });
        read[index] = known2;
        inlined += inlinedBytes([known2]);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    this.options.thread?.rest();
    const known = files.flatMap(({ path }, index) => read[index] ? [{ path, file: read[index] }] : []);
    this.known = new Map(known.map(({ path, file }) => [path, file]));
    const isData = isDataIn(this.known);
    return known.flatMap(({ path, file }) => isData(path, file) ? [] : inLayers(path, file));
  }
  async readFile(file, before, how) {
    const { maxFileBytes: maxFileBytes2 } = this.options;
    const { path } = file;
    const problem = (message) => unreadable({ file: path, path: "", message });
    const tooLarge = `the file has more than ${maxFileBytes2} bytes, the limit; split it into several files`;
    if (file.size > maxFileBytes2)
      return { signature: file.signature, hash: "", content: problem(tooLarge) };
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
  async bytesOf(path, before) {
    const options = { maxBytes: this.options.maxFileBytes, signal: this.closing.signal };
    const bytes = await readGiven(path, options);
    if (bytes.length > 0 || !before || before.hash === emptyHash)
      return bytes;
    this.waited ??= sleep(this.options.quietMs);
    await this.waited;
    return await readGiven(path, options);
  }
  async contentOf(path, bytes, previous, { roots, whyNoRoom: whyNoRoom2 }) {
    const { thread, checks, takesRedacted, resourceType, maxFileBytes: maxBytes } = this.options;
    const options = { inlining: { roots, maxBytes }, takesRedacted, resourceType };
    if (!thread)
      return readResourceFile(path, bytes, { previous, ...options });
    const job = { path, bytes, previous: previousOf(previous), checks, ...options };
    const taking = new TakeOver(path, previous);
    return taking.finish(await thread.read(job, taking.take, whyNoRoom2));
  }
};
var lanes = 4;

// dist/cli/report/load-configuration.js
async function useConfiguration(paths, options, use) {
  const source = new DirectorySource(paths, { useEvents: false, ...options });
  try {
    return await use(await source.open(() => {
    }));
  } finally {
    await source.close();
  }
}
var loadConfiguration = (paths, options = {}) => useConfiguration(paths, options, async (reading) => reading);
var pathsHelp = "files, directories, or - for standard input; in directories, all .yaml, .yml and .json files are read, except hidden ones";

export {
  ReadingThread,
  DirectorySource,
  useConfiguration,
  loadConfiguration,
  pathsHelp
};
