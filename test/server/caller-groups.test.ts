import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { credentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { ClientStatusRequestSchema, ClientStatusResponseSchema } from "../../gen/envoy/service/status/v3/csds_pb.js";
import type { Caller } from "../../src/caller.js";
import { clusterType, endpointType, type Node, Snapshot, SnapshotCache } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { allWays, on, TestServer } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { post } from "./post.js";

const own = selfSigned();
const spiffe = "spiffe://td/n";
const client = selfSigned({ uris: [spiffe] });
const names = [spiffe, "localhost"];
const csds = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
const fetchPath = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";

/** A server whose groups are the names of certificates. What the node says of itself leads to a trap. */
async function start() {
  const callers: (Caller | undefined)[] = [];
  const cache = new SnapshotCache({
    nodeGroup: (_: Node, caller) => {
      callers.push(caller);
      return caller?.certificateNames[0] ?? "unknown";
    },
  });
  cache.set(spiffe, Snapshot.of([cluster("a")]));
  for (const trap of ["n", "unknown", ""]) cache.set(trap, Snapshot.of([cluster("trap")]));
  const test = await TestServer.start(cache, {
    tls: { ...own, clientCa: client.cert },
    authority: "localhost",
    channel: credentials.createSsl(Buffer.from(own.cert), Buffer.from(client.key), Buffer.from(client.cert)),
    rest: true,
  });
  return { cache, callers, test };
}

on(allWays, (way) => {
  it("the group of a stream can be that of its caller's certificate, wherever the group counts", async () => {
    const { cache, callers, test } = await start();
    const { server } = test;
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.take(["a@1"]);
    await test.barrier();
    expect(callers.every((caller) => caller && Object.keys(caller).sort().join() === "certificateNames,peer")).toBe(
      true,
    );
    expect(callers[0]).toEqual({ peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), certificateNames: names });
    const [status, ...others] = cache.status();
    expect(others).toEqual([]);
    expect(status).toMatchObject({ group: spiffe, node: { id: "n" }, caller: { certificateNames: names } });
    const [node] = server.nodes(spiffe);
    expect(node?.caller).toEqual(callers[0]);
    expect(server.nodes("n")).toEqual([]);
    expect(server.nodes((_, { certificateNames }) => certificateNames.includes(spiffe))).toHaveLength(1);
    expect([...(node?.resources("served")[0]?.resources.keys() ?? [])]).toEqual(["a"]);
    const shown = fromBinary(
      ClientStatusResponseSchema,
      await test.unary(csds, toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema))),
    );
    expect(shown.config[0]?.genericXdsConfigs.map(({ name }) => name)).toEqual(["a"]);
    cache.set(spiffe, Snapshot.of([cluster("a", 2)]));
    let isApplied = false;
    const applied = server.applied(spiffe).then(() => (isApplied = true));
    await server.applied("n"); // nobody is in it
    expect(isApplied).toBe(false);
    await stream.take(["a@2"]);
    await applied;
    cache.regroup((_, caller) => (caller?.certificateNames[0] === spiffe ? "other" : "n"));
    cache.set("other", Snapshot.of([cluster("a", 3)]));
    await stream.take(["a@3"]);
  });
});

it("a placeholder goes by what the caller's group has", async () => {
  const { test } = await start();
  const stream = test.open({ variant: "sotw", kind: "own service" }, endpointType);
  stream.want("a"); // an endpoint assignment of this name exists nowhere, a cluster in the caller's group only
  await stream.take(["? (unknown content)"]);
});

it("fetches and REST requests have the group of their caller", async () => {
  const { test, callers } = await start();
  const { resources } = await test.fetch(fetchPath, { node: { id: "n" } });
  expect(resources).toHaveLength(1);
  const polled = await post({ port: test.restPort, ca: own.cert, ...client }, "/v3/discovery:clusters", {
    node: { id: "n" },
  });
  expect(polled).toMatchObject({ status: 200, body: { resources: [{ name: "a" }] } });
  expect(callers.map((caller) => caller && [Object.keys(caller).length, caller.certificateNames])).toEqual([
    [2, names],
    [2, names],
  ]);
});

it("a cache that is asked about a node alone gives no caller, and gives one that it is given", async () => {
  const { cache } = await start();
  const node = { id: "n" } as Node;
  const caller = { peer: "127.0.0.1:1", certificateNames: [spiffe] };
  const namesOf = (snapshot: Snapshot | undefined) => [...(snapshot?.resources(clusterType).keys() ?? [])];
  expect([namesOf(cache.snapshotOf(node)), namesOf(cache.snapshotOf(node, caller))]).toEqual([["trap"], ["a"]]);
  expect([cache.inGroup(node, spiffe), cache.inGroup(node, spiffe, caller)]).toEqual([false, true]);
  expect([cache.inGroup(node, "unknown"), cache.servedGroup(node, caller)]).toEqual([true, spiffe]);
});
