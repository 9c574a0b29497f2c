import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import type { Registry } from "@bufbuild/protobuf";
import { referencesOf } from "../resource/references.js";
import { Resource } from "../resource/resource.js";
import { endpointType, secretType } from "../resource/types.js";
import { envoyRegistry } from "../schema/registry.js";
import { type DocumentKind, dumpMessage, each, type Found, follow, kindOf, withoutParts } from "./document-kinds.js";
import { MessageJson, mostFaults, noRewrites, TooMuch } from "./message-json.js";
import { isRedacted, moved, movedRewrites } from "./moving.js";
import { type Fault, LineIndex, type Place, type Problem } from "./problem.js";
import { describeDocument, ResourceReader } from "./resource-reader.js";
import { type InlinedFile, SecretFiles, type SecretFilesOptions } from "./secret-files.js";
import { parseYaml, valueAt, type YamlMap, type YamlNode } from "./yaml.js";

/** A resource, or what stands for it, and where it was read. */
export interface LocatedResource<R = Resource> extends Place {
  readonly resource: R;
}

/** What a configuration dump tells beside resources. */
export interface DumpFacts {
  /** The full names of the messages that it is made of, such as `envoy.admin.v3.ClustersConfigDump`. */
  readonly sections: ReadonlySet<string>;
  /** The `version_info` of each resource that has one. */
  readonly versions: ReadonlyMap<Resource, string>;
  /** The resources that have secrets that it does not tell. */
  readonly redacted: ReadonlySet<Resource>;
}

/** What a file says. It is to be used only if it has no problems. */
export interface ResourceFile<R = Resource> {
  readonly resources: readonly LocatedResource<R>[];
  /** In the order of the file. */
  readonly problems: readonly Problem[];
  /** What was left out of what is served, and why; in the order of the file. */
  readonly notes: readonly Problem[];
  /** It has nothing but comments; `resources: []` is more than that. */
  readonly isBlank: boolean;
  /** Of a dump that was read for comparing. */
  readonly dump?: DumpFacts;
  /** @internal The hash of a resource's text → the resource, for the next reading of the file. */
  readonly bySource: ReadonlyMap<string, R>;
  /** @internal What a resource has in itself of other files. */
  readonly inlined: ReadonlyMap<R, readonly InlinedFile[]>;
  /** @internal The other files that it depends on, as `FileTree.referred` has them. */
  readonly referred: ReadonlyMap<string, string>;
}

/** Of which nothing can be read. */
export const unreadable = (problem: Problem): ResourceFile => ({
  resources: [],
  problems: [problem],
  notes: [],
  isBlank: false,
  bySource: new Map(),
  inlined: new Map(),
  referred: new Map(),
});

export interface ReadOptions<R = Resource> {
  /**
   * What the file said before: for a resource whose text is the same stands the same object, and it is not read
   * again.
   */
  readonly previous?: PreviousFile<R> | undefined;
  /** The messages that may occur; by default those of the Envoy API. */
  readonly registry?: Registry;
  /** What secrets may have in themselves of other files; by default nothing: all files are the Envoy's to read. */
  readonly secretFiles?: SecretFilesOptions;
  /** What a dump does not tell all of is read too, and `dump` tells of what that is so: to compare it, not to serve it. */
  readonly forComparing?: boolean;
  /** "[redacted]" may stand for a secret: the resources are not to be served. */
  readonly takesRedacted?: boolean;
}

/** What a file said before. */
export interface PreviousFile<R = Resource> extends Pick<ResourceFile<R>, "bySource" | "inlined"> {
  /** Those that are secrets, where that cannot be seen. */
  readonly secrets?: ReadonlySet<R>;
}

