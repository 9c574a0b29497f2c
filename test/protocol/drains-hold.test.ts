import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { delta } from "../../src/protocol/delta.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request, Response } from "../../src/protocol/messages.js";
import { sotw } from "../../src/protocol/sotw.js";
import { Stream } from "../../src/protocol/stream.js";
import type { Variant } from "../../src/protocol/variant.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, listenerType } from "../../src/resource/types.js";
import { anonymousNode } from "../../src/schema/node.js";
import { useFakeTime } from "./direct-client.js";
import { ManualQueue } from "./manual-queue.js";
import { propertyRuns } from "./property-runs.js";
import { cluster, listenerToC } from "./resources.js";
import { streamContext } from "./stream-context.js";

/** Listener → the number of the cluster that it names inline. The clusters that are named are served, and no others. */
type Plan = Readonly<Record<string, number>>;

const snapshot = (plan: Plan): Snapshot => {
  const numbers = [...new Set(Object.values(plan))];
  return Snapshot.of([
    ...numbers.map((number) => cluster(`c${number}`)),
    ...Object.entries(plan).map(([name, number]) => listenerToC(name, number)),
  ]);
};

type Step =
  | { readonly serve: Plan }
  | "flush"
  | "ack"
  | { readonly nack: number; readonly named: boolean }
  | { readonly wait: number };

/**
 * Has all clusters and listeners, on one stream. What it refuses it may take in part, and it may say what it refused.
 */
class OneEnvoy {
  private readonly clusters = new Map<string, Resource>();
  private readonly listeners = new Map<string, Resource>();
  /** The cluster of every listener that it ever had, and the listener: old ones drain for longer than a test takes. */
  private readonly inUse = new Map<string, string>();
  /** What it has refused once it refuses until it takes everything; what it has taken it never refuses. */
  private readonly bad = new Set<Resource>();
  private readonly good = new Set<Resource>();
  private readonly queue = new ManualQueue();
  private readonly inbox: Response[] = [];
  private readonly stream: Stream<Request>;

  constructor(
    private readonly cache: SnapshotCache,
    private readonly variant: "sotw" | "delta",
  ) {
    const protocol = (variant === "sotw" ? sotw : delta) as Variant<Request>;
    const transport = {
      peer: "proxy",
      send: (response: Response) => this.inbox.push(response) > 0,
      end: (error: unknown) => {
        throw error;
      },
    };
    this.stream = new Stream(protocol, streamContext(cache, variant, { queue: this.queue }), transport, undefined);
    void this.stream.open();
    this.request(clusterType, "");
    this.request(listenerType, "");
  }

  do(step: Step): void {
    if (step === "flush") this.queue.runNow();
    else if (step === "ack") this.answer();
    else if ("serve" in step) this.cache.set("n", snapshot(step.serve));
    else if ("wait" in step) vi.advanceTimersByTime(step.wait);
    else this.answer(step);
  }

  settle(): void {
    for (let i = 0; i < 1_000; i++) {
      this.queue.runNow();
      if (!this.answer()) return;
    }
    throw new Error("the server does not come to rest");
  }

  close(): void {
    this.stream.close();
  }

  private answer(refusal?: { readonly nack: number; readonly named: boolean }): boolean {
    const response = this.inbox.shift();
    if (!response) return false;
    const { typeUrl, nonce } = response;
    const has = typeUrl === clusterType ? this.clusters : this.listeners;
    const news = response.resources.filter(({ name, version }) => has.get(name)?.version !== version);
    let message: string | undefined;
    if (refusal)
      for (const [i, one] of news.entries()) if (!this.good.has(one) && !(refusal.nack & (1 << i))) this.bad.add(one);
    const bad = news.filter((one) => this.bad.has(one));
    if (refusal && bad.length > 0) {
      const taken = news.filter((one) => !this.bad.has(one));
      for (const one of taken) this.good.add(one);
      this.take(typeUrl, taken, []);
      message = refusal.named
        ? `Error adding/updating ${bad.map(({ name }) => `${name}: refused`).join(", ")}`
        : "refused";
    } else {
      const isKept = new Set(response.resources.map(({ name }) => name));
      const whole = this.variant === "sotw";
      const removed = whole ? [...has.keys()].filter((name) => !isKept.has(name)) : response.removedResources;
      for (const one of news) {
        this.bad.delete(one);
        this.good.add(one);
      }
      this.take(typeUrl, response.resources, removed);
    }
    this.request(typeUrl, nonce, message);
    return true;
  }

  private take(typeUrl: string, taken: readonly Resource[], removed: readonly string[]): void {
    if (typeUrl === clusterType) {
      for (const name of removed) {
        expect(this.inUse.get(name), `it may still drain, and uses ${name}`).toBe(undefined);
        this.clusters.delete(name);
      }
      for (const one of taken) this.clusters.set(one.name, one);
      return;
    }
    for (const name of removed) this.listeners.delete(name);
    for (const one of taken) {
      this.listeners.set(one.name, one);
      for (const number of [1, 2, 3, 4])
        if (listenerToC(one.name, number) === one) this.inUse.set(`c${number}`, one.name);
    }
  }

  private request(typeUrl: string, responseNonce: string, message?: string): void {
    const request: DiscoveryRequest & DeltaDiscoveryRequest = {
      node: { ...anonymousNode(), id: "n" },
      typeUrl,
      versionInfo: "",
      responseNonce,
      errorDetail: message === undefined ? undefined : { code: 13, message },
      resourceNames: [],
      resourceNamesSubscribe: [],
      resourceNamesUnsubscribe: [],
      initialResourceVersions: new Map(),
    };
    void this.stream.receive(request);
  }
}

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

/** What went wrong once: refused together, the clusters were not repeated although a listener on its way names them. */
const found: [Plan, Step[], Plan][] = [
  [{ l: 1, k: 2 }, ["flush", { nack: 3, named: false }, "flush", { serve: {} }, "flush"], { l: 2 }],
];

const { timeoutMs, ...runs } = propertyRuns("drains", 150, 20_000);

describe.each(["sotw", "delta"] as const)("%s", (variant) => {
  const plan = fc.dictionary(fc.constantFrom("l", "m", "k"), fc.integer({ min: 1, max: 4 }));
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ serve: plan }) },
    { weight: 3, arbitrary: fc.constant("flush" as const) },
    { weight: 3, arbitrary: fc.constant("ack" as const) },
    { weight: 2, arbitrary: fc.record({ nack: fc.integer({ min: 0, max: 7 }), named: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ wait: fc.constantFrom(1_000, 5_500) }) },
  );

  it(
    "P54 whatever the order of events, no cluster is taken away that a listener names which the client ever had",
    () => {
      fc.assert(
        fc.property(plan, fc.array(step, { maxLength: 40 }), plan, (first, steps, last) => {
          const cache = new SnapshotCache();
          cache.set("n", snapshot(first));
          const proxy = new OneEnvoy(cache, variant);
          for (const one of steps) proxy.do(one);
          proxy.do({ serve: last });
          proxy.settle();
          proxy.do({ serve: {} });
          proxy.settle();
          proxy.close();
        }),
        { ...runs, examples: found },
      );
    },
    timeoutMs,
  );
});
