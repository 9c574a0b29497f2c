import type { JsonValue } from "@bufbuild/protobuf";
import { newestMarks } from "../../protocol/open-refusals.js";
import { marksKey } from "../../serving/refusal-marks.js";
import type { Store } from "../../store/store.js";

/** Marks of a worker, newest first. */
type Marks = readonly string[];

/**
 * The marks of nodes with an open refusal, of all workers. They are kept as one record. A node can connect to any
 * worker next, so the others get what a worker adds. A mark that a worker removes stays with the others: a node that is
 * sent everything once more loses nothing.
 */
export class SharedMarks {
  private readonly lists = new Map<number, Marks>();

  /** `tellOthers` is called with the marks that a worker has added. */
  constructor(
    private readonly store: Store,
    private readonly tellOthers: (worker: number, added: Marks) => void,
  ) {}

  /** Writes records of a worker. Its marks are put together with those of the others. */
  async put(worker: number, records: Readonly<Record<string, JsonValue>>): Promise<void> {
    const { [marksKey]: marks, ...others } = records;
    if (!isMarks(marks)) return this.store.putRecords(records);
    const before = new Set(this.lists.get(worker));
    this.lists.delete(worker); // the newest list comes last
    this.lists.set(worker, marks);
    const added = marks.filter((mark) => !before.has(mark));
    if (added.length > 0) this.tellOthers(worker, added);
    const all = newestMarks([...new Set([...this.lists.values()].reverse().flat())]);
    await this.store.putRecords({ ...others, [marksKey]: all });
  }
}

const isMarks = (value: JsonValue | undefined): value is string[] => Array.isArray(value);
