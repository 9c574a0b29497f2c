import type { Resource } from "../../resource/resource.js";
import type { PathStep, Problem } from "../files/problem.js";
import { valueAt, type YamlNode } from "../yaml/yaml.js";
import type { DocumentKind } from "./document-kinds.js";
import { type DocumentPath, each, type FoundNode, nodesAt, spellings } from "./document-path.js";

/** The structure of a configuration dump. Tried with Envoy 1.40. */
export interface DumpShape {
  /**
   * The full names of its messages, such as `envoy.admin.v3.ClustersConfigDump`. With `?resource=`, they are the names
   * of entries.
   */
  readonly sections: ReadonlySet<string>;
  /**
   * Message and list, such as `envoy.admin.v3.ClustersConfigDump dynamic_active_clusters`. This program prints empty
   * lists, an Envoy does not.
   */
  readonly lists: ReadonlySet<string>;
  /**
   * Whether some names were left out (`?name_regex=`). It shows in an Envoy's bootstrap, which is printed whole: the
   * bootstrap then has clusters that the list of static clusters lacks.
   */
  readonly isOfSomeNames: boolean;
}

/** The facts of a configuration dump in addition to its resources. */
export interface DumpFacts extends DumpShape {
  /** Resource → its `version_info`, if it has one. */
  readonly versions: ReadonlyMap<Resource, string>;
  /** The resources with secrets that are "[redacted]". */
  readonly redacted: ReadonlySet<Resource>;
  /** The resources with only some of their fields (`?resource=` with `?mask=`). */
  readonly cut: ReadonlySet<Resource>;
  /** Why some resources could not be read, in the order of the file. */
  readonly unread: readonly Problem[];
  /** The keys (type URL, a space, name) of unreadable resources, and of those that are left out as "[redacted]". */
  readonly unreadKeys: ReadonlySet<string>;
}

/** The facts about the dumps of a file, collected while the file is read. */
export class ReadDump implements Omit<DumpFacts, "unread"> {
  readonly sections = new Set<string>();
  readonly lists = new Set<string>();
  readonly versions = new Map<Resource, string>();
  readonly redacted = new Set<Resource>();
  readonly cut = new Set<Resource>();
  readonly unreadKeys = new Set<string>();
  isOfSomeNames = false;

  add({ sections, lists, isOfSomeNames }: DumpShape): void {
    for (const section of sections) this.sections.add(section);
    for (const list of lists) this.lists.add(list);
    this.isOfSomeNames ||= isOfSomeNames;
  }
}

const bootstrapDump = "envoy.admin.v3.BootstrapConfigDump";

/** Whether a dump has a bootstrap. Then it also has a message for each type, because no `?mask=` fits both. */
export const hasBootstrap = ({ sections }: DumpShape): boolean => sections.has(bootstrapDump);

/** The structure of the dumps in a document. `resources` are the resources that were found in it. */
export function shapeOf(document: YamlNode, kind: DocumentKind, resources: readonly FoundNode[]): DumpShape {
  const filled = new Set(resources.flatMap(({ steps }) => steps.map((_, index) => keyOf(steps.slice(0, index)))));
  const sections = new Set<string>();
  const lists = new Set<string>();
  const [own, told]: [string[], Set<string>] = [[], new Set()];
  for (const { node, steps } of (kind.own?.sections ?? []).flatMap((path) => nodesAt(document, path))) {
    const [type = kind.message] = textsAt(node, ["@type"]);
    if (type === undefined || node.kind !== "map") continue;
    const message = type.replace(/^.*\//, "");
    // Entries without a resource or a name, which a `?mask=` makes, do not count.
    if (/ConfigDump\.\w+$/.test(message) && !filled.has(keyOf(steps))) continue;
    sections.add(message);
    for (const { key, value } of node.entries) if (value.kind === "list") lists.add(`${message} ${snakeCase(key)}`);
    if (message === bootstrapDump)
      own.push(...textsAt(node, ["bootstrap", "static_resources", "clusters", each, "name"]));
    for (const name of textsAt(node, ["static_clusters", each, "cluster", "name"])) told.add(name);
  }
  // A Bootstrap alone means that only the bootstrap was requested (`?mask=bootstrap`).
  return { sections, lists, isOfSomeNames: sections.size > 1 && own.some((name) => !told.has(name)) };
}

const keyOf = (steps: readonly PathStep[]) => JSON.stringify(steps);

/**
 * Whether a resource of a dump has only some of its fields. A `?mask=` can select fields of a resource only with
 * `?resource=`. It then removes the fields beside the resource, or for endpoints, which have none, their policy.
 */
export function isCut({ parent, node, steps }: FoundNode): boolean {
  const [type = ""] = parent ? textsAt(parent, ["@type"]) : [];
  if (!/ConfigDump\.\w+$/.test(type)) return false; // Only a dump with `?resource=` has such entries.
  const has = (of: YamlNode | undefined, field: string) => valueAt(of, ...spellings(field)) !== undefined;
  return has(node, "cluster_name") && steps.at(-1) === "endpoint_config"
    ? !has(node, "policy")
    : !has(parent, "version_info") && !has(parent, "last_updated");
}

const textsAt = (node: YamlNode, path: DocumentPath): string[] =>
  nodesAt(node, path).flatMap(({ node: found }) => (found.kind === "scalar" ? [found.text] : []));

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
