import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { schemaOf } from "../../json/any-content.js";
import { MessageJson, mostFaults, noRewrites, TextLimitExceeded } from "../../json/message-json.js";
import { nearest } from "../../nearest.js";
import { canonicalName } from "../../resource/names.js";
import { referencesOf } from "../../resource/references/references.js";
import { Resource } from "../../resource/resource.js";
import { ResourceReader } from "../../resource/resource-reader.js";
import { findTypeNamed } from "../../resource/type-spellings.js";
import { describeDocument, lacksType, withType, wrappedIn } from "../../resource/typed-json.js";
import { clusterType, endpointType, routeType } from "../../resource/types.js";
import { XdsApi } from "../../resource/xds-api.js";
import {
  bootstrapMessage,
  clustersSection,
  type DocumentKind,
  type EnvoysOwn,
  kindOf,
} from "../documents/document-kinds.js";
import { type FoundNode, isNothing, nodesAt, withoutList } from "../documents/document-path.js";
import { type DumpFacts, isCut, ReadDump, shapeOf } from "../documents/dump-facts.js";
import { foreignDocument } from "../documents/foreign-documents.js";
import { isRedacted, servedResources, servedRewrites } from "../documents/served-resources.js";
import { brokenIn, type Unserved, unservedParts } from "../documents/unserved.js";
import { expectedDocument, inferType } from "../documents/untyped.js";
import { type InlinedFile, InlinedFiles, type InliningOptions } from "../files/inlined-files.js";
import {
  type Fault,
  formatPath,
  LineIndex,
  notUtf8,
  type PathStep,
  type Place,
  type Problem,
} from "../files/problem.js";
import { envoyFormat } from "../yaml/format.js";
import { parseYaml, valueAt, type YamlNode } from "../yaml/yaml.js";
import { DataSources } from "./data-sources.js";
import type { RemovedResource } from "./layers.js";

/** A resource, or its replacement, and its place. */
export interface LocatedResource<R = Resource> extends Place {
  readonly resource: R;
}

/** The content of a file. Use it only if there are no problems. */
export interface ResourceFile<R = Resource> {
  readonly resources: readonly LocatedResource<R>[];
  /** The resources that the file removes from earlier layers. */
  readonly removes: readonly RemovedResource[];
  /** In the order of the file. */
  readonly problems: readonly Problem[];
  /** Notes about parts that are not served, in the order of the file. */
  readonly notes: readonly Problem[];
  /** Whether the file has only comments. A file with `resources: []` is not empty. */
  readonly isBlank: boolean;
  /** Whether the file is an Envoy's own file or dump without resources that can be served. */
  readonly isUnserved: boolean;
  /** The unserved parts of an Envoy's own file. */
  readonly unserved?: Unserved;
  /** The facts of a dump. */
  readonly dump?: DumpFacts;
  /** @internal Hash of a resource's text → the resource, for the next reading of the file. */
  readonly bySource: ReadonlyMap<string, R>;
  /** @internal Resource → the files that are inlined into it. */
  readonly inlined: ReadonlyMap<R, readonly InlinedFile[]>;
  /** @internal The resources that may have secrets. */
  readonly secrets: ReadonlySet<R>;
  /** @internal The other files that the content depends on, as in `FileTree.referred`. */
  readonly referred: ReadonlyMap<string, string>;
}

/** The content of a file that cannot be read. */
export const unreadable = (problem: Problem): ResourceFile => ({
  resources: [],
  removes: [],
  problems: [problem],
  notes: [],
  isBlank: false,
  isUnserved: false,
  bySource: new Map(),
  inlined: new Map(),
  secrets: new Set(),
  referred: new Map(),
});

export interface ReadOptions<R = Resource> {
  /**
   * The previous content of the file. A resource with the same text as before is not read again; the result has the
   * same object.
   */
  readonly previous?: PreviousFile<R> | undefined;
  /** Which files are inlined into resources. By default none: the Envoy reads all files. */
  readonly inlining?: InliningOptions;
  /**
   * Whether incomplete resources of a dump are read too. `dump` says which are incomplete. They are for comparisons,
   * not for serving.
   */
  readonly forComparing?: boolean;
  /** Whether "[redacted]" is accepted as a secret. Do not serve such resources. */
  readonly takesRedacted?: boolean;
  /** The type URL of resources without `@type`. By default their fields decide it. */
  readonly resourceType?: string | undefined;
}

