/** Returns the same list for the same bytes. It keeps the most recently used lists. */
export class SharedLists<T> {
  /** The lists by their bytes, as latin1, least recently used first. */
  private readonly lists = new Map<string, readonly T[]>();
  private size = 0;

  /** `mostBytes` limits the encoded size of all lists together. Each item counts as `itemBytes` more. */
  constructor(
    private readonly mostBytes: number,
    private readonly itemBytes = 0,
  ) {}

  /** Returns the list for these bytes. `read` decodes it if it is new, and must return it frozen. */
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
