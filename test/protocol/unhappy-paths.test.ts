import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ConfigWatcher } from "../../src/cache/config-watcher.js";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { delta } from "../../src/protocol/delta.js";
import type { Response } from "../../src/protocol/response.js";
import { Stream } from "../../src/protocol/stream.js";
import type { StreamContext } from "../../src/protocol/stream-context.js";
import type { Variant } from "../../src/protocol/variant.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, extensionConfigType, listenerType, routeType } from "../../src/resource/types.js";
import { anonymousNode } from "../../src/schema/node.js";
import type { DeltaDiscoveryRequest, Request } from "../../src/wire/messages.js";
import { ManualQueue } from "./manual-queue.js";
import { cluster, endpoints, extensionConfig, labelOf, listenerToR, routeToC } from "./resources.js";
import { streamContext } from "./stream-context.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout", "setInterval"] }));
afterEach(() => void vi.useRealTimers());

type Fields = Partial<DeltaDiscoveryRequest>;

/** A delta stream without a socket. */
class Client {
  readonly stream: Stream<Request>;
  readonly inbox: Response[] = [];
  flushes = 0;
  private readonly queue = new ManualQueue();

  constructor(cache: ConfigWatcher, changes: Partial<StreamContext> = {}) {
    const context = streamContext(cache, "delta", {
      queue: this.queue,
      flushed: () => void this.flushes++,
      ...changes,
    });
    const transport = {
      peer: "model",
      send: (response: Response) => this.inbox.push(response) > 0,
      end: (error: unknown) => {
        throw error;
      },
    };
    this.stream = new Stream(delta as unknown as Variant<Request>, context, transport, undefined);
    void this.stream.open();
  }

  request(typeUrl: string, fields: Fields): void {
    void this.stream.receive({
      node: { ...anonymousNode(envoyRegistry()), id: "n" },
      typeUrl,
      resourceNamesSubscribe: [],
      resourceNamesUnsubscribe: [],
      initialResourceVersions: new Map(),
      responseNonce: "",
      errorDetail: undefined,
      ...fields,
    } as DeltaDiscoveryRequest);
    this.flush();
  }

  flush(): void {
    this.queue.runNow();
  }

  wait(ms: number): void {
    for (let left = ms; left > 0; left -= 1_000) {
      vi.advanceTimersByTime(Math.min(left, 1_000));
      this.flush();
    }
  }

  subscribe(typeUrl: string, ...resourceNamesSubscribe: string[]): void {
    this.request(typeUrl, { resourceNamesSubscribe });
  }

  unsubscribe(typeUrl: string, ...resourceNamesUnsubscribe: string[]): void {
    this.request(typeUrl, { resourceNamesUnsubscribe });
  }

  next(): Response {
    this.flush();
    const response = this.inbox.shift();
    if (!response) throw new Error("no response");
    return response;
  }

  answer({ typeUrl, nonce: responseNonce }: Response, message?: string): void {
    this.request(typeUrl, { responseNonce, errorDetail: message === undefined ? undefined : { code: 13, message } });
  }

  /** The next response, ACKed. */
  take(): string[] {
    const response = this.next();
    this.answer(response);
    return said(response);
  }

  /** The next response, refused. */
  refuse(): string[] {
    const response = this.next();
    this.answer(response, "refused");
    return said(response);
  }

  /** Everything that comes, ACKed but for what has a bad resource. */
  settle(isBad: (label: string) => boolean = () => false): string[] {
    const all: string[] = [];
    for (;;) {
      this.flush();
      const response = this.inbox.shift();
      if (!response) return all;
      const content = said(response);
      all.push(content.join());
      this.answer(response, content.some(isBad) ? "refused" : undefined);
    }
  }
}

const said = ({ resources, removedResources }: Response): string[] =>
  [
    ...resources.map((one) => labelOf({ typeUrl: one.type.typeUrl, value: one.body }) ?? one.name),
    ...removedResources.map((name) => `-${name}`),
  ].sort();

const linear = (typeUrl: string, ...resources: Resource[]) => new LinearCache(typeUrl, { resources });

