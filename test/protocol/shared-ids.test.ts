import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Response } from "../../src/protocol/response.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, routeType } from "../../src/resource/types.js";
import { type DirectClient, DirectServer, useFakeTime, type VariantName } from "./direct-client.js";
import { propertyRuns } from "./property-runs.js";
import { cluster, routeToC } from "./resources.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const routeNames = ["r0", "r1"];
const clusterNumbers = [0, 1, 2, 3];

/** What is served: where each route goes, the clusters that nothing needs, and the content of the clusters. */
interface Plan {
  readonly targets: readonly number[];
  readonly others: readonly number[];
  readonly content: number;
}

const clustersOf = ({ targets, others, content }: Plan) =>
  [...new Set([...targets, ...others])].map((number) => cluster(`c${number}`, content));
const routesOf = ({ targets }: Plan) => routeNames.map((name, i) => routeToC(name, targets[i] as number));

/** One stream of one type's own service; it has what it has taken, and takes nothing of what it refuses. */
class Follower {
  readonly has = new Map<string, Resource>();
  /** What it brought from an earlier stream: the server knows no more of it than its version. */
  readonly brought = new Set<string>();
  private client!: DirectClient;

  constructor(
    private readonly world: World,
    readonly typeUrl: string,
    private readonly peer: string,
  ) {
    this.connect(false);
  }

  /** On a new stream it reports what it has, or has lost everything. In SotW it can report nothing. */
  connect(reports: boolean): void {
    this.client?.close();
    const onSent = (response: Response) => this.world.sent(this, response);
    this.client = this.world.server.open(this.world.variant, { own: this.typeUrl, peer: this.peer, onSent });
    if (!reports || this.world.variant === "sotw") this.has.clear();
    for (const name of this.has.keys()) this.brought.add(name);
    const versions = Object.fromEntries([...this.has].map(([name, { version }]) => [name, version]));
    this.client.wantWith(this.typeUrl, versions, ...(this.typeUrl === clusterType ? ["*"] : routeNames));
  }

  /** Answers the next response. Returns whether there was one. */
  answer(refuses = false): boolean {
    const response = this.client.read();
    if (!response) return false;
    if (!refuses) {
      if (this.world.variant === "sotw" && this.typeUrl === clusterType) this.has.clear();
      for (const resource of response.resources) this.has.set(resource.name, resource);
      for (const { name } of response.resources) this.brought.delete(name);
      for (const name of response.removedResources) this.has.delete(name);
    }
    if (refuses) this.client.nack(response);
    else this.client.ack(response);
    return true;
  }

  close(): void {
    this.client.close();
  }
}

/**
 * Several clients, each with a stream of clusters and one of routes, all of one node id: nobody can tell which belong
 * together.
 */
class World {
  readonly server: DirectServer;
  readonly followers: readonly Follower[];
  private readonly cache = new SnapshotCache();
  private served!: Plan;
  /** Time goes by: separate streams wait for each other no longer than 5 s. */
  private isLate = false;

  constructor(
    readonly variant: VariantName,
    clients: number,
    first: Plan,
  ) {
    this.serve(first);
    this.server = new DirectServer(this.cache);
    this.followers = Array.from({ length: clients }, (_, i) =>
      [clusterType, routeType].map((typeUrl) => new Follower(this, typeUrl, `connection ${i}`)),
    ).flat();
  }

  serve(plan: Plan): void {
    this.served = plan;
    this.cache.set("n", Snapshot.of([...clustersOf(plan), ...routesOf(plan)]));
  }

  /**
   * Nothing that any of the clients has, and is yet to be replaced, refers to what is taken away from one of them
   * (P54).
   */
  sent(to: Follower, { resources, removedResources }: Response): void {
    if (to.typeUrl !== clusterType || this.isLate) return;
    const names = new Set(resources.map(({ name }) => name));
    const gone = this.variant === "delta" ? removedResources : [...to.has.keys()].filter((name) => !names.has(name));
    const current = new Map(routesOf(this.served).map((route) => [route.name, route]));
    for (const { typeUrl, has, brought } of this.followers ?? [])
      if (typeUrl === routeType)
        for (const [name, route] of has) {
          if (current.get(name) === route || brought.has(name)) continue;
          const used = clusterNumbers.find((number) => routeToC(name, number) === route);
          expect(gone, `${name} goes to c${used}`).not.toContain(`c${used}`);
        }
  }

  settle(): void {
    for (let rounds = 0; rounds < 1_000; rounds++) {
      this.server.queue.runNow();
      if (this.followers.filter((follower) => follower.answer()).length === 0) return;
    }
    throw new Error("the server does not come to rest");
  }

  /**
   * Refused content is offered again in time, and is taken now; a full state that was refused as a whole needs new
   * content.
   */
  finish(): void {
    this.settle();
    this.serve({ ...this.served, content: 99 });
    for (let tries = 0; tries < 4; tries++) {
      this.settle();
      this.isLate = true;
      this.server.pass(1_200_000);
    }
    this.settle();
  }

  checkConverged(): void {
    for (const { typeUrl, has } of this.followers) {
      const expected = typeUrl === clusterType ? clustersOf(this.served) : routesOf(this.served);
      const labels = (all: Iterable<Resource>) => [...all].map(({ name, version }) => `${name} ${version}`).sort();
      expect(labels(has.values())).toEqual(labels(expected));
    }
  }

  close(): void {
    for (const follower of this.followers) follower.close();
  }
}

const { timeoutMs, ...runs } = propertyRuns("shared ids", 100, 30_000);

describe.each(["sotw", "delta"] as const)("%s", (variant) => {
  const number = fc.constantFrom(...clusterNumbers);
  const plan: fc.Arbitrary<Plan> = fc.record({
    targets: fc.array(number, { minLength: routeNames.length, maxLength: routeNames.length }),
    others: fc.uniqueArray(number, { maxLength: 2 }),
    content: fc.integer({ min: 1, max: 2 }),
  });
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ serve: plan }) },
    { weight: 3, arbitrary: fc.constant("flush" as const) },
    { weight: 6, arbitrary: fc.record({ answer: fc.nat(5), refuses: fc.boolean() }) },
    { weight: 2, arbitrary: fc.constant("settle" as const) },
    { weight: 1, arbitrary: fc.record({ reconnect: fc.nat(5), reports: fc.boolean() }) },
  );

  it("P9 P16 P49 P54 streams of one type that share a node id: nothing that one of them uses is taken away, and all end with what is served", {
    timeout: timeoutMs,
  }, () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 3 }), plan, fc.array(step, { maxLength: 40 }), (clients, first, steps) => {
        const world = new World(variant, clients, first);
        const at = (index: number) => world.followers[index % world.followers.length];
        for (const each of steps) {
          if (each === "flush") world.server.queue.runNow();
          else if (each === "settle") world.settle();
          else if ("serve" in each) world.serve(each.serve);
          else if ("answer" in each) at(each.answer)?.answer(each.refuses);
          else at(each.reconnect)?.connect(each.reports);
        }
        world.finish();
        world.checkConverged();
        world.close();
      }),
      runs,
    );
  });
});
