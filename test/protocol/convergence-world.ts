import { deepEqual, equal, ok } from "node:assert/strict";
import { vi } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { delta } from "../../src/protocol/delta.js";
import type { Response } from "../../src/protocol/response.js";
import { sotw } from "../../src/protocol/sotw.js";
import { Stream } from "../../src/protocol/stream.js";
import type { Variant } from "../../src/protocol/variant.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import type { Request } from "../../src/wire/messages.js";
import { ModelClient, type Outgoing } from "./convergence-client.js";
import { ManualQueue } from "./manual-queue.js";
import type { Maker } from "./resources.js";
import { streamContext } from "./stream-context.js";
import { watchersOf } from "./watchers.js";

export interface Setting {
  readonly variant: "sotw" | "delta";
  readonly typeUrl: string;
  readonly fullState: boolean;
  readonly make: Maker;
  /** A snapshot cache whose node has a group of its own, and at times reads the common one. */
  readonly cache: "linear" | "snapshot";
  /** The client may take some resources of a response that it refuses, as Envoy does. */
  readonly takesParts: boolean;
  /** A small limit divides nearly every response. */
  readonly maxResponseBytes?: number;
}

export type Step =
  /** What is served: of the node's own group or, in a snapshot cache, of the common one. */
  | { readonly serve: Readonly<Record<string, number | undefined>>; readonly own: boolean }
  | { readonly replace: Readonly<Record<string, number>>; readonly own: boolean }
  | { readonly clear: true }
  /** What the client wants. */
  | { readonly subscribe: readonly string[]; readonly unsubscribe: readonly string[] }
  /** What moves: the server sends what it can; a request arrives; a response arrives, and is answered. */
  | { readonly flush: true }
  | { readonly arrive: true }
  /** The newest answer on its way goes before the one that was sent before it (delta). */
  | { readonly overtake: true }
  | { readonly answer: "ack" | "nack"; readonly taken: number }
  /** All that is under way arrives and is ACKed. */
  | { readonly settle: true }
  /** So many milliseconds go by. */
  | { readonly wait: number }
  | { readonly reconnect: "clean" | "with the old nonce" | "as new" };

type Contents = Map<string, number>;

/** A server with one cache, a client with one type, and the wire between them, which moves only when told to. */
export class World {
  readonly client: ModelClient;
  private readonly queue = new ManualQueue();
  private readonly own: Contents = new Map();
  private readonly common: Contents = new Map();
  private hasOwn = false;
  private readonly linear: LinearCache;
  private readonly snapshots = new SnapshotCache({ fallbackGroup: "common" });
  private stream!: Stream<Request>;
  private readonly toServer: Outgoing[] = [];
  private readonly toClient: Response[] = [];
  // As the server knows it
  private readonly unanswered: { readonly nonce: string; readonly at: number }[] = [];
  private last: Response | undefined;
  /** Since the last response was sent the client has asked for something. */
  private asked = false;
  /**
   * What is served has been other than what the last response said, without a response to say so: there is a way back.
   */
  private strayed = false;
  private readonly nonces = new Set<string>();
  /** What the client refused last of a name, and did not take since: versions, undefined for its absence. */
  private readonly refused = new Map<string, Set<string | undefined>>();
  /** An answer has overtaken another: what was refused last is not known. */
  private overtaken = false;

  constructor(
    readonly setting: Setting,
    /** Whether the transport says that it is full until the client has read. */
    private readonly slow: boolean,
  ) {
    this.linear = new LinearCache(setting.typeUrl, { resources: [] });
    this.apply();
    this.client = new ModelClient(setting, (request) => this.toServer.push(request));
    this.connect();
  }

