import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { clusterType, secretType } from "../../resource/types.js";
import { type Fault, formatPath, LineIndex, type Problem } from "../files/problem.js";
import { envoyFormat } from "../yaml/format.js";
import { parseYaml, valueAt, type YamlMap, type YamlNode } from "../yaml/yaml.js";
import { bootstrapMessage, type DocumentKind, type EnvoysOwn, kindOf } from "./document-kinds.js";
import { type FoundNode, nodesAt, spellings } from "./document-path.js";
import { foreignDocument } from "./foreign-documents.js";
import { clusterNamesIn, entriesIn, type FoundResource, ownClusters, servedResources } from "./served-resources.js";

/** A resource that stays in an Envoy's own file. */
export interface StayingResource {
  /** The place in the file, such as `static_resources.clusters[0]`. */
  readonly path: string;
  readonly name: string;
  readonly why: string;
}

/** The rest of an Envoy's own file when a server serves its resources. */
export interface OwnBootstrap {
  /**
   * The file without `dynamic_resources` and without served resources. Its top-level fields have the API's spelling,
   * other fields are as in the file.
   */
  readonly bootstrap: JsonObject;
  readonly kept: readonly StayingResource[];
  /** The names of all clusters that were in the file. */
  readonly clusters: ReadonlySet<string>;
}

const lists = ["clusters", "listeners", "secrets"];

/** Removes from an Envoy's bootstrap file what `xds serve` would serve, or returns why the file cannot be read. */
export function readOwnBootstrap(file: string, text: string): OwnBootstrap | { readonly problems: readonly Problem[] } {
  const { documents, faults } = parseYaml(text, envoyFormat(file, text));
  const [document, ...others] = documents.filter((node) => node.kind !== "scalar" || node.value !== null);
  const kind = document && kindOf(document);
  const isBootstrap = document?.kind === "map" && kind?.message === bootstrapMessage && others.length === 0;
  if (faults.length > 0 || !isBootstrap || !kind.own) {
    const lines = new LineIndex(text);
    const message = `${document ? whatItIs(document, others.length) : "the file is empty"}; --from takes an Envoy's bootstrap`;
    const told: readonly Fault[] = faults.length > 0 ? faults : [{ at: document?.at ?? 0, path: "", message }];
    return { problems: told.map(({ at, path, message }) => ({ file, ...lines.place(at), path, message })) };
  }
  if (isLarge(document))
    return {
      problems: [
        {
          file,
          path: "",
          message: `the file has more than ${mostValues} values, if repetitions by aliases are counted`,
        },
      ],
    };
  return ownBootstrap(document, { ...kind, own: kind.own });
}

/** A description of a file that is no bootstrap. `more` is the number of documents after the first one. */
function whatItIs(document: YamlNode, more: number): string {
  const foreign = foreignDocument(document);
  if (foreign !== undefined) return foreign;
  if (more > 0) return `this file has ${more + 1} documents`;
  const kind = kindOf(document);
  if (kind?.own?.sections) return "this is a config dump";
  if (kind) return "this is a list of resources";
  return valueAt(document, "@type") ? "this is one resource" : "this is not an Envoy configuration";
}

/** The most values in a file. A value that aliases repeat counts each time. */
const mostValues = 1_000_000;

function isLarge(document: YamlNode): boolean {
  const open = [document];
  for (let seen = 1; open.length > 0; seen++) {
    const node = open.pop() as YamlNode;
    if (seen + open.length > mostValues) return true;
    if (node.kind === "list") for (const item of node.items) open.push(item);
    if (node.kind === "map") for (const { value } of node.entries) open.push(value);
  }
  return false;
}

