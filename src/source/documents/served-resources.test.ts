import { describe, expect, test } from "vitest";
import { formatProblem } from "../files/problem.js";
import { readResourceFile } from "../reading/resource-file.js";

/** What a file holds, what of it is told, and what is wrong with it. */
function read(document: object | string) {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  const { resources, notes, problems } = readResourceFile("f", Buffer.from(text));
  const lines = (told: typeof notes) =>
    told.map((each) => formatProblem(each).replace(typeof document === "string" ? /^f:/ : /^f:\d+:\d+: /, ""));
  return {
    names: resources.map(({ resource }) => `${resource.type.name} ${resource.name}`),
    messages: resources.map(({ resource }) => resource.message()),
    notes: lines(notes),
    problems: lines(problems),
  };
}

const type = (name: string) => ({ "@type": `type.googleapis.com/envoy.${name}` });
const tls = "extensions.transport_sockets.tls.v3";
const grpc = (cluster: string) => ({
  api_type: "GRPC",
  transport_api_version: "V3",
  grpc_services: [{ envoy_grpc: { cluster_name: cluster } }],
});
const needed =
  /: cluster "\w+" is not served: `(\w+)` names it, so it must stay in the bootstrap \(`xds bootstrap --from` keeps it\)$/;
const kept = "left out: it cannot be served; `xds bootstrap --from` keeps it in the Envoy's own file";
const replaced = "left out: it cannot be served; `xds bootstrap --from` replaces it with this server";

