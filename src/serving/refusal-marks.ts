import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import { OpenRefusals } from "../protocol/open-refusals.js";
import type { Store } from "../store/store.js";

/** The key of the marks in the store. */
export const marksKey = "refused/marks";

/** The wait after a failed write, in milliseconds. */
const retryMs = 10_000;

/** The wait after a write, in milliseconds. It keeps the writes few when many nodes refuse at the same time. */
const restMs = 100;

/**
 * Keeps in a store which nodes have an open refusal. After a restart the server then does not trust what these nodes
 * report (P36). A change is written at once. Changes during a write are written together.
 */
export class RefusalMarks {
  readonly openRefusals = new OpenRefusals(() => this.changed());
  /** Aborted when the store is about to be closed. */
  private readonly closing = new AbortController();
  private isDirty = false;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly logger: Logger,
  ) {}

  /**
   * Reads the marks of the previous server. Call it before there are streams.
   * @throws XdsError as the store's calls do
   */
  async open(): Promise<void> {
    const known = await this.store.readRecord(marksKey);
    if (Array.isArray(known)) this.openRefusals.add(known);
  }

  /** Writes the last changes. Call it before the store is closed. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.writing;
  }

  private changed(): void {
    this.isDirty = true;
    this.writing ??= this.write();
  }

  private async write(): Promise<void> {
    const { signal } = this.closing;
    while (this.isDirty) {
      this.isDirty = false;
      let rest = restMs;
      try {
        await this.store.putRecords({ [marksKey]: this.openRefusals.known() });
      } catch (error) {
        this.logger.warn({ error: messageOf(error) }, notKept);
        this.isDirty = !signal.aborted;
        rest = retryMs;
      }
      await sleep(rest, undefined, { signal, ref: false }).catch(() => {}); // the end cuts it short
    }
    this.writing = undefined;
  }
}

const notKept =
  "the nodes with an open refusal could not be written to the store; it is tried again. If the server restarts before that, it trusts what these nodes report";
