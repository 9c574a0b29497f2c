import type { StartSpan, Traced } from "../admin/tracing.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Outcome, Rollout } from "../rollout/rollout.js";
import type { Decision, RolloutObserver } from "./rollout-driver.js";
import { type WebhookOptions, WebhookQueue } from "./webhook-queue.js";

export interface RolloutNoticesOptions {
  readonly logger?: Logger;
  /** Gets a POST of a {@link RolloutNotice} when a rollout is held, is rolled back, or is done. */
  readonly webhook?: WebhookOptions;
  /** The result of `loadTracing()` of `admin/tracing.ts`. By default there are no spans. */
  readonly startSpan?: (...args: Parameters<StartSpan>) => Traced | undefined;
}

/** What a webhook gets, as JSON. */
export interface RolloutNotice {
  readonly event: "held" | "rolled_back" | "done";
  readonly rollout: string;
  readonly revision: number;
  readonly wave: number;
  /** What the rollout waits for, or why it was rolled back. */
  readonly why?: string;
  /** How many connected nodes the candidate changes, and how many of them have it. */
  readonly affected: number;
  readonly candidates: number;
  readonly gates: readonly { readonly gate: string; readonly verdict: string; readonly text: string }[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Reports rollouts to people: a line in the log for each step, a webhook, and a span for each wave. */
export class RolloutNotices implements RolloutObserver {
  private readonly logger: Logger;
  private readonly queue: WebhookQueue | undefined;
  private span: Traced | undefined;

  /** @throws TypeError if the webhook's URL is not valid */
  constructor(private readonly options: RolloutNoticesOptions = {}) {
    this.logger = options.logger ?? silentLogger;
    this.queue = options.webhook && new WebhookQueue(options.webhook, this.logger);
  }

  began(rollout: Rollout): void {
    const { id, revision, first, wave, state } = rollout;
    this.logger.info({ rollout: id, revision, wave, state, first: first.slice(0, 10) }, "a rollout is going on");
    this.startSpan(rollout);
  }

  decided(decision: Decision): void {
    const { rollout, outcome, by, affected, candidates, gates, at } = decision;
    const { id, revision } = rollout;
    const fields = { rollout: id, revision, wave: rollout.wave, candidates, affected };
    const event = eventOf(rollout, outcome);
    if ("next" in outcome) {
      const { next } = outcome;
      if (next.wave !== rollout.wave) {
        this.logger.info({ ...fields, wave: next.wave, share: next.share }, "the next wave of the rollout begins");
        this.endSpan();
        this.startSpan(next);
      } else if (next.state === "baking" && rollout.state === "applying")
        this.logger.info(fields, "all nodes of the wave have applied the candidate; its bake begins");
      else if (event === "held")
        this.logger.warn({ ...fields, waitsFor: next.waitsFor }, "the rollout is held: it waits for evidence");
      else if (next.state === "applying" && next.waitsFor !== undefined && next.waitsFor !== rollout.waitsFor)
        this.logger.warn({ ...fields, waitsFor: next.waitsFor }, "the rollout waits for its first node");
      else if (next.first !== rollout.first)
        this.logger.info({ ...fields, first: next.first.slice(0, 10) }, "another node is the first of the rollout");
    } else if (outcome.end === "done") {
      this.logger.info(fields, by === "command" ? promoted : "the rollout is done: all nodes have the revision");
      this.endSpan();
    } else {
      this.logger.error({ ...fields, why: outcome.why }, "the rollout was rolled back; its content is barred");
      this.endSpan(outcome.why);
    }
    if (!event || by === "other server") return; // that one sends it
    const why = "next" in outcome ? outcome.next.waitsFor : outcome.end === "rolledBack" ? outcome.why : undefined;
    const notice: RolloutNotice = {
      ...{ event, rollout: id, revision, wave: rollout.wave },
      ...(why !== undefined && { why }),
      ...{ affected, candidates, gates, at },
    };
    this.queue?.send(notice);
  }

  replaced({ id, revision, wave }: Rollout): void {
    this.logger.info({ rollout: id, revision, wave }, "the rollout was ended by another edit");
    this.endSpan();
  }

  /** Sends nothing more. */
  async close(): Promise<void> {
    this.endSpan();
    await this.queue?.close();
  }

  private startSpan({ id, revision, wave, share }: Rollout): void {
    this.endSpan();
    this.span = this.options.startSpan?.("xds.rollout.wave");
    this.span?.set({
      "xds.rollout": id,
      "xds.revision": revision,
      "xds.rollout.wave": wave,
      "xds.rollout.share": share,
    });
  }

  private endSpan(why?: string): void {
    this.span?.end(why);
    this.span = undefined;
  }
}

const promoted = "the rollout was ended by a command: all nodes are served the revision";

function eventOf(rollout: Rollout, outcome: Outcome): RolloutNotice["event"] | undefined {
  if ("end" in outcome) return outcome.end === "done" ? "done" : "rolled_back";
  return outcome.next.state === "held" && rollout.state !== "held" ? "held" : undefined;
}
