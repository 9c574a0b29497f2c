import type { Changes } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import { contentsOf } from "./changes.js";
import type { NackEntry } from "./ledger.js";

/**
 * A change of which the client's answer is not known for every resource: it is sent in pieces, or it was refused and
 * nothing says which of its resources are bad. Its pieces are shared with all streams that are in the same position.
 */
export class OpenChange {
  /** The client has refused it, or a part of it. */
  isRefused = false;
  /** How many responses with parts of it were refused. */
  nacks = 0;
  /** The refusal, once no further pieces are tried. */
  nack: NackEntry | undefined;
  /** Left out of its piece: replaced meanwhile, or has to wait. It comes with the next difference. */
  private readonly deferred = new Map<string, Resource | undefined>();
  /** Keys of resources, and removed names, that are answered or are no part of it any more. */
  private readonly resolved = new Set<string>();
  private left: number;

  constructor(
    /** What is not answered yet, in the order in which it is sent. */
    private pieces: Changes[],
    /** Under a wildcard, a retained position at which it is known what the client had before. */
    public before: number | undefined,
    /** Under a wildcard, the client's position says what it has once all is answered. */
    public isPassed: boolean,
    /** The number of the last response before its pieces. Later responses are newer. */
    readonly origin: number,
  ) {
    this.left = pieces.reduce((sum, { changed, removed }) => sum + changed.length + removed.length, 0);
  }

  /** There are pieces to send, or on their way. */
  get isSplitting(): boolean {
    return this.nack === undefined && this.pieces.length > 0;
  }

  /** The piece to send next; undefined: none is left. */
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

  /** It was left out of its piece. */
  isDeferred(name: string): boolean {
    return this.deferred.has(name) && !this.resolved.has(name);
  }

  /** A piece with this name is yet to be sent or answered. */
  isPending(name: string): boolean {
    return this.isSplitting && this.has(name) && !this.isDeferred(name);
  }

  /** What it offers of a name; undefined: its removal. */
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

  /** Whether a response offers some of it again: that explains why the response is refused. */
  explains(offers: (name: string) => Resource | undefined): boolean {
    return (
      this.nack !== undefined &&
      this.pieces.some(({ changed }) =>
        changed.some(({ key, version }) => !this.resolved.has(key) && offers(key)?.version === version),
      )
    );
  }

  /** A piece was refused: its halves take its place. */
  split(piece: Changes, halves: readonly Changes[]): void {
    this.isRefused = true;
    this.pieces = this.pieces.flatMap((one) => (one === piece ? halves : [one]));
  }

  /** Only a part of the next piece goes out, without what is later. */
  defer(piece: Changes, now: Changes, later: ReadonlyMap<string, Resource | undefined>): void {
    for (const [name, content] of later) this.deferred.set(name, content);
    this.pieces = this.pieces.flatMap((one) => (one === piece ? (isEmpty(now) ? [] : [now]) : [one]));
  }

  /** Nothing more is tried: it stays refused together. */
  giveUp(nack: NackEntry): void {
    this.isRefused = true;
    this.nack = nack;
  }

  /** All that is not answered, but for what was left out. */
  get all(): Changes {
    const [only] = this.pieces;
    if (only && this.pieces.length === 1) return only;
    return {
      changed: this.pieces.flatMap(({ changed }) => changed),
      removed: this.pieces.flatMap(({ removed }) => removed),
    };
  }

  /** A piece is answered. Tells whether that was the last of it. */
  remove(piece: Changes): boolean {
    const index = this.pieces.indexOf(piece);
    if (index < 0) return this.left <= 0;
    this.pieces.splice(index, 1);
    for (const { key } of piece.changed) if (!this.resolved.has(key)) this.left--;
    for (const name of piece.removed) if (!this.resolved.has(name)) this.left--;
    return this.left <= 0;
  }

  /** A name is answered otherwise. Tells whether that was the last of it. */
  resolve(name: string): boolean {
    if (!this.has(name)) return false;
    this.resolved.add(this.content(name)?.key ?? name); // one resource may be subscribed by several aliases
    return --this.left <= 0;
  }
}

const isEmpty = ({ changed, removed }: Changes) => changed.length + removed.length === 0;
