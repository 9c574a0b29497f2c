import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { credentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { LoadStatsRequestSchema } from "../../gen/envoy/service/load_stats/v3/lrs_pb.js";
import { ClientStatusRequestSchema } from "../../gen/envoy/service/status/v3/csds_pb.js";
import {
  clusterType,
  Resource,
  resourceType,
  Snapshot,
  SnapshotCache,
  sanMatchesNode,
  secretType,
} from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { streamPath, TestServer } from "../protocol/harness.js";
import { post } from "./post.js";

// A client with the certificate of node a, under a rule that proves id and cluster, tries each way to what is node
// b's. That each is a way at all is seen by what it gives of node a's own.

type Sotw = MessageInitShape<typeof DiscoveryRequestSchema>;
type Delta = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;
type Node = NonNullable<Sotw["node"]>;

const nodeA: Node = { id: "a", cluster: "edge" };
const nodeB: Node = { id: "b", cluster: "core" };
const markOf = (id: string) => `SECRET-OF-${id.toUpperCase()}`;
const names = ["a", "b", "cluster-a", "cluster-b", "*"];

const own = selfSigned({ commonName: "server" });
const client = selfSigned({ uris: ["spiffe://td/edge/a"], dnsNames: ["a.example"], commonName: "b" });

function start(): Promise<TestServer> {
  const cache = new SnapshotCache();
  for (const id of ["a", "b"]) {
    const secret = { secret: { specifier: { case: "inlineString" as const, value: markOf(id) } } };
    const resources = [
      Resource.of(create(ClusterSchema, { name: `cluster-${id}`, altStatName: markOf(id) })),
      Resource.of(create(SecretSchema, { name: id, type: { case: "genericSecret", value: secret } })),
    ];
    cache.set(id, Snapshot.of(resources));
  }
  return TestServer.start(cache, {
    tls: { ...own, clientCa: client.cert },
    authorize: sanMatchesNode("spiffe://td/{cluster}/{id}"),
    loadReporting: {},
    orderTimeoutMs: 0, // a type does not wait until the one before is answered
    authority: "localhost",
    channel: credentials.createSsl(Buffer.from(own.cert), Buffer.from(client.key), Buffer.from(client.cert)),
    rest: true,
  });
}

/** All that comes back on a stream for messages sent at once, and why it ended, if it did. */
async function talk(test: TestServer, path: string, messages: readonly Uint8Array[]): Promise<string> {
  const call = test.call(path);
  let heard = "";
  call.on("data", (bytes: Buffer) => {
    heard += bytes.toString("latin1");
  });
  call.on("error", ({ message }) => {
    heard += message;
  });
  for (const message of messages) call.write(Buffer.from(message));
  await test.barrier();
  call.cancel();
  return heard;
}

type Try = (test: TestServer) => Promise<string>;
const stream =
  (path: string, ...messages: Uint8Array[]): Try =>
  (test) =>
    talk(test, path, messages);
const unary =
  (path: string, message: Uint8Array): Try =>
  (test) =>
    test.unary(path, message).then(
      (bytes) => bytes.toString("latin1"),
      ({ message: reason }: Error) => reason,
    );
const rest =
  (path: string, text: string): Try =>
  async ({ restPort }) =>
    JSON.stringify(await post({ port: restPort, ca: own.cert, ...client }, `/v3/discovery:${path}`, text));

const sotw = (node: Node | undefined, typeUrl: string, resourceNames = names) =>
  toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { ...(node && { node }), typeUrl, resourceNames }));
const delta = (node: Node | undefined, typeUrl: string) => {
  const request: Delta = { ...(node && { node }), typeUrl, resourceNamesSubscribe: names };
  return toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request));
};
const ads = (variant: "sotw" | "delta") => streamPath({ variant, kind: "ADS" }, "");
const ofType = (variant: "sotw" | "delta", typeUrl: string) => streamPath({ variant, kind: "own service" }, typeUrl);
const fetchPath = (typeUrl: string) =>
  `/${resourceType(typeUrl).service?.name}/${resourceType(typeUrl).service?.fetch}`;

