import { describe, expect, test } from "vitest";
import { nearest } from "../../nearest.js";
import { clusterType, endpointType, routeType } from "../../resource/types.js";
import { formatProblem } from "../files/problem.js";
import { type ReadOptions, readResourceFile } from "../reading/resource-file.js";
import { Locator } from "./locator.js";

function read(document: object | string, options: ReadOptions = {}) {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  const { resources, notes, problems, dump } = readResourceFile("f", Buffer.from(text), options);
  const lines = (told: typeof notes) => told.map((each) => formatProblem(each).replace(/^f:\d+:\d+: /, ""));
  return {
    names: resources.map(({ resource }) => `${resource.type.name} ${resource.name}`),
    resources: resources.map(({ resource }) => resource),
    notes: lines(notes),
    problems: lines(problems),
    dump,
  };
}
const good = (names: readonly string[], notes: readonly unknown[] = []) => ({ names, notes, problems: [] });

const type = (name: string) => ({ "@type": `type.googleapis.com/envoy.${name}` });
const cluster = (name: string) => ({ ...type("config.cluster.v3.Cluster"), name });
const route = (name: string) => ({ ...type("config.route.v3.RouteConfiguration"), name });
const clusters = (...names: string[]) => ({
  ...type("admin.v3.ClustersConfigDump"),
  version_info: "7",
  dynamic_active_clusters: names.map((name) => ({ version_info: "1", cluster: cluster(name) })),
});
const routes = (...names: string[]) => ({
  ...type("admin.v3.RoutesConfigDump"),
  dynamicRouteConfigs: names.map((name) => ({ routeConfig: route(name) })),
});

describe("An Envoy's bootstrap", () => {
  test.each([
    { layered_runtime: { layers: [] } },
    { overloadManager: { resource_monitors: [] } },
    { stats_sinks: [] },
    { stats_config: {} },
    { bootstrap_extensions: [] },
    { hds_config: {} },
    { header_prefix: "x" },
    { use_tcp_for_dns_lookups: true },
    { flags_path: "/x", watchdogs: {} },
  ])("is known by its fields alone: %j", (document) => {
    const { names, problems, notes } = read(document);
    expect([names, problems]).toEqual([[], []]);
    expect(notes).toEqual(
      expect.arrayContaining(
        Object.keys(document).map(
          (key) => `${key}: left out: it cannot be served; \`xds bootstrap --from\` keeps it in the Envoy's own file`,
        ),
      ),
    );
  });

  test("is not what has a field of something else, or none", () => {
    const { problems } = read({ stats_config: {}, name: "a" });
    expect(problems[0]).toMatch(/^expected an object with a list "resources:"|has no "@type"/);
    expect(read({}).problems[0]).toMatch(/^expected an object with a list "resources:".*, got an empty object$/);
  });

  test("is refused with two clusters or secrets of one name, as by Envoy; two listeners are a note", () => {
    const secret = (kind: string) => ({ name: "s", [kind]: {} });
    const own = {
      static_resources: {
        clusters: [{ name: "a" }, { name: "a" }],
        secrets: [secret("generic_secret"), secret("session_ticket_keys"), secret("genericSecret")],
        listeners: [{ name: "l" }, { name: "l" }],
      },
    };
    const { problems, notes } = read(own);
    const twice = "and Envoy refuses two with the same name; rename or remove one";
    expect(problems).toEqual([
      `static_resources.clusters[1]: "a" is also the name of static_resources.clusters[0], ${twice}`,
      `static_resources.secrets[2]: "s" is also the name of static_resources.secrets[0], ${twice}`,
    ]);
    expect(notes).toContain("static_resources.listeners[1]: left out: a resource with the same name comes before it");
  });

  test("has its own rules told", () => {
    const layers = [
      { name: "a", static_layer: {} },
      { name: "a", admin_layer: {} },
    ];
    const admin = { address: { socket_address: { address: "localhost", port_value: 1 } } };
    const { notes } = read({ layered_runtime: { layers }, admin, stats_flush_interval: "-1s" });
    expect(notes).toEqual(
      expect.arrayContaining([
        'layered_runtime.layers[1].name: must differ from the other layers\' names, is "a" again',
        'admin.address.socket_address.address: must be an IP address, is "localhost"; write one',
        expect.stringMatching(/^stats_flush_interval: must be /),
      ]),
    );
  });

  test("is advised where its lists stand alone", () => {
    expect(read({ clusters: [], listeners: [] }).problems).toEqual([
      expect.stringMatching(/, got another object; put clusters: and listeners: under static_resources:, or put all/),
    ]);
  });
});

