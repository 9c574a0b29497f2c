import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { endpointType, Resource, Snapshot, SnapshotCache, XdsServer } from "../../src/index.js";
import { DirectorySource } from "../../src/source/directory.js";
import { formatProblem } from "../../src/source/files/problem.js";
import { viewOf } from "../../src/source/reading/layers.js";
import { type Certificate, selfSigned } from "./certificate.js";
import { edge, endpoints } from "./edge.js";
import { bootstrap, describeWithEnvoy, startEnvoy, startEnvoyWith } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";

/** Serves what a file says to all nodes, from now on. */
async function serveFile(text: string) {
  const directory = await mkdtemp(join(tmpdir(), "xds-own-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, "file.yaml");
  await writeFile(file, text);
  const source = new DirectorySource([file]);
  onTestFinished(() => source.close());
  const reading = await source.open(() => {});
  if ("problems" in reading) throw new Error(reading.problems.map(formatProblem).join("\n"));
  const notes = reading.notes.map((note) => formatProblem(note).replace(directory, ""));
  return {
    ...(await serve(Snapshot.of(viewOf(reading.configuration, undefined)))),
    notes,
    resources: viewOf(reading.configuration, undefined),
  };
}

async function serve(snapshot: Snapshot) {
  const cache = new SnapshotCache({ nodeGroup: () => "all" });
  cache.set("all", snapshot);
  const server = new XdsServer(cache);
  const { grpc } = await server.listen({ port: 0 });
  onTestFinished(() => server.close());
  return { server, xdsPort: grpc.port };
}

/** One request over TLS to a server with this certificate. */
const getOverTls = (port: number, { cert }: Certificate) =>
  new Promise<string>((resolve, reject) => {
    const options = { host: "127.0.0.1", port, servername: "localhost", ca: cert, agent: false, timeout: 10_000 };
    const call = request(options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve(body)).on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error("no answer")));
    call.on("error", reject).end();
  });

const type = (name: string) => `"@type": type.googleapis.com/envoy.extensions.${name}`;

describeWithEnvoy("an Envoy that is served what another one had by itself", () => {
  for (const mode of [adsSotw, adsDelta])
    it(`the static resources of a bootstrap, a secret that a listener names among them; ${mode.name}`, async () => {
      const [port, tcpPort, backend] = [await freePort(), await freePort(), await startBackend("through")];
      const own = selfSigned();
      const { xdsPort, notes } = await serveFile(`
node: { id: old, cluster: edge }
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
dynamic_resources:
  ads_config: { api_type: GRPC, transport_api_version: V3, grpc_services: [{ envoy_grpc: { cluster_name: old_xds } }] }
static_resources:
  secrets:
  - name: own
    tls_certificate:
      certificate_chain: { inline_string: ${JSON.stringify(own.cert)} }
      private_key: { inline_string: ${JSON.stringify(own.key)} }
  clusters:
  - name: old_xds
    load_assignment: { cluster_name: old_xds }
  - name: backend
    connect_timeout: 1s
    load_assignment:
      cluster_name: backend
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${backend} } } } }] }]
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - transport_socket:
        name: tls
        typed_config:
          ${type("transport_sockets.tls.v3.DownstreamTlsContext")}
          common_tls_context: { tls_certificate_sds_secret_configs: [{ name: own }] }
      filters:
      - name: http
        typed_config:
          ${type("filters.network.http_connection_manager.v3.HttpConnectionManager")}
          stat_prefix: in
          route_config:
            virtual_hosts:
            - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: backend } }] }
          http_filters: [{ name: router, typed_config: { ${type("filters.http.router.v3.Router")} } }]
  - name: tcp
    address: { socket_address: { address: 127.0.0.1, port_value: ${tcpPort} } }
    filter_chains:
    - filters:
      - { name: tcp, typed_config: { ${type("filters.network.tcp_proxy.v3.TcpProxy")}, stat_prefix: tcp, cluster: backend } }
`);
      expect(notes).toEqual([
        "/file.yaml:2:1: node: left out: it cannot be served; `xds bootstrap --from` keeps it in the Envoy's own file",
        "/file.yaml:3:1: admin: left out: it cannot be served; `xds bootstrap --from` keeps it in the Envoy's own file",
        "/file.yaml:4:1: dynamic_resources: left out: it cannot be served; `xds bootstrap --from` replaces it with this server",
        expect.stringMatching(
          /^\/file.yaml:13:5: static_resources.clusters\[0\]: cluster "\w+" is not served: `dynamic_resources` names it, so it must stay in the bootstrap/,
        ),
        `/file.yaml:21:5: static_resources.listeners[0]: has no name; it is served with the name "127.0.0.1_${port}"`,
      ]);
      startEnvoy({ mode, xdsPort });
      await eventually(async () => expect(await getOverTls(port, own)).toBe("through"));
      expect((await get(`http://127.0.0.1:${tcpPort}/`)).body).toBe("through");
    });

  it("its own configuration dump, endpoints included", async () => {
    const [port, staticPort, backend] = [await freePort(), await freePort(), await startBackend("through")];
    const served = edge({ mode: adsSotw, port, backends: { a: backend, b: backend }, routeTo: "a" });
    // Without weights of localities, which Envoy dumps as 0 and does not take back.
    const unweighted = ["a", "b"].map((name) => {
      const message = endpoints(name, backend);
      for (const locality of message.endpoints) delete locality.loadBalancingWeight;
      return Resource.of(message);
    });
    const first = await serve(
      Snapshot.of(
        [...served.typeUrls()].flatMap((typeUrl) =>
          typeUrl === endpointType ? unweighted : [...served.resources(typeUrl).values()],
        ),
      ),
    );
    const file = bootstrap({ mode: adsSotw, xdsPort: first.xdsPort }) as {
      static_resources: { clusters: object[]; listeners?: object[] };
    };
    file.static_resources.clusters.push({
      name: "static",
      load_assignment: {
        cluster_name: "static",
        endpoints: [
          {
            lb_endpoints: [
              { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: backend } } } },
            ],
          },
        ],
      },
    });
    file.static_resources.listeners = [
      {
        address: { socket_address: { address: "127.0.0.1", port_value: staticPort } },
        filter_chains: [
          {
            filters: [
              {
                name: "tcp",
                typed_config: {
                  "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                  stat_prefix: "tcp",
                  cluster: "static",
                },
              },
            ],
          },
        ],
      },
    ];
    const had = startEnvoyWith(JSON.stringify(file));
    await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("through"));
    const dump = await had.admin("/config_dump?include_eds");
    await had.stop();

    const { xdsPort, notes, resources } = await serveFile(dump);
    expect(notes.map((note) => note.replace(/^\S+ /, ""))).toEqual([
      "configs[0].bootstrap: left out: it is the Envoy's own file",
      expect.stringMatching(
        /^configs\[1\].static_clusters\[1\].cluster: cluster "\w+" is not served: `\w+` names it, so it must stay in the Envoy's own file$/,
      ),
      `configs[3].static_listeners[0].listener: has no name; it is served with the name "127.0.0.1_${staticPort}"`,
    ]);
    expect(resources.map(({ type, name }) => `${type.name} ${name}`)).toEqual([
      "clusters static",
      "clusters a",
      "clusters b",
      "endpoints a",
      "endpoints b",
      `listeners 127.0.0.1_${staticPort}`,
      "listeners edge",
      "routes edge",
    ]);
    startEnvoy({ mode: adsDelta, xdsPort });
    await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("through"));
    expect((await get(`http://127.0.0.1:${staticPort}/`)).body).toBe("through");
  });
});
