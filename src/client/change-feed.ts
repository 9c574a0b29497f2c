import { type ClientResource, type ResourceChange, sameContent } from "./resource.js";
import type { SubscriptionState } from "./subscription.js";

/** The changes of one type since the previous batch. */
export interface ChangeBatch {
  readonly typeUrl: string;
  /** The version of the last ACKed response. */
  readonly version: string;
  /** The changes, each name once: from its state in the previous batch to its current state. */
  readonly changes: readonly ResourceChange[];
}

/**
 * An iterator over the changes of one type, at the reader's own pace.
 *
 * Unread changes are merged by name, so their number is bounded by the number of present and former resources.
 */
export class ChangeFeed implements AsyncIterableIterator<ChangeBatch> {
  private pending = new Map<string, ResourceChange>();
  private arrival: { promise: Promise<void>; resolve: () => void } | undefined;
  private ended = false;
  private error: unknown;

  /** Starts with all current resources. `left` is called when the reader stops. */
  constructor(
    private readonly state: SubscriptionState,
    private readonly onReturn: (feed: ChangeFeed) => void,
  ) {
    for (const [name, after] of state.resources) this.pending.set(name, { name, before: undefined, after });
  }

  /** The type whose changes these are. */
  get typeUrl(): string {
    return this.state.typeUrl;
  }

  /** @internal Adds changes for the reader. */
  push(changes: readonly ResourceChange[]): void {
    for (const { name, before: was, after } of changes) {
      const earlier = this.pending.get(name);
      const before = earlier ? earlier.before : was;
      if (isSame(before, after)) this.pending.delete(name);
      else this.pending.set(name, { name, before, after });
    }
    if (this.pending.size > 0) this.arrive();
  }

  /** Ends the feed after the remaining changes. With an error, the reader's `next()` then throws it. */
  end(error?: unknown): void {
    this.ended = true;
    this.error = error;
    this.arrive();
  }

  private arrive(): void {
    this.arrival?.resolve();
    this.arrival = undefined;
  }

  /** Resolves with all changes since the last call, as soon as there are any. */
  async next(): Promise<IteratorResult<ChangeBatch, undefined>> {
    while (this.pending.size === 0) {
      if (this.ended) {
        const { error } = this;
        this.error = undefined;
        if (error !== undefined) throw error;
        return { done: true, value: undefined };
      }
      this.arrival ??= withResolver();
      await this.arrival.promise;
    }
    const { typeUrl, version } = this.state;
    const changes = [...this.pending.values()];
    this.pending = new Map();
    return { done: false, value: { typeUrl, version, changes } };
  }

  /** Ends the feed. `for await` calls it when its loop ends. */
  return(): Promise<IteratorResult<ChangeBatch, undefined>> {
    this.pending.clear();
    this.end();
    this.onReturn(this);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The feed itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}

const isSame = (a: ClientResource | undefined, b: ClientResource | undefined) =>
  a === b || (a !== undefined && b !== undefined && sameContent(a, b));

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