describe("A template", () => {
  test.each([
    "resources:\n- name: {{ .Values.name }}\n",
    '"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\nname: a\nconnect_timeout: "{{ .Values.timeout }}"\n',
    "{{- if .Values.on }}\nresources: []\n{{- end }}\n",
  ])("is told to be one: %j", (text) => {
    expect(read(text).problems.filter((one) => one.includes("this is a template"))).toHaveLength(1);
  });

  test("is not what has braces in a text", () => {
    const lua = { ...cluster("a"), alt_stat_name: "{{", nam: 1 };
    expect(read(JSON.stringify(lua, null, 1)).problems.join()).not.toContain("template");
  });
});

describe("A list", () => {
  test("is read as `resources:` is", () => {
    expect(read([cluster("a"), route("b")])).toMatchObject(good(["clusters a", "routes b"]));
    expect(read("[]")).toMatchObject(good([]));
    expect(read({ resources: cluster("a") })).toMatchObject(good(["clusters a"]));
  });

  test.each([
    ["clusters", { name: "a", type: "STATIC", connectTimeout: "2s" }],
    ["clusters", { name: "a", edsClusterConfig: {}, unheard_of: 1 }],
    ["endpoints", { clusterName: "a", endpoints: [{ locality: {}, lbEndpoints: [] }], policy: {} }],
    ["listeners", { name: "a", address: {}, filterChains: [] }],
    ["routes", { name: "a", virtual_hosts: [], validateClusters: false }],
    ["scoped-routes", { name: "a", key: {}, route_configuration_name: "r" }],
    ["secrets", { name: "a", tls_certificate: {} }],
    ["runtimes", { name: "a", layer: {} }],
    ["extension-configs", { name: "a", typed_config: {} }],
  ])("without types is of %s where their fields decide it", (name, resource) => {
    const { problems, names } = read([resource, { ...resource }]);
    if ("unheard_of" in resource)
      expect(problems[0]).toMatch(/^\[0\]\.unheard_of: envoy\.config\.cluster\.v3\.Cluster/);
    else expect([problems, names]).toEqual([[], [`${name} a`, `${name} a`]]);
    // One alone, and as a document.
    if (!("unheard_of" in resource)) expect(read(resource).names).toEqual([`${name} a`]);
  });

  test("without types takes them from what is said: the option, or a response's type_url", () => {
    expect(read([{ name: "a" }], { resourceType: clusterType })).toMatchObject(good(["clusters a"]));
    expect(read({ name: "a" }, { resourceType: clusterType })).toMatchObject(good(["clusters a"]));
    expect(read({ type_url: routeType, resources: [{ name: "a" }] })).toMatchObject(good(["routes a"]));
    // Its own "@type" counts more.
    expect(read([cluster("a"), { clusterName: "b" }], { resourceType: endpointType }).names).toEqual([
      "clusters a",
      "endpoints b",
    ]);
  });

  test("is not guessed at", () => {
    expect(read([{ name: "a" }, { name: "b" }]).problems).toEqual([
      expect.stringMatching(
        /^\[0\]: these 2 resources have no "@type", and name is a field of .*--type, in code with reso/,
      ),
    ]);
    expect(read([{ name: "a", address: {} }, { clusterName: "b" }]).problems).toEqual([
      expect.stringMatching(/name, address, clusterName are fields of different types; add an "@type" to each/),
    ]);
    expect(read([{ name: "a", image: "x", ports: [], env: {} }]).problems).toEqual([
      expect.stringMatching(/no resource type has such fields/),
    ]);
  });

  test("without types leaves out the routes that a listener has in itself", () => {
    expect(read([{ name: "r", virtualHosts: [] }, { virtualHosts: [{ name: "v", domains: ["*"] }] }])).toMatchObject(
      good(
        ["routes r"],
        ["[1]: left out: it has no name, like the route_config of a listener, so no node can request it"],
      ),
    );
  });

  test("that says another type is read anew, though its text is the same", () => {
    const text = Buffer.from('[{"name":"a"}]');
    const first = readResourceFile("f", text, { resourceType: clusterType });
    const { resources } = readResourceFile("f", text, { resourceType: routeType, previous: first });
    expect(resources[0]?.resource.type.typeUrl).toBe(routeType);
    const again = readResourceFile("f", text, { resourceType: clusterType, previous: first });
    expect(again.resources[0]?.resource).toBe(first.resources[0]?.resource);
  });
});

