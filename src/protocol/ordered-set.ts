/**
 * A set in the order of insertion, whose first element is found in O(1). In a `Set`, `for … of` passes the places of
 * all elements that were removed before the first one: with 10,000 elements that takes some 10 µs.
 */
export class OrderedSet<T extends object> {
  private readonly elements = new Set<T>();
  /** The first element, or undefined if it is not known. All elements are the first one, or come after `rest`. */
  private head: T | undefined;
  private rest = this.elements.values();

  get size(): number {
    return this.elements.size;
  }

  get first(): T | undefined {
    if (this.head || this.size === 0) return this.head;
    let next = this.rest.next();
    // It had come to the end, and comes to no elements that were added since.
    if (next.done) {
      this.rest = this.elements.values();
      next = this.rest.next();
    }
    this.head = next.value;
    return this.head;
  }

  has(element: T): boolean {
    return this.elements.has(element);
  }

  /** Adds an element at the end. It stays in its place if it is there already. */
  add(element: T): void {
    this.elements.add(element);
  }

  /** Whether the element was there. */
  delete(element: T): boolean {
    if (element === this.head) this.head = undefined;
    return this.elements.delete(element);
  }
}
