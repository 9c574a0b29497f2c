import type { Changes } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import { contentsOf } from "./changes.js";
import type { NackEntry } from "./ledger.js";

/**
 * A change of which the client's answer is not known for every resource: it is sent in pieces, or it was refused and nothing says which
 * of its resources are bad. Its pieces are shared with all streams that are in the same position.
 */
export class OpenChange {
  /** The client has refused it, or a part of it. */
  isRefused = false;
  /** How many responses with parts of it were refused. */
  nacks = 0;
  /** The refusal, once no further pieces are tried. */
  nack: NackEntry | undefined;
  /** Names that were left out of their piece: they were replaced meanwhile, or have to wait. */
  private deferred: readonly Changes[] = [];
  private readonly resolved = new Set<string>();
  private left: number;

  constructor(
    /** What is not answered yet, in the order in which it is sent. */
    private pieces: Changes[],
    /** Under a wildcard, a retained position at which it is known what the client had before. */
    public before: number | undefined,
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
    return (
      this.pieces.some((piece) => contentsOf(piece).has(name)) ||
      this.deferred.some((piece) => contentsOf(piece).has(name))
    );
  }

  /** A piece with this name is yet to be sent or answered. */
  isPending(name: string): boolean {
    return this.isSplitting && this.pieces.some((piece) => contentsOf(piece).has(name));
  }

  /** What it offers of a name; undefined: its removal. */
  content(name: string): Resource | undefined {
    for (const list of [this.pieces, this.deferred])
      for (const piece of list) if (contentsOf(piece).has(name)) return contentsOf(piece).get(name);
    return undefined;
  }

  /** The names that are not answered. */
  *names(): Iterable<string> {
    for (const list of [this.pieces, this.deferred])
      for (const { changed, removed } of list) {
        for (const { key } of changed) if (!this.resolved.has(key)) yield key;
        for (const name of removed) if (!this.resolved.has(name)) yield name;
      }
  }

  /** Whether a name may be what the client refuses. */
  blames(name: string): boolean {
    return this.nack !== undefined && this.has(name);
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

  /** A part of the next piece goes out; the rest of it has to wait. */
  defer(piece: Changes, now: Changes, later: Changes): void {
    this.pieces = this.pieces.flatMap((one) => (one === piece ? (isEmpty(now) ? [] : [now]) : [one]));
    this.deferred = [...this.deferred, later];
  }

  /** Nothing more is tried: it stays refused together. */
  giveUp(nack: NackEntry): void {
    this.isRefused = true;
    this.nack = nack;
  }

  /** All that is not answered. */
  get all(): Changes {
    const [only] = this.pieces;
    if (only && this.pieces.length === 1 && this.deferred.length === 0) return only;
    const all = [...this.pieces, ...this.deferred];
    return { changed: all.flatMap(({ changed }) => changed), removed: all.flatMap(({ removed }) => removed) };
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
    this.resolved.add(name);
    return --this.left <= 0;
  }
}

const isEmpty = ({ changed, removed }: Changes) => changed.length + removed.length === 0;