/** The previous content of a file. */
export type PreviousFile<R = Resource> = Pick<ResourceFile<R>, "bySource" | "inlined" | "secrets">;

/**
 * Reads a file of resources in YAML or JSON. Each document is of one of the `documentKinds`, such as an object with a
 * list `resources`, or is one resource. A resource is an object with its `@type`, or an
 * envoy.service.discovery.v3.Resource around one, which gives it a name. Without `@type`, `resourceType` or the fields
 * decide the type. All problems of the file are reported, up to {@link mostFaults}.
 */
export function readResourceFile<R = Resource>(
  file: string,
  bytes: Uint8Array,
  options: ReadOptions<R> = {},
): ResourceFile<R | Resource> {
  if (!isUtf8(bytes)) return unreadable(notUtf8(file, bytes));
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") return unreadable({ file, path: "", message: isEmpty });
  let reader = new FileReader(file, text, options);
  reader.read();
  // If the file may have a secret, no message about the file quotes a value.
  const { faults, notes, mayHaveSecrets } = reader.json;
  if (mayHaveSecrets && (faults.length + reader.unread.length > 0 || notes.some(({ code }) => code !== undefined))) {
    reader = new FileReader(file, text, options, true);
    reader.read();
  }
  const lines = new LineIndex(text);
  const told = (faults: Fault[]): Problem[] => {
    const all = faults.sort((a, b) => a.at - b.at);
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
    ...(reader.unserved && { unserved: { file, parts: reader.unserved } }),
    resources: reader.resources.map(({ at, resource }) => ({ resource, file, ...lines.place(at) })),
    removes: reader.removes.map(({ at, ...removed }) => ({ ...removed, file, ...lines.place(at) })),
    ...(reader.dump && { dump: { ...reader.dump, unread: told(reader.unread) } }),
    bySource: reader.bySource,
    inlined: reader.inlined,
    secrets: reader.secrets,
    referred: reader.files?.signatures ?? new Map(),
  };
}

/** Adds to the first problem on a line with `{{ … }}` that the file is a template. */
function withTemplateHint(problems: readonly Problem[], text: string): readonly Problem[] {
  if (problems.length === 0 || !text.includes("{{")) return problems;
  const lines = text.split("\n");
  const first = problems.find(({ line = 0 }) => lines[line - 1]?.includes("{{"));
  const hint = "; this is a template, for example of Helm: render it first, for example with `helm template`";
  return problems.map((one) => (one === first ? { ...one, message: one.message + hint } : one));
}

class FileReader<R> {
  readonly resources: { at: number; resource: R | Resource }[] = [];
  readonly removes: { at: number; typeUrl: string; key: string }[] = [];
  readonly bySource = new Map<string, R | Resource>();
  readonly inlined = new Map<R | Resource, readonly InlinedFile[]>();
  readonly secrets = new Set<R | Resource>();
  readonly files: InlinedFiles | undefined;
  readonly json: MessageJson;
  /** For each resource of a dump that could not be read: the first reason. */
  readonly unread: Fault[] = [];
  dump: ReadDump | undefined;
  unserved: Map<string, string> | undefined;
  /** The number of documents that are neither empty nor an Envoy's own configuration. */
  private others = 0;
  private readonly documents: readonly YamlNode[];
  /** An upper limit for the end of the current document in the text. */
  private end = 0;
  /** The previous content of the file, unless aliases make it useless. */
  private readonly previous: PreviousFile<R> | undefined;
  private readonly api = XdsApi.default;
  private readonly reader: ResourceReader<Resource>;
  private readonly readerOfMoved: ResourceReader<Resource>;
  private readonly forComparing: boolean;
  private readonly takesRedacted: boolean;
  private readonly resourceType: string | undefined;