describe("A bootstrap", () => {
  test("is told by any of its keys, in YAML and JSON, and by its type", () => {
    const clusters = [{ name: "a" }];
    expect(read({ static_resources: { clusters } }).names).toEqual(["clusters a"]);
    expect(read({ staticResources: { clusters } }).names).toEqual(["clusters a"]);
    expect(read({ ...type("config.bootstrap.v3.Bootstrap"), static_resources: { clusters } }).names).toEqual([
      "clusters a",
    ]);
    for (const [key, note] of [
      ["node", kept],
      ["admin", kept],
      ["dynamic_resources", replaced],
      ["dynamicResources", replaced],
    ] as const)
      expect(read({ [key]: {} })).toMatchObject({ names: [], notes: [`${key}: ${note}`], problems: [] });
    expect(read({ static_resources: {} })).toMatchObject({ names: [], notes: [], problems: [] });
  });

  test("keeps the clusters that it names outside of what is served, and those of configuration sources", () => {
    const names = ["ads", "cds", "hds", "sink", "local", "tracer", "config", "eds", "rest", "free", "node"];
    const {
      names: served,
      notes,
      problems,
    } = read({
      node: { id: "x", cluster: "node" },
      dynamic_resources: {
        ads_config: grpc("ads"),
        cds_config: { path_config_source: { path: "/x" } },
        lds_config: { api_config_source: grpc("cds") },
      },
      hds_config: grpc("hds"),
      stats_sinks: [
        {
          name: "s",
          typed_config: { ...type("config.metrics.v3.StatsdSink"), tcp_cluster_name: "sink" },
        },
      ],
      cluster_manager: { local_cluster_name: "local" },
      tracing: {
        http: {
          name: "z",
          typed_config: {
            ...type("config.trace.v3.ZipkinConfig"),
            collector_cluster: "tracer",
            collector_endpoint: "/",
          },
        },
      },
      default_config_source: { api_config_source: grpc("config") },
      layered_runtime: { layers: [{ name: "static", static_layer: { some: { runtime: 1 } } }] },
      static_resources: {
        clusters: [
          ...names.map((name) => ({ name })),
          { name: "by-eds", type: "EDS", eds_cluster_config: { eds_config: { api_config_source: grpc("eds") } } },
          {
            name: "by-rest",
            type: "EDS",
            eds_cluster_config: {
              edsConfig: { apiConfigSource: { apiType: "REST", clusterNames: ["rest"], transportApiVersion: "V3" } },
            },
          },
        ],
      },
    });
    expect(problems).toEqual([]);
    expect(served).toEqual(["clusters free", "clusters node", "clusters by-eds", "clusters by-rest"]);
    expect(notes.filter((note) => note.endsWith(kept)).map((note) => note.split(":")[0])).toEqual([
      "node",
      "hds_config",
      "stats_sinks",
      "cluster_manager",
      "tracing",
      "default_config_source",
      "layered_runtime",
    ]);
    expect(notes.filter((note) => note.endsWith(replaced))).toEqual([`dynamic_resources: ${replaced}`]);
    const stay = notes.flatMap((note) => (needed.test(note) ? [[note.split(":")[0], needed.exec(note)?.[1]]] : []));
    expect(stay).toEqual(
      [
        "dynamic_resources",
        "dynamic_resources",
        "hds_config",
        "stats_sinks",
        "cluster_manager",
        "tracing",
        "default_config_source",
        "api_config_source",
        "apiConfigSource",
      ].map((by, index) => [`static_resources.clusters[${index}]`, by]),
    );
  });

  test("has its static secrets asked for over ADS wherever they are named, in an Any too, and other sources left as they are", () => {
    const fromFile = { path_config_source: { path: "/etc/sds.yaml" } };
    const socket = {
      name: "tls",
      typed_config: {
        ...type(`${tls}.UpstreamTlsContext`),
        common_tls_context: {
          tls_certificate_sds_secret_configs: [{ name: "own" }, { name: "filed", sds_config: fromFile }],
          combined_validation_context: {
            default_validation_context: {},
            validation_context_sds_secret_config: { name: "ca" },
          },
        },
      },
    };
    const { messages, problems, names } = read({
      static_resources: {
        secrets: [{ name: "own", generic_secret: { secret: { inline_string: "x" } } }],
        clusters: [
          {
            name: "a",
            transport_socket: socket,
            type: "EDS",
            eds_cluster_config: { eds_config: fromFile },
          },
          { name: "b", load_assignment: { cluster_name: "b" } },
        ],
      },
    });
    expect(problems).toEqual([]);
    expect(names).toEqual(["clusters a", "clusters b", "secrets own"]);
    const { resources } = readResourceFile(
      "f",
      Buffer.from(
        JSON.stringify({
          resources: [
            {
              ...type("config.cluster.v3.Cluster"),
              name: "a",
              type: "EDS",
              eds_cluster_config: { eds_config: fromFile },
              transport_socket: {
                ...socket,
                typed_config: {
                  ...socket.typed_config,
                  common_tls_context: {
                    tls_certificate_sds_secret_configs: [
                      { name: "own", sds_config: { ads: {}, resource_api_version: "V3" } },
                      { name: "filed", sds_config: fromFile },
                    ],
                    combined_validation_context: {
                      default_validation_context: {},
                      validation_context_sds_secret_config: {
                        name: "ca",
                        sds_config: { ads: {}, resource_api_version: "V3" },
                      },
                    },
                  },
                },
              },
            },
            { ...type("config.cluster.v3.Cluster"), name: "b", load_assignment: { cluster_name: "b" } },
          ],
        }),
      ),
    );
    expect(messages.slice(0, 2)).toEqual(resources.map(({ resource }) => resource.message()));
  });

  test("leaves secrets in other documents as they are named", () => {
    const config = {
      ...type(`${tls}.UpstreamTlsContext`),
      common_tls_context: { tls_certificate_sds_secret_configs: [{ name: "own" }] },
    };
    const { messages } = read({
      ...type("config.cluster.v3.Cluster"),
      name: "a",
      transport_socket: { name: "tls", typed_config: config },
    });
    expect(
      Buffer.from(
        JSON.stringify(messages[0], (_, value) => (typeof value === "bigint" ? Number(value) : value)),
      ).includes("ads"),
    ).toBe(false);
  });

  test("gives a listener without a name its address as one, and keeps one for an API", () => {
    const { names, notes } = read({
      static_resources: {
        listeners: [
          { address: { socket_address: { address: "0.0.0.0", port_value: 80 } } },
          { name: "", address: { pipe: { path: "/run/x" } } },
          { name: "own", address: { socketAddress: { address: "::", portValue: 81 } } },
          { name: "api", api_listener: {} },
        ],
      },
    });
    expect(names).toEqual(["listeners 0.0.0.0_80", "listeners /run/x", "listeners own"]);
    expect(notes).toEqual([
      'static_resources.listeners[0]: has no name; it is served with the name "0.0.0.0_80"',
      'static_resources.listeners[1]: has no name; it is served with the name "/run/x"',
      'static_resources.listeners[3]: listener "api" is not served: Envoy accepts an api_listener only from its own file, so it must stay in the bootstrap (`xds bootstrap --from` keeps it)',
    ]);
  });

  test("gives listeners on one address different names", () => {
    const on = (port_value: number, protocol = "TCP") => ({
      address: { socket_address: { address: "::", port_value, protocol } },
    });
    const listeners = [on(53), on(53, "udp"), on(0), on(0), { ...on(0), name: "::_0_3" }, on(0)];
    expect(read({ static_resources: { listeners } }).names).toEqual(
      ["::_53", "::_53_udp", "::_0", "::_0_2", "::_0_3", "::_0_4"].map((name) => `listeners ${name}`),
    );
  });

  test("has its problems told, wherever they are", () => {
    const text = `node: { idd: x }
static_resources:
  cluster: []
  clusters:
  - name: a
    conect_timeout: 1s
  - x
  - "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
    name: b
  listeners: x
admin:
  address: { socket_address: { port: 1 } }
dynamic_resorces: {}
`;
    expect(read(text).problems).toEqual([
      "1:9: node.idd: envoy.config.core.v3.Node has no such field; did you mean id?",
      "3:3: static_resources.cluster: envoy.config.bootstrap.v3.Bootstrap.StaticResources has no such field; did you mean clusters?",
      "6:5: static_resources.clusters[0].conect_timeout: envoy.config.cluster.v3.Cluster has no such field; did you mean connect_timeout?",
      '7:5: static_resources.clusters[1]: expected an object (envoy.config.cluster.v3.Cluster), got "x"',
      expect.stringMatching(
        /^8:5: static_resources.clusters\[2\].@type: envoy.config.cluster.v3.Cluster has no such field; /,
      ),
      '10:14: static_resources.listeners: expected an object (envoy.config.listener.v3.Listener), got "x"',
      "12:32: admin.address.socket_address.port: envoy.config.core.v3.SocketAddress has no such field; it has protocol, address, port_value, named_port, resolver_name, ipv4_compat, network_namespace_filepath; if your Envoy has it, use its API: --envoy or --descriptors, in code useEnvoyApi()",
      "13:1: dynamic_resorces: envoy.config.bootstrap.v3.Bootstrap has no such field; did you mean dynamic_resources?",
    ]);
  });

  test("tells a name that is there twice", () => {
    const listener = { name: "a", address: { pipe: { path: "/x" } } };
    expect(read({ static_resources: { listeners: [listener, listener] } })).toMatchObject({
      names: ["listeners a"],
      notes: ["static_resources.listeners[1]: left out: a resource with the same name comes before it"],
    });
    expect(read({ static_resources: { clusters: [{ name: "a" }, { name: "a" }] } }).problems).toEqual([
      expect.stringMatching(
        /static_resources.clusters\[1\]: "a" is also the name of static_resources.clusters\[0\], and/,
      ),
    ]);
  });
});

