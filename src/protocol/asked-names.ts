import { LazySet } from "./lazy.js";

/** So many names are asked for at once, when more are asked for that do not exist. */
const mostAtOnce = 10_000;

/**
 * Names that are to be answered. A client may ask for very many that do not exist, and to say so of all would take long: some
 * of those wait until the others are answered.
 */
export class AskedNames extends LazySet<string> {
  /** Set where one answer tells of all names anyhow. */
  isWhole = false;
  private later: Set<string> | undefined;

  /** All are answered. */
  get isDone(): boolean {
    return this.size === 0 && !this.later;
  }

  override add(name: string): void {
    this.dropLater(name);
    super.add(name);
  }

  /** The client asks for a name that does not exist. */
  addMissing(name: string): void {
    if (this.isWhole || this.size < mostAtOnce || this.has(name)) this.add(name);
    else {
      this.later ??= new Set();
      this.later.add(name);
    }
  }

  /** The name may exist now: its answer does not wait. */
  hurry(name: string): void {
    if (this.later?.has(name)) this.add(name);
  }

  hurryAll(): void {
    for (const name of this.later ?? []) this.add(name);
  }

  override delete(name: string): boolean {
    return this.dropLater(name) || super.delete(name);
  }

  override clear(): void {
    this.later = undefined;
    super.clear();
  }

  /** These are answered, and some of the others take their place. */
  next(): void {
    super.clear();
    for (const name of this.later ?? []) {
      if (this.size >= mostAtOnce) return;
      this.add(name);
    }
  }

  /** Drops what is not covered any more. */
  keep(covers: (name: string) => boolean): void {
    for (const name of [...this, ...(this.later ?? [])]) if (!covers(name)) this.delete(name);
  }

  private dropLater(name: string): boolean {
    const isLater = this.later?.delete(name) === true;
    if (this.later?.size === 0) this.later = undefined;
    return isLater;
  }
}