  do(step: Step): void {
    if ("serve" in step) this.serve(step.own, step.serve);
    else if ("replace" in step) {
      const contents = this.group(step.own);
      this.serve(step.own, {
        ...Object.fromEntries([...contents.keys()].map((name) => [name, undefined])),
        ...step.replace,
      });
    } else if ("clear" in step) {
      this.hasOwn = false;
      this.own.clear();
      this.apply();
    } else if ("subscribe" in step) this.client.want(step.subscribe, step.unsubscribe);
    else if ("flush" in step) this.flush();
    else if ("arrive" in step) this.arrive();
    else if ("overtake" in step) this.overtake();
    else if ("answer" in step) this.answer(step.answer, step.taken);
    else if ("settle" in step) this.settle();
    else if ("wait" in step) this.wait(step.wait);
    else {
      this.stream.close();
      this.connect();
      this.client.reconnect(step.reconnect);
    }
  }

  /**
   * Everything arrives and is ACKed; what was refused and not taken since gets new content, so that the client can take
   * it.
   */
  finish(): void {
    this.settle();
    this.wait(6_000); // what waits for a client that came back
    this.settle();
    // What is refused and served stays as it is; what replaced it has to come by itself.
    const served = this.served();
    const stuck = [...this.refused].filter(([name, versions]) => versions.has(served.get(name)?.version));
    this.serve(true, Object.fromEntries(stuck.map(([name]) => [name, 99])));
    this.settle();
  }

  /** The client has exactly what its subscription covers, and nothing more is said. */
  checkConverged(): void {
    const { client, setting } = this;
    const served = this.served();
    const covered = [...served.keys()].filter((name) => client.covers(name));
    const expected = new Map(covered.map((name) => [name, served.get(name)?.version]));
    const has = new Map(client.has);
    // SotW cannot tell that a resource of such a type is gone.
    if (setting.variant === "sotw" && !setting.fullState)
      for (const name of has.keys()) if (!served.has(name)) has.delete(name);
    deepEqual(sorted(has), sorted(expected));

    this.apply();
    this.settle();
    const count = this.nonces.size;
    this.apply();
    this.queue.runNow();
    equal(this.nonces.size, count, "silence at the end");
    for (const { ledger, state, upToDate } of this.stream.subscriptions.values())
      deepEqual(
        { nacked: ledger.nacked, inFlight: state.inFlight, upToDate, refused: state.hasRefused },
        { nacked: undefined, inFlight: [], upToDate: true, refused: false },
      );
  }

  /** Nothing is left of the stream. */
  checkClosed(): void {
    this.stream.close();
    deepEqual([watchersOf(this.linear), watchersOf(this.snapshots)], [0, 0]);
    deepEqual(this.snapshots.status(), []);
  }

  private group(own: boolean): Contents {
    return own || this.setting.cache === "linear" ? this.own : this.common;
  }

  private serve(own: boolean, change: Readonly<Record<string, number | undefined>>): void {
    const contents = this.group(own);
    for (const [name, content] of Object.entries(change))
      if (content === undefined) contents.delete(name);
      else contents.set(name, content);
    if (contents === this.own) this.hasOwn = true;
    this.apply(Object.keys(change));
  }

  /** Sets the caches to what is to be served. */
  private apply(touched?: readonly string[]): void {
    const resources = (contents: Contents) => [...contents].map(([name, content]) => this.setting.make(name, content));
    if (this.setting.cache === "snapshot") {
      this.snapshots.set("common", Snapshot.of(resources(this.common)));
      if (this.hasOwn) this.snapshots.set("n", Snapshot.of(resources(this.own)));
      else this.snapshots.clear("n");
    } else if (touched)
      this.linear.update({
        set: resources(this.own).filter(({ name }) => touched.includes(name)),
        delete: touched.filter((name) => !this.own.has(name)),
      });
    else this.linear.replace(resources(this.own));
  }

  private served(): Map<string, Resource> {
    const contents = this.setting.cache === "linear" || this.hasOwn ? this.own : this.common;
    return new Map([...contents].map(([name, content]) => [name, this.setting.make(name, content)]));
  }

