import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { EnvoyBootstrap } from "../../src/cli/bootstrap/client-bootstrap.js";
import {
  clusterType,
  endpointType,
  listenerType,
  Resource,
  routeType,
  Snapshot,
  SnapshotCache,
  XdsServer,
  type XdsServerOptions,
} from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { edge, edsCluster, endpoints, httpFilterChain, listener, routeAll } from "../e2e/edge.js";
import { describeWithEnvoy, initFetchTimeouts, startEnvoyWith } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { get, startBackend } from "../e2e/http.js";
import { adsDelta, adsSotw, grpcModes, type Mode, rest } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { shownCertificate } from "./serving.js";

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
  [["--variant", "sotw", "--service", "separate"], grpcModes[2] as Mode],
  [["--variant", "delta", "--service", "separate"], grpcModes[3] as Mode],
  [["--service", "rest"], rest],
];

describeWithEnvoy("xds bootstrap", () => {
  test.each(flags)("starts an Envoy with %j", async (ways, mode) => {
    const { server, address, port } = await serverOf(mode);
    const identity = ["--node-id", "web-1", "--node-cluster", "web", "--locality", "eu/eu-1", "--admin-port", "0"];
    const { code, stdout } = await xdsHere("bootstrap", "--server", address, ...identity, ...ways);
    expect(code).toBe(0);
    startEnvoyWith(stdout);
    await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("a"));
    if (mode === rest) return; // has no streams
    const [{ node } = {}] = server.nodes();
    const clientFeatures = ["xds.config.supports-resource-ttl"]; // none of Envoy's own
    const locality = { region: "eu", zone: "eu-1", subZone: "" };
    expect(node).toMatchObject({ id: "web-1", cluster: "web", locality, clientFeatures });
  });

  test.each(["delta", "sotw"])(
    "starts one that has each type from its own service, and by ADS what names that, %s",
    async (variant) => {
      const way = { delta: grpcModes[3], sotw: grpcModes[2] }[variant] as Mode;
      const ports = [await freePort(), await freePort()] as const;
      const backend = await startBackend("it");
      const cache = new SnapshotCache({ nodeGroup: () => "all" });
      const named = (name: string, port: number, mode: Mode) => [
        edsCluster(name, mode),
        endpoints(name, backend),
        listener(name, port, [httpFilterChain({ mode, statPrefix: name, routeName: name })]),
        routeAll(name, name),
      ];
      const all = [...named("own", ports[0], way), ...named("by-ads", ports[1], adsDelta)];
      cache.set("all", Snapshot.of(all));
      const services: string[] = [];
      const opened = ({ typeUrl }: { typeUrl: string }) => void services.push(typeUrl);
      const server = new XdsServer(cache, {
        callbacks: { onStreamOpen: opened, onDeltaStreamOpen: opened },
      });
      const { grpc } = await server.listen({ port: 0 });
      onTestFinished(() => server.close());
      const address = `127.0.0.1:${grpc.port}`;
      const ways = ["--service", "separate", "--variant", variant, "--admin-port", "0"];
      const { code, stdout, stderr } = await xdsHere("bootstrap", "--server", address, ...ways);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const envoy = startEnvoyWith(stdout);
      await envoy.ready(); // LIVE
      for (const port of ports)
        await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("it"));
      expect(await envoy.total(initFetchTimeouts)).toBe(0);
      expect(services.sort()).toEqual(["", clusterType, endpointType, listenerType, routeType].sort());
    },
  );

  test("gives an Envoy its TTLs, P57", async () => {
    const cache = new SnapshotCache({ nodeGroup: () => "all" });
    const port = await freePort();
    const mode = adsDelta;
    const chain = httpFilterChain({ mode, statPrefix: "web", routeName: "web" });
    const mortal = Resource.of(listener("web", port, [chain]), { ttlMs: 1_000 });
    const backend = await startBackend("a");
    cache.set("all", Snapshot.of([mortal, routeAll("web", "a"), edsCluster("a", mode), endpoints("a", backend)]));
    const server = new XdsServer(cache);
    const { grpc } = await server.listen({ port: 0 });
    onTestFinished(() => server.close());
    const { stdout } = await xdsHere("bootstrap", "--server", `127.0.0.1:${grpc.port}`, "--admin-port", "0");
    const envoy = startEnvoyWith(stdout);
    await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("a"));
    await server.close(); // now nobody repeats it
    await eventually(async () => expect(await envoy.stat("listener_manager.listener_removed")).toBe(1));
  });

  test("says with which --drain-time-s the server's --envoy-drain-time agrees", async () => {
    const { stdout } = await xdsHere("bootstrap");
    expect(stdout).toMatch(/^# An Envoy uses a replaced listener for its --drain-time-s \(600 by default\)\. .*\n/);
    expect(stdout.split("\n")[0]).toContain("--envoy-drain-time (10m by default; in code, drainTimeMs)");
    expect(JSON.parse((await xdsHere("bootstrap", "-o", "json")).stdout)).toHaveProperty("node");
  });

  test("says that an Envoy has no ADS over REST", async () => {
    const { code, stderr } = await xdsHere("bootstrap", "--service", "rest");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^xds: over REST there is no ADS: an Envoy refuses resources that name `ads`.*\n$/),
    });
  });

  test("starts one of which a static secret is served, with own streams too", async () => {
    const port = await freePort();
    const { cert, key } = selfSigned();
    const secret = { certificate_chain: { inline_string: cert }, private_key: { inline_string: key } };
    const context = {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      common_tls_context: { tls_certificate_sds_secret_configs: [{ name: "pair" }] },
    };
    const echoType = "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo";
    const echo = { name: "echo", typed_config: { "@type": echoType } };
    const one = {
      name: "front",
      address: { socket_address: { address: "127.0.0.1", port_value: port } },
      filter_chains: [{ filters: [echo], transport_socket: { name: "tls", typed_config: context } }],
    };
    const file = join(directory, "envoy.json");
    const static_resources = { secrets: [{ name: "pair", tls_certificate: secret }], listeners: [one] };
    await writeFile(file, JSON.stringify({ static_resources }));
    const { grpc } = await xds.start("serve", file, "--port", "0", "--rest-port", "off").ports();
    const ways = ["--service", "separate", "--admin-port", "0"];
    startEnvoyWith((await xdsHere("bootstrap", "--server", `127.0.0.1:${grpc}`, ...ways)).stdout);
    const shown = new X509Certificate(cert).raw;
    await eventually(async () => expect((await shownCertificate(port)).equals(shown)).toBe(true));
  });

  test("starts one that knows the server, and is known, by certificates", async () => {
    const [own, client] = [selfSigned(), selfSigned()];
    const { address, port } = await serverOf(adsDelta, { tls: { ...own, clientCa: client.cert } });
    for (const [name, text] of Object.entries({ ca: own.cert, cert: client.cert, key: client.key }))
      await writeFile(join(directory, name), text);
    const file = (name: string) => join(directory, name);
    const tls = ["--tls-ca", file("ca"), "--tls-cert", file("cert"), "--tls-key", file("key")];
    const bootstrap = async (...more: string[]) =>
      (await xdsHere("bootstrap", "--server", address, "--node-cluster", "web", "--admin-port", "0", ...tls, ...more))
        .stdout;

    // The certificate is one for "localhost", and for no address.
    const wrong = startEnvoyWith(await bootstrap());
    await eventually(async () => expect(await wrong.stat("cluster.xds.ssl.fail_verify_san")).toBeGreaterThan(0));
    startEnvoyWith(await bootstrap("--tls-server-name", "localhost", "-o", "json"));
    await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("a"));
  });
});

