/** A set that takes memory only while it has elements. Most sets of an idle stream have none. */
export class LazySet<T> implements ReadonlySet<T> {
  private set: Set<T> | undefined;

  get size(): number {
    return this.set?.size ?? 0;
  }

  has(value: T): boolean {
    return this.set?.has(value) ?? false;
  }

  add(value: T): void {
    this.set ??= new Set();
    this.set.add(value);
  }

  delete(value: T): boolean {
    return this.set?.delete(value) ?? false;
  }

  clear(): void {
    this.set = undefined;
  }

  forEach(each: (value: T, again: T, set: ReadonlySet<T>) => void): void {
    for (const value of this) each(value, value, this);
  }

  entries(): SetIterator<[T, T]> {
    return this.all.entries();
  }

  keys(): SetIterator<T> {
    return this.all.keys();
  }

  values(): SetIterator<T> {
    return this.all.values();
  }

  [Symbol.iterator](): SetIterator<T> {
    return this.all.values();
  }

  private get all(): ReadonlySet<T> {
    return this.set ?? nothing;
  }
}

/** A map that takes memory only while it has entries. */
export class LazyMap<K, V> implements ReadonlyMap<K, V> {
  private map: Map<K, V> | undefined;

  get size(): number {
    return this.map?.size ?? 0;
  }

  get(key: K): V | undefined {
    return this.map?.get(key);
  }

  has(key: K): boolean {
    return this.map?.has(key) ?? false;
  }

  set(key: K, value: V): void {
    this.map ??= new Map();
    this.map.set(key, value);
  }

  delete(key: K): boolean {
    return this.map?.delete(key) ?? false;
  }

  clear(): void {
    this.map = undefined;
  }

  forEach(each: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) each(value, key, this);
  }

  entries(): MapIterator<[K, V]> {
    return this.all.entries();
  }

  keys(): MapIterator<K> {
    return this.all.keys();
  }

  values(): MapIterator<V> {
    return this.all.values();
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.all.entries();
  }

  private get all(): ReadonlyMap<K, V> {
    return this.map ?? nothingByKey;
  }
}

const nothing: ReadonlySet<never> = new Set<never>();
const nothingByKey: ReadonlyMap<never, never> = new Map<never, never>();