describe("A configuration dump", () => {
  const dump = (name: string, lists: object) => ({ ...type(`admin.v3.${name}ConfigDump`), ...lists });
  const cluster = (name: string, fields: object = {}) => ({
    version_info: "1",
    cluster: { ...type("config.cluster.v3.Cluster"), name, ...fields },
    last_updated: "2026-01-01T00:00:00Z",
  });
  const listener = (name: string, stat_prefix: string) => ({
    version_info: "1",
    listener: { ...type("config.listener.v3.Listener"), name, stat_prefix },
  });
  const endpoints = (cluster_name: string, fields: object = {}) => ({
    endpoint_config: { ...type("config.endpoint.v3.ClusterLoadAssignment"), cluster_name, ...fields },
  });
  const secret = (name: string, fields: object) => ({ name, secret: { ...type(`${tls}.Secret`), name, ...fields } });
  const eds = { type: "EDS", eds_cluster_config: { eds_config: { ads: {} } } };

  test("gives each resource once: static before dynamic, in use before warming", () => {
    const { names, notes, messages, problems } = read({
      configs: [
        dump("Clusters", {
          version_info: "1",
          static_clusters: [cluster("a")],
          dynamic_active_clusters: [cluster("b", eds), { version_info: "2", error_state: { details: "no" } }],
          dynamic_warming_clusters: [cluster("b"), cluster("c")],
          a_field_of_the_future: 1,
        }),
        dump("Listeners", {
          static_listeners: [listener("s", "static")],
          dynamic_listeners: [
            {
              name: "l",
              warming_state: listener("l", "warming"),
              active_state: listener("l", "active"),
              draining_state: listener("l", "old"),
            },
            { name: "m", warming_state: listener("m", "warming"), error_state: {} },
          ],
        }),
        dump("Routes", {
          static_route_configs: [{ route_config: { ...type("config.route.v3.RouteConfiguration"), name: "inline" } }],
          dynamic_route_configs: [{ route_config: { ...type("config.route.v3.RouteConfiguration"), name: "r" } }],
        }),
        dump("ScopedRoutes", {
          inline_scoped_route_configs: [
            { name: "i", scoped_route_configs: [{ ...type("config.route.v3.ScopedRouteConfiguration"), name: "no" }] },
          ],
          dynamic_scoped_route_configs: [
            { name: "d", scoped_route_configs: [{ ...type("config.route.v3.ScopedRouteConfiguration"), name: "x" }] },
          ],
        }),
        dump("Ecds", {
          ecds_filters: [{ ecds_filter: { ...type("config.core.v3.TypedExtensionConfig"), name: "f" } }],
        }),
        type("admin.v3.UnheardOf"),
      ],
    });
    expect(problems).toEqual([]);
    expect(names).toEqual([
      "clusters a",
      "clusters b",
      "clusters c",
      "listeners s",
      "listeners l",
      "listeners m",
      "scoped-routes x",
      "routes r",
      "extension-configs f",
    ]);
    expect(messages[1]).toMatchObject({ clusterDiscoveryType: { value: 3 } });
    expect(messages.slice(3, 6)).toMatchObject([
      { statPrefix: "static" },
      { statPrefix: "active" },
      { statPrefix: "warming" },
    ]);
    expect(notes).toEqual([
      "configs[0].dynamic_active_clusters[1].error_state: left out: the Envoy refused this update",
      "configs[0].dynamic_warming_clusters[0].cluster: left out: a resource with the same name comes before it",
      "configs[1].dynamic_listeners[0].warming_state.listener: left out: a resource with the same name comes before it",
      "configs[1].dynamic_listeners[0].draining_state: left out: the Envoy was draining it",
      "configs[1].dynamic_listeners[1].error_state: left out: the Envoy refused this update",
      "configs[5]: left out: a resource of its type cannot be served",
    ]);
  });

  test("gives only the endpoints that are asked for, and tells those that were not healthy", () => {
    const host = (health_status: string) => ({ health_status, load_balancing_weight: 1 });
    const { names, notes, messages, problems } = read({
      configs: [
        dump("Clusters", {
          dynamic_active_clusters: [cluster("a", eds), cluster("b", { type: "STATIC" })],
          static_clusters: [
            cluster("c", { ...eds, eds_cluster_config: { ...eds.eds_cluster_config, service_name: "s" } }),
            cluster("d", { type: "EDS", eds_cluster_config: { eds_config: { path_config_source: { path: "/x" } } } }),
          ],
        }),
        dump("Endpoints", {
          static_endpoint_configs: ["s", "d"].map((name) => endpoints(name)),
          dynamic_endpoint_configs: [
            endpoints("a", {
              endpoints: [
                { load_balancing_weight: 0, lb_endpoints: [host("HEALTHY"), host("UNHEALTHY")] },
                { load_balancing_weight: 7 },
              ],
            }),
            endpoints("b"),
          ],
        }),
      ],
    });
    expect(problems).toEqual([]);
    expect(names.filter((name) => name.startsWith("endpoints"))).toEqual(["endpoints s", "endpoints a"]);
    const { loadBalancingWeight, ...locality } = (
      messages.at(-1) as unknown as { endpoints: Record<string, unknown>[] }
    ).endpoints[0] as Record<string, unknown>;
    expect(loadBalancingWeight).toBeUndefined();
    expect(locality.lbEndpoints).toMatchObject([{ healthStatus: 1 }, { healthStatus: 2 }]);
    expect(messages.at(-1)).toMatchObject({ endpoints: [{}, { loadBalancingWeight: 7 }] });
    expect(notes).toEqual([
      "configs[1].dynamic_endpoint_configs[0].endpoint_config.endpoints[0].lb_endpoints[1].health_status: served as UNHEALTHY, the state in the dump; remove this if the Envoy's own health checks had found that",
    ]);
  });

  test("leaves out what holds secrets that Envoy did not tell, secrets that had not come, and the bootstrap with its cluster", () => {
    const { names, notes, problems } = read({
      configs: [
        dump("Bootstrap", {
          bootstrap: {
            node: { cluster: "a" },
            dynamic_resources: { ads_config: grpc("xds") },
            static_resources: { clusters: [{ name: "xds" }, { name: "a" }] },
          },
        }),
        dump("Clusters", { static_clusters: [cluster("xds"), cluster("a")] }),
        dump("Secrets", {
          static_secrets: [
            secret("key", { tls_certificate: { private_key: { inline_bytes: "W3JlZGFjdGVkXQ==" } } }),
            secret("ca", { validation_context: { trusted_ca: { inline_string: "x" } } }),
          ],
          dynamic_active_secrets: [secret("word", { generic_secret: { secret: { inline_string: "[redacted]" } } })],
          dynamic_warming_secrets: [secret("late", {})],
        }),
      ],
    });
    expect(problems).toEqual([]);
    expect(names).toEqual(["clusters a", "secrets ca"]);
    const untold =
      'left out: it holds a secret that the Envoy has hidden ("[redacted]"); write it into a separate file';
    expect(notes).toEqual([
      "configs[0].bootstrap: left out: it is the Envoy's own file",
      'configs[1].static_clusters[0].cluster: cluster "xds" is not served: `dynamic_resources` names it, so it must stay in the Envoy\'s own file',
      `configs[2].static_secrets[0].secret: ${untold}`,
      `configs[2].dynamic_active_secrets[0].secret: ${untold}`,
      "configs[2].dynamic_warming_secrets[0].secret: left out: the Envoy had not received it yet",
    ]);
  });

  test("is none without sections", () => {
    expect(read("configs: 1\nconfig: []\n").problems).toEqual([
      expect.stringMatching(/^1:1: expected an object with a list "resources:"/),
    ]);
  });

  test("leaves out what cannot be read, and says why, with the first reason of each", () => {
    const listener = (name: string, filter: string) => ({
      name,
      active_state: {
        listener: {
          ...type("config.listener.v3.Listener"),
          name,
          filter_chains: [{ filters: [{ name: "f", typed_config: { "@type": filter }, unheard: 1 }] }],
        },
      },
    });
    const text = {
      configs: [
        dump("Clusters", { static_clusters: [cluster("a", { nam: 1 }), cluster("b")] }),
        dump("Listeners", { dynamic_listeners: [listener("l", "type.googleapis.com/orchard.Ours")] }),
      ],
    };
    expect(read(text)).toMatchObject({
      problems: [],
      names: ["clusters b"],
      notes: [
        'configs[0].static_clusters[0].cluster.nam: clusters "a" left out, because it cannot be read: ' +
          "envoy.config.cluster.v3.Cluster has no such field; did you mean name?",
        expect.stringMatching(
          /^configs\[1\]\.dynamic_listeners\[0\].*@type: listeners "l" left out, because it cannot be read: no message of .* \(and 1 more\)$/,
        ),
      ],
    });
  });
});
