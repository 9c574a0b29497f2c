import { messageOf } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Revisions } from "../revisions/revisions.js";
import type { Gate } from "../rollout/gate.js";
import {
  bakeMsOf,
  type GateVerdict,
  type Outcome,
  type Rollout,
  type RolloutPolicy,
  step,
} from "../rollout/rollout.js";
import { GateRunner } from "./gate-runner.js";
import type { Leadership } from "./leadership.js";
import type { Observed, RolloutEvidence } from "./rollout-evidence.js";
import { hasSameNodes } from "./served-head.js";

/** A step of a rollout that is in the store. */
export interface Decision {
  /**
   * The source of the decision. `this server`: its driver took the step. `command`: a command such as `promote`,
   * `abort` or `undo` ended the rollout; of several servers of a store, only the leader says so. `other server`:
   * another server reports it.
   */
  readonly by: "this server" | "command" | "other server";
  /** The rollout before the step. */
  readonly rollout: Rollout;
  readonly outcome: Outcome;
  /** How many connected nodes the candidate changes, and how many of them have it. */
  readonly affected: number;
  readonly candidates: number;
  readonly gates: readonly GateVerdict[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Gets the events of rollouts. The methods must not throw, and must return at once. */
export interface RolloutObserver {
  /** The driver has started with a rollout. The rollout is new, or it was running before a restart of the server. */
  began?(rollout: Rollout): void;
  /** The driver has taken a step, or something else has ended the rollout with a result. */
  decided?(decision: Decision): void;
  /** A rollout has ended without a result: another one replaced it, or an edit went back to what is stable. */
  replaced?(rollout: Rollout): void;
}

export interface RolloutDriverOptions {
  policy: RolloutPolicy;
  readonly evidence: RolloutEvidence;
  readonly gates?: readonly Gate[];
  readonly observer?: RolloutObserver;
  /**
   * Several processes drive the rollouts of this store. Each of them takes a rollout back. Only the one that has the
   * lease takes it forward. By default this is the only process.
   */
  readonly leadership?: Pick<Leadership, "lease">;
  readonly logger?: Logger;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** The time between two looks at a running rollout, in milliseconds. Events cause more looks. Default 1,000. */
  readonly everyMs?: number;
  /** How long a gate may take to answer, in milliseconds. Default 10,000. */
  readonly gateTimeoutMs?: number;
  /**
   * If a server starts during a rollout, the rollout does not go forward for this time, in milliseconds. So its nodes
   * can connect again. Default 30,000.
   */
  readonly returnMs?: number;
}

/** The time from an event on a stream to the look, in milliseconds. So many ACKs cause one look. */
const soonMs = 200;
/** The shortest time between two writes that change only what a held rollout waits for, in milliseconds. */
const waitsForMs = 60_000;

/**
 * Drives rollouts: it reads the evidence, asks the gates, decides the next step, and writes the step to the store. It
 * decides to go back in the same turn in which a node refuses the candidate. It does not go forward while this server's
 * cache does not show the rollout.
 */
export class RolloutDriver {
  private readonly gates: GateRunner;
  private readonly logger: Logger;
  private readonly now: () => number;
  private stopListening: (() => void) | undefined;
  private rollout: Rollout | undefined;
  /** The id and wave of the bake that the gates judge. */
  private baking = "";
  /** How many nodes were affected, and had the candidate, at the last look. */
  private counts = { affected: 0, candidates: 0 };
  /** Since when the cache has not shown the rollout. undefined while it shows it. */
  private unservedSince: number | undefined;
  private frozenUntil = 0;
  private waitsForAt = Number.NEGATIVE_INFINITY;
  private settling: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private soon: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly revisions: Revisions,
    private readonly options: RolloutDriverOptions,
  ) {
    this.logger = options.logger ?? silentLogger;
    this.now = options.now ?? Date.now;
    this.gates = new GateRunner(options.gates ?? [], options.gateTimeoutMs ?? 10_000, () => this.wake());
  }

  /** Starts driving the present rollout and later ones. */
  open(): void {
    const { evidence } = this.options;
    this.takeOver();
    this.stopListening = this.revisions.onMove(() => this.wake());
    evidence.onChange = (isUrgent) => (isUrgent ? this.wake() : this.wakeSoon());
    this.wake();
  }

  /** Does not take a present rollout forward for a while: its nodes may have to come back first. */
  takeOver(): void {
    const { returnMs = 30_000 } = this.options;
    if (this.revisions.head.rollout) this.frozenUntil = this.now() + returnMs;
  }

  /** Applies another policy from now on, even to the present rollout. */
  use(policy: RolloutPolicy): void {
    this.options.policy = policy;
    this.wake();
  }

  /** Looks at the rollout now. Call it when the cache shows another head. */
  wake(): void {
    if (this.isClosed || this.settling) return;
    try {
      this.look();
    } catch (error) {
      this.logger.error(
        { error: messageOf(error) },
        "the next step of the rollout could not be decided; it stays as it is",
      );
    }
  }

  /** The gates' last verdicts. */
  get verdicts(): readonly GateVerdict[] {
    return this.gates.verdicts(0).verdicts;
  }

  /** Stops driving. Resolves when a step that has begun is stored. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.stopListening?.();
    this.options.evidence.onChange = () => {};
    this.gates.stop();
    clearInterval(this.timer);
    clearTimeout(this.soon);
    await this.settling;
  }

  private wakeSoon(): void {
    if (this.soon || this.isClosed) return;
    this.soon = setTimeout(() => {
      this.soon = undefined;
      this.wake();
    }, soonMs);
  }

  private look(): void {
    const { evidence, policy } = this.options;
    const { rollout } = this.revisions.head;
    this.follow(rollout);
    const observed = evidence.observe();
    if (!rollout) return;
    this.counts = { affected: observed.affected.length, candidates: observed.candidates.length };
    const now = this.now();
    if (!hasSameNodes(evidence.served?.head.rollout, rollout)) {
      this.unservedSince ??= now;
      if (now - this.unservedSince < policy.appliedWithinMs) return;
      const why = `this server could not serve the candidate within ${policy.appliedWithinMs / 1_000} s; its log has the reason`;
      this.settle({ rollout, outcome: { end: "rolledBack", why }, observed, gates: [], now });
      return;
    }
    this.unservedSince = undefined;
    const { verdicts: gates, isComplete } = this.askGates(rollout, observed, now);
    const isKnown = isComplete && observed.silent.length === 0;
    const isFrozen = this.revisions.isFrozen || now < this.frozenUntil || !isKnown;
    const { affected, nodes } = observed;
    const outcome = step(rollout, policy, { affected, nodes, gates, isFrozen }, now);
    const isBack = "end" in outcome && outcome.end === "rolledBack";
    const { leadership } = this.options;
    if (!isBack && leadership && !leadership.lease) return;
    if ("next" in outcome && (outcome.next === rollout || this.isOnlyAnotherWait(rollout, outcome.next, now))) return;
    this.settle({ rollout, outcome, observed, gates, now });
  }

  /** Asks the gates while the wave bakes, and once more when the bake is over. */
  private askGates(rollout: Rollout, { candidates, others }: Observed, now: number) {
    if (rollout.state === "applying") {
      this.baking = ""; // wave 0 can begin again, with another first node
      return { verdicts: [], isComplete: true };
    }
    const question = { rollout, candidates, others, now };
    const wave = `${rollout.id} ${rollout.wave}`;
    if (wave !== this.baking) this.gates.begin(question);
    this.baking = wave;
    const isBaking = rollout.state === "baking";
    const end = rollout.since + (isBaking ? bakeMsOf(rollout, this.options.policy) : 0);
    const since = now >= end ? end : 0;
    this.gates.ask(question, since);
    return this.gates.verdicts(since);
  }

  private isOnlyAnotherWait(before: Rollout, after: Rollout, now: number): boolean {
    if (before.state !== "held" || after.state !== "held") return false;
    if (now - this.waitsForAt < waitsForMs) return true;
    this.waitsForAt = now;
    return false;
  }

  private settle(step: Step): void {
    if (this.isClosed) return;
    this.settling = this.write(step).then((isWritten) => {
      this.settling = undefined;
      // If the store does not work, the next look tries again.
      if (isWritten) this.wake();
    });
  }

  /** Stores a step. Returns false if the store cannot be written now. */
  private async write({ rollout, outcome, observed, gates, now }: Step): Promise<boolean> {
    try {
      const isBack = "end" in outcome && outcome.end === "rolledBack";
      const lease = isBack ? undefined : this.options.leadership?.lease;
      if (!(await this.revisions.settle(rollout.id, outcome, lease))) return true; // another server was faster
    } catch (error) {
      this.logger.error({ error: messageOf(error), rollout: rollout.id }, "a step of the rollout could not be stored");
      return false;
    }
    this.tell({ rollout, outcome, observed, gates, now });
    return true;
  }

  private tell({ rollout, outcome, observed, gates, now }: Step): void {
    if (!hasHappened(this.revisions.head, rollout, outcome)) return;
    const counts = { affected: observed.affected.length, candidates: observed.candidates.length };
    if ("end" in outcome) this.forget();
    else this.rollout = outcome.next;
    this.options.observer?.decided?.({ rollout, outcome, by: "this server", ...counts, gates, at: now });
  }

  /** Reports a rollout that has ended without a step of this driver. */
  private tellEnd(rollout: Rollout): void {
    const { observer, leadership } = this.options;
    const end = endOf(this.revisions.head, rollout);
    if (!end) {
      observer?.replaced?.(rollout);
      return;
    }
    const { counts, verdicts: gates } = this;
    const isOurs = end.isOrdered && (!leadership || leadership.lease !== undefined);
    const by = isOurs ? "command" : "other server";
    observer?.decided?.({ rollout, outcome: end.outcome, by, ...counts, gates, at: this.now() });
  }

  /** Starts with another rollout, or stops if there is none. */
  private follow(rollout: Rollout | undefined): void {
    const { observer, everyMs = 1_000 } = this.options;
    const before = this.rollout;
    if (before?.id === rollout?.id) {
      this.rollout = rollout;
      return;
    }
    if (before) this.tellEnd(before);
    this.forget();
    if (!rollout) return;
    this.rollout = rollout;
    this.timer = setInterval(() => this.wake(), everyMs);
    observer?.began?.(rollout);
  }

  private forget(): void {
    this.rollout = undefined;
    this.baking = "";
    this.unservedSince = undefined;
    this.gates.stop();
    clearInterval(this.timer);
  }
}

interface Step {
  readonly rollout: Rollout;
  readonly outcome: Outcome;
  readonly observed: Observed;
  readonly gates: readonly GateVerdict[];
  readonly now: number;
}

/** How a rollout has ended, and whether a command may have ended it. Returns undefined if it has no result. */
function endOf(
  { stable, barred }: Revisions["head"],
  { revision }: Rollout,
): { outcome: Outcome; isOrdered: boolean } | undefined {
  if (stable === revision) return { outcome: { end: "done" }, isOrdered: true };
  const bar = barred.find((one) => one.revision === revision);
  return bar && { outcome: { end: "rolledBack", why: bar.why }, isOrdered: bar.by !== undefined };
}

/** Whether the head has this step. It does not if somebody has ended the rollout or begun another one meanwhile. */
function hasHappened(head: Revisions["head"], rollout: Rollout, outcome: Outcome): boolean {
  if ("next" in outcome) {
    const { id, wave, state, since } = head.rollout ?? {};
    const { next } = outcome;
    return id === rollout.id && wave === next.wave && state === next.state && since === next.since;
  }
  if (head.rollout?.id === rollout.id) return false;
  if (outcome.end === "done") return head.stable >= rollout.revision;
  return head.barred.some(({ revision, why }) => revision === rollout.revision && why === outcome.why);
}
