import { messageOf, XdsError } from "../errors.js";
import { SetHash } from "../resource/resource-set.js";
import type { Snapshot } from "../resource/snapshot.js";
import type { XdsServer } from "../server/xds-server.js";
import type { StartSpan, Traced } from "./tracing.js";

/**
 * How many resources were added, changed and removed from one configuration to the next. A resource of several groups
 * counts once.
 */
export interface ChangeCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** The nodes whose ACKs are waited for. */
export interface WatchedNodes {
  /** How many streams are open. */
  streams(): Promise<number>;
  /** As `XdsServer.applied()`, for all nodes. */
  applied(options: { readonly timeoutMs: number }): Promise<void>;
}

/** The nodes of a server. */
export const nodesOf = (server: XdsServer): WatchedNodes => ({
  streams: async () => server.load.streams,
  applied: (options) => server.applied(() => true, options),
});

/** How long, in milliseconds, to wait for the last ACK of a change. */
const appliedTimeoutMs = 60_000;
/** The most changes during one wait that are measured by the next wait. Further ones are not measured. */
const mostWaiting = 100;

interface Change {
  /** When its configuration was read, as of `performance.now()`. */
  readonly at: number;
  readonly span: Traced;
}

/** Why an older configuration, older certificates, or older settings are still in use. */
export interface Failure {
  /** The time of the first failure since the last success, in milliseconds since 1970. */
  readonly since: number;
  readonly message: string;
}

/** The results of the configurations that were read, and of their changes. */
export interface ChangeResults {
  readonly reloads: number;
  readonly failedReloads: number;
  /** Whether the last configuration could be served. undefined if none was read. */
  readonly lastSucceeded: boolean | undefined;
  /** When the served configuration was read, in milliseconds since 1970. 0 if there is none. */
  readonly lastSuccessAt: number;
  /** Why the newest configuration is not served. undefined if it is. */
  readonly failure: Failure | undefined;
  /** Changes that a node refused. */
  readonly refused: number;
  /** Changes that were not applied within 60 s. */
  readonly timedOut: number;
}

/**
 * Follows each change from the reading of its configuration to the last ACK. It counts the changes, and traces each one
 * as a span `xds.change` with the children `xds.publish` and `xds.apply`. There is one wait for ACKs at a time. Changes
 * that come during a wait are measured by the next wait, each from its own start.
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
    private readonly nodes: WatchedNodes,
    private readonly startSpan: StartSpan,
    /** The snapshot whose versions become attributes of the span. */
    private readonly snapshot: () => Snapshot | undefined,
    /** Called with the seconds from the reading of a configuration to its last ACK. */
    private readonly onConverged: (seconds: number) => void,
  ) {}

  /**
   * Serves a configuration that was just read. `publish` serves it and returns the differences from the previous one.
   * Returns these differences. `at`: when it was read, as of `performance.now()`.
   * @throws what `publish` throws, after counting it as a failed reload
   */
  apply(publish: () => ChangeCounts, at = performance.now()): ChangeCounts {
    const change = { at, span: this.startSpan("xds.change") };
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

  /** Counts a configuration that waits for somebody's approval. */
  notServed(): void {
    this.failedReloads++;
    this.lastSucceeded = false;
    this.failure = undefined;
  }

  /** Counts a configuration that cannot be served. `message` is the reason, in one line. */
  failed(message: string): void {
    this.failedReloads++;
    this.lastSucceeded = false;
    this.failure = { since: this.failure?.since ?? Date.now(), message };
  }

  /** Waits until all pending changes are applied, and repeats this for changes that came meanwhile. */
  private async follow(): Promise<void> {
    this.isWaiting = true;
    while (this.waiting.length > 0) {
      const changes = this.waiting.splice(0).map(({ at, span }) => ({ at, span, applying: span.child("xds.apply") }));
      // Without a connected node there is nothing to measure.
      const isServing = (await this.nodes.streams()) > 0;
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
      await this.nodes.applied({ timeoutMs: appliedTimeoutMs });
      return undefined;
    } catch (error) {
      return error instanceof XdsError ? error : new XdsError("INTERNAL", String(error), { cause: error });
    }
  }
}

/** The versions of a snapshot's types, as in responses with all resources of a type. */
function versionsOf(snapshot: Snapshot | undefined): Record<string, string> {
  const versions = (snapshot?.types() ?? []).map(({ typeUrl, name }) => {
    const hash = new SetHash();
    for (const resource of snapshot?.resources(typeUrl).values() ?? []) hash.add(resource);
    return [`xds.version.${name}`, snapshot?.ownVersion(typeUrl) ?? hash.toString()];
  });
  return Object.fromEntries(versions) as Record<string, string>;
}
