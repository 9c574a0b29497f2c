import { type DescMessage, fromJson, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { envoyRegistry } from "../../resource/default-api.js";
import { clusterType } from "../../resource/types.js";
import { formatProblem } from "../files/problem.js";
import { readResourceFile } from "./resource-file.js";

const read = (text: string | Uint8Array) =>
  readResourceFile("f.yaml", typeof text === "string" ? Buffer.from(text) : text);
const namesIn = (text: string) => {
  const { resources, problems } = read(text);
  expect(problems.map(formatProblem)).toEqual([]);
  return resources.map(({ resource }) => `${resource.type.name} ${resource.name}`);
};
const problemsOf = (text: string | Uint8Array) =>
  read(text).problems.map((problem) => formatProblem(problem).slice("f.yaml:".length));

const cluster = '"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster';
const routes = '"@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration';
const wrapper = '"@type": type.googleapis.com/envoy.service.discovery.v3.Resource';
const undecided =
  'no "@type", and name is a field of clusters, listeners, filter-chains, scoped-routes, … (9 in all); add an "@type"';
const howToSayIt =
  "such as type.googleapis.com/envoy.config.cluster.v3.Cluster, or set the type with --type, in code with resourceType";

const againIn = (line: number) => `left out: the same key is given again in line ${line}, and Envoy uses the last one`;

describe("readResourceFile", () => {
  test("takes a list of resources, with what else Envoy allows in such a file", () => {
    const text = `version_info: "1"\nnonce: x\ntype_url: t\nresources:\n- ${cluster}\n  name: a\n- ${routes}\n  name: b\n`;
    expect(namesIn(text)).toEqual(["clusters a", "routes b"]);
    expect(namesIn(`"@type": type.googleapis.com/envoy.service.discovery.v3.DiscoveryResponse\n${text}`)).toHaveLength(
      2,
    );
    expect(namesIn("resources: []\n")).toEqual([]);
  });

  test("takes single resources, several documents, empty ones, and a file without any", () => {
    const text = `# first\n---\n---\n${cluster}\nname: a\n---\nresources: [{${cluster}, name: b}]\n...\n---\n${routes}\nname: c\n---\n`;
    expect(namesIn(text)).toEqual(["clusters a", "clusters b", "routes c"]);
    expect(namesIn("# nothing\n")).toEqual([]);
  });

  test("takes JSON, tabs, escapes and all", () => {
    const json = `{\n\t"resources": [\n\t\t{ ${cluster.replace(": ", ':"')}",\n\t\t\t"name":"\\ud83d\\ude00 \\/" }\n\t]\n}\n`;
    expect(namesIn(json)).toEqual(["clusters 😀 /"]);
  });

  test.each(["-", "envoy", "envoy.conf", "envoy.JSON"])(
    "takes what is JSON as JSON, if no name says YAML: %s",
    (file) => {
      const numbers = { a: 1.5, b: 12_345_678_901 };
      const json = { "@type": clusterType, name: "c", metadata: { filter_metadata: { m: numbers } } };
      const bodyIn = (file: string, text: string) => {
        const { resources, problems } = readResourceFile(file, Buffer.from(text));
        expect(problems.map(formatProblem)).toEqual([]);
        return resources.map(({ resource }) => Buffer.from(resource.body).toString("latin1"));
      };
      const text = JSON.stringify(json);
      expect(bodyIn(file, `${text}\n${text}\n`)).toEqual(bodyIn("a.json", `${text}\n${text}\n`));
      expect(bodyIn(file, `\n${text}`)).not.toEqual(bodyIn("a.YML", text));
      if (!file.endsWith(".JSON")) {
        const yaml = `{ "@type": ${clusterType}, name: c, respect_dns_ttl: yes }`;
        expect(bodyIn(file, yaml)).toEqual(bodyIn("a.yaml", yaml));
      }
    },
  );

  test("takes a byte order mark and lines that end as Windows ends them", () => {
    expect(namesIn(`\u{feff}resources:\r\n- ${cluster}\r\n  name: a\r\n`)).toEqual(["clusters a"]);
    expect(problemsOf(`\u{feff}${cluster}\r\nname: a\r\nnam: b\r\n`)).toEqual([
      "3:1: nam: envoy.config.cluster.v3.Cluster has no such field; did you mean name?",
    ]);
  });

  test("takes a name from an envoy.service.discovery.v3.Resource around a resource", () => {
    const host = "{ '@type': type.googleapis.com/envoy.config.route.v3.VirtualHost, name: v, domains: [x] }";
    const { resources, problems } = read(
      `resources:\n- ${wrapper}\n  name: r/v\n  version: own\n  ttl: 1.5s\n  aliases: [r/w]\n  resource: ${host}\n`,
    );
    expect(problems).toEqual([]);
    expect(resources).toMatchObject([
      { line: 2, column: 3, resource: { name: "r/v", version: "own", ttlMs: 1500, aliases: ["r/w"] } },
    ]);
    expect(resources[0]?.resource.message()).toMatchObject({ name: "v", domains: ["x"] });
    expect(namesIn(`${wrapper}\nresource: {${cluster}, name: a}`)).toEqual(["clusters a"]);
  });

  test("takes anchors, aliases and merge keys, and leaves out keys tagged !ignore", () => {
    const text = `!ignore shared:\n- &base\n  ${cluster}\n  connect_timeout: &t 3s\n  lb_policy: RANDOM\n- &name a\nresources:
- <<: *base\n  name: *name\n- <<: [*base, {name: not this}]\n  name: b\n  connect_timeout: *t\n  lb_policy: MAGLEV\n`;
    const { resources, problems } = read(text);
    expect(problems).toEqual([]);
    expect(resources.map(({ resource }) => resource.message())).toMatchObject([
      { name: "a", connectTimeout: { seconds: 3n }, lbPolicy: 3 },
      { name: "b", connectTimeout: { seconds: 3n }, lbPolicy: 5 },
    ]);
  });

  test("takes names in snake_case and in camelCase, and keeps every digit of a large number", () => {
    const metadata = "metadata: {filter_metadata: {x: {n: 12, m: 9007199254740993, t: 1e3, s: '7', b: [true, null]}}}";
    const text = `${cluster}\nname: a\nconnect_timeout: 0.25s\nlbPolicy: RING_HASH\n${metadata}
ring_hash_lb_config:\n  minimum_ring_size: 9007199254740993\n  maximumRingSize: "18446744073709551615"\n`;
    expect(read(text).problems).toEqual([]);
    expect(read(text).resources[0]?.resource.message()).toMatchObject({
      connectTimeout: { seconds: 0n, nanos: 250_000_000 },
      lbConfig: {
        case: "ringHashLbConfig",
        value: { minimumRingSize: 9007199254740993n, maximumRingSize: 18446744073709551615n },
      },
      metadata: { filterMetadata: { x: { n: 12, m: "9007199254740993", t: "1e3", s: "7", b: [true, null] } } },
    });
  });

  test("takes the last of a key that is given again, and tells of it without the key", () => {
    const text = `${inCluster("metadata: {filter_metadata: {x: {a: 1, a: 2}}}", "name: b")}\n`;
    const { resources, problems, notes } = read(text);
    expect(problems).toEqual([]);
    expect(resources[0]?.resource.message()).toMatchObject({
      name: "b",
      metadata: { filterMetadata: { x: { a: 2 } } },
    });
    expect(notes).toEqual([
      { file: "f.yaml", line: 2, column: 1, path: "", message: againIn(4) },
      { file: "f.yaml", line: 3, column: 34, path: "", message: againIn(3) },
    ]);
  });

  test("encodes what proto3 JSON says, messages in Any included", () => {
    const json = {
      name: "l",
      filterChains: [
        {
          filters: [
            {
              name: "tcp",
              typedConfig: {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                statPrefix: "x",
                idleTimeout: "3s",
                hashPolicy: [{ sourceIp: {} }],
                accessLog: [
                  {
                    filter: {
                      runtimeFilter: { runtimeKey: "k", percentSampled: { numerator: 3, denominator: "MILLION" } },
                    },
                  },
                  {
                    name: "any",
                    typedConfig: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1.5s" },
                  },
                  {
                    name: "any",
                    typedConfig: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { a: [1] } },
                  },
                  { name: "any", typedConfig: { "@type": "type.googleapis.com/google.protobuf.Empty" } },
                  { name: "any", typedConfig: {} },
                ],
              },
            },
          ],
        },
      ],
    };
    const desc = envoyRegistry().getMessage("envoy.config.listener.v3.Listener") as DescMessage;
    const bytes = toBinary(desc, fromJson(desc, json, { registry: envoyRegistry() }));
    const { resources, problems } = read(JSON.stringify({ "@type": `type.googleapis.com/${desc.typeName}`, ...json }));
    expect(problems).toEqual([]);
    expect(new Uint8Array(resources[0]?.resource.body ?? [])).toEqual(bytes);
  });

  test("takes no resources for a mistake where the list is not written: the file may have been cut", () => {
    const delta = "type.googleapis.com/envoy.service.discovery.v3.DeltaDiscoveryResponse";
    const message = 'resources: expected a list of resources, got nothing; write "resources: []" to serve nothing';
    expect(problemsOf("resources:\n")).toEqual([`1:1: ${message}`]);
    expect(problemsOf("resources: # later\n---\nresources: []\n")).toHaveLength(1);
    expect(problemsOf('{"resources": null}')).toEqual([`1:15: ${message}`]);
    expect(problemsOf(`"@type": ${delta}\nresources: ~\n`)).toEqual([`2:12: ${message}`]);
    expect(problemsOf(`"@type": ${delta}\nresources: []\n`)).toEqual([]);
    expect(problemsOf(`"@type": ${delta}\n`)).toEqual([]);
    expect(problemsOf(`resources:\n- ${cluster}\n  name: c\n  load_assignment:\n`)).toEqual([]);
  });

  test("takes names, versions and aliases of 4,096 characters, and 1,000 aliases; of more it quotes nothing", () => {
    const resource = '{ "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: c }';
    const of = (name: string, version: string, aliases: readonly string[]) =>
      `resources: [{ ${wrapper}, name: ${name}, version: ${version}, aliases: [${aliases}], resource: ${resource} }]`;
    const [fits, long] = ["x".repeat(4_096), "x".repeat(4_097)];
    const many = Array.from({ length: 1_001 }, (_, i) => `a${i}`);
    const problemsIn = (text: string) => readResourceFile("f.yaml", Buffer.from(text)).problems.map(formatProblem);
    expect(problemsIn(of(fits, fits, [`y${fits.slice(1)}`, ...many.slice(2)]))).toEqual([]);
    const tooLong = (what: string) =>
      `f.yaml:1:13: resources[0]: the resource has ${what} of 4097 characters, where 4096 are the most; shorten it`;
    expect(problemsIn(of(long, "v", []))).toEqual([tooLong("a name")]);
    expect(problemsIn(of("r", long, []))).toEqual([tooLong("a version")]);
    expect(problemsIn(of("r", "v", ["a", long]))).toEqual([tooLong("an alias")]);
    expect(problemsIn(of("r", "v", many))).toEqual([
      "f.yaml:1:13: resources[0]: the resource has 1001 aliases, where 1000 are the most; remove some",
    ]);
    expect(problemsIn(`resources: [${resource.replace("name: c", `name: ${long}`)}]`)).toEqual([tooLong("a name")]);
  });

  test("gives the same object for a resource whose text did not change, unless there are aliases", () => {
    const text = (b: string) =>
      Buffer.from(`resources:\n- ${cluster}\n  name: a\n- ${cluster}\n  name: ${b}\n- ${cluster}\n  name: c\n`);
    const before = readResourceFile("f.yaml", text("b"));
    const after = readResourceFile("f.yaml", text("other"), { previous: before });
    expect(after.resources.map(({ resource }) => resource.name)).toEqual(["a", "other", "c"]);
    expect(after.resources.map(({ resource }, i) => resource === before.resources[i]?.resource)).toEqual([
      true,
      false,
      true,
    ]);
    const aliased = (seconds: number) =>
      Buffer.from(`!ignore x: &t ${seconds}s\nresources:\n- {${cluster}, name: a, connect_timeout: *t}\n`);
    const first = readResourceFile("f.yaml", aliased(1));
    const second = readResourceFile("f.yaml", aliased(2), { previous: first });
    expect(second.resources[0]?.resource.message()).toMatchObject({ connectTimeout: { seconds: 2n } });
  });
});