describe("xds bootstrap --replica", () => {
  const made = async (...flags: string[]) => {
    const { stdout } = await xdsHere("bootstrap", ...flags, "-o", "json");
    const { clusters } = (JSON.parse(stdout) as EnvoyBootstrap).static_resources;
    return clusters as { type: string; transport_socket?: object }[];
  };
  const sans = (...all: [type: string, name: string][]) =>
    expect.objectContaining({
      typed_config: expect.objectContaining({
        common_tls_context: {
          validation_context: {
            trusted_ca: { filename: "ca" },
            match_typed_subject_alt_names: all.map(([san_type, exact]) => ({ san_type, matcher: { exact } })),
          },
        },
      }),
    });
  const address = (host: string, port: number) => ({
    endpoint: { address: { socket_address: { address: host, port_value: port } } },
  });

  test("gives one cluster all addresses, each with its name in the certificate", async () => {
    const flags = ["--server", "10.0.0.1:1", "--replica", "10.0.0.2:2", "--replica", "[::1]:3"];
    const endpoints = [{ lb_endpoints: [address("10.0.0.1", 1), address("10.0.0.2", 2), address("::1", 3)] }];
    expect(await made(...flags)).toMatchObject([{ type: "STATIC", load_assignment: { endpoints } }]);
    const named = ["--server", "a:1", "--replica", "10.0.0.2:2", "--tls-ca", "ca"];
    expect(await made(...named)).toMatchObject([
      { type: "STRICT_DNS", transport_socket: sans(["DNS", "a"], ["IP_ADDRESS", "10.0.0.2"]) },
    ]);
    const [cluster] = await made(...named, "--tls-server-name", "xds");
    expect(cluster).toMatchObject({ transport_socket: sans(["DNS", "xds"]) });
    expect(JSON.stringify(cluster)).toContain('"sni":"xds"');
  });

  test.each([
    [["--server", "a:1", "--server", "b:1", "--replica", "c:1"], "--replica is for one --server"],
    [["--server", "a:1", "--replica", "a:1"], "the server a:1 is given twice"],
    [["--replica", "a"], '--replica "a" is not host:port'],
    [["--grpc", "--replica", "a:1"], "give --server again in place of --replica"],
  ])("is refused in %j", async (flags: string[], words: string) => {
    const { code, stderr } = await xdsHere("bootstrap", ...flags);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(words) });
  });
});

