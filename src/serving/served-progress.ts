import { setTimeout as sleep } from "node:timers/promises";
import { cutText } from "../cut-text.js";
import { isAsNew, type Lacking, longestLacking, type Served } from "../fleet/replica.js";
import { isOwnCommand } from "../own-command.js";
import { NotAppliedError } from "../server/status/applied.js";
import type { XdsServer } from "../server/xds-server.js";

/** How long one wait for the nodes takes, in milliseconds. After it, {@link ServedProgress.lacking} is known. */
const waitMs = 5_000;
/** How long, in milliseconds, a node that has refused something has until the next look. */
const refusedMs = 2_000;

/** Follows how far the nodes of a server have applied what is served. One wait runs at a time. */
export class ServedProgress {
  /** The newest that all nodes have applied. */
  applied: Served | undefined;
  /** Why not all nodes have applied what is served now. */
  lacking: Lacking | undefined;
  private readonly closing = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly server: () => Pick<XdsServer, "applied">,
    private readonly served: () => Served,
  ) {}

  /** Call it when something else is served, and once when the server listens. */
  look(): void {
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
  }

  async close(): Promise<void> {
    this.closing.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      const target = this.served();
      // After a restore of the store, the numbers are smaller.
      if (this.applied && !isAsNew(target, this.applied)) this.applied = undefined;
      if (isAsNew(this.applied, target)) return;
      try {
        await this.server().applied((node) => !isOwnCommand(node), { timeoutMs: waitMs });
        this.applied = target;
        this.lacking = undefined;
      } catch (error) {
        if (!(error instanceof NotAppliedError)) return; // the server shuts down
        const isRefused = error.code === "NOT_APPLIED";
        this.lacking = { isRefused, text: cutText(error.message, longestLacking) };
        if (isRefused) await sleep(refusedMs, undefined, { signal, ref: false }).catch(() => {});
      }
    }
  }
}
