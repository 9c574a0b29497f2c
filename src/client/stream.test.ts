import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { silentLogger } from "../logger.js";
import { envoyRegistry, resourceType } from "../resource/default-api.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  localityEndpointType,
  virtualHostType,
} from "../resource/types.js";
import { anonymousNode } from "../schema/node.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request } from "../wire/messages.js";
import type { ReceivedResource, ReceivedResponse } from "../wire/response-decoding.js";
import { delta } from "./delta.js";
import type { ResourceChange } from "./resource.js";
import type { ClientResponse } from "./response.js";
import { sotw } from "./sotw.js";
import { ClientStream, type StreamHost, type Verdict } from "./stream.js";
import { ClientSubscription } from "./subscription.js";
import type { ClientVariant } from "./variant.js";

const node = { ...anonymousNode(envoyRegistry()), id: "n" };

/** Streams of one client after each other, and what they send. */
class Script<R extends Request> {
  readonly sent: R[] = [];
  readonly refusals: string[] = [];
  readonly changes: ResourceChange[] = [];
  readonly responses: ClientResponse[] = [];
  readonly subscriptions: ClientSubscription[] = [];
  now = 1_000;
  writable = true;
  manual = false;
  verdict: (response: ClientResponse) => Verdict | Promise<Verdict> = () => {};
  stream: ClientStream<R>;
  private nonces = 0;

  constructor(private readonly variant: ClientVariant<R>) {
    this.stream = this.open();
  }

  subscribe(typeUrl: string, ...names: string[]): ClientSubscription {
    let subscription = this.subscriptions.find((candidate) => candidate.typeUrl === typeUrl);
    if (!subscription) {
      subscription = new ClientSubscription(resourceType(typeUrl));
      this.subscriptions.push(subscription);
    }
    subscription.add(names);
    this.stream.flush();
    return subscription;
  }

  unsubscribe(subscription: ClientSubscription, ...names: string[]): void {
    subscription.drop(names);
    this.stream.flush();
  }

  /** Takes what was sent since the last look. */
  take(): R[] {
    return this.sent.splice(0);
  }

  receive(response: Partial<ReceivedResponse>): void {
    void this.receiveAsync(response);
  }

  receiveAsync(response: Partial<ReceivedResponse>): void | Promise<void> {
    const nonce = String(++this.nonces);
    const rest = { controlPlane: "", resources: [], removed: [], errors: [], version: `v${nonce}` };
    return this.stream.receive({ typeUrl: clusterType, nonce, ...rest, ...response });
  }

  reconnect(): void {
    this.stream.end();
    this.stream = this.open();
    this.stream.start();
  }

  private open(): ClientStream<R> {
    const script = this;
    const host: StreamHost = {
      node,
      registry: envoyRegistry(),
      logger: silentLogger,
      get manual() {
        return script.manual;
      },
      now: () => this.now,
      decide: (response) => {
        this.responses.push(response);
        return this.verdict(response);
      },
      accepted: (_, changes) => void this.changes.push(...changes),
      refused: (_, message) => void this.refusals.push(message),
    };
    const send = (request: R) => {
      this.sent.push(request);
      return this.writable;
    };
    return new ClientStream(this.variant, host, () => this.subscriptions, "", send);
  }
}

const body = (name: string, content = 1) =>
  toBinary(ClusterSchema, create(ClusterSchema, { name, perConnectionBufferLimitBytes: content }));
const bare = { aliases: [], version: "", typeUrl: clusterType, ttlMs: undefined };
/** An entry of a SotW response. */
const any = (name: string, content = 1): ReceivedResource => ({ ...bare, name: "", body: body(name, content) });
/** An entry of a delta response, or one with a wrapper. */
const entry = (name: string, more: Partial<ReceivedResource> = {}): ReceivedResource => ({
  ...bare,
  name,
  version: "1",
  body: body(name),
  ...more,
});
const heartbeat = (name: string, more: Partial<ReceivedResource> = {}) =>
  entry(name, { body: undefined, typeUrl: "", ttlMs: 500, ...more });
const held = ({ resources }: ClientSubscription) => [...resources.keys()].sort();

type Both = ClientVariant<DiscoveryRequest> | ClientVariant<DeltaDiscoveryRequest>;
const both: readonly Both[] = [sotw, delta];
const script = (variant: Both) => new Script<Request>(variant as unknown as ClientVariant<Request>);

