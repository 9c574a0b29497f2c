import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Lease, Store } from "../store/store.js";

export interface LeadershipOptions {
  readonly logger?: Logger;
  /** Called when this process has become the leader. It must not throw. */
  readonly onGained?: () => void;
  /** How often a lease that another process holds is asked for, in milliseconds. Default 1,000. */
  readonly everyMs?: number;
}

/** How long, in milliseconds, the next try waits after an error: a process without the permission asks rarely. */
const afterErrorMs = 10_000;

/** Takes the lease of the leader of a store when it is free, and keeps it as long as it can. */
export class Leadership {
  private readonly closing = new AbortController();
  private readonly logger: Logger;
  private readonly running: Promise<void>;
  private held: Lease | undefined;
  private lastError = "";

  constructor(
    private readonly store: Store,
    private readonly options: LeadershipOptions = {},
  ) {
    this.logger = options.logger ?? silentLogger;
    this.running = this.run();
  }

  /** The lease. undefined while another process leads, or nobody can know. */
  get lease(): Lease | undefined {
    return this.held?.lost.aborted ? undefined : this.held;
  }

  /** Gives the lease back, so that another process can lead at once. It does not wait for a store that is away. */
  async close(): Promise<void> {
    this.closing.abort();
    if (!this.store.away) await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      const waitMs = await this.lead();
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Leads until the lease is lost, if it is free. Resolves with the wait before the next try, in milliseconds. */
  private async lead(): Promise<number> {
    const { everyMs = 1_000, onGained } = this.options;
    try {
      this.held = await this.store.lease("leader");
      this.lastError = "";
      if (!this.held) return everyMs;
    } catch (error) {
      if (messageOf(error) !== this.lastError && !this.closing.signal.aborted && !this.store.away)
        this.logger.warn({ error: messageOf(error) }, "this server cannot lead rollouts now; it still takes them back");
      this.lastError = messageOf(error);
      return this.store.away ? everyMs : afterErrorMs;
    }
    this.logger.info({}, "this server leads the rollouts");
    onGained?.();
    await this.ended(this.held);
    if (!this.closing.signal.aborted) this.logger.warn({}, "this server does not lead the rollouts any more");
    await this.held.release();
    this.held = undefined;
    return everyMs;
  }

  /** Resolves when the lease is lost, or this is closed. */
  private ended({ lost }: Lease): Promise<void> {
    const either = AbortSignal.any([lost, this.closing.signal]);
    return new Promise((resolve) => {
      if (either.aborted) resolve();
      either.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}
