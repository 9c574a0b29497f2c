import type { Node } from "../../cache/node-group.js";
import type { Caller } from "../../caller.js";
import { messageOf, XdsError } from "../../errors.js";
import { checkOptions } from "../../options.js";
import type { NackEntry } from "../../protocol/ledger.js";
import type { Subscription } from "../../protocol/subscription.js";
import type { ResourceType } from "../../resource/xds-api.js";
import { type StreamOfNode, type SyncState, syncState } from "./status.js";
import { type Waiting, waitsOf } from "./waits.js";

/**
 * Selects nodes: the name of a group selects the nodes in that group; a function returns whether it selects a node, of
 * which it also gets the client of a stream.
 */
export type NodeSelector = string | ((node: Node, caller: Caller) => boolean);

/** A {@link NodeSelector} that is a function. */
export type SelectsNode = Exclude<NodeSelector, string>;

/** What `applied()` waits for, and how long. */
export interface AppliedOptions {
  /**
   * The version to wait for: `version_info` (in delta `system_version_info`) of the responses, or one version per type
   * URL. By default, whatever is served.
   */
  readonly version?: string | Readonly<Record<string, string>>;
  /** How long to wait, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Ends the wait when it is aborted: the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A type that a node has not applied on one of its streams. */
export interface NotApplied {
  readonly node: Node;
  readonly stream: number;
  readonly typeUrl: string;
  readonly state: SyncState;
  /** The version that is served now. */
  readonly version: string;
  /** The client's last NACK, with its reason, if one is in force. */
  readonly nack: NackEntry | undefined;
  /**
   * The names of the refused resources, at most 100: those that were refused alone, if this could be found out, else
   * all that were refused together.
   */
  readonly refused: readonly string[];
  /** The first hundred resources whose change or removal waits (P53, P54). */
  readonly waits: readonly Waiting[];
}

/** The error of `applied()`: NOT_APPLIED after a NACK, TIMED_OUT at the end of `timeoutMs`. */
export class NotAppliedError extends XdsError {
  constructor(
    code: "NOT_APPLIED" | "TIMED_OUT",
    message: string,
    /** The refused type; after a timeout all types that were not applied in time. */
    readonly lacking: readonly NotApplied[],
  ) {
    super(code, message);
  }
}

/**
 * How often, in milliseconds, a wait for a version checks all streams: a new version with the same content wakes no
 * stream.
 */
const versionLookMs = 250;

/** The `applied()` waits of one server. Its streams report their progress to them. */
export class AppliedWaits {
  private readonly waits = new Set<Wait>();

  constructor(private readonly streams: Iterable<StreamOfNode>) {}

  /**
   * Resolves when every stream of the matching nodes has applied what is served.
   * @throws XdsError INVALID_OPTION; NotAppliedError (as a rejection) after a NACK or at the end of `timeoutMs`
   */
  wait(matches: SelectsNode, options: AppliedOptions): Promise<void> {
    checkOptions("applied()", options, { version: true, timeoutMs: true, signal: true });
    const { version, timeoutMs = 10_000, signal } = options;
    if (!(timeoutMs >= 0)) throw new XdsError("INVALID_OPTION", `timeoutMs must be at least 0, is ${timeoutMs}`);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const wait = new Wait(matches, version);
      const timers: NodeJS.Timeout[] = [];
      const settle = (settled: () => void) => {
        this.waits.delete(wait);
        for (const timer of timers) clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
        settled();
      };
      const stop = () => settle(() => reject(signal?.reason as Error));
      signal?.addEventListener("abort", stop, { once: true });
      wait.onDone = () => settle(resolve);
      wait.onFailed = (error) => settle(() => reject(error));
      this.waits.add(wait);
      const checkAll = () => wait.check(this.streams);
      timers.push(setTimeout(() => wait.timeOut(timeoutMs), Math.min(timeoutMs, 2 ** 31 - 1)));
      if (version !== undefined) timers.push(setInterval(checkAll, versionLookMs));
      checkAll();
    });
  }

  /** Called when a stream has handled a request or a change. */
  flushed(stream: StreamOfNode): void {
    for (const wait of this.waits) wait.check([stream]);
  }

  /** Called when a stream has ended. No wait waits for it any longer. */
  ended(stream: StreamOfNode): void {
    for (const wait of this.waits) wait.forget(stream);
  }

  /** Ends all waits with an error. */
  close(error: XdsError): void {
    for (const wait of this.waits) wait.onFailed(error);
  }
}

