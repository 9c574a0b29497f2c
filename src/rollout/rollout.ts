import { hash } from "node:crypto";

/** How fast a rollout goes forward, and when it goes back. Times are in milliseconds. */
export interface RolloutPolicy {
  /**
   * The waves after the first one. Each entry is the share of the affected nodes that have the candidate in that wave.
   * The shares grow, and the last one is 1. The first wave is one node, and has no entry. Default 0.05, 0.25, 1.
   */
  readonly waves: readonly number[];
  /**
   * How long each wave is watched once it has applied the candidate. The first entry is for the first node, the last
   * entry for all further waves. Default 1, 5, 10 minutes.
   */
  readonly bakeMs: readonly number[];
  /** How long a node may take to apply the candidate. Default 60,000. */
  readonly appliedWithinMs: number;
  /** What happens if a gate is still inconclusive when the wait of `maxWaitMs` is over. Default `hold`. */
  readonly inconclusive: "hold" | "continue" | "rollback";
  /** How long the rollout waits for evidence after the bake. Then it follows `inconclusive`. Default 30 minutes. */
  readonly maxWaitMs: number;
  /** If there are fewer affected nodes than this, the second wave is all of them. Default 5. */
  readonly fewNodes: number;
  /**
   * How often a node may refuse a resource of the candidate and be offered it again, before that ends the rollout. 1 is
   * for extensions that refuse what is not in their cache yet, such as Envoy's `nack_on_code_cache_miss`. A refused
   * removal is never offered again. Default 0.
   */
  readonly nackRetries: number;
}

/** The waves are one node, 5 %, 25 % and all. They bake for 1, 5, 10 and 10 minutes. */
export const defaultPolicy: RolloutPolicy = {
  waves: [0.05, 0.25, 1],
  bakeMs: [60_000, 300_000, 600_000],
  appliedWithinMs: 60_000,
  inconclusive: "hold",
  maxWaitMs: 1_800_000,
  fewNodes: 5,
  nackRetries: 0,
};

/**
 * The state of a rollout. It is immutable: `step()` makes the next state. It is plain JSON, because the store keeps it
 * in its head.
 */
export interface Rollout {
  /** The rollout's id. Together with a node's id, it decides the node's wave. */
  readonly id: string;
  /** The number of the revision that is rolled out. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The ids of the nodes in the first wave. */
  readonly first: readonly string[];
  /** The number of the present wave. In wave 0, only the first nodes have the candidate. */
  readonly wave: number;
  /** The share of the other nodes that have the candidate. */
  readonly share: number;
  /**
   * `applying`: some nodes of the wave have not applied the candidate. `baking`: the wave is watched. `held`: the bake
   * is over, and the rollout waits for evidence.
   */
  readonly state: "applying" | "baking" | "held";
  /** When this state began, in milliseconds since 1970. */
  readonly since: number;
  /** What a held rollout waits for. In wave 0, also what keeps the rollout from having a first node. */
  readonly waitsFor?: string;
  /** Set while somebody has paused it. */
  readonly paused?: { readonly by: string; readonly why: string };
}

/** What is known of a node in the waves so far. */
export interface CandidateNode {
  readonly id: string;
  /** When the node was given the candidate, in milliseconds since 1970. Absent once the node has applied it. */
  readonly pendingSince?: number;
  /** What the node has refused of the candidate, and the node's error message. */
  readonly refused?: string;
  /** The largest number of refusals of one resource. `Infinity` for a resource that is not offered again. Default 1. */
  readonly refusals?: number;
  /** Why the node counts as lost, such as `has gone away after it took the candidate`. */
  readonly lost?: string;
}

/** A gate's verdict on a wave. */
export interface GateVerdict {
  readonly gate: string;
  readonly verdict: "pass" | "fail" | "inconclusive";
  /** The reason, with numbers. */
  readonly text: string;
}

/** What {@link step} needs to decide. */
export interface Evidence {
  /** The ids of the affected nodes: connected nodes for which candidate and stable revision differ. */
  readonly affected: readonly string[];
  /** The nodes in the waves so far. */
  readonly nodes: readonly CandidateNode[];
  readonly gates: readonly GateVerdict[];
  /** Whether a freeze or something else keeps the rollout from going forward. */
  readonly isFrozen: boolean;
}

/** The result of a step: the next state, or the end of the rollout. */
export type Outcome =
  | { readonly next: Rollout }
  | { readonly end: "done" }
  | { readonly end: "rolledBack"; readonly why: string };

/** Whether a node has the candidate. Only the rollout and the node's id decide, so the answer is the same anywhere. */
export function isIn({ id, first, share }: Pick<Rollout, "id" | "first" | "share">, node: string): boolean {
  return first.includes(node) || (share > 0 && hashShare(id, node) < share);
}

/** A node's position between 0 and 1. It differs from rollout to rollout. */
const hashShare = (rollout: string, node: string): number =>
  hash("sha256", `${rollout} ${node}`, "buffer").readUInt32BE() / 2 ** 32;

/**
 * Begins a rollout. `affected` has the ids of the affected nodes. `before` is the rollout that this one replaces. The
 * new rollout has the same first node, if that node is affected.
 */