describe.each(both)("a client's stream ($name)", (variant) => {
  it("names the node in its first request only (P1)", () => {
    const s = script(variant);
    s.subscribe(clusterType, "*");
    s.subscribe(endpointType, "a");
    expect(s.take().map((request) => request.node?.id)).toEqual(["n", undefined]);
    s.reconnect();
    expect(s.take().map((request) => request.node?.id)).toEqual(["n", undefined]);
  });

  it("asks for nothing where nothing is wanted", () => {
    const s = script(variant);
    const subscription = s.subscribe(clusterType);
    expect(s.take()).toEqual([]);
    s.subscribe(clusterType, "a");
    s.take();
    s.unsubscribe(subscription, "a");
    expect(s.take()).toHaveLength(1);
    s.reconnect();
    expect(s.take()).toEqual([]);
  });

  it("answers with the response's nonce, and a NACK with the reason", async () => {
    const s = script(variant);
    s.subscribe(clusterType, "*");
    s.take();
    s.receive({ resources: [entry("a")] });
    expect(s.take()).toMatchObject([{ typeUrl: clusterType, responseNonce: "1", errorDetail: undefined }]);
    s.verdict = () => Promise.resolve("no");
    await s.receiveAsync({ resources: [entry("a", { version: "2" })] });
    expect(s.take()).toMatchObject([
      { typeUrl: clusterType, responseNonce: "2", errorDetail: { code: 3, message: "no" } },
    ]);
  });

  it("passes over a type that was not asked for", () => {
    const s = script(variant);
    s.receive({ typeUrl: listenerType });
    s.subscribe(listenerType);
    s.receive({ typeUrl: listenerType });
    expect(s.take()).toEqual([]);
  });

  it.each<[string, Partial<ReceivedResponse>, RegExp]>([
    ["another type", { resources: [entry("a", { typeUrl: endpointType })] }, /resource 0 .* is a .*ClusterLoad.*only/],
    ["a name twice (P10)", { resources: [entry("a"), entry("a")] }, /two resources of the response are named "a"/],
    ["no name", { resources: [{ ...any(""), body: new Uint8Array() }] }, /resource 0 .* has no name/],
    [
      "bytes that are no message",
      { resources: [{ ...any("a"), body: Buffer.of(0x0a, 0x7f) }] },
      /has bytes that are no/,
    ],
    ["neither name nor content", { resources: [heartbeat("")] }, /neither name nor content/],
  ])("refuses a response with %s, without asking", (_, response, reason) => {
    const s = script(variant);
    const subscription = s.subscribe(clusterType, "*");
    s.take();
    s.receive({ ...response, resources: [...(response.resources ?? []), entry("good")] });
    expect(s.responses).toEqual([]);
    expect(s.refusals).toEqual([expect.stringMatching(reason)]);
    expect(s.take()).toMatchObject([{ responseNonce: "1", errorDetail: { message: expect.stringMatching(reason) } }]);
    expect(held(subscription)).toEqual([]);
  });

  it("says of a type whose messages have no name where names are", () => {
    const s = script(variant);
    s.subscribe(localityEndpointType, "*");
    s.receive({ typeUrl: localityEndpointType, resources: [{ ...any(""), typeUrl: localityEndpointType }] });
    expect(s.refusals).toEqual([expect.stringMatching(/resource 0 .* has no name: .* only beside them in delta/)]);
  });

  it("holds nothing that is not subscribed", () => {
    const s = script(variant);
    const subscription = s.subscribe(clusterType, "a");
    s.receive({ resources: [entry("a"), entry("b")] });
    expect(held(subscription)).toEqual(["a"]);
    s.unsubscribe(subscription, "a");
    s.receive({ resources: [entry("a", { version: "2" })] });
    expect(held(subscription)).toEqual([]);
  });

  it("takes equal content for no change, whatever its version", () => {
    const s = script(variant);
    const subscription = s.subscribe(clusterType, "*");
    s.receive({ resources: [entry("a")] });
    s.receive({ resources: [entry("a", { version: "2" })] });
    expect(s.changes).toHaveLength(1);
    expect(subscription.resources.get("a")?.version).toBe("2");
  });

  it("remembers resource errors until the resource comes (P65)", () => {
    const s = script(variant);
    const error = { code: 5, message: "no such" };
    const subscription = s.subscribe(clusterType, "a", "b");
    s.receive({
      resources: [entry("a")],
      errors: [
        { name: "b", error },
        { name: "other", error },
      ],
    });
    expect([...subscription.errors]).toEqual([["b", error]]);
    expect(subscription.complete).toBe(true);
    s.receive({ resources: [entry("a"), entry("b")] });
    expect(subscription.errors.size).toBe(0);
    s.receive({ resources: [entry("a"), entry("b")], errors: [{ name: "b", error }] });
    s.unsubscribe(subscription, "b");
    expect(subscription.errors.size).toBe(0);
  });

  it("finds xdstp names whatever the order of their parameters, and globs by their members (P63, P64)", () => {
    const s = script(variant);
    const subscription = s.subscribe(clusterType, "xdstp://x/t/a?p=1&o=2", "xdstp://x/t/g/*");
    expect(subscription.complete).toBe(false);
    s.receive({ resources: [entry("xdstp://x/t/a?o=2&p=1"), entry("xdstp://x/t/g/m")] });
    expect(subscription.resources.size).toBe(2);
    expect(subscription.complete).toBe(true);
  });

  it("counts time to live from the last that was said of it (P58)", () => {
    const s = script(variant);
    const subscription = s.subscribe(clusterType, "*");
    s.receive({ resources: [entry("a", { ttlMs: 500 }), entry("b", { ttlMs: 800 }), entry("c")] });
    expect(subscription.nextExpiry()).toBe(1_500);
    s.now = 1_400;
    s.receive({ resources: [heartbeat("a", { ttlMs: 900 })] });
    expect(s.changes).toHaveLength(3);
    expect(held(subscription)).toEqual(["a", "b", "c"]);
    expect(subscription.nextExpiry()).toBe(1_800);
    s.receive({ resources: [heartbeat("b", { ttlMs: undefined })] });
    expect(subscription.nextExpiry()).toBe(2_300);
    expect(subscription.expire(2_299)).toEqual([]);
    expect(subscription.expire(2_300)).toMatchObject([{ name: "a", after: undefined }]);
    expect(subscription.nextExpiry()).toBeUndefined();
    expect(held(subscription)).toEqual(["b", "c"]);
    s.receive({ resources: [heartbeat("a")] });
    expect(held(subscription)).toEqual(["b", "c"]);
  });

  it("holds subscriptions back while the transport is full, and merges them", () => {
    const s = script(variant);
    const subscription = s.subscribe(clusterType, "a");
    s.writable = false;
    s.subscribe(clusterType, "b");
    s.take();
    for (let i = 0; i < 100; i++) s.subscribe(clusterType, `c${i}`);
    s.unsubscribe(subscription, "a");
    s.receive({ typeUrl: clusterType, resources: [] });
    expect(s.take()).toHaveLength(1); // the answer, with all of it
    s.writable = true;
    s.stream.writable();
    expect(s.take()).toHaveLength(0);
  });

  it("leaves answers to the caller in manual mode, in any order", () => {
    const s = script(variant);
    s.manual = true;
    const subscription = s.subscribe(clusterType, "*");
    s.take();
    s.receive({ resources: [entry("a")] });
    s.receive({ resources: [entry("b", { version: "2" })] });
    expect(s.take()).toEqual([]);
    expect(s.responses[0]?.ack()).toBe(true);
    expect(held(subscription)).toEqual(["a"]);
    expect(s.responses[1]?.nack("no b")).toBe(true);
    expect(s.responses[1]?.ack()).toBe(false);
    expect(held(subscription)).toEqual(["a"]);
    expect(s.take()).toMatchObject([
      { responseNonce: "1", errorDetail: undefined },
      { responseNonce: "2", errorDetail: { message: "no b" } },
    ]);
  });

  it("voids a late answer of the handler's when the stream has ended", async () => {
    const s = script(variant);
    const subscription = s.subscribe(clusterType, "*");
    let release = () => {};
    s.verdict = () => new Promise((resolve) => (release = () => resolve(undefined)));
    const waiting = s.receiveAsync({ resources: [entry("a")] });
    s.reconnect();
    s.take();
    release();
    await waiting;
    expect(s.take()).toEqual([]);
    expect(held(subscription)).toEqual([]);
  });
});

