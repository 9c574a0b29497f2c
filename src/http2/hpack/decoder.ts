import { compressionError } from "../errors.js";
import { decodeHuffman } from "./huffman.js";
import { staticTable } from "./static-table.js";

/** A header list: name, value, name, value, and so on. Bytes are read as latin1. */
export type Fields = string[];

/** The bytes that each entry counts in addition to its name and value (RFC 7541, section 4.1). */
const entryOverhead = 32;

/** The largest integer that is read. No header block needs a larger one. */
const largest = 2 ** 24;

interface Entry {
  readonly name: string;
  readonly value: string;
}

/** Decodes the header blocks of one connection, in order (RFC 7541). */
export class HpackDecoder {
  /** Newest last. */
  private readonly dynamic: Entry[] = [];
  private dynamicBytes = 0;
  private capacity: number;
  private block: Buffer = nothing;
  private at = 0;

  /**
   * @param tableBytes the most that the dynamic table may have, as announced in SETTINGS_HEADER_TABLE_SIZE
   * @param listBytes the most that a header list may have, as announced in SETTINGS_MAX_HEADER_LIST_SIZE
   */
  constructor(
    private readonly tableBytes: number,
    private readonly listBytes: number,
  ) {
    this.capacity = tableBytes;
  }

  /**
   * Decodes a block. Returns undefined if the list is larger than allowed; the next block can be decoded all the same.
   * @throws ConnectionError COMPRESSION_ERROR
   */
  decode(block: Buffer): Fields | undefined {
    this.block = block;
    this.at = 0;
    const fields: Fields = [];
    let bytes = 0;
    let mayResize = true;
    while (this.at < block.length) {
      const first = block[this.at] as number;
      if ((first & 0xe0) === 0x20) {
        if (!mayResize) throw compressionError("a table size update after the first header field");
        this.resize(this.integer(5));
        continue;
      }
      mayResize = false;
      const entry = this.entry(first);
      bytes += sizeOf(entry);
      if (bytes <= this.listBytes) fields.push(entry.name, entry.value);
    }
    this.block = nothing;
    return bytes <= this.listBytes ? fields : undefined;
  }

  private entry(first: number): Entry {
    if (first & 0x80) return this.lookUp(this.integer(7));
    const isIndexed = (first & 0x40) !== 0;
    const index = this.integer(isIndexed ? 6 : 4);
    const name = index === 0 ? this.string() : this.lookUp(index).name;
    const entry = { name, value: this.string() };
    if (isIndexed) this.add(entry);
    return entry;
  }

  private lookUp(index: number): Entry {
    if (index > 0 && index <= staticEntries.length) return staticEntries[index - 1] as Entry;
    const entry = this.dynamic[this.dynamic.length - (index - staticEntries.length)];
    if (index === 0 || !entry) throw compressionError(`there is no header field of index ${index}`);
    return entry;
  }

  private add(entry: Entry): void {
    this.dynamicBytes += sizeOf(entry);
    this.dynamic.push(entry);
    this.evict();
  }

  private resize(capacity: number): void {
    if (capacity > this.tableBytes)
      throw compressionError(`a table size of ${capacity} bytes; ${this.tableBytes} are allowed`);
    this.capacity = capacity;
    this.evict();
  }

  private evict(): void {
    while (this.dynamicBytes > this.capacity) this.dynamicBytes -= sizeOf(this.dynamic.shift() as Entry);
  }

  /** An integer with a prefix of `prefix` bits (5.1). */
  private integer(prefix: number): number {
    const mask = 2 ** prefix - 1;
    let value = this.byte() & mask;
    if (value < mask) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (value > largest) throw compressionError("an integer is too large");
      if (byte < 0x80) return value;
      if (factor > largest) throw compressionError("an integer has too many bytes");
    }
  }

  /** A string literal (5.2). */
  private string(): string {
    const isHuffman = ((this.block[this.at] ?? 0) & 0x80) !== 0;
    const length = this.integer(7);
    const end = this.at + length;
    if (end > this.block.length) throw compressionError("a header block ends in the middle of a string");
    const bytes = this.block.subarray(this.at, end);
    this.at = end;
    return isHuffman ? decodeHuffman(bytes) : bytes.toString("latin1");
  }

  private byte(): number {
    const byte = this.block[this.at++];
    if (byte === undefined) throw compressionError("a header block ends in the middle of a header field");
    return byte;
  }
}

const nothing = Buffer.alloc(0);
const staticEntries: readonly Entry[] = staticTable.map(([name, value]) => ({ name, value }));
const sizeOf = ({ name, value }: Entry) => name.length + value.length + entryOverhead;