/** Ways to what a node is served. */
function waysTo(node: Node): Record<string, Try> {
  const json = JSON.stringify(node);
  const jsonA = JSON.stringify(nodeA);
  const asOther = sotw(node, clusterType);
  return {
    "SotW ADS": stream(ads("sotw"), asOther, sotw(node, secretType)),
    "SotW ADS, a secret alone": stream(ads("sotw"), sotw(node, secretType)),
    "delta ADS": stream(ads("delta"), delta(node, clusterType), delta(node, secretType)),
    "SotW CDS": stream(ofType("sotw", clusterType), asOther),
    "delta CDS": stream(ofType("delta", clusterType), delta(node, clusterType)),
    "SotW SDS": stream(ofType("sotw", secretType), sotw(node, secretType)),
    "delta SDS": stream(ofType("delta", secretType), delta(node, secretType)),
    "SotW, after node a": stream(ads("sotw"), sotw(nodeA, clusterType), sotw(node, secretType), asOther),
    "delta, after node a": stream(ads("delta"), delta(nodeA, clusterType), delta(node, secretType)),
    "SotW, before node a": stream(ads("sotw"), asOther, sotw(nodeA, secretType), sotw(nodeA, clusterType)),
    // Of a message field that comes twice, a reader merges both.
    "SotW, in one message with node a": stream(ads("sotw"), Buffer.concat([sotw(nodeA, clusterType, []), asOther])),
    "SotW, in one message before node a": stream(ads("sotw"), Buffer.concat([asOther, sotw(nodeA, clusterType, [])])),
    FetchClusters: unary(fetchPath(clusterType), asOther),
    FetchSecrets: unary(fetchPath(secretType), sotw(node, secretType)),
    "REST, clusters": rest("clusters", `{"node":${json}}`),
    "REST, secrets": rest("secrets", `{"node":${json},"resource_names":["a","b"]}`),
    "REST, with node a before it": rest("clusters", `{"node":${jsonA},"node":${json}}`),
    "REST, with node a after it": rest("clusters", `{"node":${json},"node":${jsonA}}`),
  };
}

/** Ways to what any node is served, none of which is open to a client that is no operator. */
const closedWays: Record<string, Try> = {
  "client status": unary("/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus", Buffer.of()),
  "client status as itself": unary(
    "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus",
    toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, { node: nodeA })),
  ),
  "client status, a stream": stream(
    "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus",
    toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, { node: nodeA })),
  ),
  "client status, REST": rest("client_status", "{}"),
  "load reports of another": stream(
    "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
    toBinary(LoadStatsRequestSchema, create(LoadStatsRequestSchema, { node: nodeB })),
  ),
};

/** Who node a might be taken for if names were compared with less care. */
const strangers: Record<string, Node> = {
  "node b": nodeB,
  "b in its own cluster": { id: "b", cluster: "edge" },
  "b in no cluster": { id: "b" },
  nobody: {},
  "a in another cluster": { id: "a", cluster: "core" },
  "an id with a line break": { id: "b\n", cluster: "core" },
  "an expression": { id: ".*", cluster: ".*" },
  placeholders: { id: "{id}", cluster: "{cluster}" },
  "a path": { id: "a/../../core/b", cluster: "edge" },
  "an id with its cluster": { id: "edge/a" },
};

it("each way gives a client what is its own node's", async () => {
  const test = await start();
  for (const [way, attempt] of Object.entries(waysTo(nodeA))) expect(await attempt(test), way).toContain(markOf("a"));
});

it.each(Object.entries(strangers))("no way gives a client what is another node's, as %s", async (_, node) => {
  const test = await start();
  for (const [way, attempt] of Object.entries(waysTo(node))) {
    const heard = await attempt(test);
    expect(heard, way).not.toContain(markOf("b"));
    // Where node a is named besides, it may be taken for that.
    if (!way.includes("node a") || !heard.includes(markOf("a"))) expect(heard, way).toMatch(/is refused/);
  }
});

it("client status and load reports are closed to it", async () => {
  const test = await start();
  for (const [way, attempt] of Object.entries(closedWays)) expect(await attempt(test), way).toMatch(/is refused/);
});
