import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { SnapshotCache, XdsServer, type XdsServerOptions } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { edge } from "../e2e/edge.js";
import { describeWithEnvoy, startEnvoyWith } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { get, startBackend } from "../e2e/http.js";
import { adsDelta, adsSotw, grpcModes, type Mode, rest } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { xds } from "./program.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "xds-bootstrap-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** A server of an edge that answers "a", for the nodes of cluster "web". */
async function serverOf(mode: Mode, options: XdsServerOptions = {}) {
  const cache = new SnapshotCache({ nodeGroup: (node) => node.cluster });
  const port = await freePort();
  cache.set("web", edge({ mode, port, backends: { a: await startBackend("a") }, routeTo: "a" }));
  const server = new XdsServer(cache, options);
  const addresses = await server.listen({ port: 0, restPort: 0 });
  onTestFinished(() => server.close());
  const { port: xdsPort = 0 } = mode === rest ? (addresses.rest ?? {}) : addresses.grpc;
  return { server, address: `127.0.0.1:${xdsPort}`, port };
}

const flags: [flags: string[], mode: Mode][] = [
  [["--variant", "delta"], adsDelta],
  [["--variant", "sotw"], adsSotw],
  [["--variant", "sotw", "--service", "own"], grpcModes[2] as Mode],
  [["--variant", "delta", "--service", "own"], grpcModes[3] as Mode],
  [["--service", "rest"], rest],
];

describeWithEnvoy("xds bootstrap", () => {
  test.each(flags)("starts an Envoy with %j", async (ways, mode) => {
    const { server, address, port } = await serverOf(mode);
    const identity = ["--node-id", "web-1", "--node-cluster", "web", "--locality", "eu/eu-1", "--admin-port", "0"];
    const { code, stdout } = await xds("bootstrap", "--server", address, ...identity, ...ways);
    expect(code).toBe(0);
    startEnvoyWith(stdout);
    await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("a"));
    if (mode === rest) return; // has no streams
    const [{ node } = {}] = server.nodes();
    expect(node).toMatchObject({ id: "web-1", cluster: "web", locality: { region: "eu", zone: "eu-1", subZone: "" } });
  });

  test("starts one that knows the server, and is known, by certificates", async () => {
    const [own, client] = [selfSigned(), selfSigned()];
    const { address, port } = await serverOf(adsDelta, { tls: { ...own, clientCa: client.cert } });
    for (const [name, text] of Object.entries({ ca: own.cert, cert: client.cert, key: client.key }))
      await writeFile(join(directory, name), text);
    const file = (name: string) => join(directory, name);
    const tls = ["--tls-ca", file("ca"), "--tls-cert", file("cert"), "--tls-key", file("key")];
    const bootstrap = async (...more: string[]) =>
      (await xds("bootstrap", "--server", address, "--node-cluster", "web", "--admin-port", "0", ...tls, ...more))
        .stdout;

    // The certificate is one for "localhost", and for no address.
    const wrong = startEnvoyWith(await bootstrap());
    await eventually(async () => expect(await wrong.stat("cluster.xds.ssl.fail_verify_san")).toBeGreaterThan(0));
    startEnvoyWith(await bootstrap("--tls-server-name", "localhost", "-o", "json"));
    await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("a"));
  });
});

describe("xds bootstrap --grpc", () => {
  test("starts a gRPC client", async () => {
    const backend = new Server();
    const same = (bytes: Buffer) => bytes;
    const path = "/test.Names/Get";
    const serializers = {
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    backend.addService(
      { get: { path, requestStream: false, responseStream: false, ...serializers } },
      { get: (_call: unknown, reply: (error: null, value: Buffer) => void) => reply(null, Buffer.from("it is me")) },
    );
    const port = await new Promise<number>((resolve, reject) =>
      backend.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    onTestFinished(() => backend.forceShutdown());
    const config = (name: string, ...more: object[]) => ({
      "@type": `type.googleapis.com/envoy.config.${name}`,
      ...Object.assign({}, ...more),
    });
    const http = "type.googleapis.com/envoy.extensions.filters";
    await writeFile(
      join(directory, "service.json"),
      JSON.stringify({
        resources: [
          config("listener.v3.Listener", {
            name: "service",
            api_listener: {
              api_listener: {
                "@type": `${http}.network.http_connection_manager.v3.HttpConnectionManager`,
                stat_prefix: "service",
                rds: { route_config_name: "service", config_source: { ads: {}, resource_api_version: "V3" } },
                http_filters: [{ name: "router", typed_config: { "@type": `${http}.http.router.v3.Router` } }],
              },
            },
          }),
          config("route.v3.RouteConfiguration", {
            name: "service",
            virtual_hosts: [
              { name: "all", domains: ["*"], routes: [{ match: { prefix: "" }, route: { cluster: "backend" } }] },
            ],
          }),
          config("cluster.v3.Cluster", {
            name: "backend",
            type: "EDS",
            eds_cluster_config: { eds_config: { ads: {}, resource_api_version: "V3" } },
          }),
          config("endpoint.v3.ClusterLoadAssignment", {
            cluster_name: "backend",
            endpoints: [
              {
                locality: { region: "here" },
                load_balancing_weight: 1,
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } },
                ],
              },
            ],
          }),
        ],
      }),
    );
    const { grpc } = await xds.start("serve", directory, "--port", "0", "--rest-port", "off").ports();
    const { stdout } = await xds("bootstrap", "--grpc", "--server", `127.0.0.1:${grpc}`, "--node-id", "client-1");
    process.env.GRPC_XDS_BOOTSTRAP_CONFIG = stdout;
    const { register } = await import("@grpc/grpc-js-xds");
    register();
    const client = new Client("xds:///service", credentials.createInsecure());
    onTestFinished(() => client.close());
    const name = await new Promise<string>((resolve, reject) =>
      client.makeUnaryRequest(path, same, same, Buffer.alloc(0), { deadline: Date.now() + 30_000 }, (error, value) =>
        error ? reject(error) : resolve(String(value)),
      ),
    );
    expect(name).toBe("it is me");
  });

  test("tells what a gRPC client cannot do, and addresses, localities and ids that are none", async () => {
    expect((await xds("bootstrap", "--grpc", "--service", "own")).stderr).toMatch(/aggregated stream only/);
    expect((await xds("bootstrap", "--grpc", "--tls-server-name", "x")).stderr).toMatch(
      /--server has to be by that name/,
    );
    const grpc = (...flags: string[]) => xds("bootstrap", "--grpc", ...flags);
    expect(await grpc("--admin-port", "9901")).toEqual({
      code: 2,
      stdout: "",
      stderr: "xds: gRPC clients have no admin page; leave out --admin-port\n",
    });
    expect(await grpc("--variant", "delta")).toEqual({
      code: 2,
      stdout: "",
      stderr: "xds: gRPC clients use the state of the world only; leave out --variant delta\n",
    });
    expect(await grpc("--admin-port", "off", "--variant", "sotw")).toEqual(await grpc());
    expect(await xds("bootstrap", "--server", "localhost")).toMatchObject({
      code: 2,
      stderr: 'xds: --server "localhost" is no host:port\n',
    });
    expect((await xds("bootstrap", "--tls-key", "x")).stderr).toMatch(/go together/);
    expect(await xds("bootstrap", "--locality", "a/b/c/d")).toMatchObject({
      code: 2,
      stderr: 'xds: --locality is region/zone/sub-zone, and has no room for "d"\n',
    });
    expect(await xds("bootstrap", "--node-id", "")).toMatchObject({
      code: 2,
      stderr: "xds: --node-id is empty; Envoy asks for nothing without it\n",
    });
  });
});
