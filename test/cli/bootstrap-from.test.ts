import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { load } from "js-yaml";
import { describe, expect, inject, test } from "vitest";
import { describeWithEnvoy, startEnvoyWith } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";
import { freePort } from "../e2e/ports.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder } from "./serving.js";

const type = (name: string) => `"@type": type.googleapis.com/envoy.${name}`;
const socket = (port: number) => `{ socket_address: { address: 127.0.0.1, port_value: ${port} } }`;

/** An Envoy's own file that has more than static resources. */
const own = (adminPort: number, port: number) => `
# the edge
admin: { address: ${socket(adminPort)} }
node: { id: edge-7, cluster: edge, metadata: { role: front }, client_features: [mine] }
stats_sinks:
- name: metrics
  typed_config:
    ${type("config.metrics.v3.MetricsServiceConfig")}
    transport_api_version: V3
    grpc_service: { envoy_grpc: { cluster_name: metrics } }
stats_flush_interval: 7s
statsConfig: { stats_tags: [{ tag_name: x, regex: "^x((.+))$" }] }
layered_runtime: { layers: [{ name: own, static_layer: { some.key: 18446744073709551615 } }] }
overload_manager:
  resource_monitors:
  - name: heap
    typed_config:
      ${type("extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig")}
      max_heap_size_bytes: 18446744073709551615
watchdogs: { main_thread_watchdog: { miss_timeout: 1s } }
bootstrap_extensions:
- { name: internal, typed_config: { ${type("extensions.bootstrap.internal_listener.v3.InternalListener")} } }
cluster_manager: { local_cluster_name: me }
dynamic_resources:
  ads_config: { api_type: GRPC, transport_api_version: V3, grpc_services: [{ envoy_grpc: { cluster_name: old } }] }
static_resources:
  secrets:
  - { name: authorities, generic_secret: { secret: { inline_string: a } } }
  clusters:
  - { name: me, type: STATIC, load_assignment: { cluster_name: me } }
  - name: metrics
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        ${type("extensions.upstreams.http.v3.HttpProtocolOptions")}
        explicit_http_config: { http2_protocol_options: {} }
        http_filters:
        - name: credentials
          typed_config:
            ${type("extensions.filters.http.credential_injector.v3.CredentialInjector")}
            credential:
              name: generic
              typed_config:
                ${type("extensions.http.injected_credentials.generic.v3.Generic")}
                credential: { name: authorities }
        - { name: codec, typed_config: { ${type("extensions.filters.http.upstream_codec.v3.UpstreamCodec")} } }
  - name: old
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        ${type("extensions.upstreams.http.v3.HttpProtocolOptions")}
        explicit_http_config: { http2_protocol_options: {} }
  - { name: xds, type: STATIC }
  listeners:
  - address: ${socket(port)}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          ${type("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager")}
          stat_prefix: in
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{ match: { prefix: / }, direct_response: { status: 200, body: { inline_string: hello } } }]
          http_filters: [{ name: router, typed_config: { ${type("extensions.filters.http.router.v3.Router")} } }]
`;

