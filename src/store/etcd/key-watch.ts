import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { messageOf, XdsError } from "../../errors.js";
import { BackOff } from "../../grpc-client/back-off.js";
import type { Logger } from "../../logger.js";
import type { Away } from "../store.js";
import type { EtcdClient } from "./etcd-client.js";
import type { EtcdFailure } from "./etcd-failure.js";
import { deleteEvent, type EtcdMessage } from "./messages.js";

/** A value as etcd keeps it. */
export type KeyValue = EtcdMessage<"KeyValue">;

export interface KeyWatchOptions {
  readonly key: Uint8Array;
  /** Reads the key. Returns etcd's revision at that moment. */
  readonly read: () => Promise<bigint>;
  /** Called with each change, in order. `undefined` means that the key was deleted. */
  readonly changed: (kv: KeyValue | undefined) => void;
  /** How often the key is read even if the watch brings nothing, in milliseconds. */
  readonly lookMs: number;
  readonly logger: Logger;
}

const backOffOptions = { initialMs: 100, maxMs: 5_000, factor: 2, jitter: 0.5 };

/**
 * Follows a key until it is closed, whatever happens to etcd and to the connections.
 *
 * After a lost connection the watch goes on after the last event that came. The key is read again if events may be
 * missing: etcd has compacted them, has cancelled the watch, or has less history than before. It is also read from time
 * to time. So a watch that is silent by mistake only causes a delay.
 */
export class KeyWatch {
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;
  /** The revision from which the next watch begins. `undefined` if the key must be read first. */
  private next: bigint | undefined;
  private isWatching = false;
  private trouble: "away" | "damaged" | undefined;
  /** The first and the last failure since something has worked. */
  private failing: Away | undefined;
  private failures = 0;

  /** `from` is the revision after the one that was read last. */
  constructor(
    private readonly client: EtcdClient,
    private readonly options: KeyWatchOptions,
    from: bigint,
  ) {
    this.next = from;
    this.running = Promise.all([this.run(), this.look()]).then(() => {});
  }

  /** Stops. Nothing is called any more when this has resolved. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
  }

  /** Since when etcd has not answered. */
  get away(): Away | undefined {
    return this.trouble === "away" ? this.failing : undefined;
  }

  private get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  private async run(): Promise<void> {
    const backOff = new BackOff(backOffOptions, Math.random);
    while (!this.isClosed) {
      try {
        const isFresh = this.next === undefined;
        this.next ??= (await this.options.read()) + 1n;
        await this.follow(this.next, isFresh, backOff);
      } catch (error) {
        if (!this.isClosed) this.failed(error);
      }
      this.isWatching = false;
      await this.sleep(backOff.next());
    }
  }

  /** Resolves when the watch has ended and can be opened again. Rejects with the reason of a failure. */
  private async follow(from: bigint, isFresh: boolean, backOff: BackOff): Promise<void> {
    const { signal } = this.closing;
    const request = { createRequest: { key: this.options.key, startRevision: from, fragment: true } };
    let isOver = false;
    let stopWaiting = () => {};
    let cancel = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        stopWaiting = () => resolve();
        signal.addEventListener("abort", stopWaiting);
        const message = (response: EtcdMessage<"WatchResponse">) => {
          try {
            if (this.take(response, isFresh, backOff)) resolve();
          } catch (error) {
            reject(error as Error);
          }
        };
        const ended = (failure: EtcdFailure) => {
          // The message was too large, and would be too large again.
          if (failure.code === status.RESOURCE_EXHAUSTED) this.next = undefined;
          reject(failure);
        };
        this.client
          .watch(request, { message, ended })
          .then((cancelWatch) => {
            cancel = cancelWatch;
            if (isOver) cancelWatch();
          })
          .catch(reject);
      });
    } finally {
      isOver = true;
      signal.removeEventListener("abort", stopWaiting);
      cancel();
    }
  }

  /** Takes a response. Returns whether the watch is over. */
  private take(response: EtcdMessage<"WatchResponse">, isFresh: boolean, backOff: BackOff): boolean {
    const { created, canceled, compactRevision, cancelReason, events, fragment, header } = response;
    if (canceled) {
      this.next = undefined;
      if (compactRevision > 0n) return true;
      throw new XdsError("STORE_FAILED", `etcd ends the watch: ${cancelReason || "it gives no reason"}`);
    }
    if (created) {
      this.isWatching = true;
      backOff.succeed();
      this.recovered();
      // It has less than was read before: it lags behind, or it was restored from a backup.
      if (!isFresh && (header?.revision ?? 0n) + 1n < (this.next ?? 0n)) {
        this.next = undefined;
        return true;
      }
    }
    for (const { type, kv } of events) {
      if (!kv || this.isClosed) continue;
      // The rest of a fragment may have the same revision.
      this.next = fragment ? kv.modRevision : kv.modRevision + 1n;
      this.options.changed(type === deleteEvent ? undefined : kv);
    }
    return false;
  }

  private async look(): Promise<void> {
    const { lookMs, read } = this.options;
    for (;;) {
      await this.sleep(lookMs * (0.75 + Math.random() / 2));
      if (this.isClosed) return;
      try {
        await read();
        if (this.isWatching) this.recovered();
      } catch (error) {
        if (!this.isClosed) this.failed(error);
      }
    }
  }

  /** Logs a failure. A lost connection alone is no trouble; trouble begins when no other connection can be opened. */
  private failed(error: unknown): void {
    const { logger } = this.options;
    const fields = { etcd: this.client.addresses, error: messageOf(error) };
    const trouble = error instanceof XdsError && error.code === "STORE_DAMAGED" ? "damaged" : "away";
    this.failures++;
    this.failing = { since: this.failing?.since ?? Date.now(), error: messageOf(error) };
    const isFirst = trouble === "away" && this.failures === 1;
    if (isFirst || trouble === this.trouble) logger.debug(fields, "the watch of the store has ended");
    else if (trouble === "away") logger.warn(fields, "etcd cannot be reached: the last known head stays in use");
    else logger.error(fields, "the head in etcd is damaged: the last known head stays in use");
    if (!isFirst) this.trouble = trouble;
  }

  private recovered(): void {
    this.failures = 0;
    this.failing = undefined;
    if (!this.trouble) return;
    this.trouble = undefined;
    this.options.logger.info({ etcd: this.client.addresses }, "etcd can be reached again");
  }

  private async sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.closing.signal }).catch(() => {});
  }
}
