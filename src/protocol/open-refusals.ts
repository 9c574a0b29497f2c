/** How many pairs of a node id and a type are remembered. */
const most = 10_000;

/** Stands for streams that have ended. */
const past = 0;

/**
 * The nodes that have refused something and have not taken what replaces it. The versions that such a node reports on a
 * new stream are no evidence (P36, P49). The marks outlive the streams; the newest are kept.
 */
export class OpenRefusals {
  /** `<type URL> <node id>` → ids of the streams with an open refusal. */
  private readonly marks = new Map<string, Set<number>>();

  has(nodeId: string, typeUrl: string): boolean {
    return this.marks.size > 0 && this.marks.has(keyOf(nodeId, typeUrl));
  }

  /** A response was answered on a stream; `isOpen`: something that was refused there is not replaced. */
  note(nodeId: string, typeUrl: string, stream: number, isOpen: boolean): void {
    if (!isOpen && this.marks.size === 0) return;
    const key = keyOf(nodeId, typeUrl);
    const known = this.marks.get(key);
    if (isOpen) {
      if (known) known.add(stream);
      else this.marks.set(key, new Set([stream]));
      if (this.marks.size > most) for (const oldest of this.marks.keys()) return void this.marks.delete(oldest);
      return;
    }
    known?.delete(stream);
    known?.delete(past); // the node has taken a response of a stream on which it was sent everything
    if (known?.size === 0) this.marks.delete(key);
  }

  /** A stream has ended: its marks stay. */
  closed(nodeId: string, typeUrls: Iterable<string>, stream: number): void {
    if (this.marks.size === 0) return;
    for (const typeUrl of typeUrls) {
      const streams = this.marks.get(keyOf(nodeId, typeUrl));
      if (streams?.delete(stream)) streams.add(past);
    }
  }
}

const keyOf = (nodeId: string, typeUrl: string) => `${typeUrl} ${nodeId}`;
