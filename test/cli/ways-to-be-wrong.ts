import { execFile } from "node:child_process";
import { mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";

/** A way to get a configuration wrong, and what the program says to it. */
export interface Way {
  /** What is done. */
  readonly way: string;
  /** Does it in a directory that has the sound files. */
  readonly spoil: (directory: string) => Promise<unknown>;
  /** It is only warned of, and an error where validation is strict. */
  readonly isWarning?: true;
  /** Each line, in the order of files and lines: `<place> <code> <words>`. The directory is DIR. */
  readonly says: readonly string[];
}

const cluster = `- "@type": ${clusterType}
  name: backend
  type: EDS
  connect_timeout: 1s
  eds_cluster_config:
    eds_config: { ads: {}, resource_api_version: V3 }
`;

/** A sound configuration: a route configuration that refers to a cluster, which refers to its endpoints. */
const soundFiles: Readonly<Record<string, string>> = {
  "clusters.yaml": `resources:\n${cluster}`,
  "endpoints.json": JSON.stringify({ "@type": endpointType, clusterName: "backend" }, undefined, 2),
  "routes.yaml": `"@type": ${routeType}
name: local
virtual_hosts:
- name: all
  domains: ["*"]
  routes:
  - match: { prefix: / }
    route: { cluster: backend }
`,
};

/** Puts a sound configuration in the place of whatever the directory has; the cluster has this timeout. */
export async function heal(directory: string, timeout = "1s"): Promise<void> {
  await rm(awayFrom(directory), { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const name of added) await rm(join(directory, name), { recursive: true, force: true });
  for (const [name, text] of Object.entries(soundFiles))
    await writeFile(join(directory, name), text.replace("connect_timeout: 1s", `connect_timeout: ${timeout}`));
}

const awayFrom = (directory: string) => `${directory}.away`;

/** The names of files that a way may add. */
const added = ["more.yaml", "groups"];

const put = (name: string, text: string | Uint8Array) => (directory: string) => writeFile(join(directory, name), text);
/** Puts the good clusters with something replaced. */
const edit = (from: string, to: string) => {
  if (!cluster.includes(from)) throw new Error(`the cluster has no ${from}`);
  return put("clusters.yaml", `resources:\n${cluster.replace(from, to)}`);
};

const run = promisify(execFile);

export const ways: readonly Way[] = [
  {
    way: "a tab for indentation",
    spoil: edit("  connect_timeout", "\tconnect_timeout"),
    says: [
      "DIR/clusters.yaml:5:1 INVALID not valid YAML or JSON: tab characters must not be used in indentation; use spaces",
    ],
  },
  {
    way: "a wrong indentation",
    spoil: edit("  connect_timeout", "   connect_timeout"),
    says: [
      'DIR/clusters.yaml:5:19 INVALID not valid YAML or JSON: bad indentation of a mapping entry; align the line with its neighbours, and quote a value that contains ": " or begins with a special character',
    ],
  },
  {
    way: "a field in both spellings",
    spoil: edit("type: EDS", "connectTimeout: 1s"),
    says: [
      "DIR/clusters.yaml:5:3 INVALID resources[0].connect_timeout: connectTimeout and connect_timeout are the same field; remove one of them",
    ],
  },
  {
    way: "a bracket that is not closed",
    spoil: edit("V3 }", "V3"),
    says: [
      "DIR/clusters.yaml:8:1 INVALID not valid YAML or JSON: deficient indentation; indent the line, or close the quote or the bracket that is open above",
    ],
  },
  {
    way: "an @type without quotes",
    spoil: edit('"@type"', "@type"),
    says: [
      'DIR/clusters.yaml:2:3 INVALID not valid YAML or JSON: a text without quotes cannot begin with @; write "@type"',
    ],
  },
  {
    way: "a * without quotes",
    spoil: put("more.yaml", "domains: [*]\n"),
    says: [
      'DIR/more.yaml:1:12 INVALID not valid YAML or JSON: name of an alias node must contain at least one character; quote a value that begins with "*"',
    ],
  },
  {
    way: "an alias of no anchor",
    spoil: edit("type: EDS", "type: *kind"),
    says: [
      'DIR/clusters.yaml:4:9 INVALID resources[0].type: no anchor of this name comes before the alias in this document; define it above, correct the name, or quote a value that begins with "*"',
    ],
  },
  {
    way: "JSON that ends early",
    spoil: put("endpoints.json", '{ "clusterName": "backend",'),
    says: [
      "DIR/endpoints.json:1:28 INVALID not valid YAML or JSON: unexpected end of the stream within a flow collection; close the bracket or the brace that is open above",
    ],
  },
  {
    way: "text that is not UTF-8",
    spoil: put("more.yaml", new Uint8Array([0x23, 0x20, 0xe4, 0x0a])),
    says: ["DIR/more.yaml:1:3 INVALID not UTF-8 text; save the file as UTF-8"],
  },
  {
    way: "a field that does not exist",
    spoil: edit("connect_timeout", "conect_timeout"),
    says: [
      "DIR/clusters.yaml:5:3 INVALID resources[0].conect_timeout: envoy.config.cluster.v3.Cluster has no such field; did you mean connect_timeout?",
    ],
  },
  {
    way: "a value that an enum does not have",
    spoil: edit("EDS", "EDDS"),
    says: [
      'DIR/clusters.yaml:4:9 INVALID resources[0].type: expected one of STATIC, STRICT_DNS, LOGICAL_DNS, EDS, ORIGINAL_DST, got "EDDS"; did you mean EDS?',
    ],
  },
  {
    way: "a duration without its unit",
    spoil: edit("1s", "1"),
    says: [
      'DIR/clusters.yaml:5:20 INVALID resources[0].connect_timeout: expected a duration such as "1.5s", got 1; write "1s"',
    ],
  },
  {
    way: "a text for a number",
    spoil: edit("1s", "1s\n  max_requests_per_connection: many"),
    says: [
      'DIR/clusters.yaml:6:32 INVALID resources[0].max_requests_per_connection: expected a whole number, got "many"',
    ],
  },
  {
    way: "a list for an object",
    spoil: edit("{ ads: {}, resource_api_version: V3 }", "[]"),
    says: [
      "DIR/clusters.yaml:7:17 INVALID resources[0].eds_cluster_config.eds_config: expected an object (envoy.config.core.v3.ConfigSource; its fields: authorities, path_config_source, api_config_source, ads, self, initial_fetch_timeout, resource_api_version), got a list",
    ],
  },
  {
    way: "two fields of which one can be set",
    spoil: edit("{ ads: {}", "{ ads: {}, self: {}"),
    says: [
      "DIR/clusters.yaml:7:28 INVALID resources[0].eds_cluster_config.eds_config.self: ads and self cannot both be set: config_source_specifier is one of path, path_config_source, api_config_source, ads, self; remove one of them",
    ],
  },
  {
    way: "a wrong @type",
    spoil: edit(clusterType, "type.googleapis.com/envoy.config.cluster.v3.Clutser"),
    says: [
      'DIR/clusters.yaml:2:12 INVALID resources[0].@type: expected the type of a resource, got "type.googleapis.com/envoy.config.cluster.v3.Clutser"; did you mean type.googleapis.com/envoy.config.cluster.v3.Cluster?',
    ],
  },
  {
    way: "the @type of what is no resource",
    spoil: edit(clusterType, "type.googleapis.com/envoy.config.core.v3.Node"),
    says: [
      'DIR/clusters.yaml:2:12 INVALID resources[0].@type: expected the type of a resource, type.googleapis.com/ and one of envoy.config.cluster.v3.Cluster, envoy.config.endpoint.v3.ClusterLoadAssignment, envoy.config.listener.v3.Listener, envoy.config.listener.v3.FilterChain, envoy.config.route.v3.ScopedRouteConfiguration, envoy.config.route.v3.RouteConfiguration, envoy.config.route.v3.VirtualHost, envoy.config.endpoint.v3.LbEndpoint, envoy.extensions.transport_sockets.tls.v3.Secret, envoy.config.core.v3.TypedExtensionConfig, envoy.service.runtime.v3.Runtime, ratelimit.config.ratelimit.v3.RateLimitConfig; got "type.googleapis.com/envoy.config.core.v3.Node"',
    ],
  },
  {
    way: "no @type",
    spoil: put("clusters.yaml", "resources:\n- name: backend\n"),
    says: [
      'DIR/clusters.yaml:2:3 INVALID resources[0]: this resource has no "@type", and name is a field of clusters, listeners, filter-chains, scoped-routes, … (9 in all); add an "@type", such as type.googleapis.com/envoy.config.cluster.v3.Cluster, or set the type with --type, in code with resourceType',
    ],
  },
  {
    way: "no name",
    spoil: edit("name: backend", "alt_stat_name: backend"),
    says: [
      "DIR/clusters.yaml:2:3 INVALID resources[0]: expected a name, by which clients ask for the resource, got none; set the field name",
    ],
  },
  {
    way: "a name that another file has",
    spoil: put("more.yaml", `resources:\n${cluster}`),
    says: [
      'DIR/more.yaml:2:3 INVALID clusters "backend" is already at DIR/clusters.yaml:2:3; rename or remove one of the two',
    ],
  },
  {
    way: "an object that is nothing known",
    spoil: put("more.yaml", "clusters: []\n"),
    says: [
      'DIR/more.yaml:1:1 INVALID expected an object with a list "resources:", or one resource with its "@type", got another object; put clusters: under static_resources:, or put all resources into a list resources:',
    ],
  },
  {
    way: "a name alone",
    spoil: put("more.yaml", "backend\n"),
    says: [
      'DIR/more.yaml:1:1 INVALID expected an object with a list "resources:", or one resource with its "@type", got something else (not shown: it may be secret)',
    ],
  },
  {
    way: "a value against the API's rules",
    spoil: edit("1s", "0s"),
    says: ["DIR/clusters.yaml:5:20 FIELD_RULE clusters/backend: connect_timeout must be more than 0s, is 0s"],
  },
  {
    way: "a field that the API requires is not there",
    spoil: edit("1s", "1s\n  health_checks: [{ interval: 1s }]"),
    says: [
      "DIR/clusters.yaml:6:19 MISSING_FIELD clusters/backend: health_checks[0].health_checker is required: one of http_health_check, tcp_health_check, grpc_health_check, custom_health_check",
      "DIR/clusters.yaml:6:19 MISSING_FIELD clusters/backend: health_checks[0].timeout is required",
      "DIR/clusters.yaml:6:19 MISSING_FIELD clusters/backend: health_checks[0].unhealthy_threshold is required",
      "DIR/clusters.yaml:6:19 MISSING_FIELD clusters/backend: health_checks[0].healthy_threshold is required",
    ],
  },
  {
    way: "a field in an Any against the API's rules",
    spoil: put(
      "more.yaml",
      `"@type": ${listenerType}
name: tcp
filter_chains:
- filters:
  - name: tcp
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
      cluster: backend
`,
    ),
    says: [
      "DIR/more.yaml:7:7 FIELD_RULE listeners/tcp: filter_chains[0].filters[0].typed_config<TcpProxy>.stat_prefix must have at least 1 character, is empty",
    ],
  },
  {
    way: "a reference to what is not there",
    spoil: edit("name: backend", "name: backends"),
    isWarning: true,
    says: [
      'DIR/clusters.yaml:3:9 MISSING_TARGET clusters/backends: name refers to "backends", which is not among the endpoints of the configuration; add it, or correct the name',
      'DIR/routes.yaml:8:23 MISSING_TARGET routes/local: virtual_hosts[0].routes[0].route.cluster refers to "backend", which is not among the clusters of the configuration; add it, or correct the name',
    ],
  },
  {
    way: "an empty file, such as a program leaves while it writes it in place",
    spoil: put("clusters.yaml", "\n"),
    says: [
      'DIR/clusters.yaml UNREADABLE the file is empty; write its resources, "resources: []" if it has none, or remove it',
    ],
  },
  {
    way: "a file removed, where others refer to what it had",
    spoil: (directory) => rm(join(directory, "endpoints.json")),
    isWarning: true,
    says: [
      'DIR/clusters.yaml:3:9 MISSING_TARGET clusters/backend: name refers to "backend", which is not among the endpoints of the configuration; add it, or correct the name',
    ],
  },
  {
    way: "a symbolic link to nothing",
    spoil: (directory) => symlink("nowhere", join(directory, "more.yaml")),
    says: [
      "DIR/more.yaml UNREADABLE a symbolic link whose target does not exist; remove the link, or put the target back",
    ],
  },
  {
    way: "a symbolic link that leads back",
    spoil: (directory) => symlink(".", join(directory, "more.yaml")),
    says: ["DIR/more.yaml UNREADABLE this symbolic link leads back to a directory that it is in; remove it"],
  },
  {
    way: "a symbolic link to itself",
    spoil: (directory) => symlink("more.yaml", join(directory, "more.yaml")),
    says: [
      "DIR/more.yaml UNREADABLE cannot be read: a symbolic link that leads to itself; remove it, or make it lead to a file",
    ],
  },
  {
    way: "a pipe for a file",
    spoil: (directory) => run("mkfifo", [join(directory, "more.yaml")]),
    says: [
      "DIR/more.yaml UNREADABLE expected a regular file or a directory, got a pipe; remove it, or rename it without .yaml",
    ],
  },
  {
    way: "a file where groups have directories",
    spoil: async (directory) => {
      await mkdir(join(directory, "groups"));
      await writeFile(join(directory, "groups/edge.yaml"), "");
    },
    says: [
      "DIR/groups/edge.yaml UNREADABLE a file of no group; move it into a directory named after its node group, or out of groups/",
    ],
  },
  {
    way: "the bytes of an image",
    spoil: put("more.yaml", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a])),
    says: ["DIR/more.yaml:1:1 INVALID not UTF-8 text; save the file as UTF-8"],
  },
  {
    way: "a file of 100 MB",
    spoil: async (directory) => {
      await writeFile(join(directory, "more.yaml"), "");
      await truncate(join(directory, "more.yaml"), 100_000_000);
    },
    says: ["DIR/more.yaml UNREADABLE the file has more than 33554432 bytes, the limit; split it into several files"],
  },
  {
    way: "the directory renamed",
    spoil: (directory) => rename(directory, awayFrom(directory)),
    says: ["DIR UNREADABLE no such file or directory; check the path, or put it back"],
  },
];
