import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  serviceOption
} from "./chunk-WSFHJ34A.js";
import {
  NoConfiguration,
  Option,
  UsageError,
  addExamples,
  parsePort
} from "./chunk-J3J7LZXM.js";
import {
  complain,
  jsonOf,
  yamlOf
} from "./chunk-R2MMVVGI.js";
import {
  bootstrapMessage,
  clusterNamesIn,
  entriesIn,
  foreignDocument,
  kindOf,
  nodesAt,
  ownClusters,
  servedResources,
  spellings
} from "./chunk-J5PPFYCF.js";
import {
  envoyFormat,
  parseYaml
} from "./chunk-UGVPRJXZ.js";
import {
  LineIndex,
  formatProblem
} from "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import "./chunk-5S6OCP5I.js";
import {
  readGiven
} from "./chunk-D2S3E5CW.js";
import "./chunk-AIYMUFE6.js";
import "./chunk-3DMVKFOY.js";
import {
  formatPath,
  valueAt
} from "./chunk-TCS7TSVQ.js";
import {
  clusterType,
  secretType
} from "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import {
  messageOf
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/source/documents/own-bootstrap.js
var lists = ["clusters", "listeners", "secrets"];
function readOwnBootstrap(file, text) {
  const { documents, faults } = parseYaml(text, envoyFormat(file, text));
  const [document, ...others] = documents.filter((node) => node.kind !== "scalar" || node.value !== null);
  const kind = document && kindOf(document);
  const isBootstrap = document?.kind === "map" && kind?.message === bootstrapMessage && others.length === 0;
  if (faults.length > 0 || !isBootstrap || !kind.own) {
    const lines = new LineIndex(text);
    const message = `${document ? whatItIs(document, others.length) : "the file is empty"}; --from takes an Envoy's bootstrap`;
    const told = faults.length > 0 ? faults : [{ at: document?.at ?? 0, path: "", message }];
    return { problems: told.map(({ at, path, message: message2 }) => ({ file, ...lines.place(at), path, message: message2 })) };
  }
  if (isLarge(document))
    return {
      problems: [
        {
          file,
          path: "",
          message: `the file has more than ${mostValues} values, if repetitions by aliases are counted`
        }
      ]
    };
  return ownBootstrap(document, { ...kind, own: kind.own });
}
function whatItIs(document, more) {
  const foreign = foreignDocument(document);
  if (foreign !== void 0)
    return foreign;
  if (more > 0)
    return `this file has ${more + 1} documents`;
  const kind = kindOf(document);
  if (kind?.own?.sections)
    return "this is a config dump";
  if (kind)
    return "this is a list of resources";
  return valueAt(document, "@type") ? "this is one resource" : "this is not an Envoy configuration";
}
var mostValues = 1e6;
function isLarge(document) {
  const open = [document];
  for (let seen = 1; open.length > 0; seen++) {
    const node = open.pop();
    if (seen + open.length > mostValues)
      return true;
    if (node.kind === "list")
      for (const item of node.items)
        open.push(item);
    if (node.kind === "map")
      for (const { value } of node.entries)
        open.push(value);
  }
  return false;
}
function ownBootstrap(document, kind) {
  const all = kind.parts.flatMap(({ path }) => nodesAt(document, path));
  const servable = new Map(servedResources(document, kind, false).resources.map((one) => [formatPath(one.steps), one]));
  const isServed = (found) => servable.has(formatPath(found.steps));
  const own = ownClusters(document, kind.own, all);
  const kept = /* @__PURE__ */ new Map();
  for (const found of all)
    if (!isServed(found))
      kept.set(found, whyNotServed(found, own));
  const outside = document.entries.filter(({ key }) => !replaced.includes(key)).map(({ value }) => value);
  const needBy = (nodes, by) => {
    for (const found of all) {
      const one = servable.get(formatPath(found.steps));
      if (one && !kept.has(found) && nodes.some((node) => needs(node, one)))
        kept.set(found, `${by} needs it; it is also served, which does no harm`);
    }
  };
  needBy(outside, "another part of the file");
  for (const [found] of kept)
    needBy([found.node], `${formatPath(found.steps)}, which stays,`);
  const names = all.map(({ node }) => nameOf(node));
  return {
    bootstrap: restOf(document, kept),
    kept: Array.from(kept, ([found, why]) => ({ path: formatPath(found.steps), name: nameOf(found.node), why })),
    clusters: new Set(names)
  };
}
var replaced = [...spellings("dynamic_resources"), ...spellings("static_resources"), "node"];
function whyNotServed({ node, steps }, own) {
  const by = steps.includes("clusters") ? own.get(nameOf(node)) : void 0;
  if (by !== void 0 && spellings("dynamic_resources").includes(by))
    return "only dynamic_resources, which is replaced, names it; remove it if nothing else uses it";
  return by === void 0 ? "it cannot be served" : `${by} names it, and an Envoy takes such a cluster from its own file only`;
}
function needs(node, { typeUrl, name }) {
  if (typeUrl === clusterType)
    return [...clusterNamesIn(node)].includes(name);
  if (typeUrl !== secretType)
    return false;
  const values = [...entriesIn(node)].flatMap(({ value }) => value.kind === "list" ? value.items : [value]);
  return values.some((value) => value.kind === "map" && value.entries.length === 1 && nameOf(value) === name);
}
function restOf(document, kept) {
  const rest = fieldsOf(document);
  delete rest.dynamic_resources;
  const static_resources = fieldsOf(valueAt(document, ...spellings("static_resources")));
  for (const list of lists) {
    const items = [...kept.keys()].filter(({ steps }) => steps[1] === list);
    delete static_resources[list];
    if (items.length > 0)
      static_resources[list] = items.sort((a, b) => a.node.at - b.node.at).map(({ node }) => jsonOf2(node));
  }
  return { ...rest, static_resources };
}
var fieldsOf = (node) => Object.fromEntries(node?.kind === "map" ? node.entries.map(({ key, value }) => [snakeCase(key), jsonOf2(value)]) : []);
var snakeCase = (key) => key.startsWith("@") ? key : key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
function nameOf(node) {
  const name = valueAt(node, "name");
  return name?.kind === "scalar" ? name.text : "";
}
function jsonOf2(node) {
  if (node.kind === "list")
    return node.items.map(jsonOf2);
  if (node.kind === "map")
    return Object.fromEntries(node.entries.map(({ key, value: value2 }) => [key, jsonOf2(value2)]));
  const { value, text } = node;
  return typeof value === "bigint" || typeof value === "number" && !Number.isFinite(value) ? text : value;
}