  constructor(
    file: string,
    private readonly text: string,
    { previous, inlining, forComparing = false, takesRedacted = false, resourceType }: ReadOptions<R>,
    /** Whether faults must not quote values. */
    private readonly hidesValues = false,
  ) {
    this.forComparing = forComparing;
    this.takesRedacted = takesRedacted;
    this.resourceType = resourceType;
    const { documents, faults, notes, isCut, size, hasAliases } = parseYaml(text, envoyFormat(file, text), hidesValues);
    this.documents = documents;
    const { api } = this;
    this.json = new MessageJson(api.registry, { values: size, characters: text.length }, hidesValues);
    this.json.mayHaveSecrets = isCut;
    for (const fault of faults) this.json.faults.push(fault);
    for (const note of notes) this.json.notes.push(note);
    const files = inlining && new InlinedFiles(file, inlining);
    this.files = files;
    const rewritesOf = () => (files ? new DataSources(files, takesRedacted).rewrites : noRewrites);
    this.reader = new ResourceReader(Resource.fromBytes, api, this.json, { rewritesOf, hidesValues });
    this.readerOfMoved = new ResourceReader(Resource.fromBytes, api, this.json, {
      rewritesOf: servedRewrites,
      hidesValues,
    });
    if (!hasAliases) this.previous = previous ?? { bySource: new Map(), inlined: new Map(), secrets: new Set() };
  }

  read(): void {
    for (const [index, document] of this.documents.entries()) {
      this.end = this.documents[index + 1]?.at ?? this.text.length;
      try {
        this.document(document);
      } catch (error) {
        if (!(error instanceof TextLimitExceeded)) throw error;
        this.json.mayHaveSecrets = true; // the text after the error is not read
        this.json.faults.push({ at: error.at ?? document.at, path: "", message: error.message });
        break;
      }
    }
  }

  get isBlank(): boolean {
    return this.json.faults.length === 0 && this.documents.every(isNothing);
  }

  get isUnserved(): boolean {
    return this.json.faults.length === 0 && !this.isBlank && this.others + this.resources.length === 0;
  }

  private document(given: YamlNode): void {
    if (isNothing(given)) return;
    const node = this.withoutRemoves(given);
    if (node === undefined) {
      this.others++;
      return;
    }
    const kind = foreignDocument(node) === undefined ? kindOf(node) : undefined;
    if (!kind?.own) this.others++;
    // In an Envoy's own configuration, redacted resources are left out one by one.
    this.json.takesRedacted = this.takesRedacted || kind?.own !== undefined;
    if (kind) this.ofKind(node, kind);
    else if (node.kind === "map") this.list([{ node, steps: [] }]);
    else {
      this.json.mayHaveSecrets = true; // its content is unknown
      this.fault({ node, steps: [] }, `expected ${expectedDocument}, got ${describeDocument(node)}`);
    }
  }

  /** Reads the list `remove:` of a document. Returns the rest of the document, or undefined if nothing is left. */
  private withoutRemoves(document: YamlNode): YamlNode | undefined {
    if (document.kind !== "map" || valueAt(document, "@type")) return document;
    const entry = document.entries.find(({ key }) => key === "remove");
    if (!entry) return document;
    const { value } = entry;
    const items = value.kind === "list" ? value.items : isNothing(value) ? [] : [value];
    for (const [index, item] of items.entries()) this.remove(item, ["remove", index]);
    const entries = document.entries.filter((other) => other !== entry);
    return entries.length === 0 ? undefined : { ...document, entries };
  }

  private remove(node: YamlNode, steps: readonly PathStep[]): void {
    const [type, name] = [valueAt(node, "type"), valueAt(node, "name")];
    const isWhole = node.kind === "map" && node.entries.every(({ key }) => key === "type" || key === "name");
    if (!isWhole || type?.kind !== "scalar" || name?.kind !== "scalar" || type.value === null || name.value === null) {
      this.fault({ node, steps }, `expected ${exampleOfRemoval}, got ${describeDocument(node)}`);
      return;
    }
    const found = findTypeNamed(type.text, this.api);
    if (!found) {
      const names = this.api.resourceTypes().map((known) => known.name);
      const meant = nearest(type.text, names);
      const there = meant ? `did you mean ${meant}?` : `there are ${names.join(", ")}`;
      this.fault({ node: type, steps: [...steps, "type"] }, `no such resource type; ${there}`);
      return;
    }
    this.removes.push({ at: node.at, typeUrl: found.typeUrl, key: canonicalName(name.text) });
  }