/** What a cluster's document is wrong with, by the lines after its type. */
const inCluster = (...lines: string[]) => [cluster, "name: a", ...lines].join("\n");

describe("readResourceFile tells", () => {
  test.each<[string, string, string[]]>([
    [
      "a field that does not exist",
      inCluster("conect_timeout: 1s"),
      ["3:1: conect_timeout: envoy.config.cluster.v3.Cluster has no such field; did you mean connect_timeout?"],
    ],
    [
      "a field like no other",
      inCluster("upstream_bind_config:", "  xyzzy: 1"),
      [
        "4:3: upstream_bind_config.xyzzy: envoy.config.core.v3.BindConfig has no such field; it has source_address, freebind, socket_options, extra_source_addresses, local_address_selector, validate_network_namespaces; if your Envoy has it, use its API: --envoy or --descriptors, in code useEnvoyApi()",
      ],
    ],
    [
      "a duration that is none",
      inCluster("connect_timeout: abc"),
      ['3:18: connect_timeout: expected a duration such as "1.5s", got "abc"'],
    ],
    [
      "a duration as a number, or with another unit",
      inCluster("connect_timeout: 5", "cleanup_interval: 500ms"),
      [
        '3:18: connect_timeout: expected a duration such as "1.5s", got 5; write "5s"',
        '4:19: cleanup_interval: expected a duration such as "1.5s", got "500ms"; write "0.5s"',
      ],
    ],
    [
      "a duration with something after its unit",
      inCluster("connect_timeout: 1sec"),
      ['3:18: connect_timeout: expected a duration such as "1.5s", got "1sec"; write "1s"'],
    ],
    [
      "a bad enum value",
      inCluster("lb_policy: round_robbin"),
      [
        '3:12: lb_policy: expected one of ROUND_ROBIN, LEAST_REQUEST, RING_HASH, RANDOM, MAGLEV, CLUSTER_PROVIDED, LOAD_BALANCING_POLICY_CONFIG, got "round_robbin"; did you mean ROUND_ROBIN?',
      ],
    ],
    [
      "a number that no enum can have",
      inCluster("dns_lookup_family: 3000000000"),
      ['3:20: dns_lookup_family: expected one of AUTO, V4_ONLY, V6_ONLY, V4_PREFERRED, ALL, got "3000000000"'],
    ],
    [
      "a string where a number is to be",
      inCluster("per_connection_buffer_limit_bytes: 32k"),
      ['3:36: per_connection_buffer_limit_bytes: expected a whole number, got "32k"'],
    ],
    [
      "a number out of its range, or with a fraction",
      inCluster("per_connection_buffer_limit_bytes: -1", "max_requests_per_connection: 1.5"),
      [
        "3:36: per_connection_buffer_limit_bytes: expected a whole number from 0 to 4294967295, got -1",
        '4:30: max_requests_per_connection: expected a whole number, got "1.5"',
      ],
    ],
    [
      "a number or a boolean where a string is to be",
      `${cluster}\nname: 10\nalt_stat_name: true`,
      [
        '2:7: name: expected a string, got the number 10; put it in quotes: "10"',
        '3:16: alt_stat_name: expected a string, got the boolean true; put it in quotes: "true"',
      ],
    ],
    [
      "a number where a boolean is to be, and a word that is none in quotes",
      inCluster("respect_dns_ttl: 1", 'ignore_health_on_host_removal: "on"'),
      [
        "3:18: respect_dns_ttl: expected true or false, got 1",
        '4:32: ignore_health_on_host_removal: expected true or false, got "on"',
      ],
    ],
    [
      "a value that is no element of its list, alone or in a list of lists",
      inCluster("health_checks: 1", "filters: [[{ name: x }, 1]]"),
      [
        "3:16: health_checks: expected an object (envoy.config.core.v3.HealthCheck), got 1",
        "4:25: filters[0][1]: expected an object (envoy.config.cluster.v3.Filter; its fields: name, typed_config, config_discovery), got 1",
      ],
    ],
    [
      "a value, or a list, where an object is to be",
      inCluster("eds_cluster_config: x", "circuit_breakers: []", "metadata: {filter_metadata: 1}"),
      [
        '3:21: eds_cluster_config: expected an object (envoy.config.cluster.v3.Cluster.EdsClusterConfig; its fields: eds_config, service_name), got "x"',
        "4:19: circuit_breakers: expected an object (envoy.config.cluster.v3.CircuitBreakers; its fields: thresholds, per_host_thresholds), got a list",
        "5:29: metadata.filter_metadata: expected an object, got 1",
      ],
    ],
    [
      "two fields of one oneof",
      inCluster("type: EDS", "cluster_type: { name: x }"),
      [
        "4:1: cluster_type: type and cluster_type cannot both be set: cluster_discovery_type is one of type, cluster_type; remove one of them",
      ],
    ],
    [
      "a field in both its spellings",
      inCluster("connect_timeout: 1s", "connectTimeout: 1s"),
      ["4:1: connectTimeout: connect_timeout and connectTimeout are the same field; remove one of them"],
    ],
    [
      "a key of a map that is of another type",
      `${routes}\nname: r\nvirtual_hosts: [{name: v, domains: [x], typed_per_filter_config: {lua: {}, "a.b": 1}}]`,
      [
        '3:83: virtual_hosts[0].typed_per_filter_config["a.b"]: expected an object with "@type", got something else (not shown: it may be secret)',
      ],
    ],
    [
      "bytes that are not base64",
      inCluster(
        "transport_socket_matches: [{name: x, match: {}}]",
        "load_assignment: {cluster_name: a, endpoints: [{metadata: {typed_filter_metadata: {x: {'@type': type.googleapis.com/google.protobuf.BytesValue, value: '%%'}}}}]}",
      ),
      [
        '4:152: load_assignment.endpoints[0].metadata.typed_filter_metadata.x.value: expected bytes as a base64 string, got "%%"',
      ],
    ],
    [
      "a mistyped type in an Any",
      inCluster(
        "typed_extension_protocol_options:",
        "  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:",
        '    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOption',
      ),
      [
        '5:14: typed_extension_protocol_options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"].@type: no message of this Envoy API is named "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOption"; did you mean type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions? If your Envoy has it, use its API: --envoy or --descriptors, in code useEnvoyApi()',
      ],
    ],
    [
      "an Any without a type, and one with a value that is not its own",
      inCluster(
        "typed_extension_protocol_options:",
        "  a: {x: 1}",
        "  b: {'@type': type.googleapis.com/google.protobuf.StringValue, value: 1, more: 2}",
      ),
      [
        '4:6: typed_extension_protocol_options.a: expected an object with "@type", got one without; add "@type": type.googleapis.com/<its message>',
        "5:72: typed_extension_protocol_options.b.value: expected a string, got a number; put it in quotes",
        '5:75: typed_extension_protocol_options.b.more: a google.protobuf.StringValue in an Any has only "@type" and value; remove this',
      ],
    ],
    [
      "a problem inside the message of an Any",
      inCluster(
        "typed_extension_protocol_options:",
        "  a:",
        "    '@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "    explicit_http_config: { http2_protocol_options: { max_concurrent_streams: many } }",
      ),
      [
        '6:79: typed_extension_protocol_options.a.explicit_http_config.http2_protocol_options.max_concurrent_streams: expected a whole number, got "many"',
      ],
    ],
    [
      "a resource without a name",
      `resources:\n- ${cluster}\n- ${cluster.replace("cluster.v3.Cluster", "endpoint.v3.ClusterLoadAssignment")}\n  endpoints: []`,
      [
        "2:3: resources[0]: expected a name, by which clients ask for the resource, got none; set the field name",
        "3:3: resources[1]: expected a name, by which clients ask for the resource, got none; set the field cluster_name",
      ],
    ],
    [
      "a resource whose type has no field for a name",
      `${cluster.replace("cluster.v3.Cluster", "route.v3.VirtualHost")}\nname: x`,
      [
        '1:1: envoy.config.route.v3.VirtualHost has no name of its own; give it one with an object around it: {"@type": type.googleapis.com/envoy.service.discovery.v3.Resource, name: …, resource: …}',
      ],
    ],
    [
      "a resource without a type, and what is no resource",
      "resources:\n- name: a\n- 7\n-\n- {}\n- [[], [x]]\n- '@type':",
      [
        `2:3: resources[0]: these 2 resources have ${undecided} to each, ${howToSayIt}`,
        '3:3: resources[1]: expected an object with its "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, got something else (not shown: it may be secret)',
        '4:1: resources[2]: expected an object with its "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, got nothing (null)',
        '6:9: resources[4][1][0]: expected an object with its "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, got something else (not shown: it may be secret)',
        "7:3: resources[5].@type: expected the type of a message, type.googleapis.com/<its full name>, got nothing (null)",
      ],
    ],
    [
      "a type of the v2 API, one without its prefix, and a mistyped one",
      "resources:\n- '@type': type.googleapis.com/envoy.api.v2.Cluster\n- '@type': envoy.config.cluster.v3.Cluster\n- '@type': type.googleapis.com/envoy.config.cluster.v3.Clutser",
      [
        '2:12: resources[0].@type: "type.googleapis.com/envoy.api.v2.Cluster" is of the v2 API, which no Envoy since 1.18 reads; the v3 API has type.googleapis.com/envoy.config.cluster.v3.Cluster',
        '3:12: resources[1].@type: expected the type of a resource, got "envoy.config.cluster.v3.Cluster"; did you mean type.googleapis.com/envoy.config.cluster.v3.Cluster?',
        '4:12: resources[2].@type: expected the type of a resource, got "type.googleapis.com/envoy.config.cluster.v3.Clutser"; did you mean type.googleapis.com/envoy.config.cluster.v3.Cluster?',
      ],
    ],
    [
      "a type that has no schema",
      cluster.replace("envoy.config.cluster.v3.Cluster", "ratelimit.config.ratelimit.v3.RateLimitConfig"),
      [
        "1:10: @type: the schema of type.googleapis.com/ratelimit.config.ratelimit.v3.RateLimitConfig is not known here, so it cannot be read from a file",
      ],
    ],
    [
      "a list of resources that is none, and a mistyped key beside it",
      "resource:\n- x\n---\nresources: {}\nversion_inf: '1'\n",
      [
        '1:1: expected an object with a list "resources:", or one resource with its "@type", got another object',
        '4:12: resources: expected an object with its "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, got an empty object',
        "5:1: version_inf: envoy.service.discovery.v3.DiscoveryResponse has no such field; did you mean version_info?",
      ],
    ],
    [
      "a list, and text",
      "# none\n---\n- x\n---\nhello",
      [
        '3:3: [0]: expected an object with its "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, got something else (not shown: it may be secret)',
        '5:1: expected an object with a list "resources:", or one resource with its "@type", got something else (not shown: it may be secret)',
      ],
    ],
    [
      "an envoy.service.discovery.v3.Resource with nothing in it, or with what is not served",
      `resources:\n- ${wrapper}\n  name: x\n  cache_control: {}\n- ${wrapper}\n  resource: {name: x}`,
      [
        '2:3: resources[0].resource: expected a resource with its "@type", got none',
        "4:3: resources[0].cache_control: not served; of a Resource only name, version, resource, ttl, aliases are; remove this",
        `6:13: resources[1].resource: this resource has ${undecided}, ${howToSayIt}`,
      ],
    ],
    [
      "an error of syntax, and the problems of the documents before it",
      `${inCluster("nam: x")}\n---\na: b: c\n---\n${inCluster("nam: x")}`,
      [
        "3:1: nam: envoy.config.cluster.v3.Cluster has no such field; did you mean name?",
        '5:5: not valid YAML or JSON: bad indentation of a mapping entry; align the line with its neighbours, and quote a value that contains ": " or begins with a special character',
      ],
    ],
    [
      "tabs for indentation",
      "resources:\n\t- a",
      ["2:1: not valid YAML or JSON: tab characters must not be used in indentation; use spaces"],
    ],
    [
      "quotes and brackets that do not end",
      'a: "x\n',
      [
        "2:1: not valid YAML or JSON: deficient indentation; indent the line, or close the quote or the bracket that is open above",
      ],
    ],
    [
      "brackets that are not closed, or have a comma too many or too few",
      '{ "a": [1, 2',
      [
        "1:13: not valid YAML or JSON: unexpected end of the stream within a flow collection; close the bracket or the brace that is open above",
      ],
    ],
    [
      "a comma too few",
      '{ "a": 1 "b": 2 }',
      [
        "1:13: not valid YAML or JSON: missed comma between flow collection entries; put a comma between the two, or close the bracket before the second",
      ],
    ],
    [
      "a comma too many",
      '{ "a": 1,, "b": 2 }',
      ["1:10: not valid YAML or JSON: expected the node content, but found ','; remove the comma"],
    ],
    [
      "what has to be in quotes",
      "domains: [*]",
      [
        '1:12: not valid YAML or JSON: name of an alias node must contain at least one character; quote a value that begins with "*"',
      ],
    ],
    [
      "@type without quotes, which the parser complains of in other words, as of any such sign",
      "name: x\n---\n- a: 1\n  @type: x",
      [
        `1:1: this resource has ${undecided}, ${howToSayIt}`,
        '4:3: not valid YAML or JSON: a text without quotes cannot begin with @; write "@type"',
      ],
    ],
    [
      "a backslash in double quotes",
      'a: "C:\\q"',
      [
        String.raw`1:8: not valid YAML or JSON: unknown escape sequence; write a backslash as "\\", or use single quotes`,
      ],
    ],
    [
      "an alias of nothing, one of itself, and a merge of what is no object",
      "resources: &all\n- *nothing\n- [*all]\n- <<: [1]\n",
      [
        '2:3: no anchor of this name comes before the alias in this document; define it above, correct the name, or quote a value that begins with "*"',
        '2:3: resources[0]: expected an object with its "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, got nothing (null)',
        "3:4: the alias is inside the value that it refers to; a value cannot contain itself",
        '3:4: resources[1][0]: expected an object with its "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, got nothing (null)',
        "4:3: the value of a merge key (<<) must be an alias of an object, or a list of such aliases",
        '4:3: resources[2]: expected an object with its "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, got an empty object',
      ],
    ],
    [
      "an alias of nothing in a file that has no secrets",
      `${cluster}\nname: *nothing\nconnect_timeout: !seconds 5\n`,
      [
        '2:7: name: no anchor of this name comes before the alias in this document; define it above, correct the name, or quote a value that begins with "*"',
        '3:27: connect_timeout: expected a duration such as "1.5s", got 5; write "5s"',
      ],
    ],
    [
      "keys that are none",
      "resources: []\na: x\n? [b]\n: 1\n__proto__: {}",
      [
        "2:1: a: envoy.service.discovery.v3.DiscoveryResponse has no such field; it has version_info, resources, canary, type_url, nonce, control_plane, resource_errors; if your Envoy has it, use its API: --envoy or --descriptors, in code useEnvoyApi()",
        "3:3: a key must be a name or a number, not an object or a list",
        '5:1: __proto__: the key "__proto__" cannot be used; rename it',
      ],
    ],
    [
      "nesting without end",
      `a: ${"[".repeat(100_000)}`,
      ["1:253: not valid YAML or JSON: nesting exceeded maxDepth (250); use fewer levels"],
    ],
    ["a NUL", "a: \0", ["1:4: not valid YAML or JSON: null byte is not allowed in input; save the file as UTF-8 text"]],
  ])("%s", (_, text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  test("nothing of a secret but what it should have been", () => {
    const secret = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    const text = `"@type": ${secret}\nname: s\ntls_certificate:\n  private_key: { inline_bytes: "%hidden%" }\n  password: hidden\n`;
    const notShown = "got something else (not shown: it may be secret)";
    expect(problemsOf(text)).toEqual([
      `4:32: tls_certificate.private_key.inline_bytes: expected bytes as a base64 string, ${notShown}`,
      `5:13: tls_certificate.password: expected an object (envoy.config.core.v3.DataSource; its fields: filename, inline_bytes, inline_string, environment_variable, watched_directory), ${notShown}`,
    ]);
  });

  test("nothing of a private key in the wrong place", () => {
    const secret = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    const key = JSON.stringify("-----BEGIN PRIVATE KEY-----\nhidden\n-----END PRIVATE KEY-----\n");
    const text = `"@type": ${secret}\nname: s\ntls_certificate: { certificate_chain: ${key}, watched_directory: { path: !!int ${key} } }\n`;
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(
        /^3:39: tls_certificate.certificate_chain: expected an object .*, got something else \(not shown: it may be secret\)$/,
      ),
    ]);
  });

  test("what is not UTF-8, where it begins", () => {
    expect(problemsOf(Buffer.from("# fünf\nname: größe\n", "latin1"))).toEqual([
      "1:4: not UTF-8 text; save the file as UTF-8",
    ]);
    expect(problemsOf(Buffer.concat([Buffer.from("# fünf\nna"), Buffer.of(0xff)]))).toEqual([
      "2:3: not UTF-8 text; save the file as UTF-8",
    ]);
    expect(problemsOf(Buffer.from("name: x", "utf16le"))).toEqual([
      "1:2: not valid YAML or JSON: null byte is not allowed in input; save the file as UTF-8 text",
    ]);
  });

  test("aliases of aliases that stand for more than any file, in a moment", () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `  l${i}: &l${i} {x: ${i === 0 ? 1 : `*l${i - 1}`}, y: ${i === 0 ? 1 : `*l${i - 1}`}}`,
    );
    const text = `${inCluster("metadata: {filter_metadata: {x: {a: *l29}}}")}\n`;
    expect(problemsOf(`!ignore bomb:\n${levels.join("\n")}\n${text}`)).toEqual([
      "1:1: the aliases of this file stand for more than 1000000 values; write it with fewer aliases",
    ]);
    const merges = Array.from(
      { length: 2000 },
      (_, i) => `  l${i}: &l${i} {${i === 0 ? "" : `<<: *l${i - 1}, `}k${i}: 1}`,
    );
    expect(problemsOf(`!ignore bomb:\n${merges.join("\n")}\n${text.replace("l29", "l9")}`)[0]).toMatch(
      /^1416:\d+: bomb\.l1414: merge keys \(<<\) add more than 1000000 keys to this file; write it with fewer merges$/,
    );
    const deep = Array.from(
      { length: 10 },
      (_, i) => `  d${i}: &d${i} ${"[".repeat(40)}${i === 0 ? 1 : `*d${i - 1}`}${"]".repeat(40)}`,
    );
    expect(problemsOf(`!ignore bomb:\n${deep.join("\n")}\n${text.replace("l29", "d9")}`)[0]).toMatch(
      /^8:\d+: bomb\.d6(\[0\])+: the alias makes more than 250 levels of nesting; use fewer levels$/,
    );
  });
});