// dist/cli/bootstrap/client-bootstrap.js
import { isIP } from "node:net";
var clientFeatures = ["xds.config.supports-resource-ttl"];
var failoverGuard = "envoy.restart_features.xds_failover_support";
var failoverLayer = "xds-failover";
function envoyBootstrap(options, taken = /* @__PURE__ */ new Set()) {
  const { service, variant, adminPort, servers } = options;
  const isRest = service === "rest";
  checkDifferent(servers);
  if (servers.length > 2)
    throw new UsageError(`an Envoy takes at most two servers; leave out ${servers.slice(2).map((server) => `--server ${server}`).join(" and ")}`);
  if (servers.length > 1 && service !== "ads")
    throw new UsageError(`an Envoy takes two servers only for the aggregated stream; leave out --service ${service}`);
  const clusters = namesOf(servers.length, taken);
  for (const [flag, value] of Object.entries({ "--node-id": options.nodeId, "--node-cluster": options.nodeCluster }))
    if (value === "")
      throw new UsageError(`${flag} is empty; Envoy sends no request without it`);
  const source = {
    api_type: isRest ? "REST" : variant === "delta" ? "DELTA_GRPC" : "GRPC",
    transport_api_version: "V3",
    ...isRest ? { cluster_names: clusters, refresh_delay: "5s", request_timeout: "5s" } : { grpc_services: clusters.map((cluster_name) => ({ envoy_grpc: { cluster_name } })) }
  };
  const config = service === "ads" ? { resource_api_version: "V3", ads: {} } : { resource_api_version: "V3", api_config_source: source };
  return {
    node: { ...nodeOf(options), ...!isRest && { client_features: clientFeatures } },
    ...adminPort !== void 0 && { admin: { address: socketAddress("127.0.0.1", adminPort) } },
    ...options.loadReports && { cluster_manager: { load_stats_config: loadReporting(clusters, isRest) } },
    dynamic_resources: {
      ...!isRest && { ads_config: source },
      // with separate streams, it is for resources that name it
      cds_config: config,
      lds_config: config
    },
    static_resources: {
      clusters: clusters.map((name, index) => serverCluster(options, name, servers[index], !isRest))
    },
    ...servers.length > 1 && {
      layered_runtime: {
        layers: [
          { name: failoverLayer, static_layer: { [failoverGuard]: true } },
          { name: "admin", admin_layer: {} }
          // Envoy's default, if there are no layers
        ]
      }
    }
  };
}
function loadReporting([cluster_name], isRest) {
  if (isRest)
    throw new UsageError("load reports need gRPC; leave out --load-reports, or --service rest");
  const grpc_services = [{ envoy_grpc: { cluster_name: cluster_name ?? "" } }];
  return { api_type: "GRPC", transport_api_version: "V3", grpc_services };
}
function namesOf(count, taken) {
  const names = [];
  for (let number = 1; names.length < count; number++) {
    const name = number === 1 ? "xds" : `xds-${number}`;
    if (!taken.has(name))
      names.push(name);
  }
  return names;
}
function serverCluster(options, name, server, isHttp2) {
  const { host, port } = hostAndPort(server);
  const httpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return {
    name,
    type: isAddress(host) ? "STATIC" : "STRICT_DNS",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(host, port) } }] }]
    },
    ...isHttp2 && {
      typed_extension_protocol_options: {
        [httpOptions]: {
          "@type": `type.googleapis.com/${httpOptions}`,
          explicit_http_config: {
            http2_protocol_options: { connection_keepalive: { interval: "30s", timeout: "5s" } }
          }
        }
      }
    },
    ...transportSocket(options, host)
  };
}
function transportSocket(options, host) {
  if (!usesTls(options))
    return {};
  const { tlsCa, tlsCert, tlsKey, tlsServerName } = options;
  const name = tlsServerName ?? (isAddress(host) ? void 0 : host);
  const certificates = tlsCert === void 0 ? {} : { tls_certificates: [{ certificate_chain: { filename: tlsCert }, private_key: { filename: tlsKey ?? "" } }] };
  const validation = tlsCa === void 0 ? {} : {
    validation_context: {
      trusted_ca: { filename: tlsCa },
      match_typed_subject_alt_names: [
        name === void 0 ? { san_type: "IP_ADDRESS", matcher: { exact: host } } : { san_type: "DNS", matcher: { exact: name } }
      ]
    }
  };
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        ...name !== void 0 && { sni: name },
        common_tls_context: { ...certificates, ...validation }
      }
    }
  };
}
function grpcBootstrap(options) {
  const { servers, service, tlsCa, tlsCert, tlsKey, tlsServerName } = options;
  if (service !== "ads")
    throw new UsageError("gRPC clients use only the aggregated stream; leave out --service");
  if (tlsServerName !== void 0)
    throw new UsageError("gRPC clients use the server's host as its name; leave out --tls-server-name, and give --server with that name");
  checkDifferent(servers);
  servers.forEach(hostAndPort);
  const files = { ca_certificate_file: tlsCa, certificate_file: tlsCert, private_key_file: tlsKey };
  return {
    xds_servers: servers.map((server_uri) => ({
      server_uri,
      channel_creds: [usesTls(options) ? { type: "tls", config: files } : { type: "insecure" }],
      server_features: ["xds_v3"]
    })),
    node: { locality: {}, ...nodeOf(options) }
    // gRPC for Node.js requires a locality
  };
}
function usesTls({ tls, tlsCa, tlsCert, tlsKey, tlsServerName }) {
  if (tlsCert === void 0 !== (tlsKey === void 0))
    throw new UsageError("--tls-cert and --tls-key go together; give both");
  return tls === true || [tlsCa, tlsCert, tlsServerName].some((value) => value !== void 0);
}
function nodeOf({ nodeId, nodeCluster, locality }) {
  const [region, zone, subZone, ...rest] = locality ?? [];
  if (rest.length > 0)
    throw new UsageError(`--locality is region/zone/sub-zone; remove "/${rest.join("/")}"`);
  return {
    id: nodeId,
    cluster: nodeCluster,
    ...region !== void 0 && {
      locality: { region, ...zone !== void 0 && { zone }, ...subZone !== void 0 && { sub_zone: subZone } }
    }
  };
}
function checkDifferent(servers) {
  const again = servers.find((server, index) => servers.indexOf(server) < index);
  if (again !== void 0)
    throw new UsageError(`--server ${again} is given twice; give another server, or leave it out`);
}
function hostAndPort(server) {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(server) ?? [];
  const host = bracketed ?? plain;
  if (host !== void 0 && Number(port) <= 65535)
    return { host, port: Number(port) };
  throw new UsageError(`--server ${JSON.stringify(server)} is not host:port`);
}
var isAddress = (host) => isIP(host) !== 0;
var socketAddress = (address, port) => ({ socket_address: { address, port_value: port } });

