import { LazySet } from "./lazy.js";

/** How many names that do not exist are answered at once. This takes about 5 ms. */
const maxAtOnce = 1_000;

/**
 * Names that must be answered. A client may request very many names that do not exist. To answer all of them at once
 * would take long, so some wait until the others are answered.
 */
export class NamesToAnswer extends LazySet<string> {
  /** One answer covers all names, so none has to wait. */
  isWhole = false;
  private later: Set<string> | undefined;

  /** Whether all names are answered. */
  get isDone(): boolean {
    return this.size === 0 && !this.later;
  }

  override add(name: string): void {
    this.dropLater(name);
    super.add(name);
  }

  /** The client requests a name that does not exist. */
  addMissing(name: string): void {
    if (this.isWhole || this.size < maxAtOnce || this.has(name)) this.add(name);
    else {
      this.later ??= new Set();
      this.later.add(name);
    }
  }

  /** A name may exist now, so its answer no longer waits. */
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

  /** The names are answered. Some of those that wait take their place. */
  next(): void {
    super.clear();
    for (const name of this.later ?? []) {
      if (this.size >= maxAtOnce) return;
      this.add(name);
    }
  }

  /** Drops names that are no longer covered. */
  keep(covers: (name: string) => boolean): void {
    for (const name of [...this, ...(this.later ?? [])]) if (!covers(name)) this.delete(name);
  }

  private dropLater(name: string): boolean {
    const isLater = this.later?.delete(name) === true;
    if (this.later?.size === 0) this.later = undefined;
    return isLater;
  }
}