describe("a client's SotW stream", () => {
  const open = () => new Script<DiscoveryRequest>(sotw);
  const lists = (requests: DiscoveryRequest[]) => requests.map(({ resourceNames }) => resourceNames);

  it("repeats all names, the legacy wildcard as the empty list (P33)", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "*");
    s.subscribe(clusterType, "a");
    s.unsubscribe(subscription, "*");
    expect(lists(s.take())).toEqual([[], ["*", "a"], ["a"]]);
    s.unsubscribe(subscription, "a");
    s.subscribe(clusterType, "*");
    expect(lists(s.take())).toEqual([[], ["*"]]); // by now an empty list is nothing (P35)
    s.reconnect();
    expect(lists(s.take())).toEqual([[]]);
  });

  it("names a wildcard before it ends it, and one whose type has no legacy form (P35)", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "*");
    s.unsubscribe(subscription, "*");
    expect(lists(s.take())).toEqual([[], ["*"], []]);
    s.subscribe(virtualHostType, "*");
    expect(lists(s.take())).toEqual([["*"]]);
  });

  it("shows the server that a name was dropped when it is wanted again in the same breath (P28)", () => {
    const s = open();
    s.manual = true;
    const names = s.subscribe(endpointType, "a", "b");
    s.receive({ typeUrl: endpointType });
    const wildcard = s.subscribe(clusterType, "*");
    s.receive({});
    s.take();
    s.unsubscribe(names, "a");
    s.subscribe(endpointType, "a");
    s.unsubscribe(wildcard, "*");
    s.subscribe(clusterType, "*");
    expect(s.take()).toEqual([]); // until the answers
    for (const response of s.responses) response.ack();
    expect(lists(s.take())).toEqual([["b"], ["b", "a"], ["*"], [], ["*"]]);
  });

  it("sends the version taken last, on a new stream only if that is all that is wanted (P36)", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "*");
    s.receive({ resources: [any("a")] });
    s.verdict = () => "no";
    s.receive({ resources: [any("a", 2)] });
    expect(s.take().map(({ versionInfo, responseNonce }) => [versionInfo, responseNonce])).toEqual([
      ["", ""],
      ["v1", "1"],
      ["v1", "2"],
    ]);
    s.reconnect();
    expect(s.take()).toMatchObject([{ versionInfo: "v1", responseNonce: "" }]);
    s.stream.end();
    s.subscribe(clusterType, "b");
    s.reconnect();
    expect(s.take()).toMatchObject([{ versionInfo: "", responseNonce: "" }]);
    s.verdict = () => {};
    s.receive({ resources: [{ ...any("a"), ttlMs: 1 }] });
    subscription.expire(s.now + 1);
    s.take();
    s.reconnect();
    expect(s.take()).toMatchObject([{ versionInfo: "" }]);
  });

  it("tells of new names with the answer while a response waits for it (P21)", () => {
    const s = open();
    s.manual = true;
    s.subscribe(endpointType, "a");
    s.receive({ typeUrl: endpointType });
    s.take();
    s.subscribe(endpointType, "b");
    expect(s.take()).toEqual([]);
    s.responses[0]?.nack("no");
    expect(s.take()).toMatchObject([{ resourceNames: ["a", "b"], responseNonce: "1", errorDetail: { message: "no" } }]);
  });

  it("lets a full-state response delete by absence (P30), but no other (P31)", () => {
    const s = open();
    const clusters = s.subscribe(clusterType, "a", "b", "x");
    s.receive({ resources: [any("a"), any("b")] });
    expect([held(clusters), [...clusters.missing]]).toEqual([["a", "b"], ["x"]]);
    s.receive({ resources: [any("b"), any("x")] });
    expect([held(clusters), [...clusters.missing]]).toEqual([["b", "x"], ["a"]]);
    s.receive({});
    expect([held(clusters), [...clusters.missing].sort()]).toEqual([[], ["a", "b", "x"]]);

    const config = (name: string) => ({ ...any(name), typeUrl: extensionConfigType });
    const configs = s.subscribe(extensionConfigType, "a", "b");
    s.receive({ typeUrl: extensionConfigType, resources: [config("a")] });
    s.receive({ typeUrl: extensionConfigType, resources: [config("b")] });
    s.receive({ typeUrl: extensionConfigType });
    expect([held(configs), configs.missing.size]).toEqual([["a", "b"], 0]);
  });

  it("takes a response of nothing but heartbeats for no state, and a heartbeat among resources for what is held", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "*");
    s.receive({ resources: [entry("a", { ttlMs: 500 }), entry("b", { ttlMs: 500 }), any("c")] });
    s.receive({ resources: [heartbeat("a")] });
    expect(held(subscription)).toEqual(["a", "b", "c"]);
    s.receive({ resources: [heartbeat("a"), any("c", 2)] });
    expect(held(subscription)).toEqual(["a", "c"]);
  });

  it("takes a heartbeat with the version of the response that brought the resource", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "*");
    s.receive({ resources: [entry("a", { ttlMs: 500, version: "" })] });
    s.now = 1_400;
    s.receive({ version: "v1", resources: [heartbeat("a", { version: "v1" })] });
    expect(subscription.nextExpiry()).toBe(1_900);
    s.receive({ version: "v1", resources: [heartbeat("a", { version: "another", ttlMs: 5_000 })] });
    expect(subscription.nextExpiry()).toBe(1_900);
  });
});