describe("xds bootstrap --from", () => {
  test("keeps all but what is served, and says what stays and why", async () => {
    const file = new Folder().write("envoy.yaml", own(9901, 10_000));
    const { code, stdout, stderr } = await xdsHere("bootstrap", "--from", file, "--node-cluster", "web");
    expect(code).toBe(0);
    const made = load(stdout) as Record<string, never>;
    expect(made).toMatchObject({
      admin: { address: { socket_address: { port_value: 9901 } } },
      node: {
        id: "edge-7",
        cluster: "web",
        metadata: { role: "front" },
        client_features: ["mine", "xds.config.supports-resource-ttl"],
      },
      stats_flush_interval: "7s",
      stats_config: { stats_tags: [{ tag_name: "x" }] },
      layered_runtime: { layers: [{ name: "own", static_layer: { "some.key": "18446744073709551615" } }] },
      watchdogs: { main_thread_watchdog: { miss_timeout: "1s" } },
      bootstrap_extensions: [{ name: "internal" }],
      cluster_manager: { local_cluster_name: "me" },
      overload_manager: { resource_monitors: [{ name: "heap" }] },
      dynamic_resources: { ads_config: { grpc_services: [{ envoy_grpc: { cluster_name: "xds-2" } }] } },
    });
    const { clusters, ...others } = made.static_resources as unknown as { clusters: { name: string }[] };
    expect(clusters.map(({ name }) => name)).toEqual(["me", "metrics", "old", "xds-2"]);
    expect(others).toMatchObject({ secrets: [{ name: "authorities" }] });
    const stays = (index: number, name: string, why: string) =>
      `xds: static_resources.clusters[${index}] "${name}" stays: ${why}\n`;
    const named = (by: string) => `${by} names it, and an Envoy takes such a cluster from its own file only`;
    expect(stderr).toBe(
      stays(0, "me", named("cluster_manager")) +
        stays(1, "metrics", named("stats_sinks")) +
        stays(2, "old", "only dynamic_resources, which is replaced, names it; remove it if nothing else uses it") +
        'xds: static_resources.secrets[0] "authorities" stays: ' +
        "static_resources.clusters[1], which stays, needs it; it is also served, which does no harm\n",
    );
  });

  test("keeps what something that stays needs in the same file", async () => {
    const context = type("extensions.transport_sockets.tls.v3.UpstreamTlsContext");
    const file = new Folder().write(
      "envoy.yaml",
      `
hds_config: { api_type: GRPC, transport_api_version: V3, grpc_services: [{ envoy_grpc: { cluster_name: all } }] }
static_resources:
  secrets: [{ name: a, validation_context: {} }, { name: b, validation_context: {} }]
  clusters:
  - name: all
    cluster_type:
      name: envoy.clusters.aggregate
      typed_config: { ${type("extensions.clusters.aggregate.v3.ClusterConfig")}, clusters: [one] }
  - name: one
    transport_socket:
      name: tls
      typed_config: { ${context}, common_tls_context: { validation_context_sds_secret_config: { name: a } } }
  - { name: other }
`,
    );
    const { stdout, stderr } = await xdsHere("bootstrap", "--from", file, "-o", "json");
    const { clusters, secrets } = JSON.parse(stdout).static_resources;
    expect(clusters.map(({ name }: { name: string }) => name)).toEqual(["all", "one", "xds"]);
    expect(secrets).toEqual([{ name: "a", validation_context: {} }]);
    expect(stderr).toContain(
      'clusters[1] "one" stays: static_resources.clusters[0], which stays, needs it; it is also served, which does no harm\n',
    );
  });

  test("is read from standard input too", async () => {
    const folder = new Folder();
    const file = folder.write("envoy.yaml", "stats_flush_interval: 7s\n");
    const run = promisify(execFile);
    const { stdout } = await run("sh", ["-c", `"${inject("xds")}" bootstrap --from - < "${file}"`]);
    expect(stdout).toEqual((await xdsHere("bootstrap", "--from", file)).stdout);
    expect(stdout).toContain("stats_flush_interval: 7s");
  });

  test("tells what is no bootstrap, and what cannot be together", async () => {
    const folder = new Folder();
    const from = (text: string, ...more: string[]) =>
      xdsHere("bootstrap", "--from", folder.write("envoy.yaml", text), ...more);
    expect(await from("resources: []\n")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /envoy\.yaml:1:1: this is a list of resources; --from takes an Envoy's bootstrap\n$/,
      ),
    });
    expect((await from('"@type": x\nname: a\n')).stderr).toMatch(/: this is one resource; --from takes/);
    expect((await from('{"configs": []}')).stderr).toMatch(/: this is a config dump; --from takes/);
    expect((await from("admin: {}\n---\nadmin: {}\n")).stderr).toMatch(/: this file has 2 documents; --from takes/);
    expect((await from("a: b\n")).stderr).toMatch(/: this is not an Envoy configuration; --from takes/);
    expect((await from("admin: {a: [}\n")).stderr).toMatch(/envoy\.yaml:1:\d+: /);
    const repeated = Array.from(
      { length: 30 },
      (_, i) => `a${i}: &a${i} [${i === 0 ? "x" : `*a${i - 1}, *a${i - 1}`}]`,
    );
    expect((await from(`admin: {}\n${repeated.join("\n")}\n`)).stderr).toMatch(/more than 1000000 values/);
    expect(await from("admin: {}\n", "--grpc")).toMatchObject({ code: 2 });
    expect(await xdsHere("bootstrap", "--from", "nowhere")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^xds: nowhere: cannot be read: ENOENT/),
    });
  });
});

describe("xds bootstrap with several servers", () => {
  const servers = ["--server", "a:1", "--server", "b:2"];
  test("gives gRPC clients all of them", async () => {
    const { stdout } = await xdsHere("bootstrap", "--grpc", ...servers, "--server", "c:3");
    const uris = JSON.parse(stdout).xds_servers.map(({ server_uri }: { server_uri: string }) => server_uri);
    expect(uris).toEqual(["a:1", "b:2", "c:3"]);
  });

  test("says what an Envoy cannot do", async () => {
    const refused = async (...flags: string[]) => (await xdsHere("bootstrap", ...servers, ...flags)).stderr;
    expect(await refused("--server", "c:3", "--server", "d:4")).toMatch(
      /^xds: an Envoy takes at most two servers; leave out --server c:3 and --server d:4\n$/,
    );
    for (const flags of [[], ["--grpc"]])
      expect(await refused("--server", "a:1", ...flags)).toMatch(/^xds: the server a:1 is given twice; /);
    expect(await refused("--service", "separate")).toMatch(
      /only for the aggregated stream; leave out --service separate\n$/,
    );
  });
});

describeWithEnvoy("a real Envoy", () => {
  const validated = async (file: string) => {
    const { binary } = inject("envoy") as { binary: string };
    const { stderr, stdout } = await promisify(execFile)(binary, ["--mode", "validate", "-l", "error", "-c", file]);
    return stdout + stderr;
  };

  test("takes what is left of its own file, and gets the rest from the second server when the first is down", async () => {
    const [adminPort, port, nobody] = [await freePort(), await freePort(), await freePort()];
    const folder = new Folder();
    const file = folder.write("envoy.yaml", own(adminPort, port));
    expect(await validated(file)).toContain("OK");
    const { grpc } = await xds.start("serve", file, "--port", "0", "--rest-port", "off").ports();
    for (const variant of ["delta", "sotw"]) {
      const servers = ["--server", `127.0.0.1:${nobody}`, "--server", `127.0.0.1:${grpc}`];
      const ways = ["--from", file, "--node-cluster", "edge", "--variant", variant, ...servers, "--admin-port", "0"];
      const { stdout } = await xdsHere("bootstrap", ...ways);
      const made = folder.write("bootstrap.yaml", stdout);
      expect(await validated(made)).toContain("OK");
      const { stdout: again } = await xdsHere("bootstrap", "--from", made, ...servers);
      expect(await validated(folder.write("again.yaml", again))).toContain("OK");
      const envoy = startEnvoyWith(stdout);
      await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("hello"));
      expect(await envoy.stat("cluster.xds-2.upstream_cx_connect_fail")).toBeGreaterThan(0);
      await envoy.stop();
    }
  });
});
