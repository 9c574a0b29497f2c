import type { Response } from "../../src/protocol/response.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { anonymousNode } from "../../src/schema/node.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request } from "../../src/wire/messages.js";
import type { Setting } from "./convergence-world.js";

/** A request on its way, and whether it asks for something (else it only answers). */
export interface Outgoing {
  readonly request: Request;
  readonly asks: boolean;
}

const everything = "*";

/**
 * A client as the protocol's text has it, for one type. What it has is what it took of responses, without what it no
 * longer wants. It takes an ACKed response whole and a refused one not at all or, if it takes parts, in part.
 */
export class ModelClient {
  /** Name to version. */
  readonly has = new Map<string, string>();
  /** Explicit names, and `*` for everything. */
  private readonly wants = new Set<string>();
  /** It has named something at some time, so that an empty list would not say "everything" any more. */
  private named = false;
  /** Of this stream: a request was sent; the last nonce. */
  private asked = false;
  private nonce = "";
  private isOldNonce = false;
  /** Of all streams: the version of the last response that was taken; "" once it has parts of another. */
  private version = "";
  /** It has taken parts of what it refused. */
  private hasParts = false;

  constructor(
    private readonly setting: Setting,
    private readonly send: (outgoing: Outgoing) => void,
  ) {}

  /** What it names. */
  get names(): readonly string[] {
    return [...this.wants].filter((name) => name !== everything);
  }

  covers(name: string): boolean {
    return this.wants.has(everything) || this.wants.has(name);
  }

  /** Changes the subscription. A name in both lists ends subscribed (P51). */
  want(subscribe: readonly string[], unsubscribe: readonly string[]): void {
    const before = new Set(this.wants);
    for (const name of unsubscribe) this.wants.delete(name);
    for (const name of subscribe) this.wants.add(name);
    // Of names never named an empty list cannot say "nothing" in SotW: it is the legacy wildcard.
    if (this.setting.variant === "sotw" && this.wants.size === 0 && !this.named) {
      for (const name of before) this.wants.add(name);
      return;
    }
    for (const name of this.has.keys()) if (!this.covers(name)) this.has.delete(name);
    if (this.wants.size > 0 || this.asked) this.ask(subscribe, unsubscribe);
  }

  ack(response: Response): void {
    const { resources, removedResources } = response;
    if (this.isWhole) this.has.clear();
    for (const { name, version } of resources) if (this.covers(name)) this.has.set(name, version);
    for (const name of removedResources) this.has.delete(name);
    this.version = response.versionInfo;
    this.answer(response, undefined);
  }

  /**
   * Refuses; of several changes those in the bit set `taken` are taken all the same, but never all. Returns what the
   * response said: names and versions. Nobody refuses what he has taken as a part: `undefined`, and nothing is
   * answered.
   */
  nack(response: Response, taken: number): ReadonlyMap<string, string | undefined> | undefined {
    const now = new Map<string, string | undefined>(
      this.isWhole ? [...this.has.keys()].map((name) => [name, undefined]) : [],
    );
    for (const { name, version } of response.resources) now.set(name, version);
    for (const name of response.removedResources) now.set(name, undefined);
    const changes = [...now].filter(([name, version]) => this.covers(name) && this.has.get(name) !== version);
    if (changes.length === 0 && this.hasParts) return undefined;
    changes.forEach(([name, version], i) => {
      if (!this.setting.takesParts || i === changes.length - 1 || !(taken & (1 << i))) return;
      if (version === undefined) this.has.delete(name);
      else this.has.set(name, version);
      this.version = "";
      this.hasParts = true;
    });
    this.answer(response, { code: 13, message: "refused" });
    return now;
  }

  /** In delta it reports what it has. As new, it has nothing and reports nothing. */
  reconnect(how: "clean" | "with the old nonce" | "as new"): void {
    this.asked = false;
    if (how !== "with the old nonce") this.nonce = "";
    if (how === "as new") {
      this.has.clear();
      this.version = "";
    }
    this.isOldNonce = how === "with the old nonce";
    if (this.wants.size > 0) this.ask([...this.wants], []);
  }

  /** A response is the whole of what there is. */
  private get isWhole(): boolean {
    return this.setting.variant === "sotw" && this.setting.fullState;
  }

  private ask(subscribe: readonly string[], unsubscribe: readonly string[]): void {
    const first = !this.asked;
    this.asked = true;
    // Everything, and never a name: what clients knew before there was a `*` (P33, P46).
    const names = [...this.wants];
    if (names.some((name) => name !== everything)) this.named = true;
    const legacy = !this.named && this.wants.has(everything);
    if (this.setting.variant === "sotw") {
      this.put(this.sotw(legacy ? [] : names), true);
      return;
    }
    const initialResourceVersions = new Map(first ? this.has : []);
    const lists = first ? this.delta(legacy ? [] : names, []) : this.delta(subscribe, unsubscribe);
    this.put({ ...lists, initialResourceVersions }, true);
  }

  private answer({ nonce }: Response, errorDetail: Request["errorDetail"]): void {
    this.nonce = nonce;
    const names = !this.named && this.wants.has(everything) ? [] : [...this.wants];
    this.put(
      {
        ...(this.setting.variant === "sotw" ? this.sotw(names) : this.delta([], [])),
        responseNonce: nonce,
        errorDetail,
      },
      false,
    );
  }

  private sotw(resourceNames: readonly string[]): DiscoveryRequest {
    return { ...this.envelope, versionInfo: this.version, resourceNames, responseNonce: this.nonce };
  }

  private delta(subscribe: readonly string[], unsubscribe: readonly string[]): DeltaDiscoveryRequest {
    return {
      ...this.envelope,
      resourceNamesSubscribe: subscribe,
      resourceNamesUnsubscribe: unsubscribe,
      initialResourceVersions: new Map(),
      responseNonce: "",
    };
  }

  private get envelope() {
    return {
      node: { ...anonymousNode(envoyRegistry()), id: "n" },
      typeUrl: this.setting.typeUrl,
      errorDetail: undefined,
    };
  }

  private put(request: DiscoveryRequest | DeltaDiscoveryRequest, asks: boolean): void {
    this.send({ request, asks });
    if (this.isOldNonce) this.nonce = ""; // only the first request of a stream may have an earlier stream's (P7)
    this.isOldNonce = false;
  }
}
