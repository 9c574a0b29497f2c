import { messageOf, XdsError } from "../errors.js";
import { SetHash } from "../resource/resource-set.js";
import type { Snapshot } from "../resource/snapshot.js";
import { resourceType } from "../resource/types.js";
import type { XdsServer } from "../server/xds-server.js";
import type { StartSpan, Traced } from "./tracing.js";

/** How many resources a configuration has more, other and fewer than the one before; those for a group count once. */
export interface ChangeCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** How long, in milliseconds, the last ACK of a change is waited for. */
const patienceMs = 60_000;
/** How many changes that came during one wait are measured by the next. */
const mostWaiting = 100;

interface Change {
  /** As of `performance.now()`. */
  readonly at: number;
  readonly span: Traced;
}

/** Why what is served is not what there is now. */
export interface Failure {
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  readonly message: string;
}

/** What became of the configurations that were read. */
export interface ChangeResults {
  readonly reloads: number;
  readonly failedReloads: number;
  /** undefined: there was none. */
  readonly lastSucceeded: boolean | undefined;
  /** Milliseconds since 1970; 0: never. */
  readonly lastSuccessAt: number;
  /** Why the newest configuration is not served; undefined: it is. */
  readonly failure: Failure | undefined;
  /** Changes that a node refused, and those that were not applied in time. */
  readonly refused: number;
  readonly timedOut: number;
}

/**
 * Follows each change from the moment when its configuration is read to the last ACK, counts, and traces it: a span `xds.change` with
 * `xds.publish` and `xds.apply` in it. One wait is outstanding at a time; what comes meanwhile is measured, from its own
 * moment, by the next.
 */
export class ChangeWatch implements ChangeResults {
  reloads = 0;
  failedReloads = 0;
  lastSucceeded: boolean | undefined;
  lastSuccessAt = 0;
  failure: Failure | undefined;
  refused = 0;
  timedOut = 0;
  private waiting: Change[] = [];
  private isWaiting = false;

  constructor(
    private readonly server: XdsServer,
    private readonly startSpan: StartSpan,
    /** The snapshot that most nodes are served, for its versions. */
    private readonly snapshot: () => Snapshot | undefined,
    /** Takes the seconds that a change took. */
    private readonly onConverged: (seconds: number) => void,
  ) {}

  /** Serves a configuration that was just read: `publish` does, and tells how it differs from the one before. Rethrows. */
  apply(publish: () => ChangeCounts): ChangeCounts {
    const change = { at: performance.now(), span: this.startSpan("xds.change") };
    const publishing = change.span.child("xds.publish");
    try {
      const counts = publish();
      publishing.end();
      this.reloads++;
      this.lastSucceeded = true;
      this.lastSuccessAt = Date.now();
      this.failure = undefined;
      const { added, changed, removed } = counts;
      change.span.set({ "xds.added": added, "xds.changed": changed, "xds.removed": removed });
      if (change.span.isRecording) change.span.set(versionsOf(this.snapshot()));
      if (added + changed + removed === 0 || this.waiting.length === mostWaiting) change.span.end();
      else {
        this.waiting.push(change);
        if (!this.isWaiting) void this.follow();
      }
      return counts;
    } catch (error) {
      publishing.end(error);
      change.span.end(error);
      this.failed(messageOf(error));
      throw error;
    }
  }

  /** The configuration that was read cannot be served; `message`: why, in one line. */
  failed(message: string): void {
    this.failedReloads++;
    this.lastSucceeded = false;
    this.failure = { since: this.failure?.since ?? Date.now(), message };
  }

  /** Waits until all that wait are applied, and again for those that came meanwhile. */
  private async follow(): Promise<void> {
    this.isWaiting = true;
    while (this.waiting.length > 0) {
      const changes = this.waiting.splice(0).map(({ at, span }) => ({ at, span, applying: span.child("xds.apply") }));
      // Where nobody is connected nobody applies it, and there is nothing to measure.
      const isServing = this.server.counters().streams.some(({ open }) => open > 0);
      const error = isServing ? await this.applied() : undefined;
      for (const { at, span, applying } of changes) {
        if (isServing && error === undefined) this.onConverged((performance.now() - at) / 1_000);
        if (error?.code === "NOT_APPLIED") this.refused++;
        if (error?.code === "TIMED_OUT") this.timedOut++;
        applying.end(error);
        span.end(error);
      }
    }
    this.isWaiting = false;
  }

  private async applied(): Promise<XdsError | undefined> {
    try {
      await this.server.applied(() => true, { timeoutMs: patienceMs });
      return undefined;
    } catch (error) {
      return error instanceof XdsError ? error : new XdsError("INTERNAL", String(error), { cause: error });
    }
  }
}

/** The versions of a snapshot's types, as responses with all of a type have them. */
function versionsOf(snapshot: Snapshot | undefined): Record<string, string> {
  const versions = (snapshot?.typeUrls() ?? []).map((typeUrl) => {
    const hash = new SetHash();
    for (const resource of snapshot?.resources(typeUrl).values() ?? []) hash.add(resource);
    return [`xds.version.${resourceType(typeUrl).name}`, snapshot?.ownVersion(typeUrl) ?? hash.toString()];
  });
  return Object.fromEntries(versions) as Record<string, string>;
}
