import type { Node } from "../cache/node-group.js";
import { messageOf, XdsError } from "../errors.js";
import type { NackEntry } from "../protocol/ledger.js";
import type { Subscription } from "../protocol/subscription.js";
import { findResourceType } from "../resource/types.js";
import { type StreamOfNode, type SyncState, syncState } from "./status.js";
import { type Waiting, waitsOf } from "./waits.js";

/** Which nodes: those that are served a group's configuration, or those that a function picks. */
export type NodeSelector = string | ((node: Node) => boolean);

export interface AppliedOptions {
  /**
   * Waits for just this version: `version_info` (in delta `system_version_info`) of the types' responses, or a version of each by type
   * URL. By default for whatever is served.
   */
  readonly version?: string | Readonly<Record<string, string>>;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

/** One type on one stream of a node that has not applied it. */
export interface NotApplied {
  readonly node: Node;
  readonly stream: number;
  readonly typeUrl: string;
  readonly state: SyncState;
  /** What is served now. */
  readonly version: string;
  /** Why not, in the client's own words, where it has refused: its last refusal. */
  readonly nack: NackEntry | undefined;
  /**
   * The names that are refused: each was refused alone. Where that could not be found out, all that were refused
   * together. At most 100.
   */
  readonly refused: readonly string[];
  /** The first hundred resources whose change or removal waits (P53, P54). */
  readonly waits: readonly Waiting[];
}

/** Thrown by `applied()`: NOT_APPLIED for a refusal, TIMED_OUT when time is over. */
export class NotAppliedError extends XdsError {
  constructor(
    code: "NOT_APPLIED" | "TIMED_OUT",
    message: string,
    /** The refusal; or all that were not there in time. */
    readonly lacking: readonly NotApplied[],
  ) {
    super(code, message);
  }
}

/** How often, in milliseconds, a wait for a version looks by itself: a new version of the same content wakes no stream. */
const versionLookMs = 250;

/** The waits of one server. Each is woken by the streams it waits for, and ends by itself at the latest when its time is over. */
export class AppliedWaits {
  private readonly waits = new Set<Wait>();

  constructor(private readonly streams: Iterable<StreamOfNode>) {}

  /** Resolves when every stream of a matching node has applied what is served; rejects as {@link NotAppliedError} says. */
  wait(matches: (node: Node) => boolean, { version, timeoutMs = 10_000 }: AppliedOptions): Promise<void> {
    if (!(timeoutMs >= 0))
      throw new XdsError("INVALID_OPTION", `timeoutMs is a number of milliseconds, not ${timeoutMs}`);
    return new Promise((resolve, reject) => {
      const wait = new Wait(matches, version);
      const timers: NodeJS.Timeout[] = [];
      const settle = (settled: () => void) => {
        this.waits.delete(wait);
        for (const timer of timers) clearTimeout(timer);
        settled();
      };
      wait.onDone = () => settle(resolve);
      wait.onFailed = (error) => settle(() => reject(error));
      this.waits.add(wait);
      const lookAtAll = () => wait.look(this.streams);
      timers.push(setTimeout(() => wait.timeOut(timeoutMs), Math.min(timeoutMs, 2 ** 31 - 1)));
      if (version !== undefined) timers.push(setInterval(lookAtAll, versionLookMs));
      lookAtAll();
    });
  }

  /** A stream has handled a request, or a change. */
  flushed(stream: StreamOfNode): void {
    for (const wait of this.waits) wait.look([stream]);
  }

  /** A stream has ended: it is no longer waited for. */
  ended(stream: StreamOfNode): void {
    for (const wait of this.waits) wait.forget(stream);
  }

  /** Ends all waits with an error. */
  close(error: XdsError): void {
    for (const wait of this.waits) wait.onFailed(error);
  }
}

/** How far a subscription has come since it is waited for. */
interface Progress {
  /** How many names it had: those that come later are waited for too. */
  names: number;
  /** The response that was on its way already. */
  readonly before: string | undefined;
  /** The first response sent since then that had all there was to send. */
  nonce: string | undefined;
  acked: boolean;
}

type Verdict = "applied" | "refused" | "pending";

class Wait {
  onDone: () => void = () => {};
  onFailed: (error: XdsError) => void = () => {};
  /** Streams that have something to apply yet. */
  private readonly open = new Set<StreamOfNode>();
  private readonly progress = new WeakMap<Subscription, Progress>();
  private readonly reached = new WeakSet<Subscription>();

  constructor(
    private readonly matches: (node: Node) => boolean,
    private readonly version: string | Readonly<Record<string, string>> | undefined,
  ) {}

  look(streams: Iterable<StreamOfNode>): void {
    try {
      for (const stream of streams) {
        if (!stream.node || !this.matches(stream.node)) continue;
        const verdicts = [...stream.subscriptions.values()].map((one) => ({ one, verdict: this.verdict(one) }));
        const refused = verdicts.find(({ verdict }) => verdict === "refused");
        if (refused) {
          this.refuse(describe(stream, refused.one));
          return;
        }
        const isDone = verdicts.every(({ verdict }) => verdict === "applied") && this.hasVersion(stream);
        if (isDone) this.open.delete(stream);
        else this.open.add(stream);
      }
      if (this.open.size === 0) this.onDone();
    } catch (cause) {
      this.onFailed(new XdsError("INTERNAL", `the selector of nodes failed: ${messageOf(cause)}`, { cause }));
    }
  }

