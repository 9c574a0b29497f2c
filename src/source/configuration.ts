import type { Resource } from "../resource/resource.js";
import { formatProblem, type Place, type Problem } from "./problem.js";
import type { LocatedResource, ResourceFile } from "./resource-file.js";
import type { Configuration, Reading } from "./source.js";

/** A file that was read, and the node group that it is for; undefined: all nodes. */
export interface GroupedFile {
  readonly group: string | undefined;
  readonly file: ResourceFile;
}

/**
 * Puts the files of a configuration together, in the order given. Two resources of one type and name that a node would both be
 * served are a problem (P10). `groups` are those that exist, with files or without; `previous` gives the objects of what did
 * not change.
 */
export function combine(
  files: readonly GroupedFile[],
  groups: Iterable<string>,
  previous: Configuration | undefined,
): Reading {
  const problems: Problem[] = files.flatMap(({ file }) => file.problems);
  const common = new NamedResources(undefined, previous?.common);
  const perGroup = new Map<string, NamedResources>();
  for (const group of groups) perGroup.set(group, new NamedResources(common, previous?.groups.get(group)));
  // The common ones first, so that what they have is known when a group's are added.
  for (const { group, file } of files) if (group === undefined) common.add(file.resources, problems);
  for (const { group, file } of files) if (group !== undefined) perGroup.get(group)?.add(file.resources, problems);
  if (problems.length > 0) return { problems };
  const resources = Array.from(perGroup, ([group, named]) => [group, named.resources] as const);
  return {
    configuration: { common: common.resources, groups: new Map(resources) },
    places: new Map([common, ...perGroup.values()].flatMap((named) => [...named.places])),
    notes: files.flatMap(({ file }) => file.notes),
  };
}

/** Whether two readings say the same. What is the same on other lines is. */
export function sameReading(a: Reading, b: Reading): boolean {
  if ("problems" in a) return "problems" in b && JSON.stringify(a.problems) === JSON.stringify(b.problems);
  if ("problems" in b) return false;
  const [one, other] = [a.configuration, b.configuration];
  if (JSON.stringify(a.notes.map(formatElsewhere)) !== JSON.stringify(b.notes.map(formatElsewhere))) return false;
  if (!sameList(one.common, other.common) || one.groups.size !== other.groups.size) return false;
  return [...one.groups].every(([group, resources]) => sameList(resources, other.groups.get(group)));
}

const formatElsewhere = ({ file, path, message }: Problem) => formatProblem({ file, path, message });

const sameList = (a: readonly Resource[], b: readonly Resource[] | undefined) =>
  a.length === b?.length && a.every((resource, index) => resource === b[index]);

/** All that a resource is asked for by, within its type. */
const keysOf = ({ type, key, aliasKeys }: Resource) => [key, ...aliasKeys].map((name) => `${type.typeUrl} ${name}`);

/** The resources of all nodes or of a group, each under its type and names. */
class NamedResources {
  readonly resources: Resource[] = [];
  readonly places = new Map<Resource, Place>();
  private readonly byKey = new Map<string, LocatedResource>();
  private readonly previous: ReadonlyMap<string, Resource>;

  constructor(
    private readonly common: NamedResources | undefined,
    previous: readonly Resource[] = [],
  ) {
    this.previous = new Map(previous.map((resource) => [keysOf(resource)[0] ?? "", resource]));
  }

  add(located: readonly LocatedResource[], problems: Problem[]): void {
    for (const each of located) {
      const keys = keysOf(each.resource);
      const taken = keys.findIndex((key) => this.placeOf(key));
      const other = this.placeOf(keys[taken] ?? "");
      if (other) problems.push(duplicate(each, taken, other));
      else {
        for (const key of keys) this.byKey.set(key, each);
        const { file, line, column } = each;
        const resource = sameOr(this.previous.get(keys[0] ?? ""), each.resource);
        this.places.set(resource, { file, line, column });
        this.resources.push(resource);
      }
    }
  }

  private placeOf(key: string): LocatedResource | undefined {
    return this.byKey.get(key) ?? this.common?.byKey.get(key);
  }
}

function sameOr(previous: Resource | undefined, resource: Resource): Resource {
  if (previous?.version !== resource.version || previous.name !== resource.name) return resource;
  const same = previous.ttlMs === resource.ttlMs && previous.aliases.join("\0") === resource.aliases.join("\0");
  return same && previous.hasBodyOf(resource) ? previous : resource;
}

/** `taken`: 0 for its name, else which of its aliases. */
function duplicate({ resource, ...place }: LocatedResource, taken: number, other: LocatedResource): Problem {
  const name = taken === 0 ? resource.name : `${resource.aliases[taken - 1]} (an alias)`;
  const where = `${other.file}:${other.line}:${other.column}`;
  const message = `${resource.type.name} ${JSON.stringify(name)} is already at ${where}; rename or remove one of the two`;
  return { ...place, path: "", message };
}
