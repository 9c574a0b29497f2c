import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  bootstrapMessage,
  clustersSection,
  each,
  foreignDocument,
  isNothing,
  isRedacted,
  isReplaced,
  kindOf as kindOf2,
  nodesAt,
  servedResources,
  servedRewrites,
  spellings,
  withoutList
} from "./chunk-A7KZDFFX.js";
import {
  checkMessage,
  knowProblems,
  nodeAt,
  problemsOf
} from "./chunk-JFHIICP2.js";
import {
  referencesOf,
  whyNotKey,
  whyNotPem
} from "./chunk-2FHVCSGV.js";
import {
  envoyFormat,
  parseYaml
} from "./chunk-QZJZLV5G.js";
import {
  LineIndex,
  notUtf8
} from "./chunk-BAMRFF5H.js";
import {
  commonLayer
} from "./chunk-BWU6O4MA.js";
import {
  resourceTypes
} from "./chunk-C24J2H5X.js";
import {
  FileNotRead,
  isStream,
  kindOf,
  readWholeFileSync
} from "./chunk-D2S3E5CW.js";
import {
  schemaOf
} from "./chunk-IXIW5MLW.js";
import {
  MessageJson,
  Resource,
  ResourceReader,
  TextLimitExceeded,
  describeDocument,
  exampleType,
  lacksType,
  mostFaults,
  noRewrites,
  withType,
  wrappedIn
} from "./chunk-AKMKR4LC.js";
import {
  canonicalName
} from "./chunk-342YQNNX.js";
import {
  redactions
} from "./chunk-Y6GK5AYW.js";
import {
  findTypeNamed
} from "./chunk-PTJNKBKB.js";
import {
  formatPath,
  quote,
  someOf,
  valueAt
} from "./chunk-ZG5KWCWM.js";
import {
  XdsApi,
  clusterType,
  endpointType,
  routeType
} from "./chunk-QMJ32M3M.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/source/reading/heap-needs.js
var needs = { resource: 600, served: 180, finding: 550 };
var shares = { resources: 0.6, change: 0.85 };
var alwaysTaken = 4 * 2 ** 20;
function servedBytes({ groups }) {
  const counts = /* @__PURE__ */ new Map([[commonLayer, 1]]);
  for (const names of groups.values())
    for (const name of names)
      counts.set(name, (counts.get(name) ?? 0) + 1);
  return (layer) => needs.served * (counts.get(layer) ?? 1);
}
function needsOf(files, served) {
  let [read2, all] = [0, 0];
  const seen = /* @__PURE__ */ new Set();
  for (const { layer, file } of files) {
    if (!seen.has(file))
      read2 += known.get(file) ?? measured(file);
    seen.add(file);
    all += file.resources.length * served(layer);
  }
  return { all: read2 + all, served: all };
}
var known = /* @__PURE__ */ new WeakMap();
function measured(file) {
  let bytes = 0;
  for (const { resource } of file.resources)
    bytes += needs.resource + resource.size + resource.name.length + needs.finding * referencesOf(resource).length;
  known.set(file, bytes);
  return bytes;
}
async function whyNoRoom(heap, count, { bytes, all }) {
  if (!heap || bytes <= 0 || all <= alwaysTaken)
    return void 0;
  const left = shares.resources * heap.size - (all - bytes);
  if (bytes <= left && await heap.willHold(bytes, shares.change))
    return void 0;
  const room = Math.max(0, Math.floor(Math.min(left, heap.room(shares.change)) / 2 ** 20));
  return `${count} resources need ${Math.ceil(bytes / 2 ** 20)} MiB of this program's heap, which has room for ${room} MiB; give it more memory (NODE_OPTIONS=--max-old-space-size=<MB>), or serve fewer resources`;
}

// dist/source/reading/resource-file.js
import { isUtf8 as isUtf82 } from "node:buffer";
import { hash } from "node:crypto";