export function begin(
  revision: number,
  id: string,
  affected: readonly string[],
  now: number,
  before?: Rollout,
): Rollout {
  const first = before?.first.filter((node) => affected.includes(node)) ?? [];
  const chosen = first.length > 0 ? first : firstOf(affected);
  const paused = before?.paused;
  const start = {
    id,
    revision,
    startedAt: now,
    first: chosen,
    wave: 0,
    share: 0,
    state: "applying",
    since: now,
  } as const;
  return { ...start, ...(paused && { paused }) };
}

const firstOf = (nodes: readonly string[]): readonly string[] => nodes.slice().sort().slice(0, 1);

/**
 * Decides the next step of a rollout from the evidence. `now` is in milliseconds since 1970. A rollout goes back at
 * once, even while it is paused or frozen. It goes forward only when three conditions hold: all nodes of the wave have
 * applied the candidate, the bake is over, and every gate passes. The first wave needs a connected node: without one it
 * begins again, with another first node if there is one.
 */
export function step(rollout: Rollout, policy: RolloutPolicy, evidence: Evidence, now: number): Outcome {
  const { nodes } = evidence;
  const why = reasonToGoBack(evidence, policy, now);
  if (why !== undefined) return { end: "rolledBack", why };
  if (rollout.paused || evidence.isFrozen) return { next: rollout };
  if (rollout.wave === 0 && nodes.length === 0) return { next: withoutFirst(rollout, evidence.affected, now) };
  if (rollout.state === "applying" && rollout.waitsFor !== undefined) return { next: withoutWait(rollout) };
  const waiting = nodes.find(({ pendingSince }) => pendingSince !== undefined);
  if (waiting) return { next: rollout };
  if (rollout.state === "applying") return { next: { ...rollout, state: "baking", since: now } };
  if (rollout.state === "baking" && now - rollout.since < bakeMsOf(rollout, policy)) return { next: rollout };
  const unsure = unsureOf(evidence);
  if (unsure === undefined) return forward(rollout, policy, evidence.affected, now);
  if (rollout.state === "baking") return hold(rollout, unsure, now);
  if (now - rollout.since < policy.maxWaitMs || policy.inconclusive === "hold")
    return rollout.waitsFor === unsure ? { next: rollout } : { next: { ...rollout, waitsFor: unsure } };
  if (policy.inconclusive === "continue") return forward(rollout, policy, evidence.affected, now);
  return { end: "rolledBack", why: `no evidence within ${policy.maxWaitMs / 1_000} s: ${unsure}` };
}

/**
 * Begins wave 0 again, because its first node is not connected: it has never connected, or it has not come back after a
 * restart of the server. Another affected node is first, or the rollout waits for one.
 */
function withoutFirst(rollout: Rollout, affected: readonly string[], now: number): Rollout {
  if (affected.length > 0) return { ...withoutWait(rollout), first: firstOf(affected), state: "applying", since: now };
  const waitsFor = "no affected node with an id is connected";
  if (rollout.state === "applying") return rollout.waitsFor === waitsFor ? rollout : { ...rollout, waitsFor };
  return { ...rollout, state: "applying", since: now, waitsFor };
}

const withoutWait = ({ waitsFor: _, ...rollout }: Rollout): Rollout => rollout;

/** How long the present wave of a rollout bakes, in milliseconds. */
export const bakeMsOf = ({ wave }: Rollout, { bakeMs }: RolloutPolicy): number =>
  bakeMs[Math.min(wave, bakeMs.length - 1)] ?? 0;

function reasonToGoBack(
  { nodes, gates }: Evidence,
  { appliedWithinMs, nackRetries }: RolloutPolicy,
  now: number,
): string | undefined {
  for (const { id, refused, refusals = 1 } of nodes)
    if (refused !== undefined && refusals > nackRetries) return `node ${JSON.stringify(id)} refuses ${refused}`;
  for (const { id, lost } of nodes) if (lost !== undefined) return `node ${JSON.stringify(id)} ${lost}`;
  for (const { gate, verdict, text } of gates) if (verdict === "fail") return `gate ${gate}: ${text}`;
  for (const { id, pendingSince } of nodes)
    if (pendingSince !== undefined && now - pendingSince >= appliedWithinMs)
      return `node ${JSON.stringify(id)} has not applied the candidate within ${appliedWithinMs / 1_000} s`;
  return undefined;
}

/** Why the evidence is too little to go forward. Returns undefined if it is enough. */
function unsureOf({ gates }: Evidence): string | undefined {
  const gate = gates.find(({ verdict }) => verdict === "inconclusive");
  return gate && `gate ${gate.gate}: ${gate.text}`;
}

const hold = (rollout: Rollout, waitsFor: string, now: number): Outcome => ({
  next: { ...rollout, state: "held", since: now, waitsFor },
});

/** Starts the next wave, or ends the rollout after the last one. */
function forward(rollout: Rollout, policy: RolloutPolicy, affected: readonly string[], now: number): Outcome {
  if (rollout.share >= 1) return { end: "done" };
  const last = policy.waves.length;
  const wave = affected.length < policy.fewNodes ? last : rollout.wave + 1;
  const share = wave >= last ? 1 : (policy.waves[wave - 1] ?? 1);
  return { next: { ...withoutWait(rollout), wave, share, state: "applying", since: now } };
}
