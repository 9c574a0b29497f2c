import type { FindingCode } from "./findings.js";
import { canonicalName } from "./names.js";
import { referrers } from "./reference-table.js";
import { covers, isCollection, type Reference, referencesOf } from "./references.js";
import type { Resource } from "./resource.js";
import type { Snapshot } from "./snapshot.js";
import { findResourceType } from "./types.js";

/** What is to be said of a resource's place among the others. */
export interface GraphProblem {
  readonly resource: Resource;
  readonly code: FindingCode;
  readonly path: string;
  readonly message: string;
}

/**
 * The references of a snapshot that lead nowhere, and the resources that none leads to. The latter are told of only where the
 * snapshot has resources of a type that could refer to them; a collection may be empty.
 */
export function checkReferences(snapshot: Snapshot): GraphProblem[] {
  const problems: GraphProblem[] = [];
  const resources = snapshot.typeUrls().flatMap((typeUrl) => [...snapshot.resources(typeUrl).values()]);
  const graph = new ReferenceGraph(resources);
  for (const resource of resources)
    for (const reference of referencesOf(resource)) {
      if (!graph.leadsNowhere(reference)) continue;
      const { typeUrl, name, path } = reference;
      const message = `refers to ${JSON.stringify(name)}, which is not among the ${findResourceType(typeUrl)?.name} of the snapshot; add it, or correct the name`;
      problems.push({ resource, code: "MISSING_TARGET", path, message });
    }
  for (const [typeUrl, from] of Object.entries(referrers)) {
    if (!from.some((referrer) => snapshot.set(referrer))) continue;
    for (const resource of snapshot.resources(typeUrl).values()) {
      if (namesOf(resource).some((name) => graph.isReferredTo(typeUrl, name))) continue;
      problems.push({ resource, code: "UNREFERENCED", path: "", message: "nothing in the snapshot refers to it" });
    }
  }
  return problems;
}

/** A resource, and the reference in it that leads to another. */
export interface Referrer {
  readonly resource: Resource;
  readonly reference: Reference;
}

/** What a type's resources are called, and who calls them. All names are canonical. */
class TypeNames {
  /** Name or alias → who bears it: several, where resources of several groups are looked at together. */
  readonly bearers = new Map<string, Resource[]>();
  /** Name → who refers to it. */
  readonly named = new Map<string, Referrer[]>();
  /** The same of collections. */
  readonly collections = new Map<string, Referrer[]>();
}

/** Who refers to whom among some resources. */
export class ReferenceGraph {
  private readonly types = new Map<string, TypeNames>();

  constructor(resources: Iterable<Resource>) {
    for (const resource of resources) {
      const { bearers } = this.ofType(resource.type.typeUrl);
      for (const name of namesOf(resource)) append(bearers, name, resource);
      for (const reference of referencesOf(resource)) {
        const { named, collections } = this.ofType(reference.typeUrl);
        const name = canonicalName(reference.name);
        append(isCollection(name) ? collections : named, name, { resource, reference });
      }
    }
  }

  /** The resources that a reference leads to; of a collection, its members. */
  targets({ typeUrl, name: spelling }: Pick<Reference, "typeUrl" | "name">): readonly Resource[] {
    const { bearers } = this.ofType(typeUrl);
    const name = canonicalName(spelling);
    if (!isCollection(name)) return bearers.get(name) ?? none;
    const members = [...bearers].filter(([bearer]) => covers(name, bearer));
    return [...new Set(members.flatMap(([, resources]) => resources))];
  }

  /** Whether a resource is missing. */
  leadsNowhere(reference: Reference): boolean {
    return needsTarget(reference) && !this.types.get(reference.typeUrl)?.bearers.has(canonicalName(reference.name));
  }

  /** Who refers to a resource, or a missing one, by this canonical name, or by a collection that it belongs to. */
  referrersOf(typeUrl: string, name: string): readonly Referrer[] {
    const { named, collections } = this.ofType(typeUrl);
    const ofCollections = [...collections].filter(([collection]) => covers(collection, name));
    return [...(named.get(name) ?? none), ...ofCollections.flatMap(([, from]) => from)];
  }

  isReferredTo(typeUrl: string, name: string): boolean {
    const { named, collections } = this.ofType(typeUrl);
    return named.has(name) || [...collections.keys()].some((collection) => covers(collection, name));
  }

  /** The names of a type that are borne or referred to, canonical; no collections. */
  names(typeUrl: string): Set<string> {
    const { bearers, named } = this.ofType(typeUrl);
    return new Set([...bearers.keys(), ...named.keys()]);
  }

  private ofType(typeUrl: string): TypeNames {
    const names = this.types.get(typeUrl) ?? new TypeNames();
    this.types.set(typeUrl, names);
    return names;
  }
}

/** Whether there has to be a resource of the name: a collection may be empty, and of a type that is not known nobody knows. */
export const needsTarget = ({ typeUrl, name }: Pick<Reference, "typeUrl" | "name">): boolean =>
  !isCollection(canonicalName(name)) && findResourceType(typeUrl) !== undefined;

const none: readonly never[] = [];

function append<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** The canonical names of a resource, its own and aliases. */
export const namesOf = ({ key, aliasKeys }: Resource): string[] => [key, ...aliasKeys];
