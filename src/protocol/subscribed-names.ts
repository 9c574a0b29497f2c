import { canonicalName, collectionOf, hasSpellings } from "../resource/names.js";
import type { Resource } from "../resource/resource.js";
import { LazySet } from "./lazy.js";

/** The names that one client subscribes of one type. */
export abstract class SubscribedNames {
  wildcard = false;
  /** A request has named something, so an empty list no longer means everything (P35). */
  hasNamed = false;
  readonly names = new LazySet<string>();
  /** How many characters the explicit names have together. */
  protected characters = 0;
  /** The names as one request listed them. Undefined if they did not come as one list. */
  listedNames: readonly string[] | undefined;
  private spelt: Map<string, string> | undefined;
  private released: Set<string> | undefined;

  /** The client's own spelling of names that have several, by canonical name (P64). */
  get spellings(): ReadonlyMap<string, string> {
    return this.spelt ?? noSpellings;
  }

  /**
   * Subscribed names that a replaced resource of the client referred to. Perhaps nothing refers to them any more (P54).
   */
  get noLongerReferenced(): ReadonlySet<string> {
    return this.released ?? noNames;
  }

  /** A replaced resource of the client referred to a name. */
  noteNoLongerReferenced(name: string): void {
    if (!this.names.has(name)) return;
    this.released ??= new Set();
    this.released.add(name);
  }

  /** Whether this spelling in a request would subscribe nothing new. */
  alreadySubscribes(spelling: string): boolean {
    return spelling === "*" || this.names.has(canonicalName(spelling));
  }

  covers(name: string): boolean {
    if (this.wildcard || this.names.has(name)) return true;
    const glob = collectionOf(name);
    return glob !== undefined && this.names.has(glob);
  }

  keysOf({ key, aliasKeys }: Resource): readonly string[] {
    if (aliasKeys.length === 0) return this.covers(key) ? [key] : [];
    const found = aliasKeys.filter((alias) => this.names.has(alias));
    return this.covers(key) ? [key, ...found] : found;
  }

  /** Adds an explicit name. Returns false if it was there. */
  protected addName(name: string): boolean {
    if (this.names.has(name)) return false;
    this.names.add(name);
    this.characters += name.length;
    return true;
  }

  /** Deletes an explicit name. */
  protected forgetName(name: string): void {
    if (this.names.delete(name)) this.characters -= name.length;
    this.released?.delete(name);
    this.spelt?.delete(name);
  }

  protected spell(name: string, spelling: string): void {
    if (!hasSpellings(name)) return;
    this.spelt ??= new Map();
    this.spelt.set(name, spelling);
  }
}

const noNames: ReadonlySet<string> = new Set();
const noSpellings: ReadonlyMap<string, string> = new Map();