/** The progress of a subscription since a wait has begun. */
interface Progress {
  /** How many names it had. When names are added, the progress starts again. */
  names: number;
  /** The nonce of the response that was in flight when the wait began. */
  readonly inFlightBefore: string | undefined;
  /** The nonce of the first later response that had everything there was to send. */
  nonce: string | undefined;
  acked: boolean;
}

type Verdict = "applied" | "refused" | "pending";

class Wait {
  onDone: () => void = () => {};
  onFailed: (error: XdsError) => void = () => {};
  /** Streams that have not applied everything yet. */
  private readonly pending = new Set<StreamOfNode>();
  private readonly progress = new WeakMap<Subscription, Progress>();
  private readonly atVersion = new WeakSet<Subscription>();

  constructor(
    private readonly matches: SelectsNode,
    private readonly version: string | Readonly<Record<string, string>> | undefined,
  ) {}

  check(streams: Iterable<StreamOfNode>): void {
    try {
      for (const stream of streams) {
        if (!stream.node || !this.matches(stream.node, stream.caller)) continue;
        const verdicts = [...stream.subscriptions.values()].map((one) => ({ one, verdict: this.verdict(one) }));
        const refused = verdicts.find(({ verdict }) => verdict === "refused");
        if (refused) {
          this.refuse(describe(stream, refused.one), refused.one.type);
          return;
        }
        const isDone = verdicts.every(({ verdict }) => verdict === "applied") && this.hasVersion(stream);
        if (isDone) this.pending.delete(stream);
        else this.pending.add(stream);
      }
      if (this.pending.size === 0) this.onDone();
    } catch (cause) {
      this.onFailed(new XdsError("INTERNAL", `the function that selects nodes failed: ${messageOf(cause)}`, { cause }));
    }
  }

  forget(stream: StreamOfNode): void {
    if (this.pending.delete(stream) && this.pending.size === 0) this.onDone();
  }

  timeOut(timeoutMs: number): void {
    const lacking = [...this.pending].flatMap((stream) => {
      const all = [...stream.subscriptions.values()];
      const pending = all.filter((one) => this.verdict(one) !== "applied");
      return (pending.length > 0 ? pending : all).map((one) => ({ type: one.type, row: describe(stream, one) }));
    });
    const shown = lacking
      .slice(0, mostShown)
      .map(({ type, row }) => `${nameOf(row.node)} ${type.name} ${row.state}${whyFirst(row.waits)}`);
    if (lacking.length > mostShown) shown.push(`and ${lacking.length - mostShown} more`);
    const wanted = this.version === undefined ? "" : `; waited for version ${JSON.stringify(this.version)}`;
    const message = `not applied within ${timeoutMs} ms: ${shown.join(", ") || "the nodes subscribe to nothing"}${wanted}`;
    this.onFailed(
      new NotAppliedError(
        "TIMED_OUT",
        message,
        Array.from(lacking, ({ row }) => row),
      ),
    );
  }

  private refuse(refusal: NotApplied, type: ResourceType): void {
    const { node, refused, nack } = refusal;
    const names = refused.slice(0, mostShown).map((name) => JSON.stringify(name));
    if (refused.length > mostShown) names.push("…");
    const message = `${nameOf(node)} refused ${type.name} ${names.join(", ")}: ${nack?.error.message}`;
    this.onFailed(new NotAppliedError("NOT_APPLIED", message, [refusal]));
  }

  /**
   * Whether one of the stream's types is at the version, if a single version is waited for. Not all types must be at
   * it, because a type that is not in the snapshot has another version.
   */
  private hasVersion({ subscriptions }: StreamOfNode): boolean {
    const { version } = this;
    return typeof version !== "string" || [...subscriptions.values()].some((one) => this.isAt(one, version));
  }