// dist/source/documents/dump-facts.js
var ReadDump = class {
  sections = /* @__PURE__ */ new Set();
  lists = /* @__PURE__ */ new Set();
  versions = /* @__PURE__ */ new Map();
  redacted = /* @__PURE__ */ new Set();
  cut = /* @__PURE__ */ new Set();
  unreadKeys = /* @__PURE__ */ new Set();
  isOfSomeNames = false;
  add({ sections, lists, isOfSomeNames }) {
    for (const section of sections)
      this.sections.add(section);
    for (const list of lists)
      this.lists.add(list);
    this.isOfSomeNames ||= isOfSomeNames;
  }
};
var bootstrapDump = "envoy.admin.v3.BootstrapConfigDump";
var hasBootstrap = ({ sections }) => sections.has(bootstrapDump);
function shapeOf(document, kind, resources) {
  const filled = new Set(resources.flatMap(({ steps }) => steps.map((_, index) => keyOf(steps.slice(0, index)))));
  const sections = /* @__PURE__ */ new Set();
  const lists = /* @__PURE__ */ new Set();
  const [own, told] = [[], /* @__PURE__ */ new Set()];
  for (const { node, steps } of (kind.own?.sections ?? []).flatMap((path) => nodesAt(document, path))) {
    const [type = kind.message] = textsAt(node, ["@type"]);
    if (type === void 0 || node.kind !== "map")
      continue;
    const message = type.replace(/^.*\//, "");
    if (/ConfigDump\.\w+$/.test(message) && !filled.has(keyOf(steps)))
      continue;
    sections.add(message);
    for (const { key, value } of node.entries)
      if (value.kind === "list")
        lists.add(`${message} ${snakeCase(key)}`);
    if (message === bootstrapDump)
      own.push(...textsAt(node, ["bootstrap", "static_resources", "clusters", each, "name"]));
    for (const name of textsAt(node, ["static_clusters", each, "cluster", "name"]))
      told.add(name);
  }
  return { sections, lists, isOfSomeNames: sections.size > 1 && own.some((name) => !told.has(name)) };
}
var keyOf = (steps) => JSON.stringify(steps);
function isCut({ parent, node, steps }) {
  const [type = ""] = parent ? textsAt(parent, ["@type"]) : [];
  if (!/ConfigDump\.\w+$/.test(type))
    return false;
  const has = (of, field) => valueAt(of, ...spellings(field)) !== void 0;
  return has(node, "cluster_name") && steps.at(-1) === "endpoint_config" ? !has(node, "policy") : !has(parent, "version_info") && !has(parent, "last_updated");
}
var textsAt = (node, path) => nodesAt(node, path).flatMap(({ node: found }) => found.kind === "scalar" ? [found.text] : []);
var snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// dist/source/documents/unserved.js
import { createHash } from "node:crypto";
import { fromJson, toBinary } from "@bufbuild/protobuf";
function unservedParts(document, served) {
  const left = new Set(served.map(({ node }) => node.at));
  const kept = document.entries.filter(({ key }) => !isReplaced(key));
  return new Map(kept.map(({ key, value }) => [key, digestOf(value, left)]));
}
function digestOf(node, left) {
  const digest = createHash("sha1");
  const add = (value) => {
    if (value.kind === "scalar")
      digest.update(JSON.stringify([typeof value.value, value.text]));
    else if (value.kind === "list") {
      digest.update("[");
      for (const item of value.items)
        add(item);
      digest.update("]");
    } else if (!left.has(value.at)) {
      digest.update("{");
      for (const { key, value: of } of value.entries) {
        digest.update(JSON.stringify(key));
        add(of);
      }
      digest.update("}");
    }
  };
  add(node);
  return digest.digest("base64");
}
function brokenIn(desc, json, node, { steps, registry, hidesValues }) {
  const fault = (at, path, message) => {
    const whole = [formatPath(steps), path].filter(Boolean).join(".");
    return { at, path: whole, message, code: "BOOTSTRAP" };
  };
  try {
    const bytes = toBinary(desc, fromJson(desc, json, { registry }));
    const now = Date.now();
    return checkMessage(desc, bytes, registry).filter(({ since = 0 }) => since <= now).map(({ path, message }) => fault(nodeAt(node, path).at, path, message));
  } catch (error) {
    return [fault(node.at, "", hidesValues ? `it is not a valid ${desc.typeName}` : messageOf(error))];
  }
}

// dist/source/documents/untyped.js
var mostLookedAt = 1e3;
var knownFields = /* @__PURE__ */ new WeakMap();
function fieldsOf(desc) {
  const known2 = knownFields.get(desc) ?? new Set(desc.fields.flatMap(({ name, jsonName }) => [name, jsonName]));
  knownFields.set(desc, known2);
  return known2;
}
var expectedDocument = 'an object with a list "resources:", or one resource with its "@type"';
function inferType(found, registry) {
  const keys = /* @__PURE__ */ new Set();
  for (const { node } of found.slice(0, mostLookedAt)) {
    const resource = wrappedIn(node) ?? node;
    if (resource.kind === "map")
      for (const { key } of resource.entries)
        keys.add(key);
  }
  const types = resourceTypes().flatMap(({ name, typeUrl }) => {
    const desc = registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
    return desc ? [{ name, typeUrl, fields: fieldsOf(desc) }] : [];
  });
  const known2 = [...keys].filter((key) => types.some(({ fields }) => fields.has(key)));
  const isStranger = known2.length === 0 || known2.length * 2 < keys.size;
  const fitting = types.filter(({ fields }) => known2.every((key) => fields.has(key)));
  const [only, ...others] = fitting;
  if (!isStranger && only && others.length === 0)
    return { typeUrl: only.typeUrl };
  const [first] = found;
  const isDocument = found.length === 1 && first?.steps.length === 0;
  if (isStranger && isDocument)
    return { wrong: `expected ${expectedDocument}, got ${describeDocument(first.node)}${hintOf(keys)}` };
  if (keys.size === 0)
    return { wrong: `expected an object with its "@type", such as ${exampleType}, got an empty object` };
  const what = found.length > 1 ? `these ${found.length} resources have` : "this resource has";
  const have = `${someOf(known2)} ${known2.length === 1 ? "is a field" : "are fields"} of `;
  const names = fitting.map(({ name }) => name);
  const reason = isStranger ? "no resource type has such fields" : have + (names.length > 0 ? someOf(names, 4) : "different types");
  const each2 = found.length > 1 ? " to each" : "";
  return {
    wrong: `${what} no "@type", and ${reason}; add an "@type"${each2}, such as ${exampleType}, or set the type with --type, in code with resourceType`
  };
}
function hintOf(keys) {
  const lists = ["clusters", "listeners", "secrets"].filter((list) => keys.has(list));
  if (lists.length === 0)
    return "";
  return `; put ${lists.map((list) => `${list}:`).join(" and ")} under static_resources:, or put all resources into a list resources:`;
}

// dist/source/files/inlined-files.js
import { statSync } from "node:fs";
import { dirname as dirname2, isAbsolute, join as join2, relative, resolve as resolve2, sep } from "node:path";

// dist/source/files/file-tree.js
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
var extensions = /* @__PURE__ */ new Set([".yaml", ".yml", ".json"]);
async function scanTree(paths, { except = [], referred = [], layers = [], signal, mostDirectories = 1e4 } = {}) {
  const scan = new TreeScan(except, mostDirectories, signal);
  for (const path of paths)
    await scan.root(path, commonLayer);
  for (const { name, path } of layers)
    await scan.layer(name, path);
  for (const path of referred)
    await scan.refer(path);
  return scan;
}
function treeSignature({ files, groups, homes, problems, referred }) {
  const filled = homes.map(({ files: files2 }) => files2.size > 0);
  return JSON.stringify([
    files.map(({ path, layer, signature }) => [path, layer, signature]),
    groups,
    filled,
    problems,
    [...referred]
  ]);
}
var signatureOf = (stats) => stats ? `${identityOf(stats)} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}` : "none";
var clockTickMs = 50;
function isSettling(modifiedNs) {
  const age = Date.now() - Number(modifiedNs / 1000000n);
  return age >= 0 && age < clockTickMs;
}
var TreeScan = class {
  mostDirectories;
  signal;
  files = [];
  groups = [];
  homes = [];
  problems = [];
  roots = [];
  referred = /* @__PURE__ */ new Map();
  directories = /* @__PURE__ */ new Map();
  /** Absolute paths of the files found so far. Paths given can overlap. */
  found = /* @__PURE__ */ new Set();
  /** The visited directories of the current path given: identity and role. */
  seen = /* @__PURE__ */ new Set();
  /** The number of visited directories. */
  count = 0;
  /** The identities of the files to leave out. */
  except;
  constructor(except, mostDirectories, signal) {
    this.mostDirectories = mostDirectories;
    this.signal = signal;
    this.except = new Set(except.map((path) => resolve(path)));
  }
  /** A layer has its own files, even if other layers have the same files. */
  async layer(name, path) {
    this.found = /* @__PURE__ */ new Set();
    await this.root(path, name);
  }
  async root(path, layer) {
    const kind = layer === commonLayer ? "path" : "layer";
    if (isStream(path)) {
      this.roots.push(".");
      this.take(path, { path, layer, size: 0n, modifiedNs: 0n, signature: path }, [this.home(path, kind)]);
      return;
    }
    this.seen = /* @__PURE__ */ new Set();
    await this.watchEntry(resolve(path));
    const stats = await this.statOf(path, true);
    if (!stats)
      return;
    this.roots.push(stats.isDirectory() ? path : dirname(path));
    const homes = [this.home(path, kind)];
    if (stats.isDirectory())
      await this.directory(path, stats, { homes, layer, isRoot: kind === "path" });
    else
      this.file(path, stats, { homes, layer }, true);
  }
  async refer(path) {
    this.signal?.throwIfAborted();
    const [target, stats] = await Promise.all([realpath(path), stat(path, { bigint: true })]).catch(() => []);
    await this.watchEntry(resolve(path));
    if (target !== void 0)
      await this.watchEntry(target);
    this.referred.set(path, signatureOf(stats));
  }
  async directory(path, stats, place) {
    const identity = identityOf(stats);
    const above = place.above ?? [];
    if (above.includes(identity)) {
      this.problem(path, "this symbolic link leads back to a directory that it is in; remove it");
      return;
    }
    const key = `${identity} ${place.isGroups ? "groups" : `of ${place.layer}`}`;
    if (this.seen.has(key))
      return;
    this.seen.add(key);
    if (++this.count > this.mostDirectories) {
      if (this.count === this.mostDirectories + 1)
        this.problem(path, this.tooMany());
      return;
    }
    this.signal?.throwIfAborted();
    this.directories.set(path, { identity });
    let entries;
    try {
      entries = await readdir(path, { withFileTypes: true });
    } catch (error) {
      this.problem(path, `the directory cannot be read: ${reasonOf(error)}`);
      return;
    }
    const seen = entries.filter(({ name }) => !name.startsWith(".")).sort((a, b) => a.name < b.name ? -1 : 1);
    const all = await Promise.all(seen.map((entry) => this.entryStats(join(path, entry.name), entry)));
    const below = { homes: place.homes, above: [...above, identity], layer: place.layer };
    const isMeant = (name, index) => all[index]?.isDirectory() || extensions.has(extname(name));
    if (place.isGroups && !seen.some(({ name }, index) => isMeant(name, index)))
      this.problem(path, "holds no node group's directory; put the directories back, or remove this one and restart");
    for (const [index, { name }] of seen.entries()) {
      const entryStats = all[index];
      const entryPath = join(path, name);
      if (!entryStats)
        continue;
      if (place.isGroups)
        await this.groupEntry(entryPath, entryStats, below);
      else if (!entryStats.isDirectory())
        this.file(entryPath, entryStats, place);
      else
        await this.directory(entryPath, entryStats, { ...below, isGroups: place.isRoot === true && name === "groups" });
    }
  }
  /** An entry of `<path given>/groups`. */
  async groupEntry(path, stats, { homes, above }) {
    const group = basename(path);
    if (!stats.isDirectory()) {
      if (extensions.has(extname(path)))
        this.problem(path, "a file of no group; move it into a directory named after its node group, or out of groups/");
      return;
    }
    if (!this.groups.includes(group))
      this.groups.push(group);
    await this.directory(path, stats, { homes: [...homes, this.home(path, "group")], above, layer: group });
  }
  home(path, kind) {
    const home = { path, kind, files: /* @__PURE__ */ new Set(), hasOthers: false };
    this.homes.push(home);
    return home;
  }
  /** A file. `isGiven`: whether the path itself was given, not a directory above. */
  file(path, stats, { homes, layer }, isGiven = false) {
    if (this.except.has(resolve(path)))
      return;
    if (!isGiven && !extensions.has(extname(path))) {
      for (const home of homes)
        home.hasOthers = true;
      return;
    }
    const { size, mtimeNs: modifiedNs } = stats;
    const file = { path, layer, size, modifiedNs, signature: signatureOf(stats) };
    if (!this.take(path, stats.isFile() ? file : void 0, homes) || stats.isFile())
      return;
    const advice = isGiven ? "name a file, a directory, or - for standard input" : `remove it, or rename it without ${extname(path)}`;
    this.problem(path, `expected a regular file or a directory, got ${kindOf(stats)}; ${advice}`);
  }
  /** Whether the path was not found before. */
  take(path, file, homes) {
    const absolute = resolve(path);
    for (const { files } of homes)
      files.add(absolute);
    if (this.found.has(absolute))
      return false;
    this.found.add(absolute);
    if (file)
      this.files.push(file);
    return true;
  }
  async entryStats(path, entry) {
    if (entry.isSymbolicLink()) {
      const target = await realpath(path).catch(() => void 0);
      if (target !== void 0)
        await this.watchEntry(target);
    }
    return await this.statOf(path, false);
  }
  /** The stats of a path. A file that has vanished since its directory was read is no problem; a broken link is one. */
  async statOf(path, mustExist) {
    try {
      return await stat(path, { bigint: true });
    } catch (error) {
      const isMissing = error.code === "ENOENT";
      const isLink = isMissing && await lstat(path).catch(() => void 0) !== void 0;
      if (isLink)
        this.problem(path, "a symbolic link whose target does not exist; remove the link, or put the target back");
      else if (isMissing && mustExist)
        this.problem(path, "no such file or directory; check the path, or put it back");
      else if (!isMissing)
        this.problem(path, `cannot be read: ${reasonOf(error)}`);
      return void 0;
    }
  }
  tooMany() {
    const most = `the paths given have more than ${this.mostDirectories} directories, the limit`;
    return `${most}; give others, or hide some by names that begin with "."`;
  }
  /** Watches for a missing path, in the nearest existing directory above it. */
  async watchEntry(path) {
    const directory = dirname(path);
    const watched = this.directories.get(directory);
    if (watched)
      watched.names?.add(basename(path));
    else {
      const stats = await stat(directory, { bigint: true }).catch(() => void 0);
      if (stats)
        this.directories.set(directory, { identity: identityOf(stats), names: /* @__PURE__ */ new Set([basename(path)]) });
      else if (directory !== path)
        await this.watchEntry(directory);
    }
  }
  problem(file, message) {
    this.problems.push({ file, path: "", message });
  }
};
var reasons = {
  EACCES: "permission denied; let the user who runs this read it",
  ELOOP: "a symbolic link that leads to itself; remove it, or make it lead to a file"
};
var reasonOf = (error) => reasons[error.code ?? ""] ?? messageOf(error);
var identityOf = ({ dev, ino }) => `${dev}:${ino}`;

// dist/source/files/inlined-files.js
var sizeOf = (inlined) => [...inlined.values()].flat().reduce((sum, { size }) => sum + size, 0);
var isRelative = (filename) => typeof filename === "string" && filename !== "" && !isAbsolute(filename);
var InlinedFiles = class {
  options;
  /** All files that were looked for: path → signature, as in `FileTree.referred`. */
  signatures = /* @__PURE__ */ new Map();
  directory;
  roots;
  found = /* @__PURE__ */ new Map();
  /** The files that are already counted. */
  counted = /* @__PURE__ */ new Set();
  bytesLeft;
  /** The bytes in resources. */
  copiesLeft;
  used = [];
  /** `file` is the file that names them. */
  constructor(file, options) {
    this.options = options;
    this.directory = dirname2(file);
    this.roots = options.roots.map((root) => resolve2(root));
    this.bytesLeft = options.maxBytes;
    this.copiesLeft = options.maxBytes * mostCopies;
  }
  /** The files that were inlined since the last call. */
  takeUsed() {
    const { used } = this;
    this.used = [];
    return used;
  }
  /** Whether files that were inlined before are unchanged. Then they count as inlined again. */
  areSame(files) {
    if (files.some(({ path, signature }) => signature !== signatureAt(path)) || !this.count(files))
      return false;
    for (const { path, signature } of files)
      this.signatures.set(path, signature);
    return true;
  }
  /** Counts a file as inlined, if it can be inlined. */
  inline(filename) {
    const path = join2(this.directory, filename);
    let found = this.found.get(path);
    if (!found) {
      found = this.isWithin(path) ? this.read(path) : { wrong: outside };
      this.found.set(path, found);
    }
    if ("wrong" in found)
      return found;
    if (!this.count([{ path, size: found.bytes.length }]))
      return { wrong: this.tooLarge(found.bytes.length) };
    this.used.push({ path, size: found.bytes.length, signature: this.signatures.get(path) ?? "" });
    return found;
  }
  /** Counts files as used once more. Returns false, and counts nothing, if that would be too many bytes. */
  count(files) {
    const sum = (sizes) => [...sizes].reduce((sum2, size) => sum2 + size, 0);
    const copies = sum(files.map(({ size }) => size));
    const fresh = new Map(files.flatMap(({ path, size }) => this.counted.has(path) ? [] : [[path, size]]));
    const bytes = sum(fresh.values());
    if (copies > this.copiesLeft || bytes > this.bytesLeft)
      return false;
    this.copiesLeft -= copies;
    this.bytesLeft -= bytes;
    for (const path of fresh.keys())
      this.counted.add(path);
    return true;
  }
  isWithin(path) {
    const absolute = resolve2(path);
    return this.roots.some((root) => !`${relative(root, absolute)}${sep}`.startsWith(`..${sep}`));
  }
  read(path) {
    this.signatures.set(path, signatureAt(path));
    const opened = (stats) => this.signatures.set(path, isSettling(stats.mtimeNs) ? "" : signatureOf(stats));
    try {
      const bytes = readWholeFileSync(path, { maxBytes: this.options.maxBytes, opened });
      return bytes.length > 0 ? { bytes } : { wrong: "is empty; write it, or remove the field" };
    } catch (error) {
      if (error instanceof FileNotRead && error.why === "kind")
        return { wrong: "is no regular file; name one" };
      if (error instanceof FileNotRead && error.why === "size")
        return { wrong: this.tooLarge() };
      const { code = "" } = error;
      return {
        wrong: code === "ENOENT" || code === "ENOTDIR" ? absent : `cannot be read: ${reasons[code] ?? (code || messageOf(error))}`
      };
    }
  }
  tooLarge(size = 0) {
    const { maxBytes } = this.options;
    const most = size > this.copiesLeft ? `at most ${maxBytes * mostCopies} bytes of other files can be inlined into the resources of this file` : `the files that this file names can have at most ${maxBytes} bytes together`;
    return `is too large: ${most}; name it by an absolute path, which the Envoy reads on its own machine, or split this file`;
  }
};
var mostCopies = 8;
var outside = "is outside of the directories that are read; add its directory to them, or move the file";
var absent = "does not exist; a relative path begins at this file's directory, and an absolute one is for a file on the Envoy's own machine; add the file, or correct the path";
function signatureAt(path) {
  try {
    return signatureOf(statSync(path, { bigint: true }));
  } catch {
    return signatureOf(void 0);
  }
}

// dist/source/reading/data-sources.js
import { isUtf8 } from "node:buffer";
var tls = "envoy.extensions.transport_sockets.tls.v3";
var http = "envoy.extensions.filters.http";
var routes = "envoy.config.route.v3";
var filesOfTheirOwn = [
  [`${http}.grpc_json_transcoder.v3.GrpcJsonTranscoder`, "proto_descriptor", "proto_descriptor_bin"],
  [`${http}.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder`, "descriptor_path", "descriptor_binary"]
];
var takenByName = [
  "envoy.extensions.dynamic_modules.v3.DynamicModuleConfig.module",
  "envoy.extensions.filters.http.ip_tagging.v3.IPTagging.ip_tags_datasource",
  "envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig.ServerContextConfig.external_dns_table"
];
var defaultMaxBody = 4096;
var DataSources = class {
  files;
  takesRedacted;
  /** The rewrites that inline files into a resource. */
  rewrites = {
    of: new Map([
      ["envoy.config.core.v3.DataSource", (json, tell, isSecret) => this.dataSource(json, tell, isSecret)],
      ...filesOfTheirOwn.map(([message, name, bytes]) => [message, (json, tell) => this.file(json, name, bytes, tell)]),
      [`${tls}.TlsCertificate`, (json, tell) => this.tlsCertificate(json, tell)],
      [`${tls}.CertificateValidationContext`, (json, tell) => this.validationContext(json, tell)],
      [`${routes}.DirectResponseAction`, (json, tell) => this.directResponse(json, tell)],
      [`${routes}.RouteConfiguration`, (json) => this.routeConfiguration(json)]
    ]),
    notIn: new Set(takenByName)
  };
  /** The DataSource that replaced a `filename` → the content. */
  contents = /* @__PURE__ */ new WeakMap();
  /** The bodies of direct responses in the current route configuration. */
  bodies = [];
  /** With `takesRedacted`, "[redacted]" is accepted instead of a certificate. */
  constructor(files, takesRedacted) {
    this.files = files;
    this.takesRedacted = takesRedacted;
  }
  dataSource(json, tell, isSecret) {
    const { filename, watchedDirectory, ...rest } = json;
    const bytes = this.bytesOf(filename, "filename", tell, isSecret);
    if (!bytes)
      return json;
    if (watchedDirectory !== void 0)
      tell("note", "watched_directory", watchedHere);
    const inlined = { ...rest, ...contentFields(bytes) };
    this.contents.set(inlined, bytes);
    return inlined;
  }
  file(json, nameField, bytesField, tell) {
    const [name, content] = [spellings(nameField)[1], spellings(bytesField)[1]];
    const bytes = this.bytesOf(json[name], nameField, tell, false);
    if (!bytes)
      return json;
    const { [name]: _, ...rest } = json;
    return { ...rest, [content]: bytes.toString("base64") };
  }
  /** The bytes to inline, or undefined. If the file should have been inlined, a fault says why it was not. */
  bytesOf(filename, field, tell, isSecret) {
    if (!isRelative(filename))
      return void 0;
    const found = this.files.inline(filename);
    if ("bytes" in found)
      return found.bytes;
    tell("fault", field, `${isSecret ? "the file" : quote(filename)} ${found.wrong}`);
    return void 0;
  }
  tlsCertificate(json, tell) {
    const { certificateChain, privateKey, password } = json;
    this.check(json, "certificate_chain", "CERTIFICATE", tell);
    const [chain, key] = [this.contentOf(certificateChain), this.contentOf(privateKey)];
    const why = key && whyNotKey(key, chain, this.passwordOf(password));
    if (why !== void 0)
      tell("fault", "private_key", `the private key ${why}`);
    return this.watchedHere(json, tell);
  }
  validationContext(json, tell) {
    this.check(json, "trusted_ca", "CERTIFICATE", tell);
    if (this.contentOf(json.crl)?.toString("latin1").trim())
      this.check(json, "crl", "X509 CRL", tell);
    return this.watchedHere(json, tell);
  }
  check(json, field, label, tell) {
    const source = json[spellings(field)[1]];
    const content = this.contentOf(source);
    const why = content && whyNotPem(content, label);
    if (why !== void 0)
      tell("fault", field, `the ${this.isInlined(source) ? "file" : "inline text"} ${why}`);
  }
  directResponse(json, tell) {
    const size = this.contentOf(json.body)?.length ?? 0;
    if (size > 0)
      this.bodies.push({ size, tell });
    return json;
  }
  /** The limit of the bodies is a field of the route configuration. To Envoy, 0 means no limit. */
  routeConfiguration(json) {
    const max = Number(json.maxDirectResponseBodySizeBytes ?? defaultMaxBody);
    for (const { size, tell } of this.bodies.splice(0))
      if (size > max && max > 0)
        tell("fault", "body", `has ${size} bytes, and Envoy accepts ${max}; shorten it, or raise ${bodyLimit}`);
    return json;
  }
  /** Removes the directory to watch if no file is left that the Envoy reads itself. */
  watchedHere(json, tell) {
    const { watchedDirectory, ...rest } = json;
    const sources = Object.values(rest);
    const isLeft = sources.some((source) => isObject(source) && source.filename !== void 0);
    if (watchedDirectory === void 0 || isLeft || !sources.some((source) => this.isInlined(source)))
      return json;
    tell("note", "watched_directory", watchedHere);
    return rest;
  }
  isInlined(source) {
    return isObject(source) && this.contents.has(source);
  }
  /** The content of a DataSource, if it is inline. */
  contentOf(source) {
    if (!isObject(source))
      return void 0;
    const { inlineString, inlineBytes } = source;
    if (this.takesRedacted && redactions.has(inlineString ?? inlineBytes))
      return void 0;
    const known2 = this.contents.get(source);
    if (known2)
      return known2;
    if (typeof inlineString === "string")
      return Buffer.from(inlineString);
    return typeof inlineBytes === "string" ? Buffer.from(inlineBytes, "base64") : void 0;
  }
  passwordOf(source) {
    return isObject(source) ? this.contentOf(source) ?? "elsewhere" : void 0;
  }
};
function contentFields(bytes) {
  const text = isUtf8(bytes) ? bytes.toString() : void 0;
  const isText = text !== void 0 && !text.startsWith("\uFEFF");
  return isText ? { inlineString: text } : { inlineBytes: bytes.toString("base64") };
}
var bodyLimit = "max_direct_response_body_size_bytes of the route configuration";
var watchedHere = "left out: the file is inlined into the resource, and the server watches it";
var isObject = (json) => typeof json === "object" && json !== null && !Array.isArray(json);

// dist/source/reading/resource-file.js
var unreadable = (problem) => ({
  resources: [],
  removes: [],
  problems: [problem],
  notes: [],
  isBlank: false,
  isUnserved: false,
  bySource: /* @__PURE__ */ new Map(),
  inlined: /* @__PURE__ */ new Map(),
  secrets: /* @__PURE__ */ new Set(),
  referred: /* @__PURE__ */ new Map()
});
function readResourceFile(file, bytes, options = {}) {
  if (!isUtf82(bytes))
    return unreadable(notUtf8(file, bytes));
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "")
    return unreadable({ file, path: "", message: isEmpty });
  let reader = new FileReader(file, text, options);
  reader.read();
  const { faults, notes, mayHaveSecrets } = reader.json;
  if (mayHaveSecrets && (faults.length + reader.unread.length > 0 || notes.some(({ code }) => code !== void 0))) {
    reader = new FileReader(file, text, options, true);
    reader.read();
  }
  const lines = new LineIndex(text);
  const told = (faults2) => {
    const all = faults2.sort((a, b) => a.at - b.at);
    const first = all.slice(0, mostFaults + 1);
    const problems = first.map(({ at, ...fault }) => ({ file, ...lines.place(at), ...fault }));
    const more = all.length - first.length;
    return more > 0 ? [...problems, { file, path: "", message: `this file has ${more} more such problems` }] : problems;
  };
  return {
    problems: withTemplateHint(told(reader.json.faults), text),
    notes: told([...reader.json.notes, ...reader.unread]),
    isBlank: reader.isBlank,
    isUnserved: reader.isUnserved,
    ...reader.unserved && { unserved: { file, parts: reader.unserved } },
    resources: reader.resources.map(({ at, resource }) => ({ resource, file, ...lines.place(at) })),
    removes: reader.removes.map(({ at, ...removed }) => ({ ...removed, file, ...lines.place(at) })),
    ...reader.dump && { dump: { ...reader.dump, unread: told(reader.unread) } },
    bySource: reader.bySource,
    inlined: reader.inlined,
    secrets: reader.secrets,
    referred: reader.files?.signatures ?? /* @__PURE__ */ new Map()
  };
}
function withTemplateHint(problems, text) {
  if (problems.length === 0 || !text.includes("{{"))
    return problems;
  const lines = text.split("\n");
  const first = problems.find(({ line = 0 }) => lines[line - 1]?.includes("{{"));
  const hint = "; this is a template, for example of Helm: render it first, for example with `helm template`";
  return problems.map((one) => one === first ? { ...one, message: one.message + hint } : one);
}
var FileReader = class {
  text;
  hidesValues;
  resources = [];
  removes = [];
  bySource = /* @__PURE__ */ new Map();
  inlined = /* @__PURE__ */ new Map();
  secrets = /* @__PURE__ */ new Set();
  files;
  json;
  /** For each resource of a dump that could not be read: the first reason. */
  unread = [];
  dump;
  unserved;
  /** The number of documents that are neither empty nor an Envoy's own configuration. */
  others = 0;
  documents;
  /** An upper limit for the end of the current document in the text. */
  end = 0;
  /** The previous content of the file, unless aliases make it useless. */
  previous;
  api = XdsApi.default;
  reader;
  readerOfMoved;
  forComparing;
  takesRedacted;
  resourceType;
  constructor(file, text, { previous, inlining, forComparing = false, takesRedacted = false, resourceType }, hidesValues = false) {
    this.text = text;
    this.hidesValues = hidesValues;
    this.forComparing = forComparing;
    this.takesRedacted = takesRedacted;
    this.resourceType = resourceType;
    const { documents, faults, notes, isCut: isCut2, size, hasAliases } = parseYaml(text, envoyFormat(file, text), hidesValues);
    this.documents = documents;
    const { api } = this;
    this.json = new MessageJson(api.registry, { values: size, characters: text.length }, hidesValues);
    this.json.mayHaveSecrets = isCut2;
    for (const fault of faults)
      this.json.faults.push(fault);
    for (const note of notes)
      this.json.notes.push(note);
    const files = inlining && new InlinedFiles(file, inlining);
    this.files = files;
    const rewritesOf = () => files ? new DataSources(files, takesRedacted).rewrites : noRewrites;
    this.reader = new ResourceReader(Resource.fromBytes, api, this.json, { rewritesOf, hidesValues });
    this.readerOfMoved = new ResourceReader(Resource.fromBytes, api, this.json, {
      rewritesOf: servedRewrites,
      hidesValues
    });
    if (!hasAliases)
      this.previous = previous ?? { bySource: /* @__PURE__ */ new Map(), inlined: /* @__PURE__ */ new Map(), secrets: /* @__PURE__ */ new Set() };
  }
  read() {
    for (const [index, document] of this.documents.entries()) {
      this.end = this.documents[index + 1]?.at ?? this.text.length;
      try {
        this.document(document);
      } catch (error) {
        if (!(error instanceof TextLimitExceeded))
          throw error;
        this.json.mayHaveSecrets = true;
        this.json.faults.push({ at: error.at ?? document.at, path: "", message: error.message });
        break;
      }
    }
  }
  get isBlank() {
    return this.json.faults.length === 0 && this.documents.every(isNothing);
  }
  get isUnserved() {
    return this.json.faults.length === 0 && !this.isBlank && this.others + this.resources.length === 0;
  }
  document(given) {
    if (isNothing(given))
      return;
    const node = this.withoutRemoves(given);
    if (node === void 0) {
      this.others++;
      return;
    }
    const kind = foreignDocument(node) === void 0 ? kindOf2(node) : void 0;
    if (!kind?.own)
      this.others++;
    this.json.takesRedacted = this.takesRedacted || kind?.own !== void 0;
    if (kind)
      this.ofKind(node, kind);
    else if (node.kind === "map")
      this.list([{ node, steps: [] }]);
    else {
      this.json.mayHaveSecrets = true;
      this.fault({ node, steps: [] }, `expected ${expectedDocument}, got ${describeDocument(node)}`);
    }
  }
  /** Reads the list `remove:` of a document. Returns the rest of the document, or undefined if nothing is left. */
  withoutRemoves(document) {
    if (document.kind !== "map" || valueAt(document, "@type"))
      return document;
    const entry = document.entries.find(({ key }) => key === "remove");
    if (!entry)
      return document;
    const { value } = entry;
    const items = value.kind === "list" ? value.items : isNothing(value) ? [] : [value];
    for (const [index, item] of items.entries())
      this.remove(item, ["remove", index]);
    const entries = document.entries.filter((other) => other !== entry);
    return entries.length === 0 ? void 0 : { ...document, entries };
  }
  remove(node, steps) {
    const [type, name] = [valueAt(node, "type"), valueAt(node, "name")];
    const isWhole = node.kind === "map" && node.entries.every(({ key }) => key === "type" || key === "name");
    if (!isWhole || type?.kind !== "scalar" || name?.kind !== "scalar" || type.value === null || name.value === null) {
      this.fault({ node, steps }, `expected ${exampleOfRemoval}, got ${describeDocument(node)}`);
      return;
    }
    const found = findTypeNamed(type.text, this.api);
    if (!found) {
      const names = this.api.resourceTypes().map((known2) => known2.name);
      const meant = nearest(type.text, names);
      const there = meant ? `did you mean ${meant}?` : `there are ${names.join(", ")}`;
      this.fault({ node: type, steps: [...steps, "type"] }, `no such resource type; ${there}`);
      return;
    }
    this.removes.push({ at: node.at, typeUrl: found.typeUrl, key: canonicalName(name.text) });
  }
  ofKind(document, kind) {
    const { message, own, parts } = kind;
    const desc = message === void 0 || own?.sections ? void 0 : this.api.registry.getMessage(message);
    if (desc && document.kind === "map") {
      const rest = parts.reduce((map, { path }) => withoutList(map, path), document);
      const before = this.json.faults.length;
      const json = this.json.read(desc, rest, [], { leaveOut: "@type" });
      if (this.json.faults.length === before && this.isChecked(kind))
        this.noteUnserved(desc, json, document, []);
    }
    if (own)
      this.moved(document, { ...kind, own });
    else {
      const resources = valueAt(document, "resources");
      if (resources && isNothing(resources))
        this.fault({ node: resources, steps: ["resources"] }, noList);
      const stated = valueAt(document, "type_url", "typeUrl");
      const found = parts.flatMap(({ path }) => nodesAt(document, path));
      this.list(found, stated?.kind === "scalar" && stated.text !== "" ? stated.text : void 0);
    }
  }
  /** Reads an Envoy's own configuration. It is read whole, because a resource can occur several times in it. */
  moved(document, kind) {
    const { resources, leftOut, notes, faults } = servedResources(document, kind, this.forComparing);
    for (const note of notes)
      this.json.notes.push(note);
    if (kind.message === bootstrapMessage && document.kind === "map")
      for (const [key, digest] of unservedParts(document, resources)) {
        this.unserved ??= /* @__PURE__ */ new Map();
        this.unserved.set(key, (this.unserved.get(key) ?? "") + digest);
      }
    if (this.isChecked(kind))
      for (const fault of faults)
        this.json.faults.push(fault);
    if (this.isChecked(kind))
      for (const each2 of leftOut)
        this.readUnserved(each2.typeUrl, each2.node, each2.steps);
    const dump = kind.own.sections && (this.dump ?? new ReadDump());
    this.dump = dump ?? this.dump;
    const shape = shapeOf(document, kind, resources);
    dump?.add(shape);
    for (const { typeUrl, name, node } of leftOut)
      if (isRedacted(node))
        dump?.unreadKeys.add(`${typeUrl} ${name}`);
    let knowsClusters = [...shape.sections].some((name) => name.startsWith(clustersSection));
    const read2 = resources.flatMap((candidate) => {
      const { node, steps, part, typeUrl, name, version } = candidate;
      const before = this.json.faults.length;
      const resource = this.readerOfMoved.read(node, steps, part.type);
      if (!resource) {
        if (typeUrl === clusterType)
          knowsClusters = false;
        if (dump)
          this.leaveOut(typeUrl, name, this.json.faults.splice(before));
        return [];
      }
      if (version !== "")
        dump?.versions.set(resource, version);
      if (isRedacted(node))
        dump?.redacted.add(resource);
      if (isCut(candidate))
        dump?.cut.add(resource);
      return [{ at: node.at, resource }];
    });
    const asked = new Set(read2.flatMap(({ resource }) => referencesOf(resource).map(({ typeUrl, name }) => `${typeUrl} ${name}`)));
    const isAsked = ({ type, name }) => type.typeUrl !== endpointType || !knowsClusters || asked.has(`${endpointType} ${name}`);
    for (const each2 of read2)
      if (isAsked(each2.resource))
        this.resources.push(each2);
  }
  /**
   * Leaves a resource of a dump out. Parts of the Envoy's API that are unknown here must not hide the other resources.
   */
  leaveOut(typeUrl, name, [first, ...more]) {
    if (!first)
      return;
    const what = `${this.api.findResourceType(typeUrl)?.name ?? "a resource"}${name === "" ? "" : ` ${JSON.stringify(name)}`}`;
    const others = more.length > 0 ? ` (and ${more.length} more)` : "";
    this.unread.push({ ...first, message: `${what} left out, because it cannot be read: ${first.message}${others}` });
    this.dump?.unreadKeys.add(`${typeUrl} ${name}`);
  }
  /** Reads a list of resources. `stated` is the type of those without `@type`. */
  list(found, stated) {
    const lacking = found.filter(({ node }) => lacksType(node) && foreignDocument(node) === void 0);
    const given = this.resourceType ?? stated;
    const inferred = given === void 0 && lacking.length > 0 ? inferType(lacking, this.api.registry) : void 0;
    const typeUrl = given ?? inferred?.typeUrl;
    if (lacking[0] && typeUrl === void 0) {
      this.json.mayHaveSecrets = true;
      const { node, steps } = lacking[0];
      const resource = wrappedIn(node);
      this.fault({ node: resource ?? node, steps: resource ? [...steps, "resource"] : steps }, inferred?.wrong ?? "");
    }
    for (const [index, one] of found.entries()) {
      const { node } = one;
      const end = found[index + 1]?.node.at ?? this.end;
      const lacks = lacksType(node);
      const foreign = lacks ? foreignDocument(node) : void 0;
      if (foreign !== void 0)
        this.fault(one, foreign);
      else if (!lacks)
        this.resource({ ...one, node: withType(node) }, end);
      else if (typeUrl === routeType && !valueAt(node, "name", "resource"))
        this.json.notes.push({ at: node.at, path: formatPath(one.steps), message: ofListener });
      else if (typeUrl !== void 0)
        this.resource({ ...one, node: withType(node, typeUrl) }, end, typeUrl);
      this.json.checkFaults(end);
    }
  }
  /** Whether unserved parts are checked too. Those of a dump are not, because its Envoy runs with them. */
  isChecked(kind) {
    return kind.message === bootstrapMessage && !this.forComparing;
  }
  /** Adds notes about problems of a resource that is not served. */
  readUnserved(typeUrl, node, steps) {
    const desc = schemaOf(typeUrl, this.api.registry);
    if (!desc)
      return;
    const { faults, notes } = this.json;
    const before = faults.length;
    const json = this.json.read(desc, node, steps, { leaveOut: "@type" });
    const found = faults.splice(before);
    for (const fault of found)
      notes.push({ ...fault, code: "BOOTSTRAP" });
    if (found.length === 0)
      this.noteUnserved(desc, json, node, steps);
  }
  noteUnserved(desc, json, node, steps) {
    for (const note of brokenIn(desc, json, node, {
      steps,
      registry: this.api.registry,
      hidesValues: this.hidesValues
    }))
      this.json.notes.push(note);
  }
  /** Reads a resource. `end` is an upper limit for its end in the text, `typeUrl` its type if the text has none. */
  resource({ node, steps }, end, typeUrl = "") {
    const source = this.previous && typeUrl + hash("sha1", this.text.slice(node.at, end), "base64");
    const same = source === void 0 ? void 0 : this.previous?.bySource.get(source);
    const files = same === void 0 ? void 0 : this.previous?.inlined.get(same);
    const isSame = files === void 0 || this.files?.areSame(files);
    const notes = this.json.notes.length;
    this.files?.takeUsed();
    const { mayHaveSecrets } = this.json;
    this.json.mayHaveSecrets = same !== void 0 && this.previous?.secrets.has(same) === true;
    const resource = same !== void 0 && isSame ? same : this.reader.read(node, steps);
    if (resource !== void 0 && this.json.mayHaveSecrets)
      this.secrets.add(resource);
    this.json.mayHaveSecrets ||= mayHaveSecrets;
    if (resource === void 0)
      return;
    this.resources.push({ at: node.at, resource });
    const inlined = resource === same ? files : this.files?.takeUsed();
    if (inlined && inlined.length > 0)
      this.inlined.set(resource, inlined);
    if (source !== void 0 && this.json.notes.length === notes)
      this.bySource.set(source, resource);
  }
  fault({ node, steps }, message) {
    this.json.faults.push({ at: node.at, path: formatPath(steps), message });
  }
};
var isEmpty = 'the file is empty; write its resources, "resources: []" if it has none, or remove it';
var exampleOfRemoval = "the type and name of a resource, such as {type: clusters, name: backend}";
var noList = 'expected a list of resources, got nothing; write "resources: []" to serve nothing';
var ofListener = "left out: it has no name, like the route_config of a listener, so no node can request it";