function ownBootstrap(document: YamlMap, kind: DocumentKind & { readonly own: EnvoysOwn }): OwnBootstrap {
  const all = kind.parts.flatMap(({ path }) => nodesAt(document, path));
  // Compared by place: a listener that gets a name to be served is a new object.
  const servable = new Map(servedResources(document, kind, false).resources.map((one) => [formatPath(one.steps), one]));
  const isServed = (found: FoundNode) => servable.has(formatPath(found.steps));
  const own = ownClusters(document, kind.own, all);
  const kept = new Map<FoundNode, string>();
  for (const found of all) if (!isServed(found)) kept.set(found, whyNotServed(found, own));
  // The loop also visits entries that are added during the loop.
  const outside = document.entries.filter(({ key }) => !replaced.includes(key)).map(({ value }) => value);
  const needBy = (nodes: readonly YamlNode[], by: string) => {
    for (const found of all) {
      const one = servable.get(formatPath(found.steps));
      if (one && !kept.has(found) && nodes.some((node) => needs(node, one)))
        kept.set(found, `${by} needs it; it is also served, which does no harm`);
    }
  };
  needBy(outside, "another part of the file");
  for (const [found] of kept) needBy([found.node], `${formatPath(found.steps)}, which stays,`);
  const names = all.map(({ node }) => nameOf(node));
  return {
    bootstrap: restOf(document, kept),
    kept: Array.from(kept, ([found, why]) => ({ path: formatPath(found.steps), name: nameOf(found.node), why })),
    clusters: new Set(names),
  };
}

/** Fields that are written anew, or element by element. */
const replaced = [...spellings("dynamic_resources"), ...spellings("static_resources"), "node"];

function whyNotServed({ node, steps }: FoundNode, own: ReadonlyMap<string, string>): string {
  const by = steps.includes("clusters") ? own.get(nameOf(node)) : undefined;
  if (by !== undefined && spellings("dynamic_resources").includes(by))
    return "only dynamic_resources, which is replaced, names it; remove it if nothing else uses it";
  return by === undefined
    ? "it cannot be served"
    : `${by} names it, and an Envoy takes such a cluster from its own file only`;
}

/** Whether a part of a bootstrap needs a resource in the same bootstrap. */
function needs(node: YamlNode, { typeUrl, name }: FoundResource): boolean {
  if (typeUrl === clusterType) return [...clusterNamesIn(node)].includes(name);
  if (typeUrl !== secretType) return false;
  // An `SdsSecretConfig` with only a name refers to a static secret.
  const values = [...entriesIn(node)].flatMap(({ value }) => (value.kind === "list" ? value.items : [value]));
  return values.some((value) => value.kind === "map" && value.entries.length === 1 && nameOf(value) === name);
}

function restOf(document: YamlMap, kept: ReadonlyMap<FoundNode, string>): JsonObject {
  const rest = fieldsOf(document);
  delete rest.dynamic_resources;
  const static_resources = fieldsOf(valueAt(document, ...spellings("static_resources")));
  for (const list of lists) {
    const items = [...kept.keys()].filter(({ steps }) => steps[1] === list);
    delete static_resources[list];
    if (items.length > 0)
      static_resources[list] = items.sort((a, b) => a.node.at - b.node.at).map(({ node }) => jsonOf(node));
  }
  return { ...rest, static_resources };
}

/** The fields of an object, as the API spells them. */
const fieldsOf = (node: YamlNode | undefined): JsonObject =>
  Object.fromEntries(node?.kind === "map" ? node.entries.map(({ key, value }) => [snakeCase(key), jsonOf(value)]) : []);

const snakeCase = (key: string) =>
  key.startsWith("@") ? key : key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function nameOf(node: YamlNode): string {
  const name = valueAt(node, "name");
  return name?.kind === "scalar" ? name.text : "";
}

/** A value as JSON. Numbers that JSON cannot express become texts, which mean the same in a message. */
function jsonOf(node: YamlNode): JsonValue {
  if (node.kind === "list") return node.items.map(jsonOf);
  if (node.kind === "map") return Object.fromEntries(node.entries.map(({ key, value }) => [key, jsonOf(value)]));
  const { value, text } = node;
  return typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)) ? text : value;
}
