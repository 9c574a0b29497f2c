import { LazySet } from "./lazy.js";

/** How many are answered by one response. */
const mostAtOnce = 10_000;

/**
 * Names that are to be answered. A client may ask for very many, and an answer to all would take long: it has some of
 * them, and the others come after those.
 */
export class AskedNames extends LazySet<string> {
  atOnce = mostAtOnce;
  private later: Set<string> | undefined;

  /** All are answered. */
  get isDone(): boolean {
    return this.size === 0 && !this.later;
  }

  override add(name: string): void {
    if (this.size < this.atOnce || this.has(name)) super.add(name);
    else {
      this.later ??= new Set();
      this.later.add(name);
    }
  }

  override delete(name: string): boolean {
    const { later } = this;
    const wasLater = later?.delete(name) === true;
    if (later?.size === 0) this.later = undefined;
    return super.delete(name) || wasLater;
  }

  override clear(): void {
    this.later = undefined;
    super.clear();
  }

  /** These are answered, and some of the others take their place. */
  next(): void {
    super.clear();
    const { later } = this;
    if (!later) return;
    for (const name of later) {
      if (this.size >= this.atOnce) return;
      super.add(name);
      later.delete(name);
    }
    this.later = undefined;
  }

  /** Drops what is not covered any more. */
  keep(covers: (name: string) => boolean): void {
    for (const name of [...this, ...(this.later ?? [])]) if (!covers(name)) this.delete(name);
  }
}
