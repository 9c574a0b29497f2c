import type { EtcdClient } from "./etcd-client.js";
import type { KeyValue } from "./key-watch.js";
import type { EtcdInit } from "./messages.js";

/** The most keys in one response. */
const pageKeys = 1_000;
/** Below etcd's own limits by default: 128 operations and 1.5 MiB a transaction. */
export const mostOperations = 100;
export const requestBytes = 1 << 20;

/** The keys of a configuration. */
export class Keys {
  constructor(private readonly prefix: string) {}

  of(path: string): Uint8Array {
    return new Uint8Array(Buffer.from(this.prefix + path));
  }

  /** A key as text, for messages. */
  text(path: string): string {
    return this.prefix + path;
  }

  /** The range of all keys that begin with a path, which ends with a slash. */
  below(path: string): { key: Uint8Array; rangeEnd: Uint8Array } {
    return { key: this.of(path), rangeEnd: this.of(`${path.slice(0, -1)}0`) }; // "0" is the character behind "/"
  }

  /** What follows a path in a key below it. */
  idIn(path: string, key: Uint8Array): string {
    return Buffer.from(key)
      .toString()
      .slice(this.prefix.length + path.length);
  }
}

/** All keys of a range in their order, page by page. */
export async function* pages(
  client: EtcdClient,
  { key, rangeEnd }: { key: Uint8Array; rangeEnd: Uint8Array },
  keysOnly = false,
): AsyncGenerator<readonly KeyValue[], void> {
  for (let from = key; ; ) {
    const { kvs, more } = await client.call("Range", { key: from, rangeEnd, limit: BigInt(pageKeys), keysOnly });
    yield kvs;
    const last = kvs.at(-1);
    if (!more || !last) return;
    from = new Uint8Array([...last.key, 0]);
  }
}

/** How many bytes a write adds to a request. */
export const bytesOf = ({ requestPut: { key, value } = {} }: EtcdInit<"RequestOp">): number =>
  (key?.length ?? 0) + (value?.length ?? 0) + 32;
