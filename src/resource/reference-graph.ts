import type { FindingCode } from "./findings.js";
import { canonicalName } from "./names.js";
import { referrers } from "./reference-table.js";
import { covers, isCollection, referencesOf } from "./references.js";
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
  const graph = new Graph(snapshot);
  for (const typeUrl of snapshot.typeUrls())
    for (const resource of snapshot.resources(typeUrl).values()) graph.follow(resource);
  graph.findUnreferenced();
  return graph.problems;
}

class Graph {
  readonly problems: GraphProblem[] = [];
  /** By type URL: the names that something refers to, canonical. */
  private readonly referenced = new Map<string, Set<string>>();
  /** By type URL: the names and aliases that the snapshot has, canonical. */
  private readonly present = new Map<string, Set<string>>();

  constructor(private readonly snapshot: Snapshot) {
    for (const typeUrl of snapshot.typeUrls()) {
      const names = Array.from(snapshot.resources(typeUrl).values(), namesOf);
      this.present.set(typeUrl, new Set(names.flat()));
    }
  }

  follow(resource: Resource): void {
    for (const { typeUrl, name: spelling, path } of referencesOf(resource)) {
      const name = canonicalName(spelling);
      const names = this.referenced.get(typeUrl) ?? new Set();
      this.referenced.set(typeUrl, names);
      names.add(name);
      const type = findResourceType(typeUrl);
      if (!type || isCollection(name) || this.present.get(typeUrl)?.has(name)) continue;
      const message = `refers to ${JSON.stringify(spelling)}, which is not among the ${type.name} of the snapshot; add it, or correct the name`;
      this.problems.push({ resource, code: "MISSING_TARGET", path, message });
    }
  }

  findUnreferenced(): void {
    for (const [typeUrl, from] of Object.entries(referrers)) {
      if (!from.some((referrer) => this.snapshot.set(referrer))) continue;
      const names = this.referenced.get(typeUrl) ?? new Set();
      const collections = [...names].filter(isCollection);
      for (const resource of this.snapshot.resources(typeUrl).values()) {
        const own = namesOf(resource);
        if (own.some((name) => names.has(name) || collections.some((one) => covers(one, name)))) continue;
        const message = "nothing in the snapshot refers to it";
        this.problems.push({ resource, code: "UNREFERENCED", path: "", message });
      }
    }
  }
}

const namesOf = ({ key, aliases }: Resource): string[] => [key, ...aliases.map(canonicalName)];
