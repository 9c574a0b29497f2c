import type { GateVerdict, Rollout } from "./rollout.js";

/** What a gate judges. */
export interface GateContext {
  readonly rollout: Rollout;
  /** The ids of the affected nodes that have the candidate. An affected node is one that the candidate changes. */
  readonly candidates: readonly string[];
  /** The ids of the other connected nodes. */
  readonly others: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Aborted when nobody needs the verdict any more. Either the time is up, or the rollout has ended. */
  readonly signal: AbortSignal;
}

/** A gate's verdict, without the gate's name. */
export type Judgement = Pick<GateVerdict, "verdict" | "text">;

/**
 * A check that every wave must pass. Only the verdict `fail` rolls back. A gate that throws, or that does not answer in
 * time, counts as `inconclusive`.
 */
export interface Gate {
  readonly name: string;
  /** The time between two calls of `verdict` while a wave bakes, in milliseconds. One more call follows the bake. */
  readonly everyMs: number;
  /** Called when a wave has applied the candidate and its bake begins. After a restart it is called again. */
  begin?(context: Omit<GateContext, "signal">): void;
  /** Judges the wave now. */
  verdict(context: GateContext): Judgement | Promise<Judgement>;
}
