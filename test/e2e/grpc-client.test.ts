import { create } from "@bufbuild/protobuf";
import { Client, credentials, type handleUnaryCall, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { Cluster_LbPolicy, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { type Listener, ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { clusterType, endpointType, listenerType, Snapshot, SnapshotCache, XdsServer } from "../../src/index.js";
import { edsCluster, endpoints, pack, routeAll } from "./edge.js";
import { eventually } from "./eventually.js";
import { adsSotw, configSource } from "./modes.js";

// grpc-js-xds reads its bootstrap once and keeps one client for the process, so all tests here share a server and a
// node.
const group = "grpc-node";
const cache = new SnapshotCache();
const server = new XdsServer(cache);

beforeAll(async () => {
  cache.set(group, Snapshot.empty);
  const { grpc } = await server.listen({ port: 0 });
  process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
    xds_servers: [
      { server_uri: `127.0.0.1:${grpc.port}`, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] },
    ],
    node: { id: group, cluster: "grpc-clients", locality: {} },
  });
  const { register } = await import("@grpc/grpc-js-xds");
  register();
});
// Loses track of its streams when one begins while the last is ending (grpc-js-xds 1.14.1), so one channel is open
// throughout.
let anchor: Client | undefined;
beforeAll(() => {
  anchor = new Client("xds:///anchor", credentials.createInsecure());
  anchor.getChannel().getConnectivityState(true);
});

afterAll(async () => {
  anchor?.close();
  await server.close();
});

const path = "/test.Names/Get";
const same = (bytes: Buffer) => bytes;

/** A gRPC server that answers with its name, until the test ends. Returns its port. */
async function startGrpcBackend(name: string): Promise<number> {
  const backend = new Server();
  const method = { path, requestStream: false, responseStream: false };
  const serializers = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const get: handleUnaryCall<Buffer, Buffer> = (_call, reply) => reply(null, Buffer.from(name));
  backend.addService({ get: { ...method, ...serializers } }, { get });
  onTestFinished(() => backend.forceShutdown());
  return new Promise((resolve, reject) =>
    backend.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
}

/** A client of a service by its xDS name, until the test ends. Its `name` asks the server behind for its name. */
function clientOf(service: string) {
  const client = new Client(`xds:///${service}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return {
    name: () =>
      new Promise<string>((resolve, reject) =>
        client.makeUnaryRequest(path, same, same, Buffer.alloc(0), { deadline: Date.now() + 30_000 }, (error, value) =>
          error ? reject(error) : resolve(String(value)),
        ),
      ),
  };
}

/** A listener as gRPC clients take it: the name of the service, and where its routes come from. */
function apiListener(name: string, routeConfigName: string): Listener {
  const manager = pack(HttpConnectionManagerSchema, {
    routeSpecifier: { case: "rds", value: { configSource: configSource(adsSotw), routeConfigName } },
    httpFilters: [{ name: "router", configType: { case: "typedConfig", value: pack(RouterSchema, {}) } }],
  });
  return create(ListenerSchema, { name, apiListener: { apiListener: manager } });
}

/** One service with everything that leads to its endpoints. */
const service = (name: string, ...ports: number[]) =>
  Snapshot.of([
    apiListener(name, `${name}-routes`),
    routeAll(`${name}-routes`, `${name}-cluster`),
    edsCluster(`${name}-cluster`, adsSotw),
    endpoints(`${name}-cluster`, ...ports),
  ]);

/** What the server knows of a type, on the one stream of the one client. */
const typeStatus = (typeUrl: string) =>
  server.report().streams.flatMap(({ types }) => types.filter((type) => type.typeUrl === typeUrl))[0];

it("reaches a backend through LDS, RDS, CDS and EDS, and takes an edit of its endpoints", async () => {
  const [first, second] = [await startGrpcBackend("first"), await startGrpcBackend("second")];
  cache.set(group, service("orders", first));
  const orders = clientOf("orders");
  expect(await orders.name()).toBe("first");
  cache.set(group, service("orders", second));
  await eventually(async () => expect(await orders.name()).toBe("second"));
});

/** Makes the client wait forever for a resource, not 15 seconds. So an answer is from the server. */
function waitForever(): void {
  const { setTimeout } = globalThis;
  const waits: typeof globalThis.setTimeout = Object.assign(
    (...[does, ms, ...args]: Parameters<typeof setTimeout>) => setTimeout(ms === 15_000 ? () => {} : does, ms, ...args),
    { __promisify__: setTimeout.__promisify__ },
  );
  globalThis.setTimeout = waits;
  onTestFinished(() => {
    globalThis.setTimeout = setTimeout;
  });
}

it("is told at once that a cluster has no endpoints, and takes them when they come (P56)", async () => {
  const snapshot = service("empty");
  cache.set(group, snapshot.with(endpointType, []));
  waitForever();
  const client = clientOf("empty");
  await expect(client.name()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  cache.set(group, snapshot.with(endpointType, [endpoints("empty-cluster", await startGrpcBackend("here"))]));
  await eventually(async () => expect(await client.name()).toBe("here"));
});

it("is told at once that a service is gone", async () => {
  cache.set(group, service("gone", await startGrpcBackend("here")));
  const client = clientOf("gone");
  expect(await client.name()).toBe("here");
  cache.set(group, Snapshot.empty);
  await eventually(() => expect(client.name()).rejects.toMatchObject({ code: status.UNAVAILABLE }));
});

// grpc-js-xds holds a call to a name that it has never seen, whatever it is told, so here the call's end is the name's
// coming.
it("is answered for a service that does not exist, and takes it when it comes (P32)", async () => {
  cache.set(group, Snapshot.empty);
  const answer = clientOf("later").name();
  await eventually(() => expect(typeStatus(listenerType)).toMatchObject({ state: "SYNCED", names: 2 }));
  const { sent, acked } = typeStatus(listenerType) ?? {};
  expect(acked?.nonce).toBe(sent?.nonce);
  cache.set(group, service("later", await startGrpcBackend("here")));
  expect(await answer).toBe("here");
});

it("refuses a bad cluster once, goes on with the one before, and heals", async () => {
  const [first, second] = [await startGrpcBackend("first"), await startGrpcBackend("second")];
  const good = service("careful", first);
  cache.set(group, good);
  const client = clientOf("careful");
  expect(await client.name()).toBe("first");

  const bad = create(ClusterSchema, { ...edsCluster("careful-cluster", adsSotw), lbPolicy: Cluster_LbPolicy.MAGLEV });
  cache.set(group, good.with(clusterType, [bad]));
  await eventually(() => expect(typeStatus(clusterType)?.state).toBe("ERROR"));
  const nacked = typeStatus(clusterType)?.nacked;
  expect(nacked?.error.message).toMatch(/xDS response validation errors/);
  cache.set(group, good.with(clusterType, [bad]).with(endpointType, [endpoints("careful-cluster", second)]));
  await eventually(async () => expect(await client.name()).toBe("second"));
  expect(typeStatus(clusterType)?.sent?.nonce).toBe(nacked?.nonce); // it was not sent again

  cache.set(group, good);
  await eventually(async () => expect(await client.name()).toBe("first"));
  expect(typeStatus(clusterType)).toMatchObject({ state: "SYNCED", nacked: undefined });
});
