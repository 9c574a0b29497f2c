import { findResourceType, resourceTypes } from "../../resource/default-api.js";
import { canonicalName } from "../../resource/names.js";
import { namesOf, needsTarget, ReferenceGraph } from "../../resource/references/graph.js";
import { referencesOf } from "../../resource/references/references.js";
import { referrerTypes } from "../../resource/references/table.js";
import type { Resource } from "../../resource/resource.js";
import type { ResourceType } from "../../resource/xds-api.js";
import { XdsApi } from "../../resource/xds-api.js";
import { dumpForms } from "../../server/csds/config-dumps.js";
import { Locator } from "../../source/documents/locator.js";
import type { Place } from "../../source/files/problem.js";
import { allResources, commonLayer, isOwnLayer, viewOf } from "../../source/reading/layers.js";
import { type ComparedConfiguration, hasPartOf, tells, unansweredLines } from "./compared-configuration.js";
import { isUnserved } from "./unserved-parts.js";

/**
 * What a tree shows of a resource, or of a name without a resource. The place is that of the resource in its file.
 */
interface Described extends Partial<Place> {
  /** The type's short name. */
  readonly type: string;
  readonly name: string;
  /** The node group that gets the resource. Absent for resources of all nodes. */
  readonly group?: string;
  /** The layer of the resource, if groups have layers. */
  readonly layer?: string;
  /**
   * `missing`: there is no such resource. `unserved`: the resource is not served. `not_in_dump`: the dump does not
   * contain it, but it may exist. `unanswered`: the server did not answer whether it exists. `cycle`: it is already
   * on the path from the root. `above`: it is shown further up, with its branches. `deep`: its branches are not
   * followed.
   */
  readonly mark?: "missing" | "unserved" | "not_in_dump" | "unanswered" | "cycle" | "above" | "deep";
}

/** A step of a tree. The place is that of the referring field. */
export interface Branch extends Described {
  /** The referring field. On the way down it is in the resource above this one, on the way up in this one. */
  readonly path: string;
  readonly branches: readonly Branch[];
}

/** What refers to a resource, and what the resource refers to. */
export interface Explanation extends Described {
  readonly referredToBy: readonly Branch[];
  readonly refersTo: readonly Branch[];
}

/** A resource, or a referenced name without a resource. */
interface Subject {
  readonly typeUrl: string;
  readonly name: string;
  readonly resource?: Resource;
}

/** A reference: its other end in this direction, and the resource and field that refer. */
interface Step {
  readonly to: Subject;
  readonly from: Resource;
  readonly path: string;
}
type Steps = (subject: Subject, scope: string | undefined) => Step[];

/** The longest path that is followed. A configuration without cycles has paths of about six steps. */
const mostSteps = 20;

/** The references of a configuration, and their places in files. */
export class ReferenceTrees {
  /** Resource → its layer, for resources that are not for all nodes. */
  private readonly layers = new Map<Resource, string>();
  private readonly graph: ReferenceGraph;
  private readonly locator = new Locator();

  /** With `chosen`, only what the nodes of this group, or of no group, are served. */
  constructor(
    private readonly reading: ComparedConfiguration,
    chosen?: { readonly group: string } | "none",
  ) {
    const { configuration } = reading;
    const group = chosen === "none" ? undefined : chosen?.group;
    const shown = chosen ? new Set(viewOf(configuration, group)) : allResources(configuration);
    const common = new Set(configuration.layers.get(commonLayer)?.resources);
    for (const [name, { resources }] of configuration.layers)
      for (const resource of resources) if (!common.has(resource)) this.layers.set(resource, name);
    this.graph = new ReferenceGraph([...shown]);
  }

  /** The names of all resources and references, with the short names of their types. */
  names(): { type: string; name: string }[] {
    return resourceTypes().flatMap(({ typeUrl, name: type }) =>
      Array.from(this.graph.names(typeUrl), (name) => ({ type, name })),
    );
  }

  /**
   * Explains a name. There is one explanation, none for an unknown name, or several if groups have their own resources.
   */
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

  /** A line for each thing that a part of a dump leaves open about resources of these types. */
  *notes(typeUrls: Iterable<string>): Iterable<string> {
    const { dump } = this.reading;
    for (const line of unansweredLines(this.reading)) yield `${line}; their references are not known`;
    if (!dump) return;
    const above = new Set(typeUrls);
    for (const typeUrl of above) for (const referrer of referrerTypes[typeUrl] ?? []) above.add(referrer);
    const isAbsent = ({ typeUrl }: ResourceType) =>
      above.has(typeUrl) && dumpForms[typeUrl] && !hasPartOf(dump, typeUrl);
    const absent = resourceTypes().filter(isAbsent);
    if (absent.length > 0) yield `the dump does not contain ${absent.map(({ name }) => name).join(", ")}`;
    if (dump.isOfSomeNames) yield "the dump has only some names (?name_regex=); other resources may exist";
    if (dump.cut.size > 0)
      yield "the dump has only some fields of some resources (?mask=); their other references are not known";
  }

  /**
   * The tree of branches of a subject. A subject that is reached several times has its branches only the first time.
   */
  private tree(root: Subject, stepsFrom: Steps): readonly Branch[] {
    const onTheWay = new Set<string>();
    /** Finished subject → whether it has branches. */
    const done = new Map<string, boolean>();
    // Below a resource of a group, only what this group's nodes are served counts.
    const branchesOf = (subject: Subject, above?: string): Branch[] => {
      const scope = this.layerOf(subject) ?? above;
      const key = keyOf(subject, scope);
      onTheWay.add(key);
      const branches = stepsFrom(subject, scope).map(({ to, from, path }): Branch => {
        const next = keyOf(to, this.layerOf(to) ?? scope);
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

  /**
   * Whether some node is served a resource together with a layer. Without a layer: with the resources for all nodes.
   */
  private isFor(resource: Resource, scope: string | undefined): boolean {
    const layer = this.layers.get(resource);
    if (layer === undefined || scope === undefined || layer === scope) return true;
    const { groups } = this.reading.configuration;
    return [...groups.values()].some((order) => order.includes(layer) && order.includes(scope));
  }

  private layerOf({ resource }: Subject): string | undefined {
    return resource && this.layers.get(resource);
  }

  private described(subject: Subject): Described {
    const { typeUrl, name, resource } = subject;
    const layer = this.layerOf(subject);
    const isOwn = layer !== undefined && isOwnLayer(this.reading.configuration, layer);
    const unknown = this.reading.unanswered ? "unanswered" : "not_in_dump";
    const isKnown = tells(this.reading, typeUrl, name);
    const mark = isUnserved(this.reading, typeUrl, name) ? "unserved" : isKnown ? "missing" : unknown;
    return {
      type: findResourceType(typeUrl)?.name ?? typeUrl,
      name,
      ...(layer !== undefined && (isOwn ? { group: layer } : { layer })),
      ...(!resource && needsTarget(subject, XdsApi.default) && { mark }),
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

/** JSON, because names may have spaces. The scope is part of it, because another scope may have other branches. */
const keyOf = ({ typeUrl, name }: Subject, scope: string | undefined) => JSON.stringify([typeUrl, name, scope]);