  private ofKind(document: YamlNode, kind: DocumentKind): void {
    const { message, own, parts } = kind;
    const desc = message === undefined || own?.sections ? undefined : this.api.registry.getMessage(message);
    if (desc && document.kind === "map") {
      const rest = parts.reduce((map, { path }) => withoutList(map, path), document);
      const before = this.json.faults.length;
      const json = this.json.read(desc, rest, [], { leaveOut: "@type" });
      if (this.json.faults.length === before && this.isChecked(kind)) this.noteUnserved(desc, json, document, []);
    }
    if (own) this.moved(document, { ...kind, own });
    else {
      const resources = valueAt(document, "resources");
      if (resources && isNothing(resources)) this.fault({ node: resources, steps: ["resources"] }, noList);
      const stated = valueAt(document, "type_url", "typeUrl");
      const found = parts.flatMap(({ path }) => nodesAt(document, path));
      this.list(found, stated?.kind === "scalar" && stated.text !== "" ? stated.text : undefined);
    }
  }

  /** Reads an Envoy's own configuration. It is read whole, because a resource can occur several times in it. */
  private moved(document: YamlNode, kind: DocumentKind & { readonly own: EnvoysOwn }): void {
    const { resources, leftOut, notes, faults } = servedResources(document, kind, this.forComparing);
    for (const note of notes) this.json.notes.push(note);
    if (kind.message === bootstrapMessage && document.kind === "map")
      for (const [key, digest] of unservedParts(document, resources)) {
        this.unserved ??= new Map();
        this.unserved.set(key, (this.unserved.get(key) ?? "") + digest);
      }
    if (this.isChecked(kind)) for (const fault of faults) this.json.faults.push(fault);
    if (this.isChecked(kind)) for (const each of leftOut) this.readUnserved(each.typeUrl, each.node, each.steps);
    const dump = kind.own.sections && (this.dump ?? new ReadDump());
    this.dump = dump ?? this.dump;
    const shape = shapeOf(document, kind, resources);
    dump?.add(shape);
    for (const { typeUrl, name, node } of leftOut) if (isRedacted(node)) dump?.unreadKeys.add(`${typeUrl} ${name}`);
    let knowsClusters = [...shape.sections].some((name) => name.startsWith(clustersSection));
    const read = resources.flatMap((candidate) => {
      const { node, steps, part, typeUrl, name, version } = candidate;
      const before = this.json.faults.length;
      const resource = this.readerOfMoved.read(node, steps, part.type);
      if (!resource) {
        if (typeUrl === clusterType) knowsClusters = false;
        if (dump) this.leaveOut(typeUrl, name, this.json.faults.splice(before));
        return [];
      }
      if (version !== "") dump?.versions.set(resource, version);
      if (isRedacted(node)) dump?.redacted.add(resource);
      if (isCut(candidate)) dump?.cut.add(resource);
      return [{ at: node.at, resource }];
    });
    const asked = new Set(
      read.flatMap(({ resource }) => referencesOf(resource).map(({ typeUrl, name }) => `${typeUrl} ${name}`)),
    );
    // A dump has the endpoints of all clusters, even of clusters that do not get them by EDS. A part of a dump may have
    // no clusters.
    const isAsked = ({ type, name }: Resource) =>
      type.typeUrl !== endpointType || !knowsClusters || asked.has(`${endpointType} ${name}`);
    for (const each of read) if (isAsked(each.resource)) this.resources.push(each);
  }

  /**
   * Leaves a resource of a dump out. Parts of the Envoy's API that are unknown here must not hide the other resources.
   */
  private leaveOut(typeUrl: string, name: string, [first, ...more]: readonly Fault[]): void {
    if (!first) return;
    const what = `${this.api.findResourceType(typeUrl)?.name ?? "a resource"}${name === "" ? "" : ` ${JSON.stringify(name)}`}`;
    const others = more.length > 0 ? ` (and ${more.length} more)` : "";
    this.unread.push({ ...first, message: `${what} left out, because it cannot be read: ${first.message}${others}` });
    this.dump?.unreadKeys.add(`${typeUrl} ${name}`);
  }

