import { allAtOnce, type InSteps } from "../../in-turns.js";
import type { FindingCode } from "../findings.js";
import { canonicalName } from "../names.js";
import type { Reference } from "../reference.js";
import type { Resource } from "../resource.js";
import type { Snapshot } from "../snapshot.js";
import type { XdsApi } from "../xds-api.js";
import { covers, isCollection, referencesOf } from "./references.js";
import { referrerTypes } from "./table.js";

/** A problem with a resource's references, or with the references to it. */
export interface GraphProblem {
  readonly resource: Resource;
  readonly code: FindingCode;
  readonly path: string;
  readonly message: string;
  /** The type URL and the name of the missing resource. */
  readonly target?: string;
  readonly targetName?: string;
}

/**
 * Finds references to missing resources, and resources without a reference to them.
 *
 * The latter are reported only if the snapshot has resources of a type that could refer to them. A collection may be
 * empty. `whole` is the word for the snapshot in messages.
 */
export function checkReferences(snapshot: Snapshot, whole = "snapshot"): GraphProblem[] {
  return allAtOnce(checkingReferences(snapshot, whole));
}

/** {@link checkReferences} in steps. */
export function* checkingReferences(snapshot: Snapshot, whole = "snapshot"): InSteps<GraphProblem[]> {
  const problems: GraphProblem[] = [];
  const resources = snapshot.typeUrls().flatMap((typeUrl) => [...snapshot.resources(typeUrl).values()]);
  const graph = new ReferenceGraph();
  for (const resource of resources) yield* graph.adding(resource);
  for (const resource of resources)
    for (const reference of referencesOf(resource)) {
      yield;
      const { api } = resource.type;
      if (!graph.leadsNowhere(reference, api)) continue;
      const { typeUrl, name, path } = reference;
      const message = `refers to ${JSON.stringify(name)}, which is not among the ${api.typeName(typeUrl)} of the ${whole}; add it, or correct the name`;
      problems.push({ resource, code: "MISSING_TARGET", path, message, target: typeUrl, targetName: name });
    }
  for (const [typeUrl, from] of Object.entries(referrerTypes)) {
    if (!from.some((referrer) => snapshot.set(referrer))) continue;
    for (const resource of snapshot.resources(typeUrl).values()) {
      yield;
      if (namesOf(resource).some((name) => graph.isReferredTo(typeUrl, name))) continue;
      problems.push({ resource, code: "UNREFERENCED", path: "", message: `nothing in the ${whole} refers to it` });
    }
  }
  return problems;
}

/** A reference, and the resource that contains it. */
export interface Referrer {
  readonly resource: Resource;
  readonly reference: Reference;
}

/** The names of one type's resources, and the references to them. All names are canonical. */
class TypeIndex {
  /**
   * The resources with each name or alias. There may be several if resources of several groups are checked together.
   */
  readonly resources = new Map<string, Resource[]>();
  /** The references to each name. */
  readonly referrers = new Map<string, Referrer[]>();
  /** The references to each collection. */
  readonly collectionReferrers = new Map<string, Referrer[]>();
}

/** The references among some resources. */
export class ReferenceGraph {
  private readonly types = new Map<string, TypeIndex>();

  constructor(resources: Iterable<Resource> = []) {
    for (const resource of resources) allAtOnce(this.adding(resource));
  }

  /** Adds a resource, in steps. */
  *adding(resource: Resource): InSteps<void> {
    const { resources } = this.ofType(resource.type.typeUrl);
    for (const name of namesOf(resource)) append(resources, name, resource);
    yield;
    for (const reference of referencesOf(resource)) {
      const { referrers, collectionReferrers } = this.ofType(reference.typeUrl);
      const name = canonicalName(reference.name);
      append(isCollection(name) ? collectionReferrers : referrers, name, { resource, reference });
      yield;
    }
  }

  /** Returns the resources that a reference leads to. For a collection these are its members. */
  targets({ typeUrl, name: spelling }: Pick<Reference, "typeUrl" | "name">): readonly Resource[] {
    const { resources } = this.ofType(typeUrl);
    const name = canonicalName(spelling);
    if (!isCollection(name)) return resources.get(name) ?? none;
    const members = [...resources].filter(([member]) => covers(name, member));
    return [...new Set(members.flatMap(([, ofName]) => ofName))];
  }

  /** Whether a reference needs a resource that is missing. */
  leadsNowhere(reference: Reference, api: XdsApi): boolean {
    return (
      needsTarget(reference, api) && !this.types.get(reference.typeUrl)?.resources.has(canonicalName(reference.name))
    );
  }

  /**
   * Returns the references to a canonical name, also those to a collection that it belongs to. The resource may be
   * missing.
   */
  referrersOf(typeUrl: string, name: string): readonly Referrer[] {
    const { referrers, collectionReferrers } = this.ofType(typeUrl);
    const ofCollections = [...collectionReferrers].filter(([collection]) => covers(collection, name));
    return [...(referrers.get(name) ?? none), ...ofCollections.flatMap(([, from]) => from)];
  }

  isReferredTo(typeUrl: string, name: string): boolean {
    const { referrers, collectionReferrers } = this.ofType(typeUrl);
    return referrers.has(name) || [...collectionReferrers.keys()].some((collection) => covers(collection, name));
  }

  /**
   * Returns all names of a type that a resource has or a reference uses. They are canonical; collections are not
   * included.
   */
  names(typeUrl: string): Set<string> {
    const { resources, referrers } = this.ofType(typeUrl);
    return new Set([...resources.keys(), ...referrers.keys()]);
  }

  private ofType(typeUrl: string): TypeIndex {
    const index = this.types.get(typeUrl) ?? new TypeIndex();
    this.types.set(typeUrl, index);
    return index;
  }
}

/**
 * Whether a reference needs an existing resource. A collection may be empty, and nothing is known about unknown types.
 */
export const needsTarget = ({ typeUrl, name }: Pick<Reference, "typeUrl" | "name">, api: XdsApi): boolean =>
  !isCollection(canonicalName(name)) && api.findResourceType(typeUrl) !== undefined;

const none: readonly never[] = [];

function append<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** Returns the canonical names of a resource: its own name and its aliases. */
export const namesOf = ({ key, aliasKeys }: Resource): string[] => [key, ...aliasKeys];