describe("A Resource without its @type", () => {
  const wrapped = { name: "x", version: "7", ttl: "2s", aliases: ["y"], resource: cluster("a") };

  test("gives its name, version, TTL and aliases, in lists and in responses", () => {
    for (const document of [[wrapped], { resources: [wrapped] }, wrapped]) {
      const { names, resources, problems } = read(document);
      expect([names, problems]).toEqual([["clusters x"], []]);
      expect(resources[0]).toMatchObject({ version: "7", ttlMs: 2000, aliases: ["y"] });
    }
  });

  test("may hold one without its @type either", () => {
    expect(read([{ name: "x", resource: { name: "a", connect_timeout: "1s" } }]).names).toEqual(["clusters x"]);
  });

  test("is located as its resource", () => {
    const text = `- name: x\n  resource:\n    "@type": ${cluster("a")["@type"]}\n    name: a\n    connect_timeout: 0s\n`;
    const [located] = readResourceFile("data:nothing", Buffer.from(text)).resources;
    expect(located).toMatchObject({ line: 1, column: 3 });
    expect(new Locator().locate({ file: "gone", line: 1, column: 3 }, "connect_timeout")).toEqual({
      file: "gone",
      line: 1,
      column: 3,
    });
  });

  test("is what a DeltaDiscoveryResponse has", () => {
    const response = {
      system_version_info: "3",
      nonce: "n",
      type_url: clusterType,
      resources: [wrapped],
      removed_resources: [],
    };
    expect(read(response).names).toEqual(["clusters x"]);
    expect(read({ ...type("service.discovery.v3.DeltaDiscoveryResponse"), ...response }).problems).toEqual([]);
    expect(read({ ...response, nonse: 1 }).problems).toEqual([
      "nonse: envoy.service.discovery.v3.DeltaDiscoveryResponse has no such field; did you mean nonce?",
    ]);
  });
});

describe("A part of a dump", () => {
  test("is read alone, with its type or without", () => {
    expect(read(clusters("a", "b"))).toMatchObject(good(["clusters a", "clusters b"]));
    expect(read(routes("r"))).toMatchObject(good(["routes r"]));
    const ecds = { ecdsFilters: [{ ecdsFilter: { ...type("config.core.v3.TypedExtensionConfig"), name: "e" } }] };
    expect(read(ecds)).toMatchObject(good(["extension-configs e"]));
    const secret = { ...type("extensions.transport_sockets.tls.v3.Secret"), name: "s", genericSecret: {} };
    expect(read({ dynamicActiveSecrets: [{ name: "s", secret }] })).toMatchObject(good(["secrets s"]));
    expect(read({ bootstrap: { node: { id: "x" } } })).toMatchObject(
      good([], ["bootstrap: left out: it is the Envoy's own file"]),
    );
  });

  test("that has endpoints but no clusters keeps the endpoints", () => {
    const endpoint_config = { ...type("config.endpoint.v3.ClusterLoadAssignment"), cluster_name: "e" };
    const endpoints = { ...type("admin.v3.EndpointsConfigDump"), dynamic_endpoint_configs: [{ endpoint_config }] };
    expect(read(endpoints)).toMatchObject(good(["endpoints e"]));
    expect(read({ configs: [endpoints] })).toMatchObject(good(["endpoints e"]));
    expect(read({ configs: [endpoints, clusters("a")] })).toMatchObject(good(["clusters a"]));
  });

  test("may be in a list, or several in one text", () => {
    expect(read([clusters("a"), routes("r"), type("admin.v3.Unheard")])).toMatchObject(
      good(["clusters a", "routes r"], ["[2]: left out: a resource of its type cannot be served"]),
    );
    const text = `${JSON.stringify(clusters("a"))}\n---\n${JSON.stringify(routes("r"))}\n`;
    expect(read(text)).toMatchObject(good(["clusters a", "routes r"]));
  });

  test("is told apart for comparing, with what could not be read", () => {
    const bad = { ...clusters("a"), static_clusters: [{ cluster: { ...cluster("b"), unheard: 1 } }] };
    const { dump, problems } = read(bad, { forComparing: true });
    expect(problems).toEqual([]);
    expect([...(dump?.sections ?? [])]).toEqual(["envoy.admin.v3.ClustersConfigDump"]);
    expect([...(dump?.unreadKeys ?? [])]).toEqual([`${clusterType} b`]);
    expect(dump?.unread).toEqual([expect.objectContaining({ path: "static_clusters[0].cluster.unheard", line: 1 })]);
  });

  test("is what egctl prints, of gateways and of proxies", () => {
    expect(read({ xds: { "default-eg": routes("r"), "default-eg2": routes("s") } })).toMatchObject(
      good(["routes r", "routes s"]),
    );
    const all = { gateways: [{}], xds: { "default/eg": { configs: [clusters("a"), routes("r")] } } };
    expect(read(all)).toMatchObject(
      good(["clusters a", "routes r"], ["gateways: left out: it is not an Envoy configuration"]),
    );
    const proxies = {
      "envoy-gateway-system": { "envoy-x": clusters("a"), "envoy-y": { configs: [clusters("a", "b")] } },
    };
    expect(read(proxies)).toMatchObject(
      good(
        ["clusters a", "clusters b"],
        [expect.stringMatching(/left out: a resource with the same name comes before it$/)],
      ),
    );
    // What egctl printed at first: a section with two keys of its own.
    expect(read({ ...routes("r"), configKey: "default-eg", resourceType: "route" })).toMatchObject(good(["routes r"]));
  });
});