  /** Reads a list of resources. `stated` is the type of those without `@type`. */
  private list(found: readonly FoundNode[], stated?: string): void {
    const lacking = found.filter(({ node }) => lacksType(node) && foreignDocument(node) === undefined);
    const given = this.resourceType ?? stated;
    const inferred = given === undefined && lacking.length > 0 ? inferType(lacking, this.api.registry) : undefined;
    const typeUrl = given ?? inferred?.typeUrl;
    if (lacking[0] && typeUrl === undefined) {
      this.json.mayHaveSecrets = true; // its content is unknown
      const { node, steps } = lacking[0];
      const resource = wrappedIn(node);
      this.fault({ node: resource ?? node, steps: resource ? [...steps, "resource"] : steps }, inferred?.wrong ?? "");
    }
    for (const [index, one] of found.entries()) {
      const { node } = one;
      const end = found[index + 1]?.node.at ?? this.end;
      const lacks = lacksType(node);
      const foreign = lacks ? foreignDocument(node) : undefined;
      if (foreign !== undefined) this.fault(one, foreign);
      else if (!lacks) this.resource({ ...one, node: withType(node) }, end);
      else if (typeUrl === routeType && !valueAt(node, "name", "resource"))
        this.json.notes.push({ at: node.at, path: formatPath(one.steps), message: ofListener });
      else if (typeUrl !== undefined) this.resource({ ...one, node: withType(node, typeUrl) }, end, typeUrl);
      this.json.checkFaults(end);
    }
  }

  /** Whether unserved parts are checked too. Those of a dump are not, because its Envoy runs with them. */
  private isChecked(kind: DocumentKind): boolean {
    return kind.message === bootstrapMessage && !this.forComparing;
  }

  /** Adds notes about problems of a resource that is not served. */
  private readUnserved(typeUrl: string, node: YamlNode, steps: readonly PathStep[]): void {
    const desc = schemaOf(typeUrl, this.api.registry);
    if (!desc) return;
    const { faults, notes } = this.json;
    const before = faults.length;
    const json = this.json.read(desc, node, steps, { leaveOut: "@type" });
    const found = faults.splice(before);
    for (const fault of found) notes.push({ ...fault, code: "BOOTSTRAP" });
    if (found.length === 0) this.noteUnserved(desc, json, node, steps);
  }

  private noteUnserved(desc: DescMessage, json: JsonValue, node: YamlNode, steps: readonly PathStep[]): void {
    for (const note of brokenIn(desc, json, node, {
      steps,
      registry: this.api.registry,
      hidesValues: this.hidesValues,
    }))
      this.json.notes.push(note);
  }

  /** Reads a resource. `end` is an upper limit for its end in the text, `typeUrl` its type if the text has none. */
  private resource({ node, steps }: FoundNode, end: number, typeUrl = ""): void {
    // With aliases, the same text can mean something else than before.
    const source = this.previous && typeUrl + hash("sha1", this.text.slice(node.at, end), "base64");
    const same = source === undefined ? undefined : this.previous?.bySource.get(source);
    const files = same === undefined ? undefined : this.previous?.inlined.get(same);
    const isSame = files === undefined || this.files?.areSame(files);
    const notes = this.json.notes.length;
    this.files?.takeUsed();
    const { mayHaveSecrets } = this.json;
    this.json.mayHaveSecrets = same !== undefined && this.previous?.secrets.has(same) === true;
    const resource = same !== undefined && isSame ? same : this.reader.read(node, steps);
    if (resource !== undefined && this.json.mayHaveSecrets) this.secrets.add(resource);
    this.json.mayHaveSecrets ||= mayHaveSecrets;
    if (resource === undefined) return;
    this.resources.push({ at: node.at, resource });
    const inlined = resource === same ? files : this.files?.takeUsed();
    if (inlined && inlined.length > 0) this.inlined.set(resource, inlined);
    // A resource with notes must be read again, so that its notes are reported again.
    if (source !== undefined && this.json.notes.length === notes) this.bySource.set(source, resource);
  }

  private fault({ node, steps }: FoundNode, message: string): void {
    this.json.faults.push({ at: node.at, path: formatPath(steps), message });
  }
}

/** A program that writes a file in place empties it first. Its resources must not be removed meanwhile. */
const isEmpty = 'the file is empty; write its resources, "resources: []" if it has none, or remove it';

const exampleOfRemoval = "the type and name of a resource, such as {type: clusters, name: backend}";

/** A truncated file looks like this, or a template with a loop over nothing. */
const noList = 'expected a list of resources, got nothing; write "resources: []" to serve nothing';

const ofListener = "left out: it has no name, like the route_config of a listener, so no node can request it";