  private connect(): void {
    const cache = this.setting.cache === "linear" ? this.linear : this.snapshots;
    const { maxResponseBytes } = this.setting;
    const changes = { queue: this.queue, ...(maxResponseBytes === undefined ? {} : { maxResponseBytes }) };
    const context = streamContext(cache, this.setting.variant, changes);
    const protocol = (this.setting.variant === "sotw" ? sotw : delta) as Variant<Request>;
    const transport = {
      peer: "model",
      send: (response: Response) => this.sent(response),
      end: (error: unknown) => {
        throw error;
      },
    };
    this.toServer.length = 0;
    this.toClient.length = 0;
    this.nonces.clear();
    this.unanswered.length = 0;
    this.last = undefined;
    this.stream = new Stream(protocol, context, transport, undefined);
    void this.stream.open();
  }

  /** The server sends: the promises about every response are checked here. */
  private sent(response: Response): boolean {
    const [oldest] = this.unanswered;
    const isLate = oldest !== undefined && performance.now() - oldest.at >= 5_000;
    ok(!oldest || (isLate && this.unanswered.length < 4), "a further response without an answer (P25)");
    ok(response.nonce !== "" && !this.nonces.has(response.nonce), "a nonce that is empty, or was there before (P6)");
    const names = [...response.resources.map(({ name }) => name), ...response.removedResources];
    equal(new Set(names).size, names.length, "a name twice (P10)");
    const again = this.last && !this.asked && contentOf(this.last) === contentOf(response);
    ok(!again || this.strayed, "the same again, unasked (P11, P16, P17)");
    this.nonces.add(response.nonce);
    this.unanswered.push({ nonce: response.nonce, at: performance.now() });
    this.last = response;
    this.asked = this.strayed = false;
    this.toClient.push(response);
    return !this.slow;
  }

  private flush(): void {
    const { last } = this;
    if (last && this.unanswered.length === 0) {
      const served = this.served();
      this.strayed ||= last.resources.some(({ name, version }) => served.get(name)?.version !== version);
      this.strayed ||= last.removedResources.some((name) => served.has(name));
    }
    this.queue.runNow();
  }

  private overtake(): void {
    const [first, second] = this.toServer.slice(-2);
    if (this.setting.variant === "sotw" || !first || !second || first.asks || second.asks) return;
    this.overtaken = true;
    this.toServer.splice(-2, 2, second, first);
  }

  private arrive(): boolean {
    const outgoing = this.toServer.shift();
    if (!outgoing) return false;
    const answered = this.unanswered.findIndex(({ nonce }) => nonce === outgoing.request.responseNonce);
    if (answered >= 0) this.unanswered.splice(answered, 1);
    this.asked ||= outgoing.asks;
    void this.stream.receive(outgoing.request);
    return true;
  }

  private answer(answer: "ack" | "nack", taken: number): boolean {
    const response = this.toClient.shift();
    if (!response) return false;
    const said = answer === "nack" ? this.client.nack(response, taken) : undefined;
    if (said) {
      for (const name of this.client.names)
        if (!said.has(name)) this.refused.set(name, (this.refused.get(name) ?? new Set()).add(undefined));
      for (const [name, version] of said) {
        const before = this.overtaken ? this.refused.get(name) : undefined;
        this.refused.set(name, (before ?? new Set()).add(version));
      }
    } else {
      this.client.ack(response);
      for (const { name } of response.resources) this.refused.delete(name);
      for (const name of response.removedResources) this.refused.delete(name);
    }
    if (this.slow) this.stream.writable();
    return true;
  }

  /** Refused content may be offered again (P16), and further responses may follow an unanswered one (P25). */
  private wait(ms: number): void {
    vi.advanceTimersByTime(ms);
    this.strayed = true;
  }

  private settle(): void {
    for (let moves = 0; ; moves++) {
      ok(moves < 1_000, "it does not come to rest");
      this.flush();
      if (!this.arrive() && !this.answer("ack", 0)) return;
    }
  }
}

const sorted = (map: ReadonlyMap<string, unknown>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

const contentOf = ({ resources, removedResources }: Response) =>
  [...resources.map(({ name, version }) => `${name}@${version}`), ...removedResources.map((name) => `-${name}`)]
    .sort()
    .join();
