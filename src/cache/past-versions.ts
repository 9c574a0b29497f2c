import { markOf, partsOf } from "../resource/mixed-version.js";
import type { Resource } from "../resource/resource.js";
import type { Replaced } from "./config-watcher.js";

/** How many steps are remembered. */
const mostSteps = 64;

/**
 * The remembered steps together have at most as many names as there are resources. This limit is never below
 * `fewestNames` or above `mostNames`. The last step is remembered even if it has more names.
 */
const fewestNames = 256;
const mostNames = 10_000;

/** The most versions for which the answer is remembered until the next change. */
const mostFound = 8;

/**
 * A name that differs between two versions, with the resource of each. `undefined` if a version has no resource of this
 * name.
 */
export type Differing = readonly [name: string, from: Resource | undefined, to: Resource | undefined];

/** The difference between two versions of one type's resources. */
interface Step {
  readonly from: string;
  readonly to: string;
  readonly names: readonly Differing[];
  /** When `to` took the place of `from`, as `performance.now()`. */
  readonly at: number;
}

/**
 * Remembers earlier versions of one type for one group of nodes. A client that comes back reports the version that it
 * has. For this version, this class finds the resources that differ from what is served now.
 *
 * Versions are made from content, so two versions with the same name have the same resources. Memory follows the
 * changes: a version is kept as its difference from another one.
 */
export class PastVersions {
  /** Oldest first. A step can be followed in both directions. */
  private readonly steps: Step[] = [];
  private names = 0;
  private readonly found = new Map<string, ReadonlyMap<string, Resource | undefined>>();
  private byName: Map<string, Resource[]> | undefined;
  private byMark: Map<string, Resource> | undefined;
  private replacedOnes: readonly Replaced[] | undefined;

  /**
   * Remembers the difference between two versions that the same nodes had or have. `size` is the number of resources of
   * `to`. It limits the memory: earlier versions take at most about as much as `to`.
   */
  note(from: string, to: string, names: readonly Differing[], size: number, at = performance.now()): void {
    if (from === to) return;
    const known = this.steps.findIndex((step) => isBetween(step, from, to));
    if (known >= 0) this.names -= this.steps.splice(known, 1)[0]?.names.length ?? 0;
    this.steps.push({ from, to, names, at });
    this.names += names.length;
    const most = Math.min(Math.max(size, fewestNames), mostNames);
    while (this.steps.length > mostSteps || (this.names > most && this.steps.length > 1))
      this.names -= this.steps.shift()?.names.length ?? 0;
    this.found.clear();
    this.byName = this.byMark = this.replacedOnes = undefined;
  }

  /** Notes that `to` replaces `from` now, if their difference is remembered. */
  renew(from: string, to: string, size: number): void {
    const [had, has] = [this.path(from, to), this.path(to, from)];
    if (had && has)
      this.note(
        from,
        to,
        Array.from(had, ([name, resource]): Differing => [name, resource, has.get(name)]),
        size,
      );
  }

  /**
   * The resources of a version under all names that can differ in the version `now`. A name that the version does not
   * have is mapped to `undefined`. Returns undefined for a version that is not remembered. The version can have marks
   * (`mixedVersion()`).
   */
  between(version: string, now: string): ReadonlyMap<string, Resource | undefined> | undefined {
    const { base, marks } = partsOf(version);
    const was = this.path(base, now);
    if (!was || marks.length === 0) return was;
    const mixed = new Map(was);
    for (const mark of marks) {
      const resource = this.marked(mark);
      if (resource) mixed.set(resource.key, resource);
    }
    return mixed;
  }

  /** A replaced or removed resource with this name and version. */
  replaced(name: string, version: string): Resource | undefined {
    return this.named(name).find((resource) => resource.version === version);
  }

  /** The newest resource with this name. */
  last(name: string): Resource | undefined {
    return this.named(name)[0];
  }

  /**
   * The replaced and removed resources, newest first. A resource that is served again can be among them. It is the same
   * array until the next change.
   */
  get replacedLately(): readonly Replaced[] {
    if (this.replacedOnes) return this.replacedOnes;
    const all: Replaced[] = [];
    for (const { names, at } of this.newestFirst())
      for (const [, from, to] of names) {
        if (from) all.push({ resource: from, at });
        if (to) all.push({ resource: to, at });
      }
    this.replacedOnes = all;
    return all;
  }

  private path(version: string, now: string): ReadonlyMap<string, Resource | undefined> | undefined {
    const key = `${version} ${now}`;
    const known = this.found.get(key);
    if (known) return known;
    const steps = this.stepsBetween(version, now);
    if (!steps) return undefined; // clients can report any version, so this is not remembered
    const was = new Map<string, Resource | undefined>();
    // The first resource of a name on the way is what the client has.
    for (const [{ names }, isForward] of steps)
      for (const [name, from, to] of names) if (!was.has(name)) was.set(name, isForward ? from : to);
    for (const oldest of this.found.keys()) if (this.found.size >= mostFound) this.found.delete(oldest);
    this.found.set(key, was);
    return was;
  }

  /** The fewest steps that lead from a version to another, each with its direction. */
  private stepsBetween(version: string, now: string): (readonly [step: Step, isForward: boolean])[] | undefined {
    // Backwards, so that the way can be read forwards at the end.
    const next = new Map<string, readonly [step: Step, isForward: boolean] | undefined>([[now, undefined]]);
    for (const here of next.keys())
      for (const step of this.newestFirst()) {
        if (step.to === here && !next.has(step.from)) next.set(step.from, [step, true]);
        else if (step.from === here && !next.has(step.to)) next.set(step.to, [step, false]);
      }
    if (!next.has(version)) return undefined;
    const way: (readonly [Step, boolean])[] = [];
    for (let at = next.get(version); at; at = next.get(at[1] ? at[0].to : at[0].from)) way.push(at);
    return way;
  }

  private named(name: string): readonly Resource[] {
    this.byName ??= this.index();
    return this.byName.get(name) ?? [];
  }

  private marked(mark: string): Resource | undefined {
    if (!this.byMark) {
      this.byName ??= this.index();
      this.byMark = new Map();
      for (const resources of this.byName.values())
        for (const resource of resources) this.byMark.set(markOf(resource), resource);
    }
    return this.byMark.get(mark);
  }

  private index(): Map<string, Resource[]> {
    const index = new Map<string, Resource[]>();
    for (const { names } of this.newestFirst())
      for (const [name, from, to] of names)
        for (const resource of [to, from]) {
          const known = index.get(name) ?? [];
          index.set(name, known);
          if (resource && !known.some(({ version }) => version === resource.version)) known.push(resource);
        }
    return index;
  }

  private *newestFirst(): Iterable<Step> {
    for (let i = this.steps.length - 1; i >= 0; i--) yield this.steps[i] as Step;
  }
}

const isBetween = (step: Step, a: string, b: string): boolean =>
  (step.from === a && step.to === b) || (step.from === b && step.to === a);
