import type { Changes } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import { contentsOf } from "./changes.js";
import type { NackEntry } from "./ledger.js";

/**
 * A change for which the client's answer is not known for each resource. Either it is sent in pieces, or it was refused
 * and nothing shows which of its resources are bad. All streams in the same position share its pieces.
 */
export class OpenChange {
  /** The client has refused the change, or a part of it. */
  isRefused = false;
  /** How many responses with parts of the change were refused. */
  nacks = 0;
  /** The NACK, once no further pieces are tried. */
  nack: NackEntry | undefined;
  /**
   * Contents that were left out of their piece because they were replaced meanwhile or have to wait. They come with the
   * next difference.
   */
  private readonly deferred = new Map<string, Resource | undefined>();
  /** Keys of resources, and removed names, that are answered or no longer belong to the change. */
  private readonly resolved = new Set<string>();
  private left: number;

  constructor(
    /** What is not answered yet, in the order of sending. */
    private pieces: Changes[],
    /** Under a wildcard, a retained position that says what the client had before. */
    public before: number | undefined,
    /** Under a wildcard, the client's position is already after the change. */
    public isPassed: boolean,
    /** The number of the last response before the pieces. Responses with higher numbers are newer. */
    readonly origin: number,
  ) {
    this.left = pieces.reduce((sum, { changed, removed }) => sum + changed.length + removed.length, 0);
  }

  /** Whether pieces are left to send or to be answered. */
  get isSplitting(): boolean {
    return this.nack === undefined && this.pieces.length > 0;
  }

  /** The piece to send next. Undefined: none is left. */
  get next(): Changes | undefined {
    return this.isSplitting ? this.pieces[0] : undefined;
  }

  has(name: string): boolean {
    if (this.resolved.has(name)) return false;
    for (const piece of this.pieces) {
      const contents = contentsOf(piece);
      if (contents.has(name)) return !this.resolved.has(contents.get(name)?.key ?? name);
    }
    return this.isDeferred(name);
  }

  /** Whether a name was left out of its piece. */
  isDeferred(name: string): boolean {
    return this.deferred.has(name) && !this.resolved.has(name);
  }

  /** Whether a piece with a name is yet to be sent or answered. */
  isPending(name: string): boolean {
    return this.isSplitting && this.has(name) && !this.isDeferred(name);
  }

  /** The content that the change has for a name. Undefined: its removal. */
  content(name: string): Resource | undefined {
    for (const piece of this.pieces) if (contentsOf(piece).has(name)) return contentsOf(piece).get(name);
    return this.deferred.get(name);
  }

  /** The names that are not answered. */
  *names(): Iterable<string> {
    for (const { changed, removed } of this.pieces) {
      for (const { key } of changed) if (!this.resolved.has(key)) yield key;
      for (const name of removed) if (!this.resolved.has(name)) yield name;
    }
    yield* this.deferredNames();
  }

  *deferredNames(): Iterable<string> {
    for (const name of this.deferred.keys()) if (!this.resolved.has(name)) yield name;
  }

  /** Whether a name may be what the client refuses. */
  blames(name: string): boolean {
    return this.nack !== undefined && this.has(name) && !this.isDeferred(name);
  }

  /** Whether a response offers some of the change again. That explains why the response is refused. */
  explains(offers: (name: string) => Resource | undefined): boolean {
    return (
      this.nack !== undefined &&
      this.pieces.some(({ changed }) =>
        changed.some(({ key, version }) => !this.resolved.has(key) && offers(key)?.version === version),
      )
    );
  }

  /** A piece was refused: its halves replace it. */
  split(piece: Changes, halves: readonly Changes[]): void {
    this.isRefused = true;
    this.pieces = this.pieces.flatMap((one) => (one === piece ? halves : [one]));
  }

  /** Only a part of the next piece is sent; `later` is left out. */
  defer(piece: Changes, now: Changes, later: ReadonlyMap<string, Resource | undefined>): void {
    for (const [name, content] of later) this.deferred.set(name, content);
    this.pieces = this.pieces.flatMap((one) => (one === piece ? (isEmpty(now) ? [] : [now]) : [one]));
  }

  /** No further pieces are tried: the change stays refused as a whole. */
  giveUp(nack: NackEntry): void {
    this.isRefused = true;
    this.nack = nack;
  }

  /** Everything that is not answered, without what was left out. */
  get all(): Changes {
    const [only] = this.pieces;
    if (only && this.pieces.length === 1) return only;
    return {
      changed: this.pieces.flatMap(({ changed }) => changed),
      removed: this.pieces.flatMap(({ removed }) => removed),
    };
  }

  /** A piece is answered. Returns whether nothing of the change is left. */
  remove(piece: Changes): boolean {
    const index = this.pieces.indexOf(piece);
    if (index < 0) return this.left <= 0;
    this.pieces.splice(index, 1);
    for (const { key } of piece.changed) if (!this.resolved.has(key)) this.left--;
    for (const name of piece.removed) if (!this.resolved.has(name)) this.left--;
    return this.left <= 0;
  }

  /** A name is settled in another way. Returns whether nothing of the change is left. */
  resolve(name: string): boolean {
    if (!this.has(name)) return false;
    this.resolved.add(this.content(name)?.key ?? name); // one resource may be subscribed by several aliases
    return --this.left <= 0;
  }
}

const isEmpty = ({ changed, removed }: Changes) => changed.length + removed.length === 0;
