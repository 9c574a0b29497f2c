/** How many pairs of node id and type are remembered. */
const maxMarks = 10_000;

/** Stands for streams that have ended. */
const endedStream = 0;

/** How many characters the marks have together at most, in what {@link OpenRefusals.known} returns. */
const maxCharacters = 1 << 20;

/** The first ones of a list of marks, as many as are kept. */
export function newestMarks(marks: readonly string[]): string[] {
  let room = maxCharacters;
  const isOver = (mark: string, at: number) => {
    room -= mark.length;
    return room < 0 || at >= maxMarks;
  };
  const end = marks.findIndex(isOver);
  return end < 0 ? [...marks] : marks.slice(0, end);
}

/**
 * The nodes that have refused something and have not taken its replacement. The versions that such a node reports on a
 * new stream are no evidence (P36, P49). The marks outlive the streams; the newest are remembered.
 *
 * They also outlive the server if `onChange` stores {@link OpenRefusals.known}, and the next server calls {@link
 * OpenRefusals.add} with it.
 */
export class OpenRefusals {
  /** `<type URL> <node id>` → ids of the streams with an open refusal. */
  private readonly marks = new Map<string, Set<number>>();

  /** @param onChange Called after a mark was added or removed. It must not throw, and must return soon. */
  constructor(private readonly onChange: () => void = () => {}) {}

  /** The marks, newest first, as {@link OpenRefusals.add} takes them. */
  known(): string[] {
    return newestMarks([...this.marks.keys()].reverse());
  }

  /**
   * Adds the result of {@link OpenRefusals.known} of an earlier server, or of another one. Other values, and marks that
   * are there, are ignored.
   */
  add(known: Iterable<unknown>): void {
    for (const mark of [...known].slice(0, maxMarks).reverse())
      if (typeof mark === "string" && mark.includes(" ") && !this.marks.has(mark)) this.set(mark, endedStream);
  }

  /** Whether a node has refused something of a type and has not taken its replacement. */
  has(nodeId: string, typeUrl: string): boolean {
    return this.marks.size > 0 && this.marks.has(keyOf(nodeId, typeUrl));
  }

  /** A response was answered. `isOpen`: something that was refused on the stream is not replaced. */
  note(nodeId: string, typeUrl: string, stream: number, isOpen: boolean): void {
    if (!isOpen && this.marks.size === 0) return;
    const key = keyOf(nodeId, typeUrl);
    const known = this.marks.get(key);
    if (isOpen) {
      if (known) known.add(stream);
      else this.mark(key, stream);
      return;
    }
    known?.delete(stream);
    known?.delete(endedStream); // the node has taken a response on a stream that was sent everything
    if (known?.size === 0) {
      this.marks.delete(key);
      this.onChange();
    }
  }

  /** A stream has ended. Its marks stay. */
  closed(nodeId: string, typeUrls: Iterable<string>, stream: number): void {
    if (this.marks.size === 0) return;
    for (const typeUrl of typeUrls) {
      const streams = this.marks.get(keyOf(nodeId, typeUrl));
      if (streams?.delete(stream)) streams.add(endedStream);
    }
  }

  private mark(key: string, stream: number): void {
    this.set(key, stream);
    this.onChange();
  }

  private set(key: string, stream: number): void {
    this.marks.set(key, new Set([stream]));
    if (this.marks.size > maxMarks)
      for (const oldest of this.marks.keys()) {
        this.marks.delete(oldest);
        break;
      }
  }
}

const keyOf = (nodeId: string, typeUrl: string) => `${typeUrl} ${nodeId}`;