describe("JSON values one after the other", () => {
  test.each([
    ["on lines of their own", (value: object) => JSON.stringify(value)],
    ["over several lines", (value: object) => JSON.stringify(value, undefined, 2)],
  ])("are documents, %s", (_, print) => {
    const text = [clusters("a"), [cluster("b")], route("c"), { resources: [cluster("d")] }].map(print).join("\n");
    expect(read(`${text}\n`)).toMatchObject(good(["clusters a", "clusters b", "routes c", "clusters d"]));
    expect(read(text.replaceAll("\n", "\r\n"))).toMatchObject({ problems: [] });
  });

  test("have their places in the text, and a mistake of syntax too", () => {
    const { resources, problems } = readResourceFile(
      "f",
      Buffer.from(`${JSON.stringify(cluster("a"))}\n${JSON.stringify({ ...cluster("b"), nam: 1 })}\n{"a" 1}\n{}\n`),
    );
    expect(resources).toMatchObject([{ line: 1, column: 1 }]);
    expect(problems).toMatchObject([
      { line: 2, column: JSON.stringify({ ...cluster("b"), nam: 1 }).indexOf('"nam"') + 1, path: "nam" },
      { line: 3, column: 6, message: expect.stringMatching(/^not valid YAML or JSON/) },
    ]);
  });
});