describe("xds bootstrap --load-reports", () => {
  const reporting = {
    api_type: "GRPC",
    transport_api_version: "V3",
    grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
  };

  test("has the Envoy report its load to the first server, and keeps what a file says of clusters", async () => {
    const two = ["--server", "a:1", "--server", "b:1"];
    const made = await xdsHere("bootstrap", ...two, "--load-reports", "-o", "json");
    expect(JSON.parse(made.stdout).cluster_manager).toEqual({ load_stats_config: reporting });
    const file = join(directory, "envoy.yaml");
    await writeFile(file, "cluster_manager: { outlier_detection: {} }\nstatic_resources: { clusters: [] }\n");
    const from = await xdsHere("bootstrap", "--from", file, "--load-reports", "-o", "json");
    expect(JSON.parse(from.stdout).cluster_manager).toEqual({ outlier_detection: {}, load_stats_config: reporting });
    expect(JSON.parse((await xdsHere("bootstrap", "-o", "json")).stdout)).not.toHaveProperty("cluster_manager");
  });

  test.each([
    [["--service", "rest"], "load reports need gRPC"],
    [["--grpc"], "clusters tell gRPC clients where to report load"],
  ])("is refused with %s", async (flags: string[], words: string) => {
    const { code, stderr } = await xdsHere("bootstrap", ...flags, "--load-reports");
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(words) });
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
    const { stdout } = await xdsHere("bootstrap", "--grpc", "--server", `127.0.0.1:${grpc}`, "--node-id", "client-1");
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

  test("accepts --service own, the former name of separate, with a warning", async () => {
    const separate = await xdsHere("bootstrap", "--service", "separate");
    const stderr = "xds: --service own is now called --service separate\n";
    expect(await xdsHere("bootstrap", "--service", "own")).toEqual({ ...separate, stderr });
  });

  test("tells what a gRPC client cannot do, and addresses, localities and ids that are none", async () => {
    expect((await xdsHere("bootstrap", "--grpc", "--service", "separate")).stderr).toMatch(
      /only the aggregated stream/,
    );
    expect((await xdsHere("bootstrap", "--grpc", "--tls-server-name", "x")).stderr).toMatch(
      /leave out --tls-server-name, and give --server with that name/,
    );
    const grpc = (...flags: string[]) => xdsHere("bootstrap", "--grpc", ...flags);
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
    expect(await xdsHere("bootstrap", "--server", "localhost")).toMatchObject({
      code: 2,
      stderr: 'xds: --server "localhost" is not host:port\n',
    });
    expect((await xdsHere("bootstrap", "--tls-key", "x")).stderr).toMatch(/go together/);
    expect(await xdsHere("bootstrap", "--locality", "a/b/c/d")).toMatchObject({
      code: 2,
      stderr: 'xds: --locality is region/zone/sub-zone; remove "/d"\n',
    });
    expect(await xdsHere("bootstrap", "--node-id", "")).toMatchObject({
      code: 2,
      stderr: "xds: --node-id is empty; Envoy sends no request without it\n",
    });
  });
});
