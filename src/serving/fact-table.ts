import { randomBytes } from "node:crypto";

/** The most entries of names that are gone. Above it the table begins anew. */
const mostGone = 10_000;

/** What has changed in a table since a mark. */
export interface TableChanges {
  /** The mark for the next question. */
  readonly mark: string;
  /** Whether these are all entries, and not only the changed ones. */
  readonly isWhole: boolean;
  /** The changed entries. Without a value the name is gone. */
  readonly entries: readonly (readonly [name: string, value?: string])[];
}

/** A table of texts by name that knows what has changed since when. So its readers get the changes only. */
export class FactTable {
  private epoch = newEpoch();
  private count = 0;
  private gone = 0;
  private readonly entries = new Map<string, { readonly at: number; readonly value: string | undefined }>();

  /** Replaces the content. */
  set(content: ReadonlyMap<string, string>): void {
    this.count++;
    for (const [name, { value }] of [...this.entries])
      if (value !== undefined && !content.has(name)) this.change(name, undefined);
    for (const [name, value] of content) if (this.entries.get(name)?.value !== value) this.change(name, value);
    if (this.gone <= mostGone) return;
    this.clear();
    this.set(content);
  }

  /** Forgets everything. Readers then read everything again. */
  clear(): void {
    this.entries.clear();
    this.gone = 0;
    this.epoch = newEpoch();
  }

  /** What has changed since a mark. Without a mark, or with one of another table: everything. */
  since(mark: string | undefined): TableChanges {
    const [epoch, text] = (mark ?? "").split(".");
    const isWhole = epoch !== this.epoch;
    const after = isWhole ? 0 : Number(text);
    const entries: [string, string?][] = [];
    for (const [name, { at, value }] of this.entries)
      if (at > after && !(isWhole && value === undefined)) entries.push(value === undefined ? [name] : [name, value]);
    return { mark: `${this.epoch}.${this.count}`, isWhole, entries };
  }

  private change(name: string, value: string | undefined): void {
    const before = this.entries.get(name);
    if (before && before.value === undefined) this.gone--;
    if (value === undefined) this.gone++;
    this.entries.set(name, { at: this.count, value });
  }
}

const newEpoch = () => randomBytes(6).toString("hex");
