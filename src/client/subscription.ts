import type { ErrorDetail } from "../protocol/messages.js";
import { canonicalName } from "../resource/names.js";
import type { ResourceType } from "../resource/types.js";
import { subscribedAs } from "./names.js";
import { type ClientResource, type ResourceChange, sameContent } from "./resource.js";
import type { BodilessResource } from "./response.js";

/** What a client wants of one type, and has of it. It changes as the client goes on: read it, do not keep what it gives. */
export interface SubscriptionState {
  readonly typeUrl: string;
  /** Everything of the type is subscribed. */
  readonly wildcard: boolean;
  /** The names subscribed explicitly. */
  readonly names: ReadonlySet<string>;
  /** What the client holds: the content of the responses that were ACKed. */
  readonly resources: ReadonlyMap<string, ClientResource>;
  /** The explicit names of which the server has said that there is nothing. In SotW only full-state types can tell. */
  readonly missing: ReadonlySet<string>;
  /** The server's `resource_errors` by name (P65), each until the resource comes. */
  readonly errors: ReadonlyMap<string, ErrorDetail>;
  /** The version of the response that was ACKed last; "": none yet. */
  readonly version: string;
  /** How many responses were ACKed, and NACKed. */
  readonly accepted: number;
  readonly refused: number;
  /** The last response, if it was NACKed, and why. */
  readonly nacked: { readonly version: string; readonly message: string } | undefined;
  /** Something was accepted since the wildcard was subscribed, and of each explicit name it is known what there is of it. */
  readonly complete: boolean;
}

/**
 * One type, as a state without sockets. {@link ClientStream} calls `begin` on a new stream, and what is below it for requests
 * and responses; the client calls `add`, `drop` and `expire`. A wildcard is the name `*`.
 */
export class ClientSubscription implements SubscriptionState {
  // What is wanted
  private readonly wanted = new Set<string>();
  private canonical: Set<string> | undefined;

  // What the client has
  readonly resources = new Map<string, ClientResource>();
  readonly missing = new Set<string>();
  readonly errors = new Map<string, ErrorDetail>();
  private readonly expiries = new Map<string, number>();
  version = "";
  /** No more is wanted than what `version` stands for. */
  versionIsWhole = false;
  accepted = 0;
  refused = 0;
  nacked: { version: string; message: string } | undefined;
  private wildcardAnswered = false;

  // What the server was told, and said, on this stream
  /** The first request has been sent. */
  told = false;
  /** SotW: some request has named something, so that an empty list means nothing (P35). */
  named = false;
  /** Nonce of the last response; "": none yet. */
  nonce = "";
  /** The last response waits for its answer. */
  unanswered = false;
  /** Wanted, and not told yet. */
  readonly subscribing = new Set<string>();
  /** Told, and dropped since; in both sets: wanted again after that. */
  readonly unsubscribing = new Set<string>();

  constructor(readonly type: ResourceType) {}

  get typeUrl(): string {
    return this.type.typeUrl;
  }

  get wildcard(): boolean {
    return this.wanted.has("*");
  }

  get names(): ReadonlySet<string> {
    const names = new Set(this.wanted);
    names.delete("*");
    return names;
  }

  get complete(): boolean {
    if (this.wildcard && !this.wildcardAnswered) return false;
    const open = [...this.wanted].filter(
      (name) => name !== "*" && !this.resources.has(name) && !this.missing.has(name) && !this.errors.has(name),
    );
    if (open.length === 0) return true;
    const known = new Set<string>();
    for (const { name, aliases } of this.resources.values())
      for (const as of subscribedAs(name, aliases)) known.add(as);
    return open.every((name) => known.has(canonicalName(name)));
  }

  // Called by the client

  /** Subscribes names; returns whether any is new. */
  add(names: Iterable<string>): boolean {
    let added = false;
    for (const name of names) {
      if (this.wanted.has(name)) continue;
      added = true;
      this.wanted.add(name);
      if (name === "*") this.wildcardAnswered = false;
      if (this.told) this.subscribing.add(name);
    }
    if (!added) return false;
    this.canonical = undefined;
    this.versionIsWhole = false;
    return true;
  }

