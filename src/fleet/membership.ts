import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonValue } from "@bufbuild/protobuf";
import { messageOf } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import { mostPresent, type Store } from "../store/store.js";
import { type ReplicaRecord, replicaRecord } from "./replica.js";

/** A replica that is present. */
export interface Member {
  readonly id: string;
  /** What it announces. undefined if that cannot be read. */
  readonly record: ReplicaRecord | undefined;
}

export interface MembershipOptions {
  /** Returns what this replica announces. */
  readonly own: () => ReplicaRecord;
  /** Called when the other members, or what they announce, may have changed. It must not throw. */
  readonly onChange?: () => void;
  readonly logger?: Logger;
  /** How often this replica announces itself and reads who else is present, in milliseconds. Default 2,000. */
  readonly everyMs?: number;
}

/** How long the next try waits after an error, in milliseconds: a process without the permission asks rarely. */
const afterErrorMs = 10_000;

/**
 * This process as one of the replicas of a store: it announces itself, and knows the others. What it announces is
 * written only when it has changed. While the store is away, the others are those that were present last.
 */
export class Membership {
  /** The id of this replica. It is new for each process. */
  readonly id = randomBytes(8).toString("hex");
  private readonly closing = new AbortController();
  private readonly logger: Logger;
  private readonly running: Promise<void>;
  private members: readonly Member[] = [];
  private readonly errors = new Map<string, string>();

  constructor(
    private readonly store: Pick<Store, "announce" | "present" | "away">,
    private readonly options: MembershipOptions,
  ) {
    this.logger = options.logger ?? silentLogger;
    this.running = this.run();
  }

  /** The other replicas that are present, at most {@link mostPresent}. */
  get others(): readonly Member[] {
    return this.members;
  }

  /** Stops. Resolves when no call of the store is under way. It does not wait for a store that is away. */
  async close(): Promise<void> {
    this.closing.abort();
    if (!this.store.away) await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    const { everyMs = 2_000 } = this.options;
    let announceAt = 0;
    while (!signal.aborted) {
      const isDue = performance.now() >= announceAt;
      const isAnnounced =
        !isDue ||
        (await this.attempt("this replica cannot announce itself, so other replicas do not see its nodes", () =>
          this.announce(),
        ));
      if (isDue && !isAnnounced && !this.store.away) announceAt = performance.now() + afterErrorMs;
      if (signal.aborted) return;
      await this.attempt("the other replicas are not known", () => this.read());
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  private async announce(): Promise<void> {
    await this.store.announce?.(this.id, this.options.own() as unknown as JsonValue);
  }

  private async read(): Promise<void> {
    const present = (await this.store.present?.()) ?? new Map<string, JsonValue>();
    if (present.size >= mostPresent)
      this.logger.warn({ most: mostPresent }, "there are more replicas than can be known");
    this.members = [...present]
      .filter(([id]) => id !== this.id)
      .map(([id, value]) => ({ id, record: replicaRecord(value) }));
    this.options.onChange?.();
  }

  /** Logs an error once, until another one comes. Those of a store that is away are logged elsewhere. */
  private async attempt(text: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.errors.delete(text);
      return true;
    } catch (error) {
      const message = messageOf(error);
      const isNew = this.errors.get(text) !== message;
      this.errors.set(text, message);
      if (isNew && !this.store.away && !this.closing.signal.aborted) this.logger.warn({ error: message }, text);
      return false;
    }
  }
}
