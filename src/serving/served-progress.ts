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
  /** Why not all nodes have applied `target`, as far as that is known. */
  private lack: { readonly target: Served; readonly lacking: Lacking } | undefined;
  private readonly closing = new AbortController();
  private isRunning = false;

  constructor(
    private readonly server: () => Pick<XdsServer, "applied">,
    private readonly served: () => Served,
  ) {}

  /** Why not all nodes have applied what is served now. */
  get lacking(): Lacking | undefined {
    return this.lack && isAsNew(this.lack.target, this.served()) ? this.lack.lacking : undefined;
  }

  /** Call it when something else is served, and once when the server listens. */
  look(): void {
    if (!this.isRunning) void this.run();
  }

  async close(): Promise<void> {
    this.closing.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    this.isRunning = true;
    try {
      while (!signal.aborted) {
        const target = this.served();
        // After a restore of the store, the numbers are smaller.
        if (this.applied && !isAsNew(target, this.applied)) this.applied = undefined;
        if (isAsNew(this.applied, target)) return;
        await this.waitFor(target, signal);
      }
    } catch {
      // The server shuts down.
    } finally {
      this.isRunning = false; // in the turn of the last look, so that no change is missed between the two
    }
  }

  /** Waits once for the nodes, and notes the result. @throws the errors of `applied()` besides NotAppliedError */
  private async waitFor(target: Served, signal: AbortSignal): Promise<void> {
    try {
      await this.server().applied((node) => !isOwnCommand(node), { timeoutMs: waitMs, signal });
      this.applied = target;
      this.lack = undefined;
    } catch (error) {
      if (!(error instanceof NotAppliedError)) throw error;
      const isRefused = error.code === "NOT_APPLIED";
      this.lack = { target, lacking: { isRefused, text: cutText(error.message, longestLacking) } };
      if (isRefused) await sleep(refusedMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }
}
