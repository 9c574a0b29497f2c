import { canonicalName } from "../resource/names.js";
import { namesOf, needsTarget, ReferenceGraph } from "../resource/reference-graph.js";
import { referencesOf } from "../resource/references.js";
import type { Resource } from "../resource/resource.js";
import { findResourceType, resourceTypes } from "../resource/types.js";
import { Locator } from "../source/locator.js";
import type { Place } from "../source/problem.js";
import { type Operand, tells } from "./operand.js";

/** What is to be known of a resource in a tree, or of a name of none. Its place is that of the file that it was read from. */
interface Described extends Partial<Place> {
  /** The type's short name. */
  readonly type: string;
  readonly name: string;
  /** The node group that it is for; absent: all nodes. */
  readonly group?: string;
  /**
   * `missing`: there is no such resource. `untold`: there may be one, which the dump does not tell. `cycle`: it is on the way from the
   * root to here. `above`: it stands further up, with its branches. `deep`: it is not followed any further.
   */
  readonly mark?: "missing" | "untold" | "cycle" | "above" | "deep";
}

/** A step of a tree. The place is that of the field that refers. */
export interface Branch extends Described {
  /** The field that refers: of the resource above it on the way down, of this one on the way up. */
  readonly path: string;
  readonly branches: readonly Branch[];
}

/** All that leads to a resource, and that it leads to. */
export interface Explanation extends Described {
  readonly referredToBy: readonly Branch[];
  readonly refersTo: readonly Branch[];
}

/** A resource, or what is referred to without being there. */
interface Subject {
  readonly typeUrl: string;
  readonly name: string;
  readonly resource?: Resource;
}

/** A reference: where it leads on this way, and the field of whom. */
interface Step {
  readonly to: Subject;
  readonly from: Resource;
  readonly path: string;
}
type Steps = (subject: Subject, scope: string | undefined) => Step[];

/** A configuration without cycles has ways of six steps or so. */
const mostSteps = 20;

/** Who refers to whom in a configuration, and where it says so. */
export class ReferenceTrees {
  private readonly groups = new Map<Resource, string>();
  private readonly graph: ReferenceGraph;
  private readonly locator = new Locator();

  /** `group`: only what the nodes of this group are served. */
  constructor(
    private readonly reading: Operand,
    group?: string,
  ) {
    const { common, groups } = reading.configuration;
    for (const [name, own] of groups)
      if (group === undefined || group === name) for (const resource of own) this.groups.set(resource, name);
    this.graph = new ReferenceGraph([...common, ...this.groups.keys()]);
  }

  /** The names of all that is there or referred to, by the types' short names. */
  names(): { type: string; name: string }[] {
    return resourceTypes().flatMap(({ typeUrl, name: type }) =>
      Array.from(this.graph.names(typeUrl), (name) => ({ type, name })),
    );
  }

  /** What bears a name, or is referred to by it: nothing, one, or several where groups have their own. */
  explain(typeUrl: string, name: string): Explanation[] {
    if (!this.graph.names(typeUrl).has(canonicalName(name))) return [];
    const resources = this.graph.targets({ typeUrl, name });
    const subjects = resources.length > 0 ? resources.map(subjectOf) : [{ typeUrl, name }];
    return subjects.map((subject) => ({
      ...this.described(subject),
      ...(subject.resource && this.reading.places.get(subject.resource)),
      referredToBy: this.tree(subject, this.referrers),
      refersTo: this.tree(subject, this.targets),
    }));
  }

  /** The branches of a subject, and theirs. What can be reached in several ways has its branches the first time only. */
  private tree(root: Subject, stepsFrom: Steps): readonly Branch[] {
    const onTheWay = new Set<string>();
    /** What was left behind → whether it has branches. */
    const done = new Map<string, boolean>();
    // Once a group's resource is on the way, it is the way of this group's nodes.
    const branchesOf = (subject: Subject, above?: string): Branch[] => {
      const scope = this.groupOf(subject) ?? above;
      const key = keyOf(subject, scope);
      onTheWay.add(key);
      const branches = stepsFrom(subject, scope).map(({ to, from, path }): Branch => {
        const next = keyOf(to, this.groupOf(to) ?? scope);
        const { mark = markOf(next) } = this.described(to);
        const isOpen = mark === undefined && !done.has(next);
        return {
          ...this.described(to),
          path,
          ...this.placeOf(from, path),
          ...(mark && { mark }),
          branches: isOpen ? branchesOf(to, scope) : [],
        };
      });
      onTheWay.delete(key);
      done.set(key, branches.length > 0);
      return branches;
    };
    const markOf = (key: string): Described["mark"] => {
      if (onTheWay.has(key)) return "cycle";
      if (done.get(key)) return "above";
      return onTheWay.size >= mostSteps ? "deep" : undefined;
    };
    return branchesOf(root);
  }

  private readonly referrers: Steps = ({ typeUrl, name, resource }, scope) =>
    (resource ? namesOf(resource) : [canonicalName(name)])
      .flatMap((each) => this.graph.referrersOf(typeUrl, each))
      .filter((referrer) => this.isFor(referrer.resource, scope))
      .map(({ resource: from, reference: { path } }) => ({ to: subjectOf(from), from, path }));

  private readonly targets: Steps = ({ resource: from }, scope) => {
    if (!from) return [];
    return referencesOf(from).flatMap(({ typeUrl, name, path }) => {
      const there = this.graph.targets({ typeUrl, name }).filter((target) => this.isFor(target, scope));
      const subjects = there.length > 0 ? there.map(subjectOf) : [{ typeUrl, name }];
      return subjects.map((to) => ({ to, from, path }));
    });
  };

  /** Whether the nodes of a group, or undefined: some nodes, are served a resource. */
  private isFor(resource: Resource, scope: string | undefined): boolean {
    const group = this.groups.get(resource);
    return group === undefined || scope === undefined || group === scope;
  }

  private groupOf({ resource }: Subject): string | undefined {
    return resource && this.groups.get(resource);
  }

  private described(subject: Subject): Described {
    const { typeUrl, name, resource } = subject;
    const group = this.groupOf(subject);
    const mark = tells(this.reading, typeUrl) ? "missing" : "untold";
    return {
      type: findResourceType(typeUrl)?.name ?? typeUrl,
      name,
      ...(group !== undefined && { group }),
      ...(!resource && needsTarget(subject) && { mark }),
    };
  }

  private placeOf(resource: Resource, path: string): Place | undefined {
    const place = this.reading.places.get(resource);
    return place && this.locator.locate(place, path);
  }
}

const subjectOf = (resource: Resource): Subject => ({
  typeUrl: resource.type.typeUrl,
  name: resource.name,
  resource,
});

/** Names may have spaces; what has another scope may have other branches. */
const keyOf = ({ typeUrl, name }: Subject, scope: string | undefined) => JSON.stringify([typeUrl, name, scope]);
