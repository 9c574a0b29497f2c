import { lengthDelimited, type WireReader } from "../resource/wire-reader.js";
import { SharedLists } from "./shared-lists.js";

/**
 * Reads lists of names, and gives the same frozen array for the same bytes: in state of the world every ACK repeats its list, and the
 * proxies of a fleet name the same resources.
 */
export class NameLists {
  /** In memory, they take a few times as much as in their requests. */
  private readonly lists = new SharedLists<string>(2 * 2 ** 20);

  /** Reads the value of a repeated field whose first tag has been read, up to the last that directly follows. */
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