test("a file may have more faults than a call can have arguments; the first thousand are told", () => {
  const text = `resources: []\n${"? [a]\n: 1\n".repeat(150_000)}`;
  const { problems } = readResourceFile("f.yaml", Buffer.from(text), {});
  expect(problems).toHaveLength(1_002);
  expect(problems.at(-1)?.message).toBe("this file has 148999 more such problems");
});

test("a file with too many problems is not read to its end", () => {
  const resource = (i: number) => `- { "@type": type.googleapis.com/envoy.config.clusterr.v${i}.Clustr, name: a }`;
  const text = (count: number) => `resources:\n${Array.from({ length: count }, (_, i) => resource(i)).join("\n")}\n`;
  const { problems } = readResourceFile("f.yaml", Buffer.from(text(5_000)));
  expect(problems).toHaveLength(1_001);
  expect(problems.at(-1)).toMatchObject({
    line: 1_002,
    message: "more than 1000 problems; the rest of the file is not checked",
  });
  const fields = Array.from({ length: 5_000 }, (_, i) => `  nmae${i}: y`).join("\n");
  const one = readResourceFile("f.yaml", Buffer.from(`resources:\n- "@type": ${clusterType}\n${fields}\n`));
  expect(one.problems).toHaveLength(1_001);
});

test("aliases of a long text stand for so much of it only", () => {
  const list = `{ t: &a ${"x".repeat(100_000)}, l: [${"*a,".repeat(200)}] }`;
  const text = `resources:\n- { "@type": ${clusterType}, name: x, metadata: { filter_metadata: { a: ${list} } } }\n`;
  expect(readResourceFile("f.yaml", Buffer.from(text)).problems.map(({ message }) => message)).toEqual([
    "the aliases of this file stand for more than 16777216 characters of text; write it with fewer aliases",
  ]);
  const fewer = text.replaceAll("*a,".repeat(200), "*a,".repeat(100));
  expect(readResourceFile("f.yaml", Buffer.from(fewer)).resources).toHaveLength(1);
});
