import { messageOf } from "../errors.js";
import type { Gate, GateContext, Judgement } from "../rollout/gate.js";
import type { GateVerdict } from "../rollout/rollout.js";

type Question = Omit<GateContext, "signal">;

interface Asked {
  /** When the gate was last asked. */
  at: number | undefined;
  /** Set while the gate has not answered yet. */
  waiting: AbortController | undefined;
  /** The gate's last answer. */
  verdict: GateVerdict | undefined;
  /** When the gate was asked for its last answer. */
  verdictAt: number;
}

/** Asks the gates of a rollout, each at its own interval, and keeps their last verdicts. */
export class GateRunner {
  private asked = new Map<Gate, Asked>();

  /** A gate can take `timeoutMs` to answer. `onVerdict` is called for each answer that does not come at once. */
  constructor(
    private readonly gates: readonly Gate[],
    private readonly timeoutMs: number,
    private readonly onVerdict: () => void,
  ) {}

  /** Starts with a wave that begins to bake. Earlier verdicts are dropped. */
  begin(question: Question): void {
    this.stop();
    for (const gate of this.gates) {
      const asked: Asked = { at: undefined, waiting: undefined, verdict: undefined, verdictAt: 0 };
      this.asked.set(gate, asked);
      try {
        gate.begin?.(question);
      } catch (error) {
        this.take(asked, question.now, unsure(gate, messageOf(error)));
      }
    }
  }

  /**
   * Asks each gate whose interval is over, or that was not asked since `since`. Times are in milliseconds since 1970.
   */
  ask(question: Question, since: number): void {
    for (const [gate, asked] of this.asked) {
      if (asked.waiting) continue;
      if (asked.at !== undefined && asked.at >= since && question.now - asked.at < gate.everyMs) continue;
      this.askOne(gate, asked, question);
    }
  }

  /**
   * The last verdicts. `isComplete` is true if each gate has answered a question that was asked at `since` or later.
   */
  verdicts(since: number): { readonly verdicts: readonly GateVerdict[]; readonly isComplete: boolean } {
    const all = [...this.asked.values()];
    return {
      verdicts: all.flatMap(({ verdict }) => (verdict ? [verdict] : [])),
      isComplete: all.every(({ verdict, verdictAt }) => verdict && verdictAt >= since),
    };
  }

  /** Stops waiting for answers, and forgets all verdicts. */
  stop(): void {
    const { asked } = this;
    this.asked = new Map();
    for (const { waiting } of asked.values()) waiting?.abort();
  }

  private askOne(gate: Gate, asked: Asked, question: Question): void {
    const { now } = question;
    asked.at = now;
    const controller = new AbortController();
    let answer: Judgement | Promise<Judgement>;
    try {
      answer = gate.verdict({ ...question, signal: controller.signal });
    } catch (error) {
      answer = { verdict: "inconclusive", text: messageOf(error) };
    }
    if (!(answer instanceof Promise)) {
      this.take(asked, now, { gate: gate.name, ...answer });
      return;
    }
    asked.waiting = controller;
    const answered = (verdict: GateVerdict) => {
      if (asked.waiting !== controller) return;
      clearTimeout(timer);
      asked.waiting = undefined;
      this.take(asked, now, verdict);
      controller.abort();
      if (this.asked.get(gate) === asked) this.onVerdict();
    };
    const timer = setTimeout(
      () => answered(unsure(gate, `no answer within ${this.timeoutMs / 1_000} s`)),
      this.timeoutMs,
    );
    controller.signal.addEventListener("abort", () => clearTimeout(timer));
    answer.then(
      (judgement) => answered({ gate: gate.name, ...judgement }),
      (error: unknown) => answered(unsure(gate, messageOf(error))),
    );
  }

  private take(asked: Asked, at: number, verdict: GateVerdict): void {
    asked.verdict = verdict;
    asked.verdictAt = at;
  }
}

const unsure = ({ name }: Gate, text: string): GateVerdict => ({ gate: name, verdict: "inconclusive", text });