// dist/cli/bootstrap/bootstrap-from.js
async function bootstrapFrom(file, options, isGiven) {
  const bytes = await readGiven(file).catch((error) => {
    throw new NoConfiguration(`${file}: cannot be read: ${messageOf(error)}`);
  });
  const own = readOwnBootstrap(file, bytes.toString());
  if ("problems" in own)
    throw new NoConfiguration(own.problems.map(formatProblem).join("\n"));
  for (const { path, name, why } of own.kept.slice(0, mostKept))
    complain(`${path}${name && ` ${JSON.stringify(name)}`} stays: ${why}`);
  if (own.kept.length > mostKept)
    complain(`${own.kept.length - mostKept} more resources stay`);
  return merged(own.bootstrap, envoyBootstrap(options, own.clusters), isGiven);
}
var mostKept = 100;
function merged(own, made, isGiven) {
  const { clusters = [], ...resources } = objectOf(own.static_resources);
  const layers = listOf(objectOf(own.layered_runtime).layers);
  const [failoverMade, ...others] = made.layered_runtime?.layers ?? [];
  const same = layers.find(({ name }) => name === failoverLayer);
  const failover = failoverMade && {
    ...failoverMade,
    static_layer: { ...objectOf(same?.static_layer), ...objectOf(failoverMade.static_layer) }
  };
  const { admin, layered_runtime, ...rest } = own;
  return {
    ...rest,
    node: nodeOf2(objectOf(own.node), made.node, isGiven),
    ...isGiven("adminPort") ? made.admin && { admin: { ...objectOf(admin), ...made.admin } } : admin && { admin },
    ...made.cluster_manager && {
      cluster_manager: { ...objectOf(own.cluster_manager), ...made.cluster_manager }
    },
    dynamic_resources: made.dynamic_resources,
    static_resources: { ...resources, clusters: [...listOf(clusters), ...made.static_resources.clusters] },
    ...failover ? {
      layered_runtime: {
        ...objectOf(layered_runtime),
        layers: layers.length > 0 ? [failover, ...layers.filter((layer) => layer !== same)] : [failover, ...others]
      }
    } : layered_runtime && { layered_runtime }
  };
}
function nodeOf2(own, made, isGiven) {
  const given = Object.fromEntries(Object.entries({ id: "nodeId", cluster: "nodeCluster", locality: "locality" }).filter(([, option]) => isGiven(option)));
  const { client_features, clientFeatures: clientFeatures2, ...rest } = own;
  const features = [...listOf(client_features ?? clientFeatures2), ...listOf(made.client_features)];
  return {
    ...made,
    ...rest,
    ...Object.fromEntries(Object.keys(given).flatMap((key) => made[key] === void 0 ? [] : [[key, made[key]]])),
    ...features.length > 0 && { client_features: [...new Set(features)] }
  };
}
var objectOf = (value) => typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
var listOf = (value) => Array.isArray(value) ? value : [];

