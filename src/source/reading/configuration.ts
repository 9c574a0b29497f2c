import type { InSteps } from "../../in-turns.js";
import { mostFaults } from "../../json/message-json.js";
import { findResourceType } from "../../resource/default-api.js";
import type { Resource } from "../../resource/resource.js";
import { formatProblem, type Place, type Problem } from "../files/problem.js";
import { type Configuration, type Layer, layerKey, merging, type RemovedResource } from "./layers.js";
import type { LocatedResource, ResourceFile } from "./resource-file.js";
import type { GoodReading, Reading } from "./source.js";

/** A file that was read, and its layer. */
export interface LayerFile {
  readonly layer: string;
  readonly file: ResourceFile;
}

/** The existing layers, with or without files, and the layers of each group of nodes. */
export interface LayersOfGroups {
  /**
   * Layer → the layer below it, with which it must not have resources in common (P10). A layer without one may replace
   * resources of any other layer.
   */
  readonly layers: ReadonlyMap<string, string | undefined>;
  /** Like {@link Configuration.groups}. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/**
 * Combines the files of a configuration, in the order given. Two resources with the same type and name in one layer are
 * a problem. Unchanged resources are the same objects as in `previous`.
 */
export function* combining(
  files: readonly LayerFile[],
  { layers, groups }: LayersOfGroups,
  previous: Configuration | undefined,
): InSteps<Reading> {
  const problems: Problem[] = files.flatMap(({ file }) => file.problems);
  const named = new Map<string, NamedResources>();
  // Lower layers come first, so that their names are known when the files of higher layers are added.
  for (const [name, below] of layers) {
    const layer = new NamedResources(below === undefined ? undefined : named.get(below));
    yield* layer.knowing(previous?.layers.get(name)?.resources);
    named.set(name, layer);
  }
  const inLayer = new Map<string, ResourceFile[]>();
  for (const { layer, file } of files) {
    const others = inLayer.get(layer);
    if (others) others.push(file);
    else inLayer.set(layer, [file]);
  }
  for (const [name, layer] of named) for (const file of inLayer.get(name) ?? []) yield* layer.adding(file, problems);
  if (problems.length === 0) yield* checkingAliases(named, groups, problems);
  if (problems.length > 0) return { problems };
  const places = new Map<Resource, Place>();
  for (const layer of named.values())
    for (const [resource, place] of layer.places) {
      places.set(resource, place);
      yield;
    }
  const all = new Set(files.map(({ file }) => file));
  const plain = Array.from(named, ([name, { resources, removes }]) => [name, { resources, removes }] as const);
  const configuration: Configuration = { layers: new Map(plain), groups };
  return {
    configuration,
    places,
    notes: [...[...all].flatMap(({ notes }) => notes), ...vainRemoves(configuration)],
    unserved: [...all].flatMap(({ unserved }) => unserved ?? []),
    dumps: new Map(
      [...all].flatMap(({ dump, resources }) => (dump && resources[0] ? [[resources[0].file, dump]] : [])),
    ),
  };
}

/** Checks that no alias in one layer is a name in another layer: a resource does not replace an alias. */
function* checkingAliases(
  layers: ReadonlyMap<string, NamedResources>,
  groups: LayersOfGroups["groups"],
  problems: Problem[],
): InSteps<void> {
  for (const [group, names] of groups) {
    const all = names.flatMap((name) => layers.get(name) ?? []);
    if (all.length < 2 || !all.some(({ hasAliases }) => hasAliases)) continue;
    const view = yield* merging(all);
    const places = new Map<string, LocatedResource>();
    for (const resource of view) {
      yield;
      const place = all.map((layer) => layer.places.get(resource)).find(Boolean);
      const located = { resource, ...(place ?? { file: "", line: 1, column: 1 }) };
      const keys = keysOf(resource);
      const taken = keys.findIndex((key) => places.has(key));
      const other = places.get(keys[taken] ?? "");
      for (const key of keys) places.set(key, located);
      if (!other) continue;
      const problem = duplicate(located, taken, other);
      problems.push({ ...problem, message: `${problem.message} (for nodes of group ${group})` });
      if (problems.length >= mostFaults) return;
    }
  }
}

/** A note for each removal that has no effect for any group. */
function vainRemoves({ layers, groups }: Configuration): Problem[] {
  const notes: Problem[] = [];
  const orders = [...groups.values()];
  for (const [name, { removes }] of layers) {
    if (removes.length === 0) continue;
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

/** Whether two readings have the same content. Other line numbers do not count as a difference. */
export function sameReading(a: Reading, b: Reading): boolean {
  if ("problems" in a) return "problems" in b && JSON.stringify(a.problems) === JSON.stringify(b.problems);
  if ("problems" in b) return false;
  const [one, other] = [a.configuration, b.configuration];
  if (!sameEntries(one.groups, other.groups, (names, others) => names.join("\0") === others.join("\0"))) return false;
  if (JSON.stringify(a.notes.map(formatElsewhere)) !== JSON.stringify(b.notes.map(formatElsewhere))) return false;
  if (JSON.stringify(partsOf(a)) !== JSON.stringify(partsOf(b))) return false;
  return sameEntries(
    one.layers,
    other.layers,
    (layer, others) => sameList(layer.resources, others.resources) && removed(layer) === removed(others),
  );
}

const removed = ({ removes }: Layer) => removes.map(({ typeUrl, key }) => `${typeUrl} ${key}`).join("\0");

const sameEntries = <T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>, areSame: (a: T, b: T) => boolean) =>
  a.size === b.size && [...a].every(([key, value]) => b.has(key) && areSame(value, b.get(key) as T));

const formatElsewhere = ({ file, path, message }: Problem) => formatProblem({ file, path, message });

const partsOf = ({ unserved = [] }: GoodReading) => unserved.map(({ file, parts }) => [file, ...parts]);

const sameList = (a: readonly Resource[], b: readonly Resource[] | undefined) =>
  a.length === b?.length && a.every((resource, index) => resource === b[index]);

/** The keys of a resource: its type with its name and with each alias. */
const keysOf = ({ type, key, aliasKeys }: Resource) => [key, ...aliasKeys].map((name) => `${type.typeUrl} ${name}`);

/** A layer with its resources by their keys. */
class NamedResources implements Layer {
  readonly resources: Resource[] = [];
  readonly removes: RemovedResource[] = [];
  readonly places = new Map<Resource, Place>();
  hasAliases = false;
  private readonly byKey = new Map<string, LocatedResource>();
  private readonly previous = new Map<string, Resource>();

  /** `below`: the layer that has no resources of the same names. */
  constructor(private readonly below: NamedResources | undefined) {}

  /** Remembers the resources of the previous reading, to use these objects for unchanged resources. */
  *knowing(previous: readonly Resource[] = []): InSteps<void> {
    for (const resource of previous) {
      this.previous.set(keysOf(resource)[0] ?? "", resource);
      yield;
    }
  }

  *adding({ resources, removes }: ResourceFile, problems: Problem[]): InSteps<void> {
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
          message: `more than ${mostFaults} names are already taken; the rest of the file is not checked`,
        });
        return;
      }
      if (other) problems.push(duplicate(each, taken, other));
      else {
        for (const key of keys) this.byKey.set(key, each);
        if (keys.length > 1) this.hasAliases = true;
        const { file, line, column } = each;
        const resource = sameOr(this.previous.get(keys[0] ?? ""), each.resource);
        this.places.set(resource, { file, line, column });
        this.resources.push(resource);
      }
    }
  }

  private placeOf(key: string): LocatedResource | undefined {
    return this.byKey.get(key) ?? this.below?.byKey.get(key);
  }
}

function sameOr(previous: Resource | undefined, resource: Resource): Resource {
  if (previous?.version !== resource.version || previous.name !== resource.name) return resource;
  const same = previous.ttlMs === resource.ttlMs && previous.aliases.join("\0") === resource.aliases.join("\0");
  return same && previous.hasBodyOf(resource) ? previous : resource;
}

/** The problem of a taken name. `taken` is 0 for the resource's name, else the number of its alias. */
function duplicate({ resource, ...place }: LocatedResource, taken: number, other: LocatedResource): Problem {
  const name = taken === 0 ? resource.name : `${resource.aliases[taken - 1]} (an alias)`;
  const where = `${other.file}:${other.line}:${other.column}`;
  const message = `${resource.type.name} ${JSON.stringify(name)} is already at ${where}; rename or remove one of the two`;
  return { ...place, path: "", message };
}