describe("a refused change of several resources", () => {
  it("P43 names that were unsubscribed before the refusal came are not sent again", () => {
    const client = new Client(linear(endpointType, endpoints("a"), endpoints("b")));
    client.subscribe(endpointType, "a", "b");
    const response = client.next();
    client.unsubscribe(endpointType, "b");
    client.answer(response, "refused");
    expect(client.settle()).toEqual(["a@1"]);
    const state = client.stream.subscriptions.get(endpointType)?.state;
    expect(state?.hasRefused).toBe(false);
    expect(state?.open).toEqual([]);
  });

  it("P59 each half goes out where clients subscribe aliases", () => {
    const aliased = (name: string) => Resource.of(endpoints(name).message(), { aliases: [`${name}-alias`] });
    const client = new Client(linear(endpointType, ...["a", "b", "c", "d"].map(aliased)));
    client.subscribe(endpointType, "a-alias", "b-alias", "c-alias", "d-alias");
    expect(client.refuse()).toEqual(["a@1", "b@1", "c@1", "d@1"]);
    expect(client.take()).toEqual(["a@1", "b@1"]);
    expect(client.take()).toEqual(["c@1", "d@1"]);
  });

  it("P47 does not make a client forget what it has when it takes back the wildcard", () => {
    const cache = linear(endpointType, endpoints("a"), endpoints("x"));
    const client = new Client(cache);
    client.subscribe(endpointType, "*", "a");
    client.settle();
    cache.update({ set: [endpoints("b"), endpoints("c")] });
    client.refuse();
    client.unsubscribe(endpointType, "*");
    expect(client.settle()).toEqual(["b@1"]); // on its way already
    cache.update({ delete: ["a"] });
    expect(client.settle()).toEqual(["-a"]);
  });

  it("P17 what was replaced before its piece went out, and then restored, is sent", () => {
    for (const subscribe of [["*"], ["a", "b", "c", "d"]]) {
      const all = (content: number) => ["a", "b", "c", "d"].map((name) => endpoints(name, content));
      const cache = linear(endpointType, ...all(1));
      const client = new Client(cache);
      client.subscribe(endpointType, ...subscribe);
      client.settle();
      cache.update({ set: all(2) });
      expect(client.refuse()).toEqual(["a@2", "b@2", "c@2", "d@2"]);
      const half = client.next(); // a, b
      cache.update({ set: [endpoints("c", 3)] });
      client.answer(half);
      const third = client.next();
      expect(said(third)).toEqual(["d@2"]);
      cache.update({ set: [endpoints("c", 2)] });
      client.answer(third);
      expect(client.settle()).toEqual(["c@2"]);
    }
  });

  it("P17 P40 the halves go on when the client asks for something to which nothing is answered", () => {
    const client = new Client(linear(extensionConfigType, extensionConfig("a"), extensionConfig("b")));
    client.subscribe(extensionConfigType, "a", "b");
    expect(client.refuse()).toEqual(["a@1", "b@1"]);
    const half = client.next();
    client.subscribe(extensionConfigType, "missing");
    client.answer(half);
    expect(client.settle()).toEqual(["b@1"]);
  });

  it("P38 an answer for names that is divided loses nothing of what waits", () => {
    const cache = linear(clusterType, cluster("f"));
    const client = new Client(cache, { maxResponseBytes: 80 });
    client.subscribe(clusterType, "*");
    client.settle();
    cache.update({ set: [cluster("a"), cluster("c")], delete: ["f"] });
    const first = client.next();
    expect(said(first)).toEqual(["a@1"]);
    client.unsubscribe(clusterType, "a", "c"); // answered with what the wildcard has
    client.answer(first);
    expect(client.settle().at(-1)).toBe("-f");
  });

  it("P16 what was refused alone is offered again after 10 s", () => {
    const client = new Client(linear(endpointType, endpoints("a")));
    client.subscribe(endpointType, "*");
    expect(client.refuse()).toEqual(["a@1"]);
    client.wait(9_000);
    expect(client.settle()).toEqual([]);
    client.wait(4_000);
    expect(client.settle()).toEqual(["a@1"]);
  });

  it("P63 taking back a collection takes back what was refused of it", () => {
    const name = (id: string) => `xdstp://x/envoy.config.endpoint.v3.ClusterLoadAssignment/g/${id}`;
    const client = new Client(linear(endpointType, endpoints(name("a"))));
    client.subscribe(endpointType, name("*"), "other");
    client.settle((label) => label.includes("/a@"));
    client.unsubscribe(endpointType, name("*"));
    client.settle();
    const subscription = client.stream.subscriptions.get(endpointType);
    expect([...(subscription?.state.refused.keys() ?? [])]).toEqual([]);
    client.wait(20_000);
    expect(client.settle()).toEqual([]);
    expect(subscription?.upToDate).toBe(true);
  });
});

describe("answers out of order", () => {
  it("P25 an older response that is refused after a newer one was taken leaves what the client had before it", () => {
    const cache = linear(clusterType, cluster("a"), cluster("b"));
    const client = new Client(cache);
    client.subscribe(clusterType, "*");
    client.settle();
    cache.update({ set: [cluster("a", 2)] });
    const older = client.next();
    client.wait(6_000);
    cache.update({ set: [cluster("b", 2)] });
    const newer = client.next();
    expect(said(newer)).toEqual(["b@2"]);
    client.answer(newer);
    client.answer(older, "refused");
    const state = client.stream.subscriptions.get(clusterType)?.state;
    expect(state?.lastCertain("a")?.version).toBe(cluster("a", 1).version);
    cache.update({ set: [cluster("a", 1)] });
    expect(client.settle()).toEqual([]);
    expect(state?.hasRefused).toBe(false);
  });
});

describe("a listener that does not get warm", () => {
  it("P54 costs no look each millisecond", () => {
    const cache = new SnapshotCache();
    const set = (...resources: Resource[]) => cache.set("n", Snapshot.of(resources));
    set(listenerToR("l", 1), routeToC("r1", 1), cluster("c1"));
    const client = new Client(cache);
    client.subscribe(clusterType, "*");
    client.subscribe(listenerType, "*");
    client.subscribe(routeType, "r1");
    client.settle();
    // The client never names r2.
    set(listenerToR("l", 2), routeToC("r2", 1), cluster("c1"));
    client.settle();
    client.wait(20_000);
    client.settle();
    client.flushes = 0;
    for (let i = 0; i < 1_000; i++) {
      vi.advanceTimersByTime(1);
      client.flush();
    }
    expect(client.flushes).toBeLessThan(5);
  });
});
