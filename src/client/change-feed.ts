import { type ClientResource, type ResourceChange, sameContent } from "./resource.js";
import type { SubscriptionState } from "./subscription.js";

/** What has changed since the batch before. */
export interface ChangeBatch {
  readonly typeUrl: string;
  /** The version of the response that was ACKed last. */
  readonly version: string;
  /** Each name once: from what it was in the batch before to what it is now. */
  readonly changes: readonly ResourceChange[];
}

/**
 * The changes of one type, to be read at the reader's own pace: what is not read yet is merged by name, so that it never
 * grows beyond the resources that there are and were.
 */
export class ChangeFeed implements AsyncIterableIterator<ChangeBatch> {
  private pending = new Map<string, ResourceChange>();
  private arrival: { promise: Promise<void>; resolve: () => void } | undefined;
  private ended = false;
  private error: unknown;

  /** Starts with all that is held. `left`: the reader has gone. */
  constructor(
    private readonly state: SubscriptionState,
    private readonly left: (feed: ChangeFeed) => void,
  ) {
    for (const [name, after] of state.resources) this.pending.set(name, { name, before: undefined, after });
  }

  get typeUrl(): string {
    return this.state.typeUrl;
  }

  push(changes: readonly ResourceChange[]): void {
    for (const { name, before: was, after } of changes) {
      const earlier = this.pending.get(name);
      const before = earlier ? earlier.before : was;
      if (isSame(before, after)) this.pending.delete(name);
      else this.pending.set(name, { name, before, after });
    }
    if (this.pending.size > 0) this.arrive();
  }

  /** No more comes; with an error, the reader is told so after what is left. */
  end(error?: unknown): void {
    this.ended = true;
    this.error = error;
    this.arrive();
  }

  private arrive(): void {
    this.arrival?.resolve();
    this.arrival = undefined;
  }

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

  return(): Promise<IteratorResult<ChangeBatch, undefined>> {
    this.pending.clear();
    this.end();
    this.left(this);
    return Promise.resolve({ done: true, value: undefined });
  }

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
