import { lengthDelimited, type WireReader } from "../schema/wire-reader.js";
import { SharedLists } from "./shared-lists.js";

/**
 * Reads lists of names, and returns the same frozen array for the same bytes.
 *
 * Lists repeat: in SotW every ACK contains the client's whole list, and the proxies of a fleet use the same names.
 */
export class NameLists {
  /** The limit counts bytes in requests. In memory, the lists take a few times as much. */
  private readonly lists = new SharedLists<string>(2 * 2 ** 20);

  /** Reads consecutive values of a repeated field, whose first tag has been read. */
  read(reader: WireReader, fieldNo: number): readonly string[] {
    const start = reader.pos;
    reader.passRepeated(fieldNo);
    return this.lists.get(reader.latin1(start), () => {
      const names: string[] = [];
      const end = reader.pos;
      reader.pos = start;
      do names.push(reader.text(reader.valueEnd()));
      while (reader.pos < end && reader.skipTag(lengthDelimited(fieldNo)));
      return Object.freeze(names);
    });
  }
}
