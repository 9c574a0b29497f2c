import { canonicalName } from "../resource/names.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { ErrorDetail } from "../wire/messages.js";
import { subscribedAs } from "./names.js";
import { type ClientResource, type ResourceChange, sameContent } from "./resource.js";
import type { BodilessResource } from "./response.js";

/**
 * The subscriptions of one type and the client's resources of it. The object changes over time; read it anew when
 * needed.
 */
export interface SubscriptionState {
  readonly typeUrl: string;
  /** Whether everything of the type is subscribed. */
  readonly wildcard: boolean;
  /** The names subscribed explicitly. */
  readonly names: ReadonlySet<string>;
  /** The client's resources: the content of the ACKed responses. */
  readonly resources: ReadonlyMap<string, ClientResource>;
  /**
   * The explicit names for which the server has reported that nothing exists. In SotW, only full-state types can report
   * this.
   */
  readonly missing: ReadonlySet<string>;
  /** The server's `resource_errors` by name (P65). Each stays until the resource comes. */
  readonly errors: ReadonlyMap<string, ErrorDetail>;
  /** The version of the last ACKed response; "": none yet. */
  readonly version: string;
  /** The numbers of ACKed and of NACKed responses. */
  readonly accepted: number;
  readonly refused: number;
  /** The version of the last response and the reason, if it was NACKed. */
  readonly nacked: { readonly version: string; readonly message: string } | undefined;
  /**
   * Whether the server has answered everything: a response was accepted since the wildcard was subscribed, and each
   * explicit name has a resource, is missing, or has an error.
   */
  readonly complete: boolean;
}

/**
 * The state of one type, without sockets. A wildcard is the name `*`.
 *
 * The client calls `add`, `drop` and `expire`. {@link ClientStream} calls `begin` on a new stream, and the methods
 * below it for requests and responses.
 */
export class ClientSubscription implements SubscriptionState {
  // The subscription
  private readonly wanted = new Set<string>();
  private canonical: Set<string> | undefined;

  // What the client has
  readonly resources = new Map<string, ClientResource>();
  readonly missing = new Set<string>();
  readonly errors = new Map<string, ErrorDetail>();
  private readonly expiries = new Map<string, number>();
  version = "";
  /** Whether `version` covers everything that is subscribed. */
  versionIsWhole = false;
  accepted = 0;
  refused = 0;
  nacked: { version: string; message: string } | undefined;
  private wildcardAnswered = false;

  // Requests and responses of this stream
  /** Whether the first request was sent. */
  requested = false;
  /** SotW: whether a request had a non-empty list, so that an empty one means nothing (P35). */
  hasSentNames = false;
  /** The nonce of the last response; "": none yet. */
  nonce = "";
  /** Whether the last response has no answer yet. */
  unanswered = false;
  /** Subscribed, but not sent yet. */
  readonly subscribing = new Set<string>();
  /** Sent, and dropped since. A name in both sets was added again after that. */
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

  /** Subscribes to names. Returns whether any is new. */
  add(names: Iterable<string>): boolean {
    let added = false;
    for (const name of names) {
      if (this.wanted.has(name)) continue;
      added = true;
      this.wanted.add(name);
      if (name === "*") this.wildcardAnswered = false;
      if (this.requested) this.subscribing.add(name);
    }
    if (!added) return false;
    this.canonical = undefined;
    this.versionIsWhole = false;
    return true;
  }

  /**
   * Unsubscribes names, and removes resources that no other name covers. Returns the removed ones; undefined if no name
   * was subscribed.
   */
  drop(names: Iterable<string>): ResourceChange[] | undefined {
    let dropped = false;
    for (const name of names) {
      if (!this.wanted.delete(name)) continue;
      dropped = true;
      this.missing.delete(name);
      if (!this.subscribing.delete(name) && this.requested) this.unsubscribing.add(name);
    }
    if (!dropped) return undefined;
    this.canonical = undefined;
    for (const name of this.errors.keys()) if (!this.covers(name)) this.errors.delete(name);
    const gone = [...this.resources.values()].filter(({ name, aliases }) => !this.covers(name, aliases));
    return gone.flatMap(({ name }) => this.remove(name) ?? []);
  }

  /** Returns all subscribed names, also `*`. */
  all(): string[] {
    return [...this.wanted];
  }

  /** Returns when the next TTL ends, by the client's clock. */
  nextExpiry(): number | undefined {
    let next: number | undefined;
    for (const at of this.expiries.values()) if (next === undefined || at < next) next = at;
    return next;
  }

  /** Removes the resources whose TTL has ended. */
  expire(now: number): ResourceChange[] {
    const over = [...this.expiries].filter(([, at]) => at <= now);
    if (over.length > 0) this.versionIsWhole = false;
    return over.flatMap(([name]) => this.remove(name) ?? []);
  }

  // Called by the stream

  /** Resets the state for a new stream. Nonces of the previous one are void (P7). */
  begin(): void {
    this.requested = false;
    this.hasSentNames = false;
    this.nonce = "";
    this.unanswered = false;
    this.subscribing.clear();
    this.unsubscribing.clear();
  }

  /** Whether there are changes to send to the server. */
  get pending(): boolean {
    return this.requested ? this.subscribing.size + this.unsubscribing.size > 0 : this.wanted.size > 0;
  }

  /** Records that all changes have been sent. */
  markSent(): void {
    this.requested = true;
    this.subscribing.clear();
    this.unsubscribing.clear();
  }

  /** Records that a response was received. */
  receive(nonce: string): void {
    this.nonce = nonce;
    this.unanswered = true;
  }

  /** Records that the response was ACKed and applied. */
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

  /** Stores a resource. A resource that is not subscribed is ignored. */
  put(resource: ClientResource, now: number): ResourceChange[] {
    const { name, aliases, ttlMs } = resource;
    if (!this.covers(name, aliases)) return [];
    this.clearMissing(name, aliases);
    this.setExpiry(name, ttlMs, now);
    const before = this.resources.get(name);
    this.resources.set(name, resource);
    return before && sameContent(before, resource) ? [] : [{ name, before, after: resource }];
  }

  /**
   * Renews the TTL of a resource if the entry is its heartbeat (P58), that is, has the resource's version. Returns
   * whether it is.
   */
  refresh({ name, version, ttlMs }: BodilessResource, now: number): boolean {
    if (this.resources.get(name)?.version !== version) return false;
    this.setExpiry(name, ttlMs, now);
    return true;
  }

  remove(name: string): ResourceChange[] {
    const before = this.resources.get(name);
    this.expiries.delete(name);
    this.resources.delete(name);
    return before ? [{ name, before, after: undefined }] : [];
  }

  /** Records that the server has no resource with this name. */
  addMissing(name: string): void {
    if (this.wanted.has(name)) this.missing.add(name);
  }

  fail(name: string, error: ErrorDetail): void {
    if (this.covers(name)) this.errors.set(name, error);
  }

  private clearMissing(name: string, aliases: readonly string[]): void {
    for (const names of [this.missing, this.errors]) {
      if (names.size === 0) continue;
      for (const as of [name, ...aliases]) names.delete(as);
      const found = new Set(subscribedAs(name, aliases));
      for (const as of names.keys()) if (found.has(canonicalName(as))) names.delete(as);
    }
  }

  private setExpiry(name: string, ttlMs: number | undefined, now: number): void {
    if (ttlMs === undefined) this.expiries.delete(name);
    else this.expiries.set(name, now + ttlMs);
  }
}
