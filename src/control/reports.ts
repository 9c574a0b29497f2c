import type { JsonValue } from "@bufbuild/protobuf";
import { resourceType } from "../resource/default-api.js";
import type { Revision } from "../revisions/revision.js";
import { atOnceOf, type Barred, barredAs, type Head, isFrozen } from "../rollout/head.js";
import type { GateVerdict } from "../rollout/rollout.js";
import type { AuditEntry, Hash } from "../store/store.js";

/** A change that waits for somebody's approval. */
export interface HeldChange {
  /** The hash of the held part of the configuration. Live resources are part of it only if they are held too. */
  readonly content: Hash;
  /** Why the change is held, a line for each reason. */
  readonly reasons: readonly string[];
  /** When it was held first, in milliseconds since 1970. */
  readonly at: number;
}

/** The role of a revision. `stable` and `candidate` are served. `barred` is not served before an order allows it. */
export type RevisionState = "stable" | "candidate" | "barred";

/** A revision, as commands show it. Times are in ISO 8601. */
export interface RevisionReport {
  readonly revision: number;
  /** The revision that was stable before it. 0 if there was none. */
  readonly parent: number;
  /** The revision whose content it serves again. Only an undo has it. */
  readonly undoTo?: number;
  readonly at: string;
  readonly by: string;
  readonly message?: string;
  readonly source?: string;
  readonly content: Hash;
  /** Absent if the revision has no role now. */
  readonly state?: RevisionState;
  /** Why the revision is barred. */
  readonly why?: string;
  /** How many resources of each type there are in all layers together, by the type's short name. */
  readonly counts: { readonly [type: string]: number };
  /** The names of its layers. */
  readonly layers: readonly string[];
  /** Which group of nodes has which layers, and which node is in which group. */
  readonly rules?: JsonValue;
  /** The short names of the live types. Their resources belong to no revision. */
  readonly live: readonly string[];
}

/** A held change, as commands show it. */
export interface HeldReport {
  readonly content: Hash;
  readonly at: string;
  readonly reasons: readonly string[];
}

export interface FreezeReport {
  readonly by: string;
  readonly why: string;
  readonly at: string;
  /** When the freeze ends by itself. */
  readonly until?: string;
}

/** The order that the next change is served to all nodes at once. */
export interface AtOnceReport {
  readonly by: string;
  readonly why: string;
  /** When it ends by itself. */
  readonly until: string;
}

export interface BarredReport {
  readonly revision: number;
  readonly content: Hash;
  readonly why: string;
  readonly at: string;
}

/** What the server knows about the present wave. */
export interface WaveReport {
  /** How many connected nodes the candidate changes, and how many of them have it. */
  readonly affected: number;
  readonly candidates: number;
  /** The ids of the nodes that have not applied the candidate yet, at most 100. */
  readonly pending: readonly string[];
  /** When the bake of the wave ends by the present settings. Absent before the bake. */
  readonly bakeEndsAt?: string;
  /** The gates' last verdicts. */
  readonly gates: readonly GateVerdict[];
  /** The replicas whose nodes are not known now. Until they are, the rollout does not go forward. */
  readonly unknown?: readonly { readonly replica: string; readonly why: string }[];
}

/** The present rollout, as commands show it. */
export interface CandidateReport {
  readonly revision: number;
  readonly content: Hash;
  readonly startedAt: string;
  /** The number of the present wave. In wave 0, only the first nodes have the candidate. */
  readonly wave: number;
  /** The share of the other nodes that have the candidate, from 0 to 1. */
  readonly share: number;
  readonly first: readonly string[];
  readonly state: "applying" | "baking" | "held";
  /** When this state began. */
  readonly since: string;
  readonly waitsFor?: string;
  readonly paused?: { readonly by: string; readonly why: string };
  readonly evidence?: WaveReport;
}

/** What is served and rolled out, and what holds changes. */
export interface RolloutReport {
  /** The revision of all nodes that are not in a rollout. 0 if there is none. */
  readonly stable: number;
  readonly candidate?: CandidateReport;
  /** The freeze, while one is in force. */
  readonly frozen?: FreezeReport;
  /** The order that the next change needs no rollout, while one is in force. */
  readonly atOnce?: AtOnceReport;
  readonly held?: HeldReport;
  /** The barred contents, newest last. */
  readonly barred: readonly BarredReport[];
}

/** The revisions that are kept. */
export interface HistoryReport {
  /** Newest first. */
  readonly revisions: readonly RevisionReport[];
  readonly held?: HeldReport;
}

/** The audit log, as commands show it. */
export interface AuditReport {
  /** Newest first. */
  readonly entries: readonly (Omit<AuditEntry, "at"> & { readonly at: string })[];
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Describes a revision. `live` has the URLs of the live types. */
export function revisionReport(revision: Revision, head: Head, live: readonly string[]): RevisionReport {
  const { number, parent, undoTo, at, by, message, source, content, counts, groups, rules } = revision;
  const barred = barredAs(head, content);
  const state =
    number === head.stable ? "stable" : number === head.rollout?.revision ? "candidate" : barred && "barred";
  return {
    revision: number,
    parent,
    ...(undoTo !== undefined && { undoTo }),
    at: isoTime(at),
    by,
    ...(message !== undefined && { message }),
    ...(source !== undefined && { source }),
    content,
    ...(state && { state }),
    ...(state === "barred" && barred && { why: barred.why }),
    counts: Object.fromEntries(Object.entries(counts).map(([typeUrl, count]) => [resourceType(typeUrl).name, count])),
    layers: Object.keys(groups),
    ...(rules !== undefined && { rules }),
    live: live.map((typeUrl) => resourceType(typeUrl).name),
  };
}

export const heldReport = ({ content, reasons, at }: HeldChange): HeldReport => ({
  content,
  at: isoTime(at),
  reasons,
});

export const barredReport = ({ at, ...barred }: Barred): BarredReport => ({ ...barred, at: isoTime(at) });

/** Describes a head. `content` is the content of the candidate. A freeze that has ended is left out. */
export function rolloutReport(
  head: Head,
  now: number,
  { content, held, evidence }: { content?: Hash; held?: HeldChange | undefined; evidence?: WaveReport | undefined },
): RolloutReport {
  const { rollout, frozen } = head;
  const atOnce = atOnceOf(head, now);
  return {
    stable: head.stable,
    ...(rollout && content !== undefined && { candidate: candidateReport(rollout, content, evidence) }),
    ...(frozen && isFrozen(head, now) && { frozen: freezeReport(frozen) }),
    ...(atOnce && { atOnce: { ...atOnce, until: isoTime(atOnce.until) } }),
    ...(held && { held: heldReport(held) }),
    barred: head.barred.map(barredReport),
  };
}

function candidateReport(
  { revision, startedAt, wave, share, first, state, since, waitsFor, paused }: NonNullable<Head["rollout"]>,
  content: Hash,
  evidence: WaveReport | undefined,
): CandidateReport {
  return {
    ...{ revision, content, startedAt: isoTime(startedAt), wave, share, first, state, since: isoTime(since) },
    ...(waitsFor !== undefined && { waitsFor }),
    ...(paused && { paused }),
    ...(evidence !== undefined && { evidence }),
  };
}

const freezeReport = ({ by, why, at, until }: NonNullable<Head["frozen"]>): FreezeReport => ({
  ...{ by, why, at: isoTime(at) },
  ...(until !== undefined && { until: isoTime(until) }),
});
