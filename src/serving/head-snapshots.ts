import type { InSteps } from "../in-turns.js";
import type { Resource } from "../resource/resource.js";
import { Snapshot } from "../resource/snapshot.js";
import type { Groups } from "../revisions/revision-blobs.js";

/** The resources of each group of a cache. */
export type Views = ReadonlyMap<string, readonly Resource[]>;

/** A snapshot for each group of a cache. */
export type Snapshots = ReadonlyMap<string, Snapshot>;

/** Adds live resources to the layers of a revision. They are added to the layer of the same name. */
export function withLive(layers: Groups, live: Groups): Groups {
  if (live.size === 0) return layers;
  const all = new Map(layers);
  for (const [layer, resources] of live) all.set(layer, [...(layers.get(layer) ?? []), ...resources]);
  return all;
}

/**
 * Makes the snapshots of views. A snapshot with the same objects as the one in `before` is reused.
 * @throws XdsError as {@link Snapshot.of}
 */
export function* makingSnapshots(views: Views, before: Snapshots): InSteps<Snapshots> {
  const snapshots = new Map<string, Snapshot>();
  for (const [group, resources] of views) {
    const old = before.get(group);
    const made = yield* Snapshot.making(resources);
    snapshots.set(group, old && !(yield* differing(old, made, isIdentical)) ? old : made);
  }
  return snapshots;
}

/**
 * Selects the groups for which the candidate differs from the stable revision. A group that only one of the two has
 * gets the snapshot of the group `fallback` for the other one. Without `fallback`, such a group has no candidate.
 */
export function* choosingCandidates(
  stable: Snapshots,
  candidates: Snapshots,
  fallback: string | undefined,
): InSteps<{ readonly stable: Snapshots; readonly candidates: Snapshots }> {
  const [ofStable, ofCandidates] = [stable, candidates].map((all) =>
    fallback === undefined ? undefined : all.get(fallback),
  );
  const all = new Map(stable);
  const chosen = new Map<string, Snapshot>();
  for (const group of new Set([...stable.keys(), ...candidates.keys()])) {
    const own = stable.get(group) ?? ofStable;
    const candidate = candidates.get(group) ?? ofCandidates;
    if (!own || !candidate || !(yield* differing(own, candidate))) continue;
    all.set(group, own);
    chosen.set(group, candidate);
  }
  return { stable: all, candidates: chosen };
}

/**
 * Whether a node would be sent something if it moved from one snapshot to the other. `isEqual` compares two resources.
 */
function* differing(a: Snapshot, b: Snapshot, isEqual = isSame): InSteps<boolean> {
  if (a === b) return false;
  for (const typeUrl of new Set([...a.typeUrls(), ...b.typeUrls()])) {
    const [ofA, ofB] = [a.resources(typeUrl), b.resources(typeUrl)];
    if (ofA.size !== ofB.size) return true;
    for (const [key, resource] of ofA) {
      const other = ofB.get(key);
      if (other !== resource && !(other && isEqual(resource, other))) return true;
      yield;
    }
  }
  return false;
}

const isSame = (a: Resource, b: Resource): boolean => a.version === b.version && a.hasContentOf(b);

const isIdentical = (a: Resource, b: Resource): boolean => a === b;

/** The resources that the candidate adds or changes, by type URL. If it only removes some, the type's list is empty. */
export type CandidateChanges = ReadonlyMap<string, readonly Resource[]>;

/** By the candidate's snapshot, then by the stable one: nodes can come from several groups to one. */
const changesMemo = new WeakMap<Snapshot, WeakMap<Snapshot, CandidateChanges>>();
const noChanges: CandidateChanges = new Map();

/** What a candidate changes. The result is kept for the same two snapshots. */
export function changesOf(stable: Snapshot | undefined, candidate: Snapshot | undefined): CandidateChanges {
  if (!stable || !candidate) return noChanges;
  if (stable === candidate) return noChanges;
  const ofCandidate = changesMemo.get(candidate) ?? new WeakMap<Snapshot, CandidateChanges>();
  changesMemo.set(candidate, ofCandidate);
  const known = ofCandidate.get(stable);
  if (known) return known;
  const changes = new Map<string, readonly Resource[]>();
  for (const typeUrl of new Set([...stable.typeUrls(), ...candidate.typeUrls()])) {
    const [before, after] = [stable.resources(typeUrl), candidate.resources(typeUrl)];
    const changed = [...after].filter(([key, one]) => before.get(key)?.version !== one.version).map(([, one]) => one);
    const isLess = [...before.keys()].some((key) => !after.has(key));
    if (changed.length > 0 || isLess) changes.set(typeUrl, changed);
  }
  ofCandidate.set(stable, changes);
  return changes;
}