  forget(stream: StreamOfNode): void {
    if (this.open.delete(stream) && this.open.size === 0) this.onDone();
  }

  timeOut(timeoutMs: number): void {
    const lacking = [...this.open].flatMap((stream) => {
      const all = [...stream.subscriptions.values()];
      const pending = all.filter((one) => this.verdict(one) !== "applied");
      return (pending.length > 0 ? pending : all).map((one) => describe(stream, one));
    });
    const shown = lacking
      .slice(0, mostShown)
      .map(({ node, typeUrl, state, waits }) => `${nameOf(node)} ${short(typeUrl)} ${state}${whyFirst(waits)}`);
    if (lacking.length > mostShown) shown.push(`and ${lacking.length - mostShown} more`);
    const message = `not applied within ${timeoutMs} ms: ${shown.join(", ") || "its nodes ask for nothing"}`;
    this.onFailed(new NotAppliedError("TIMED_OUT", message, lacking));
  }

  private refuse(refusal: NotApplied): void {
    const { node, typeUrl, refused, nack } = refusal;
    const names = refused.slice(0, mostShown).map((name) => JSON.stringify(name));
    if (refused.length > mostShown) names.push("…");
    const message = `${nameOf(node)} refused ${short(typeUrl)} ${names.join(", ")}: ${nack?.error.message}`;
    this.onFailed(new NotAppliedError("NOT_APPLIED", message, [refusal]));
  }

  /** One version for all types: one of them is to have it, since a type that a snapshot says nothing of has another. */
  private hasVersion({ subscriptions }: StreamOfNode): boolean {
    const { version } = this;
    return typeof version !== "string" || [...subscriptions.values()].some((one) => this.isAt(one, version));
  }

  private verdict(one: Subscription): Verdict {
    const { version } = this;
    if (version === undefined || typeof version === "string") return this.current(one, version);
    const wanted = version[one.type.typeUrl];
    if (wanted === undefined || this.isAt(one, wanted)) return "applied";
    return this.current(one, wanted) === "refused" ? "refused" : "pending";
  }

  /** Whether it has ACKed a version, or all that this version says. */
  private isAt(one: Subscription, version: string): boolean {
    if (one.ledger.acked?.version === version || (isInSync(one) && one.view.version === version)) this.reached.add(one);
    return this.reached.has(one);
  }

  /** Whether it has applied what is served; a refusal of another version than the one waited for is not the last word. */
  private current(one: Subscription, version: string | undefined): Verdict {
    const { state, ledger, view, isLookedAt } = one;
    if (ledger.nacked && state.inFlight.length === 0 && isLookedAt && view.serving) {
      const concerns = version === undefined || view.version === version || ledger.nacked.version === version;
      return concerns ? "refused" : "pending";
    }
    return isInSync(one) || this.hasCaughtUp(one) ? "applied" : "pending";
  }

  /**
   * Whether it has ACKed all that was served when the wait began, though something has changed again since: so a wait ends also
   * where changes never do.
   */
  private hasCaughtUp(one: Subscription): boolean {
    const { state, ledger, names, asked, isWaiting, nextPiece } = one;
    const latest = state.inFlight.at(-1);
    const known = this.progress.get(one);
    const at = known ?? { names: names.size, before: latest?.nonce, nonce: undefined, acked: false };
    if (!known) this.progress.set(one, at);
    if (at.names !== names.size) Object.assign(at, { names: names.size, nonce: undefined, acked: false });
    if (at.nonce !== undefined && at.nonce === ledger.acked?.nonce) {
      if (!isWaiting) at.acked = true;
      else at.nonce = undefined; // what waits goes with a later one
    }
    const isFull = latest && !latest.partial && latest.nonce !== at.before && asked.size === 0 && !nextPiece;
    if (at.nonce === undefined && isFull) at.nonce = latest.nonce;
    return at.acked;
  }
}

/** How many rows an error's message shows. */
const mostShown = 10;

/** Why the first of them waits, in brackets. */
const whyFirst = (waits: readonly Waiting[]) => {
  const first = waits.find(({ why }) => why !== "draining");
  return first ? ` (${JSON.stringify(first.name)}: ${first.reason})` : "";
};
const nameOf = (node: Node) => `node ${JSON.stringify(node.id)}`;
const short = (typeUrl: string) => findResourceType(typeUrl)?.name ?? typeUrl;

function isInSync({ state, upToDate, ledger, view }: Subscription): boolean {
  return state.inFlight.length === 0 && (!view.serving || (upToDate && !ledger.nacked));
}

function describe(stream: StreamOfNode, one: Subscription): NotApplied {
  const { nacked: nack } = one.ledger;
  return {
    node: stream.node as Node,
    stream: stream.id,
    typeUrl: one.type.typeUrl,
    state: syncState(one),
    version: one.view.version,
    nack,
    refused: nack?.names ?? [],
    waits: waitsOf(one),
  };
}
