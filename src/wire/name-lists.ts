import { lengthDelimited, type WireReader } from "../resource/wire-reader.js";

/** How many bytes the lists that are kept may have had in their requests. In memory, they take a few times as much. */
const bytesKept = 2 * 2 ** 20;

/**
 * Reads lists of names, and gives the same frozen array for the same bytes: in state of the world every ACK repeats its list, and the
 * proxies of a fleet name the same resources. The lists read last are kept.
 */
export class NameLists {
  /** By their bytes, as latin1; the one read last is the last. */
  private readonly lists = new Map<string, readonly string[]>();
  private bytes = 0;

  /** Reads the value of a repeated field whose first tag has been read, up to the last that directly follows. */
  read(reader: WireReader, fieldNo: number): readonly string[] {
    const start = reader.pos;
    do reader.pos = reader.valueEnd();
    while (reader.skipTag(lengthDelimited(fieldNo)));
    const key = reader.latin1(start);
    const known = this.lists.get(key);
    if (known) this.lists.delete(key);
    else this.bytes += key.length;
    const list = known ?? this.decode(reader, start, fieldNo);
    this.lists.set(key, list);
    for (const oldest of this.lists.keys()) {
      if (this.bytes <= bytesKept) break;
      this.lists.delete(oldest);
      this.bytes -= oldest.length;
    }
    return list;
  }

  private decode(reader: WireReader, start: number, fieldNo: number): readonly string[] {
    const names: string[] = [];
    const end = reader.pos;
    reader.pos = start;
    do names.push(reader.text(reader.valueEnd()));
    while (reader.pos < end && reader.skipTag(lengthDelimited(fieldNo)));
    return Object.freeze(names);
  }
}