  private verdict(subscription: Subscription): Verdict {
    const { version } = this;
    if (version === undefined || typeof version === "string") return this.current(subscription, version);
    const wanted = version[subscription.type.typeUrl];
    if (wanted === undefined || this.isAt(subscription, wanted)) return "applied";
    return this.current(subscription, wanted) === "refused" ? "refused" : "pending";
  }

  /** Whether it has ACKed this version, or is in sync with a view of this version. */
  private isAt(subscription: Subscription, version: string): boolean {
    if (
      subscription.ledger.acked?.version === version ||
      (isInSync(subscription) && subscription.view.version === version)
    )
      this.atVersion.add(subscription);
    return this.atVersion.has(subscription);
  }

  /** Whether it has applied what is served. A NACK of a version other than the one waited for does not count. */
  private current(subscription: Subscription, version: string | undefined): Verdict {
    const { state, ledger, view, isLookedAt } = subscription;
    if (ledger.nacked && state.inFlight.length === 0 && isLookedAt && view.serving) {
      const concerns = version === undefined || view.version === version || ledger.nacked.version === version;
      return concerns ? "refused" : "pending";
    }
    return isInSync(subscription) || this.hasCaughtUp(subscription) ? "applied" : "pending";
  }

  /**
   * Whether it has ACKed everything that was served when the wait began, even if something has changed since. Without
   * this, a wait would never end while changes keep coming.
   */
  private hasCaughtUp(subscription: Subscription): boolean {
    const { state, ledger, names, namesToAnswer, isWaiting } = subscription;
    const latest = state.inFlight.at(-1);
    const known = this.progress.get(subscription);
    const progress = known ?? { names: names.size, inFlightBefore: latest?.nonce, nonce: undefined, acked: false };
    if (!known) this.progress.set(subscription, progress);
    if (progress.names !== names.size) Object.assign(progress, { names: names.size, nonce: undefined, acked: false });
    if (progress.nonce !== undefined && progress.nonce === ledger.acked?.nonce) {
      if (!isWaiting) progress.acked = true;
      else progress.nonce = undefined; // what still waits is sent with a later response
    }
    // A removal that waits goes out as soon as this response is answered, in one of its own.
    const isFull =
      latest &&
      !isWaiting &&
      !latest.partial &&
      latest.nonce !== progress.inFlightBefore &&
      namesToAnswer.size === 0 &&
      !state.nextPiece;
    if (progress.nonce === undefined && isFull) progress.nonce = latest.nonce;
    return progress.acked;
  }
}

/** How many rows an error's message shows. */
const mostShown = 10;

/** The reason of the first resource that waits, in brackets. */
const whyFirst = (waits: readonly Waiting[]) => {
  const first = waits.find(({ why }) => why !== "draining");
  return first ? ` (${JSON.stringify(first.name)}: ${first.reason})` : "";
};
const nameOf = (node: Node) => `node ${JSON.stringify(node.id)}`;

function isInSync({ state, upToDate, ledger, view }: Subscription): boolean {
  return state.inFlight.length === 0 && (!view.serving || (upToDate && !ledger.nacked));
}

function describe(stream: StreamOfNode, subscription: Subscription): NotApplied {
  const { nacked: nack } = subscription.ledger;
  return {
    node: stream.node as Node,
    stream: stream.id,
    typeUrl: subscription.type.typeUrl,
    state: syncState(subscription),
    version: subscription.view.version,
    nack,
    refused: nack?.names ?? [],
    waits: waitsOf(subscription),
  };
}

/** How many groups an error names. */
const mostGroupsShown = 20;

/** @internal The error for a group with neither nodes nor a configuration. `known`: the groups with a configuration. */
export function unknownGroup(group: string, known: readonly string[]): XdsError {
  const some = known.slice(0, mostGroupsShown).map((key) => JSON.stringify(key));
  const groups = `${some.join(", ") || "none yet"}${known.length > some.length ? ", …" : ""}`;
  return new XdsError(
    "INVALID_OPTION",
    `no connected node is in the group ${JSON.stringify(group)}, and it has no configuration; groups that have one: ${groups}`,
  );
}
