import { create } from "@bufbuild/protobuf";
import { expect, it, onTestFinished, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { LogBook } from "../../test/protocol/harness.js";
import { XdsError } from "../errors.js";
import { Resource } from "../resource/resource.js";
import { clusterType, routeType } from "../resource/types.js";
import { configurationOf, viewOf } from "../source/reading/layers.js";
import type { Reading, Source } from "../source/reading/source.js";
import { MemoryStore } from "../store/memory-store.js";
import { commonGroup } from "./node-groups.js";
import { SourceServer } from "./source-server.js";

const readingOf = (content: number): Reading => {
  const cluster = Resource.of(create(ClusterSchema, { name: "a", perConnectionBufferLimitBytes: content }));
  return { configuration: configurationOf([cluster]), places: new Map(), notes: [] };
};

/** A source whose readings the test sets. */
class ToldSource implements Source {
  report: (reading: Reading) => void = () => {};
  constructor(private readonly first: Reading) {}
  async open(onReading: (reading: Reading) => void): Promise<Reading> {
    this.report = onReading;
    return this.first;
  }
  async close(): Promise<void> {}
}

it("skips all but the newest of the readings that come while another one is published", async () => {
  const source = new ToldSource(readingOf(1));
  const log = new LogBook();
  const server = new SourceServer(source, { unmatchedNodes: "none", logger: log });
  onTestFinished(() => server.close());
  // Two come before the first configuration is published, and three while the next one is.
  const opened = server.open(() => {
    source.report(readingOf(2));
    source.report(readingOf(3));
  });
  await opened;
  for (const content of [4, 5, 6]) source.report(readingOf(content));
  const newest = readingOf(6);
  if ("problems" in newest) throw new Error("a good reading");
  const [wanted] = viewOf(newest.configuration, undefined);
  const served = () => server.cache.get(commonGroup)?.get(clusterType, "a")?.version;
  await vi.waitFor(() => expect(served()).toBe(wanted?.version));
  expect(log.entries.filter(({ message }) => message === "serving the changed configuration")).toHaveLength(2);
});

it("publishes a reading with the rules that it came with", async () => {
  const edge = Resource.of(create(ClusterSchema, { name: "e", connectTimeout: { seconds: 1n } }));
  const read = (group: string, content: number): Reading => {
    const common = Resource.of(create(ClusterSchema, { name: "a", perConnectionBufferLimitBytes: content }));
    return { configuration: configurationOf([common], new Map([[group, [edge]]])), places: new Map(), notes: [] };
  };
  const rulesOf = (group: string) => ({ rules: [{ group, fields: new Map([["id", "n*"]]) }] });
  const source = new ToldSource(read("edge", 1));
  const verdict = { ask: () => {}, answer: () => {} };
  const isAsked = new Promise<void>((resolve) => {
    verdict.ask = resolve;
  });
  let count = 0;
  const server = new SourceServer(source, {
    rules: rulesOf("edge"),
    checks: {
      verdict: async () => {
        if (count++ !== 1) return [];
        verdict.ask();
        await new Promise<void>((resolve) => {
          verdict.answer = resolve;
        });
        return [];
      },
    },
  });
  onTestFinished(() => server.close());
  await server.open();
  source.report(read("edge", 2));
  await isAsked;
  server.use({ rules: rulesOf("edge2") });
  source.report(read("edge2", 2));
  verdict.answer();
  await vi.waitFor(() => expect(server.revisions?.head.stable).toBe(3));
  const published = await server.revisions?.list();
  expect(published?.map(({ rules }) => rules)).toMatchObject([
    { groups: { edge2: ["/", "edge2"] }, match: [["edge2", { id: "n*" }]] },
    { groups: { edge: ["/", "edge"] }, match: [["edge", { id: "n*" }]] },
    { groups: { edge: ["/", "edge"] }, match: [["edge", { id: "n*" }]] },
  ]);
});

/** A store on a disk that can be full. */
class FullStore extends MemoryStore {
  isFull = false;
  override async putBlobs(blobs: readonly Uint8Array[]) {
    if (this.isFull) throw new XdsError("STORE_FAILED", "the disk is full");
    return super.putBlobs(blobs);
  }
}

it("publishes again what a full disk did not take, and a newer reading instead of it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const [source, store] = [new ToldSource(readingOf(1)), new FullStore()];
  const log = new LogBook();
  const server = new SourceServer(source, { store, unmatchedNodes: "none", logger: log });
  onTestFinished(() => server.close());
  await server.open();
  const told = (message: string, count: number) =>
    vi.waitFor(() => expect(log.entries.filter((entry) => entry.message === message)).toHaveLength(count));
  const failure = "still serving the last good configuration";
  store.isFull = true;
  source.report(readingOf(2));
  await told(failure, 1);
  await vi.advanceTimersByTimeAsync(10_000);
  await told(failure, 1); // it is said once
  source.report(readingOf(3));
  await told(failure, 2);
  store.isFull = false;
  await vi.advanceTimersByTimeAsync(10_000);
  await told("serving the changed configuration", 1);
  await vi.advanceTimersByTimeAsync(60_000);
  await told("serving the changed configuration", 1);
  expect(server.revisions?.head.stable).toBe(2);
});

it("accepts the served configuration with its broken reference after a change of it could not be stored", async () => {
  const readingWith = (clusters: string[]): Reading => {
    const route = Resource.fromJson({
      "@type": routeType,
      name: "r",
      virtualHosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "b" } }] }],
    });
    const resources = clusters.map((name) =>
      Resource.of(create(ClusterSchema, { name, connectTimeout: { seconds: 1n } })),
    );
    return { configuration: configurationOf([...resources, route]), places: new Map(), notes: [] };
  };
  const [source, store] = [new ToldSource(readingWith(["a"])), new FullStore()];
  const log = new LogBook();
  const server = new SourceServer(source, { store, logger: log });
  onTestFinished(() => server.close());
  await server.open();
  store.isFull = true;
  source.report(readingWith(["a", "b"]));
  const messages = () => log.entries.map(({ message }) => message);
  await vi.waitFor(() => expect(messages()).toContain("still serving the last good configuration"));
  store.isFull = false;
  source.report(readingWith(["a"]));
  await vi.waitFor(() => expect(messages()).toContain("configuration read again; nothing changed"));
  expect(messages().filter((message) => message.includes("still serving"))).toHaveLength(1);
});

it("logs a change of rules alone as a change", async () => {
  const reading = readingOf(1);
  const source = new ToldSource(reading);
  const log = new LogBook();
  const server = new SourceServer(source, { rules: { rules: [] }, logger: log });
  onTestFinished(() => server.close());
  await server.open();
  server.use({ rules: { rules: [{ group: "edge", fields: new Map([["id", "n*"]]) }] } });
  source.report(reading);
  await vi.waitFor(() => expect(server.revisions?.head.stable).toBe(2));
  await vi.waitFor(() =>
    expect(log.entries.at(-1)).toMatchObject({
      message: "serving the changed configuration",
      fields: { added: 0, changed: 0, removed: 0, rules: "changed", revision: 2 },
    }),
  );
  source.report(reading);
  await vi.waitFor(() => expect(log.entries.at(-1)?.message).toBe("configuration read again; nothing changed"));
});