  /** Takes names back, and lets go what was held by them. Returns what that is; undefined: none of them was subscribed. */
  drop(names: Iterable<string>): ResourceChange[] | undefined {
    let dropped = false;
    for (const name of names) {
      if (!this.wanted.delete(name)) continue;
      dropped = true;
      this.missing.delete(name);
      if (!this.subscribing.delete(name) && this.told) this.unsubscribing.add(name);
    }
    if (!dropped) return undefined;
    this.canonical = undefined;
    for (const name of this.errors.keys()) if (!this.covers(name)) this.errors.delete(name);
    const gone = [...this.resources.values()].filter(({ name, aliases }) => !this.covers(name, aliases));
    return gone.flatMap(({ name }) => this.remove(name) ?? []);
  }

  /** What is subscribed, `*` included. */
  all(): string[] {
    return [...this.wanted];
  }

  /** When the next resource runs out of its time to live, by the client's clock. */
  nextExpiry(): number | undefined {
    let next: number | undefined;
    for (const at of this.expiries.values()) if (next === undefined || at < next) next = at;
    return next;
  }

  /** Lets go what has outlived its TTL. */
  expire(now: number): ResourceChange[] {
    const over = [...this.expiries].filter(([, at]) => at <= now);
    if (over.length > 0) this.versionIsWhole = false;
    return over.flatMap(([name]) => this.remove(name) ?? []);
  }

  // Called by the stream

  /** A new stream: nothing is told, and nonces of the one before mean nothing (P7). */
  begin(): void {
    this.told = false;
    this.named = false;
    this.nonce = "";
    this.unanswered = false;
    this.subscribing.clear();
    this.unsubscribing.clear();
  }

  /** There is something to tell the server. */
  get pending(): boolean {
    return this.told ? this.subscribing.size + this.unsubscribing.size > 0 : this.wanted.size > 0;
  }

  /** All that is wanted has been told. */
  tell(): void {
    this.told = true;
    this.subscribing.clear();
    this.unsubscribing.clear();
  }

  /** A response has come. */
  receive(nonce: string): void {
    this.nonce = nonce;
    this.unanswered = true;
  }

  /** The response has been ACKed and applied. */
  accept(version: string): void {
    this.version = version;
    this.versionIsWhole = true;
    this.accepted++;
    this.nacked = undefined;
    this.wildcardAnswered = this.wildcard;
  }

  refuse(version: string, message: string): void {
    this.refused++;
    this.nacked = { version, message };
  }

  // Called by the variants, to apply a response

  covers(name: string, aliases: readonly string[] = []): boolean {
    if (this.wildcard || this.wanted.has(name)) return true;
    this.canonical ??= new Set([...this.wanted].map(canonicalName));
    for (const as of subscribedAs(name, aliases)) if (this.canonical.has(as)) return true;
    return false;
  }

  /** Holds a resource; one that nobody subscribed is passed over. */
  put(resource: ClientResource, now: number): ResourceChange[] {
    const { name, aliases, ttlMs } = resource;
    if (!this.covers(name, aliases)) return [];
    this.found(name, aliases);
    this.live(name, ttlMs, now);
    const before = this.resources.get(name);
    this.resources.set(name, resource);
    return before && sameContent(before, resource) ? [] : [{ name, before, after: resource }];
  }

  /** Takes an entry without a body for a heartbeat (P58), if it is one: that of a resource held, in this very version. */
  refresh({ name, version, ttlMs }: BodilessResource, now: number): boolean {
    if (this.resources.get(name)?.version !== version) return false;
    this.live(name, ttlMs, now);
    return true;
  }

  remove(name: string): ResourceChange[] {
    const before = this.resources.get(name);
    this.expiries.delete(name);
    this.resources.delete(name);
    return before ? [{ name, before, after: undefined }] : [];
  }

  /** The server has nothing by this name. */
  lack(name: string): void {
    if (this.wanted.has(name)) this.missing.add(name);
  }

  fail(name: string, error: ErrorDetail): void {
    if (this.covers(name)) this.errors.set(name, error);
  }

  private found(name: string, aliases: readonly string[]): void {
    for (const names of [this.missing, this.errors]) {
      if (names.size === 0) continue;
      for (const as of [name, ...aliases]) names.delete(as);
      const found = new Set(subscribedAs(name, aliases));
      for (const as of names.keys()) if (found.has(canonicalName(as))) names.delete(as);
    }
  }

  private live(name: string, ttlMs: number | undefined, now: number): void {
    if (ttlMs === undefined) this.expiries.delete(name);
    else this.expiries.set(name, now + ttlMs);
  }
}