describe("What is not an Envoy configuration", () => {
  const object = (apiVersion: string, kind: string, more = {}) => ({
    apiVersion,
    kind,
    metadata: { name: "n" },
    ...more,
  });

  test.each([
    [
      "a ConfigMap",
      object("v1", "ConfigMap", { data: { a: "", "envoy.yaml": "" } }),
      /\(ConfigMap n\).*kubectl get configmap n -o jsonpath='\{\.data\.envoy\\\.yaml\}' \| xds validate -$/,
    ],
    [
      "a ConfigMap of a namespace",
      object("v1", "ConfigMap", { metadata: { name: "n", namespace: "prod" }, data: { "envoy.yaml": "" } }),
      /kubectl get configmap n -n prod -o jsonpath=/,
    ],
    [
      "a list of ConfigMaps",
      {
        apiVersion: "v1",
        kind: "List",
        items: [object("v1", "ConfigMap", { data: { "a.yaml": "" } }), object("v1", "ConfigMap")],
      },
      /list of Kubernetes objects \(ConfigMap n, and 1 more\), not an Envoy configuration; .*kubectl get configmap n -o/,
    ],
    [
      "a list of ConfigMaps, as the API server answers",
      { apiVersion: "v1", kind: "ConfigMapList", items: [{ metadata: { name: "n" }, data: { "a.yaml": "" } }] },
      /\(ConfigMap n\).*kubectl get configmap n -o/,
    ],
    [
      "a Secret with a certificate",
      object("v1", "Secret", { type: "kubernetes.io/tls", data: { "tls.crt": "eA==", "tls.key": "eA==" } }),
      /tls\.v3\.Secret, name: n, tls_certificate: \{certificate_chain: \{filename: tls\.crt\}, private_key: \{filename: tls\.key\}\}\}$/,
    ],
    ["a Secret", object("v1", "Secret", { data: { key: "eA==" } }), /\{\.data\.KEY\}' \| base64 -d \| xds/],
    [
      "an EnvoyFilter",
      object("networking.istio.io/v1alpha3", "EnvoyFilter"),
      /\(EnvoyFilter n\).*istioctl proxy-config/,
    ],
    ["a Gateway", object("gateway.networking.k8s.io/v1", "Gateway"), /egctl x translate/],
    ["a List", { apiVersion: "v1", kind: "List", items: [] }, /Kubernetes object \(List\).*\/config_dump/],
    ["a page of /clusters", { cluster_statuses: [] }, /prints it at \/clusters/],
  ])("is named, as %s", (_, document, expected) => {
    expect(read(document).problems).toEqual([expect.stringMatching(expected)]);
    expect(read([document, document]).problems).toEqual([
      expect.stringMatching(/^\[0\]: this is /),
      expect.stringMatching(/^\[1\]: this is /),
    ]);
  });

  test("has none of its values told but its name", () => {
    const secret = object("v1", "Secret", {
      stringData: { password: "s3cr3t" },
      metadata: { name: "not a name s3cr3t" },
    });
    expect(read(secret).problems.join()).not.toContain("s3cr3t");
  });

  test.each([
    [
      "hosts",
      { ...cluster("a"), hosts: [] },
      /^hosts: this is a field of the v2 API, which no Envoy .* load_assignment: /,
    ],
    ["tls_context", { ...cluster("a"), tlsContext: {} }, /^tlsContext: .*v2 API.*UpstreamTlsContext/],
    [
      "per_filter_config",
      { ...route("a"), virtual_hosts: [{ per_filter_config: {} }] },
      /v2 API.* typed_per_filter_config/,
    ],
    [
      "config",
      { ...type("config.listener.v3.Listener"), name: "l", filter_chains: [{ filters: [{ name: "f", config: {} }] }] },
      /filters\[0\]\.config: .*v2 API.* typed_config/,
    ],
    ["runtime", { static_resources: {}, runtime: {} }, /^runtime: .*v2 API.* layered_runtime$/],
    [
      "a type",
      { ...route("a"), typed_per_filter_config: { x: type("config.filter.http.lua.v2.Lua") } },
      /is of the v2 API, which no Envoy since 1\.18 reads; the v3 API has .*envoy\.extensions\.filters\.http\.lua\.v3\.Lua$/,
    ],
  ])("of the v2 API is said to be that, as %s", (_, document, expected) => {
    expect(read(document).problems).toEqual([expect.stringMatching(expected)]);
    expect(read(document).problems.join()).not.toContain("if your Envoy has it");
  });
});

describe("Suggestions", () => {
  const any = (name: string) => ({ name, typed_config: type(name) });
  const withFilters = (count: number) =>
    [0, 1].map((at) => ({
      ...type("config.listener.v3.Listener"),
      name: `l${at}`,
      access_log: Array.from({ length: count }, (_, index) =>
        any(`extensions.own.v${at}.Fluentd${index}AccessLogConfig`),
      ),
    }));

  test("are looked for a bounded number of times in a file, and once for each type", () => {
    const suggested = read(withFilters(300)).problems.filter((line) => line.includes("did you mean"));
    expect(suggested.length).toBeLessThanOrEqual(100);
    const same = Array.from({ length: 900 }, () => any("extensions.upstreams.http.v3.HttpProtocolOption"));
    const { problems } = read([{ ...withFilters(0)[0], access_log: same }]);
    expect(problems).toHaveLength(900);
    expect(new Set(problems.map((line) => line.replace(/^[^:]*: /, ""))).size).toBe(1);
    expect(problems[0]).toContain(
      "did you mean type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions?",
    );
  });

  test("are the words that differ in the fewest letters: added, dropped, changed or swapped", () => {
    expect(nearest("conect_timeout", ["name", "connect_timeout"])).toBe("connect_timeout");
    expect(nearest("maets", ["teams", "mates", "steam"])).toBe("mates");
    expect(nearest("ROUNDROBIN", ["ROUND_ROBIN"])).toBe("ROUND_ROBIN");
    expect(nearest("xyz", ["abc"])).toBeUndefined();
    expect(nearest("unmatched", ["unmatched_nodes", "node_group"])).toBe("unmatched_nodes");
    expect(nearest("group", ["node_group_a", "group_node_b"]), "which one?").toBeUndefined();
    expect(nearest("", [])).toBeUndefined();
    expect(nearest("a".repeat(500), ["a".repeat(300)])).toBe("a".repeat(300));
  });
});