// dist/source/thread/handed-over.js
var resourcesAtOnce = 500;
function previousOf(file) {
  const inlined = [];
  const secrets = [];
  const resources = [...file?.bySource.values() ?? []];
  for (const [position, resource] of resources.entries()) {
    const files = file?.inlined.get(resource);
    if (files)
      inlined.push([position, files]);
    if (file?.secrets.has(resource))
      secrets.push(position);
  }
  return { sources: [...file?.bySource.keys() ?? []], inlined, secrets };
}
function readForHandingOver(job, handOver) {
  const { path, bytes, previous, checks, ...options } = job;
  const known2 = {
    bySource: new Map(previous.sources.map((source, position) => [source, position])),
    inlined: new Map(previous.inlined),
    secrets: new Set(previous.secrets)
  };
  const file = readResourceFile(path, bytes, { previous: known2, ...options });
  const sources = new Map(Array.from(file.bySource, ([source, resource]) => [resource, source]));
  const ends = endsOfParts(file.resources);
  const before = ends.length - 1;
  let heapBytes = 0;
  let newCount = 0;
  const partAt = (index) => {
    const of = file.resources.slice(ends[index - 1] ?? 0, ends[index]);
    const bodies = [];
    const bySource = [];
    const inlined = [];
    const secrets = [];
    const resources2 = of.map(({ resource }, position) => {
      const source = sources.get(resource);
      if (source !== void 0)
        bySource.push([source, position]);
      const files = file.inlined.get(resource);
      if (files)
        inlined.push([position, files]);
      if (file.secrets.has(resource))
        secrets.push(position);
      if (typeof resource === "number")
        return resource;
      const { body } = resource;
      bodies.push(body);
      const one = read(resource, body.length, checks);
      heapBytes += heapOf(one);
      newCount++;
      return one;
    });
    const places = of.map(({ line, column }) => [line, column]);
    return { resources: resources2, places, bodies: joined(bodies), bySource, inlined, secrets };
  };
  for (let index = 0; index < before; index++)
    handOver(partAt(index));
  const last = partAt(before);
  const { removes, problems, notes, isBlank, isUnserved, unserved, referred, resources } = file;
  const count = resources.length;
  const dump = handedDump(file);
  const said = { removes, problems, notes, isBlank, isUnserved, unserved, referred, dump };
  return { before, count, newCount, heapBytes, last, ...said };
}
var heapOf = ({ name, size, references, problems = [] }) => needs.resource + size + name.length + needs.finding * (references.length + problems.length);
function handedDump({ dump, resources }) {
  if (!dump)
    return void 0;
  const positions = new Map(resources.map(({ resource }, position) => [resource, position]));
  const of = (all) => [...all].flatMap((resource) => positions.get(resource) ?? []);
  const versions = Array.from(dump.versions, ([resource, version]) => [of([resource]), version]);
  return {
    ...dump,
    versions: versions.flatMap(([found, version]) => found.map((position) => [position, version])),
    redacted: of(dump.redacted),
    cut: of(dump.cut)
  };
}
function endsOfParts(resources) {
  const ends = [];
  let weight = 0;
  for (const [index, { resource }] of resources.entries()) {
    weight += typeof resource === "number" ? 1 : weightOf(resource);
    if (weight < resourcesAtOnce)
      continue;
    ends.push(index + 1);
    weight = 0;
  }
  return ends.at(-1) === resources.length ? ends : [...ends, resources.length];
}
function weightOf(resource) {
  const { aliases } = resource;
  const characters = aliases.reduce((sum, alias) => sum + alias.length, resource.name.length);
  return 1 + aliases.length + Math.floor(characters / 64) + Math.floor(referencesOf(resource).length / 4);
}
function read(resource, size, checks) {
  const { type, name, version, ttlMs, aliases } = resource;
  const problems = checks ? problemsOf(resource) : void 0;
  return { typeUrl: type.typeUrl, name, version, ttlMs, aliases, references: referencesOf(resource), problems, size };
}
var TakeOver = class {
  file;
  before;
  resources = [];
  bySource = /* @__PURE__ */ new Map();
  inlined = /* @__PURE__ */ new Map();
  secrets = /* @__PURE__ */ new Set();
  constructor(file, previous) {
    this.file = file;
    this.before = [...previous?.bySource.values() ?? []];
  }
  take = ({ resources, places, bodies, bySource, inlined, secrets }) => {
    const { file } = this;
    let start = 0;
    const taken = resources.map((one) => {
      if (typeof one === "number")
        return this.before[one];
      const { typeUrl, name, version, ttlMs, aliases, references, problems, size } = one;
      const body = bodies.subarray(start, start + size);
      start += size;
      const ttl = ttlMs === void 0 ? {} : { ttlMs };
      const resource = Resource.fromBytes(typeUrl, body, { name, version, aliases, ...ttl });
      resource.references = references;
      if (problems)
        knowProblems(resource, problems);
      return resource;
    });
    for (const [position, resource] of taken.entries()) {
      const [line, column] = places[position];
      this.resources.push({ resource, file, line, column });
    }
    for (const [source, position] of bySource)
      this.bySource.set(source, taken[position]);
    for (const [position, files] of inlined)
      this.inlined.set(taken[position], files);
    for (const position of secrets)
      this.secrets.add(taken[position]);
  };
  /** Finishes with the last part, when all others were received. */
  finish({ last, dump, unserved, ...handed }) {
    this.take(last);
    const { resources, bySource, inlined, secrets } = this;
    const { removes, problems, notes, isBlank, isUnserved, referred } = handed;
    const file = { resources, removes, problems, notes, isBlank, isUnserved, bySource, inlined, secrets, referred };
    return { ...file, ...unserved && { unserved }, ...dump && { dump: this.dumpOf(dump) } };
  }
  dumpOf({ versions, redacted, cut, ...dump }) {
    const at = (position) => this.resources[position]?.resource;
    return {
      ...dump,
      versions: new Map(versions.map(([position, version]) => [at(position), version])),
      redacted: new Set(redacted.map(at)),
      cut: new Set(cut.map(at))
    };
  }
};
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    all.set(part, start);
    start += part.length;
  }
  return all;
}

export {
  scanTree,
  treeSignature,
  signatureOf,
  isSettling,
  reasonOf,
  needs,
  servedBytes,
  needsOf,
  whyNoRoom,
  sizeOf,
  hasBootstrap,
  unreadable,
  readResourceFile,
  previousOf,
  readForHandingOver,
  TakeOver
};