// dist/cli/commands/bootstrap.js
var noAdsOverRest = "an Envoy refuses resources that name `ads` as a source, also those that `xds serve` makes of static secrets; use an `api_config_source` in them";
var drainTimes = "An Envoy uses a replaced listener for its --drain-time-s (600 by default). The server keeps what that listener refers to for its own --envoy-drain-time (10m by default; in code, drainTimeMs). Both must agree: change them together.";
function addBootstrap(program, exit) {
  const command = program.command("bootstrap").summary("print the bootstrap with which an Envoy or a gRPC client connects to an xDS server").description(`Print a bootstrap with which an Envoy gets its configuration from this server. With --grpc, print one for a gRPC client (GRPC_XDS_BOOTSTRAP). The paths of TLS files are those on the client's machine.

Resources can name \`ads\` as the source of other resources, as EDS clusters do. With --service separate, these other resources come on an additional aggregated stream, and changes are not ordered across the streams: a changed cluster can wait 15 s for its endpoints, and a removed resource can still be in use. With --service rest there is no ADS: ${noAdsOverRest}.

If --server is given twice, an Envoy uses the second server when the first does not answer from the start. An Envoy that has received a response from the first server stays with it. Envoy calls this experimental, and supports at most two servers, on the aggregated stream. A gRPC client takes any number of servers, and uses the next one when it lacks a resource that it needs.

With --from, the bootstrap is that of the file, without dynamic_resources and without the static resources that \`xds serve\` serves from the same file. Some resources stay, because an Envoy takes them from its own file only: clusters that tracing, stats sinks or access logs of the admin page name, and API listeners. A line on stderr says for each why it stays. Comments are lost. The options about the node, and --admin-port, replace values of the file only if they are given.

The bootstrap for Envoy announces the client feature xds.config.supports-resource-ttl. An Envoy does not announce this feature by itself, and without it the server sends no TTL.

${drainTimes}`).addOption(new Option("--server <host:port>", "the xDS server (default 127.0.0.1:18000); give it again for a server to use when the ones before do not answer").argParser((server, before = []) => [...before, server]).env("XDS_SERVER")).option("--from <file>", "an Envoy's own bootstrap file, or - for standard input: keep all of it except what `xds serve` serves").option("--node-id <id>", "the node's id", "my-node").option("--node-cluster <name>", "the node's cluster", "my-cluster").option("--locality <region/zone/sub-zone>", "where the node runs; zone and sub-zone are optional").addOption(new Option("--variant <variant>", "incremental, or state of the world").choices(["delta", "sotw"]).default("delta")).addOption(serviceOption("one aggregated stream, a separate stream for each type, or polling over REST (--server then has the REST port)", ["ads", "separate", "rest"])).option("--tls", "use TLS; each --tls option below implies it").option("--tls-ca <file>", "authorities of the server's certificate, in PEM; without it, Envoy accepts any certificate").option("--tls-cert <file>", "the client's own certificate, in PEM (mTLS)").option("--tls-key <file>", "the private key of --tls-cert, in PEM").option("--tls-server-name <name>", "a DNS name that the server's certificate must have; by default the server's host").addOption(new Option("--admin-port <port>", `port of Envoy's admin page, on loopback, or "off"`).argParser((text) => text === "off" ? text : parsePort(text)).default(9901)).option("--load-reports", "report the Envoy's load to the server (LRS), which gradual rollouts compare").option("--grpc", "a bootstrap for gRPC clients, as JSON").addOption(new Option("-o, --output <format>", "output format (default yaml; json with --grpc)").choices(["yaml", "json"]));
  addExamples(command, [
    [
      "xds bootstrap > bootstrap.yaml && envoy -c bootstrap.yaml",
      "an Envoy that gets its configuration from 127.0.0.1:18000"
    ],
    ["xds bootstrap --server xds.example.com:443 --tls-ca ca.pem --node-id edge-1 --node-cluster edge", "over TLS"],
    [
      "xds bootstrap --from envoy.yaml > bootstrap.yaml && xds serve envoy.yaml",
      "the Envoy keeps its admin page, tracing and stats sinks; its listeners and clusters come from the server"
    ],
    [
      "xds bootstrap --server xds-1.example.com:18000 --server xds-2.example.com:18000",
      "an Envoy that uses the second server if the first is down at its start"
    ],
    ["xds bootstrap --grpc > grpc.json && GRPC_XDS_BOOTSTRAP=grpc.json ./my-grpc-client", "for a gRPC client"]
  ]);
  command.action(async (options) => {
    if (options.grpc)
      checkGrpc(command);
    const { grpc = false, output = grpc ? "json" : "yaml", server, from, locality, adminPort, ...rest } = options;
    const of = {
      ...rest,
      servers: server ?? ["127.0.0.1:18000"],
      ...locality !== void 0 && { locality: locality.split("/") },
      ...adminPort !== "off" && { adminPort }
    };
    const isGiven = (option) => !["default", void 0].includes(command.getOptionValueSource(option));
    const bootstrap = grpc ? grpcBootstrap(of) : from === void 0 ? envoyBootstrap(of) : await bootstrapFrom(from, of, isGiven);
    if (of.service === "rest")
      complain(`over REST there is no ADS: ${noAdsOverRest}`);
    if (output === "yaml" && !grpc)
      process.stdout.write(`# ${drainTimes}
`);
    process.stdout.write(output === "yaml" ? yamlOf(bootstrap) : jsonOf(bootstrap));
    exit(0);
  });
}
function checkGrpc(command) {
  const { variant, adminPort, from, loadReports } = command.opts();
  if (loadReports)
    throw new UsageError("clusters tell gRPC clients where to report load; leave out --load-reports");
  if (from !== void 0)
    throw new UsageError("--from is an Envoy's file; leave it out, or --grpc");
  const isGiven = (option) => command.getOptionValueSource(option) !== "default";
  if (isGiven("adminPort") && adminPort !== "off")
    throw new UsageError("gRPC clients have no admin page; leave out --admin-port");
  if (isGiven("variant") && variant !== "sotw")
    throw new UsageError(`gRPC clients use the state of the world only; leave out --variant ${variant}`);
}
export {
  addBootstrap
};