describe("a client's delta stream", () => {
  const open = () => new Script<DeltaDiscoveryRequest>(delta);
  const lists = (requests: DeltaDiscoveryRequest[]) =>
    requests.map(({ resourceNamesSubscribe, resourceNamesUnsubscribe }) => [
      resourceNamesSubscribe,
      resourceNamesUnsubscribe,
    ]);

  it("says what is added and what goes, the legacy wildcard as no list at all (P46)", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "*");
    s.subscribe(clusterType, "a", "b");
    s.unsubscribe(subscription, "*", "b");
    s.subscribe(virtualHostType, "*");
    expect(lists(s.take())).toEqual([
      [[], []],
      [["a", "b"], []],
      [[], ["*", "b"]],
      [["*"], []],
    ]);
  });

  it("subscribes again what was dropped and is wanted in the same breath (P42)", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "a");
    s.writable = false;
    s.subscribe(clusterType, "b");
    s.take();
    subscription.drop(["a", "b"]);
    subscription.add(["a"]);
    s.writable = true;
    s.stream.writable();
    expect(lists(s.take())).toEqual([[["a"], ["b"]]]);
  });

  it("tells a new stream what it has (P49), once (P50)", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "a", "b");
    s.receive({ resources: [entry("a"), entry("b", { version: "2" })] });
    s.verdict = () => "no";
    s.receive({ resources: [entry("a", { version: "3" })] });
    s.unsubscribe(subscription, "b");
    expect(s.take().every(({ initialResourceVersions }) => initialResourceVersions.size === 0)).toBe(true);
    s.reconnect();
    s.subscribe(clusterType, "c");
    const [first, second] = s.take();
    expect(first).toMatchObject({ resourceNamesSubscribe: ["a"], responseNonce: "" });
    expect([...(first?.initialResourceVersions ?? [])]).toEqual([["a", "1"]]);
    expect([...(second?.initialResourceVersions ?? [])]).toEqual([]);
  });

  it("tells of new names at once, without an answer (P23)", () => {
    const s = open();
    s.manual = true;
    s.subscribe(clusterType, "a");
    s.receive({ resources: [entry("a")] });
    s.take();
    s.subscribe(clusterType, "b");
    expect(s.take()).toMatchObject([{ resourceNamesSubscribe: ["b"], responseNonce: "" }]);
  });

  it("lets go what is removed (P39), and knows what does not exist (P40)", () => {
    const s = open();
    const subscription = s.subscribe(clusterType, "a", "x");
    s.receive({ resources: [entry("a")], removed: ["x", "unknown"] });
    expect([held(subscription), [...subscription.missing]]).toEqual([["a"], ["x"]]);
    s.receive({ resources: [entry("x")], removed: ["a"] });
    expect([held(subscription), [...subscription.missing]]).toEqual([["x"], ["a"]]);
    expect(subscription.complete).toBe(true);
  });

  it("finds a resource by its alias (P59), and knows the alias of nothing (P60)", () => {
    const s = open();
    const host = (name: string, more: Partial<ReceivedResource> = {}) =>
      entry(name, { typeUrl: virtualHostType, ...more });
    const subscription = s.subscribe(virtualHostType, "r/a.com", "r/b.com");
    s.receive({ typeUrl: virtualHostType, resources: [host("r/vh", { aliases: ["r/a.com"] })] });
    expect([held(subscription), subscription.complete]).toEqual([["r/vh"], false]);
    s.receive({
      typeUrl: virtualHostType,
      resources: [heartbeat("r/b.com", { aliases: ["r/b.com"], ttlMs: undefined, version: "9" })],
    });
    expect([[...subscription.missing], subscription.complete]).toEqual([["r/b.com"], true]);
    s.receive({ typeUrl: virtualHostType, resources: [host("r/vh2", { aliases: ["r/b.com"] })] });
    expect([held(subscription), subscription.missing.size]).toEqual([["r/vh", "r/vh2"], 0]);
  });
});
