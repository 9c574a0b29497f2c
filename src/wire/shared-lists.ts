/** Gives the same list for the same bytes. The lists asked for last are kept. */
export class SharedLists<T> {
  /** By their bytes, as latin1; the one asked for last is the last. */
  private readonly lists = new Map<string, readonly T[]>();
  private size = 0;

  /** The lists that are kept may have had so many bytes in all, where each item counts as `itemBytes` more. */
  constructor(
    private readonly mostBytes: number,
    private readonly itemBytes = 0,
  ) {}

  /** `read` reads the list out of the bytes; what it gives back must be frozen. */
  get(bytes: string, read: () => readonly T[]): readonly T[] {
    const known = this.lists.get(bytes);
    const list = known ?? read();
    if (known) this.lists.delete(bytes);
    else this.size += this.sizeOf(bytes, list);
    this.lists.set(bytes, list);
    for (const [oldest, itsList] of this.lists) {
      if (this.size <= this.mostBytes) break;
      this.lists.delete(oldest);
      this.size -= this.sizeOf(oldest, itsList);
    }
    return list;
  }

  private sizeOf(bytes: string, list: readonly T[]): number {
    return bytes.length + list.length * this.itemBytes;
  }
}