/**
 * Reads a file of resources: YAML or JSON; each document either of one of the `documentKinds`, such as an object with
 * a list `resources`, or one resource. A resource is an object with its `@type`, or an
 * envoy.service.discovery.v3.Resource with one, which gives it a name. All problems of the file are told, up to
 * {@link mostFaults}.
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
  // No mistake is told with a value where there may be a secret, wherever in the file that is.
  if (reader.json.faults.length > 0 && reader.json.mayHaveSecrets) {
    reader = new FileReader(file, text, options, true);
    reader.read();
  }
  const lines = new LineIndex(text);
  const told = (faults: Fault[]): Problem[] => {
    const all = faults.sort((a, b) => a.at - b.at);
    const first = all.slice(0, mostFaults + 1);
    const problems = first.map(({ at, path, message }) => ({ file, ...lines.place(at), path, message }));
    const more = all.length - first.length;
    return more > 0 ? [...problems, { file, path: "", message: `${more} more like these are in this file` }] : problems;
  };
  return {
    problems: told(reader.json.faults),
    notes: told(reader.json.notes),
    isBlank: reader.isBlank,
    resources: reader.resources.map(({ at, resource }) => ({ resource, file, ...lines.place(at) })),
    ...(reader.dump && { dump: reader.dump }),
    bySource: reader.bySource,
    inlined: reader.inlined,
    referred: reader.secretFiles?.signatures ?? new Map(),
  };
}

function notUtf8(file: string, bytes: Uint8Array): Problem {
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    const text = bytes.subarray(start, end);
    if (!isUtf8(text) || newline === -1) {
      const column = new TextDecoder().decode(text).indexOf("\u{fffd}") + 1;
      return { file, line, column, path: "", message: "not UTF-8 text; save the file as UTF-8" };
    }
    start = end + 1;
  }
}

class FileReader<R> {
  readonly resources: { at: number; resource: R | Resource }[] = [];
  readonly bySource = new Map<string, R | Resource>();
  readonly inlined = new Map<R | Resource, readonly InlinedFile[]>();
  readonly secretFiles: SecretFiles | undefined;
  readonly json: MessageJson;
  dump: DumpFacts | undefined;
  private readonly documents: readonly YamlNode[];
  /** undefined: nothing of it can be used. */
  private readonly previous: PreviousFile<R> | undefined;
  private readonly registry: Registry;
  private readonly reader: ResourceReader;
  private readonly readerOfMoved: ResourceReader;
  private readonly forComparing: boolean;
  private readonly takesRedacted: boolean;

  constructor(
    file: string,
    private readonly text: string,
    { previous, registry = envoyRegistry(), secretFiles, forComparing = false, takesRedacted = false }: ReadOptions<R>,
    /** No fault quotes a value. */
    hidesValues = false,
  ) {
    this.forComparing = forComparing;
    this.takesRedacted = takesRedacted;
    const { documents, faults, isCut, size, hasAliases } = parseYaml(text, hidesValues);
    this.documents = documents;
    this.registry = registry;
    this.json = new MessageJson(registry, { values: size, characters: text.length }, hidesValues);
    this.json.mayHaveSecrets = isCut;
    for (const fault of faults) this.json.faults.push(fault);
    const secrets = secretFiles && new SecretFiles(file, secretFiles, takesRedacted);
    this.secretFiles = secrets;
    const rewritesOf = (typeUrl: string) => (secrets && typeUrl === secretType ? secrets.rewrites : noRewrites);
    this.reader = new ResourceReader(registry, this.json, rewritesOf, hidesValues);
    this.readerOfMoved = new ResourceReader(registry, this.json, movedRewrites, hidesValues);
    if (!hasAliases) this.previous = previous ?? { bySource: new Map(), inlined: new Map() };
  }

  read(): void {
    for (const document of this.documents) {
      try {
        this.document(document);
      } catch (error) {
        if (!(error instanceof TooMuch)) throw error;
        this.json.mayHaveSecrets = true; // what comes behind is not read
        this.fault(error.at ?? document.at, error.message);
        break;
      }
    }
  }

  get isBlank(): boolean {
    return this.json.faults.length === 0 && this.documents.every(isNothing);
  }

  private document(node: YamlNode): void {
    if (isNothing(node)) return;
    const kind = kindOf(node);
    // Of what is moved, that is left out by resource.
    this.json.takesRedacted = this.takesRedacted || kind?.bootstrap !== undefined;
    if (node.kind === "map" && kind) this.ofKind(node, kind);
    else if (valueAt(node, "@type")) this.resource({ node, steps: [] }, this.text.length);
    else {
      this.json.mayHaveSecrets = true; // nobody knows what it is
      this.fault(node.at, `expected ${expectedDocument}, got ${describeDocument(node)}`);
    }
  }

  private ofKind(document: YamlMap, kind: DocumentKind): void {
    const desc = this.registry.getMessage(kind.message);
    if (desc) this.json.read(desc, withoutParts(document, kind), [], { leaveOut: "@type" });
    if (kind.bootstrap) this.moved(document, kind);
    else {
      const found = kind.parts.flatMap(({ way }) => follow(document, way));
      for (const [index, item] of found.entries()) this.resource(item, found[index + 1]?.node.at ?? this.text.length);
    }
  }

  /** Of an Envoy's own configuration. It is read whole, for it says more than once, and elsewhere, what is served. */
  private moved(document: YamlMap, kind: DocumentKind): void {
    const { resources, notes } = moved(document, kind, this.forComparing);
    for (const note of notes) this.json.notes.push(note);
    const [versions, redacted] = [new Map<Resource, string>(), new Set<Resource>()];
    const read = resources.flatMap(({ node, steps, part, version }) => {
      const resource = this.readerOfMoved.read(node, steps, part.type);
      if (!resource) return [];
      if (version !== "") versions.set(resource, version);
      if (isRedacted(node)) redacted.add(resource);
      return [{ at: node.at, resource }];
    });
    if (this.forComparing && kind.message === dumpMessage)
      this.dump = { sections: sectionsOf(document), versions, redacted };
    const asked = new Set(
      read.flatMap(({ resource }) => referencesOf(resource).map(({ typeUrl, name }) => `${typeUrl} ${name}`)),
    );
    // A dump tells the endpoints of all clusters, also of those that have them from elsewhere.
    for (const each of read)
      if (each.resource.type.typeUrl !== endpointType || asked.has(`${endpointType} ${each.resource.name}`))
        this.resources.push(each);
  }

  /** `end`: where in the text the resource ends at the latest. */
  private resource({ node, steps }: Found, end: number): void {
    // Where there are aliases, the same text may stand for something else than before.
    const source = this.previous && hash("sha1", this.text.slice(node.at, end), "base64");
    const same = source === undefined ? undefined : this.previous?.bySource.get(source);
    if (same !== undefined && this.isSecret(same)) this.json.mayHaveSecrets = true;
    const files = same === undefined ? undefined : this.previous?.inlined.get(same);
    const isSame = files === undefined || this.secretFiles?.areSame(files);
    const notes = this.json.notes.length;
    this.secretFiles?.takeUsed();
    const resource = same !== undefined && isSame ? same : this.reader.read(node, steps);
    if (resource === undefined) {
      this.json.checkFaults(end);
      return;
    }
    this.resources.push({ at: node.at, resource });
    const inlined = resource === same ? files : this.secretFiles?.takeUsed();
    if (inlined && inlined.length > 0) this.inlined.set(resource, inlined);
    // What there is a note of has to be read to be told again.
    if (source !== undefined && this.json.notes.length === notes) this.bySource.set(source, resource);
  }

  private isSecret(resource: R | Resource): boolean {
    if (resource instanceof Resource) return resource.type.typeUrl === secretType;
    return this.previous?.secrets?.has(resource) === true;
  }

  private fault(at: number, message: string): void {
    this.json.faults.push({ at, path: "", message });
  }
}

const isNothing = (document: YamlNode) => document.kind === "scalar" && document.value === null;

/** The messages that a dump is made of. */
function sectionsOf(dump: YamlMap): Set<string> {
  const types = follow(dump, ["configs", each, "@type"]);
  return new Set(types.flatMap(({ node }) => (node.kind === "scalar" ? [node.text.replace(/^.*\//, "")] : [])));
}

/** A program that writes a file in place empties it first; what it had is not to be withdrawn meanwhile. */
const isEmpty = 'the file is empty; write its resources, "resources: []" if it has none, or remove it';

const expectedDocument = 'an object with a list "resources:", or one resource with its "@type"';
