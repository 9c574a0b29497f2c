import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  ReadingThread
} from "./chunk-MUMYPMVW.js";
import {
  resourceJson
} from "./chunk-4C7NFQI4.js";
import {
  envoyBinary
} from "./chunk-7GRO2XK4.js";
import {
  paint,
  print
} from "./chunk-VMMSHLDO.js";
import {
  checkConfiguration
} from "./chunk-SNOGX4O2.js";
import {
  fromNote,
  fromProblem,
  fromResource,
  inOrder,
  placeOf,
  sourceCodes,
  wordsOf
} from "./chunk-QD7ISA5E.js";
import {
  isHandled
} from "./chunk-3HUGTRVO.js";
import {
  Locator
} from "./chunk-JFHIICP2.js";
import {
  viewOf
} from "./chunk-BWU6O4MA.js";
import {
  isStream
} from "./chunk-D2S3E5CW.js";
import {
  clusterType
} from "./chunk-QMJ32M3M.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/envoy/verdict.js
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// dist/cli/envoy/static-bootstrap.js
var type = (name) => ({ "@type": `type.googleapis.com/${name}` });
var hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
var ads = { ads: {}, resource_api_version: "V3" };
var address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
var router = { name: "router", typed_config: type("envoy.extensions.filters.http.router.v3.Router") };
var own = (name) => `xds-validate/${name}`;
var serverName = own("management-server");
var ownServer = {
  api_type: "GRPC",
  transport_api_version: "V3",
  grpc_services: [{ envoy_grpc: { cluster_name: serverName } }]
};
var http = (name, fields) => {
  const typed_config = { ...type(hcm), stat_prefix: "http", http_filters: [router], ...fields };
  return { listeners: [{ name, address, filter_chains: [{ filters: [{ name: "http", typed_config }] }] }] };
};
var withoutClusterCheck = (routes) => ({ validate_clusters: false, ...routes });
function withoutSdsByAds(value) {
  if (typeof value !== "object" || value === null)
    return value;
  if (Array.isArray(value))
    return value.map((inner) => withoutSdsByAds(inner));
  const { ads: ads2, ...others } = value.sds_config ?? {};
  const source = ads2 === void 0 ? value : { ...value, sds_config: { ...others, api_config_source: ownServer } };
  return Object.fromEntries(Object.entries(source).map(([key, inner]) => [key, withoutSdsByAds(inner)]));
}
var places = {
  "envoy.extensions.transport_sockets.tls.v3.Secret": (secret) => ({ secrets: [secret] }),
  "envoy.config.cluster.v3.Cluster": (cluster) => ({ clusters: [withoutSdsByAds(cluster)] }),
  "envoy.config.endpoint.v3.ClusterLoadAssignment": (load_assignment, name) => JSON.stringify(load_assignment).includes('"leds_cluster_locality_config"') ? { leftOut: "a bootstrap file cannot have endpoints by LEDS" } : { clusters: [{ name, type: "STATIC", load_assignment }] },
  "envoy.service.runtime.v3.Runtime": ({ name = "", layer = {} }) => ({ layers: [{ name, static_layer: layer }] }),
  "envoy.config.route.v3.RouteConfiguration": (routes, name) => http(name, { route_config: withoutClusterCheck(routes) }),
  "envoy.config.route.v3.VirtualHost": (host, name) => http(name, { route_config: withoutClusterCheck({ virtual_hosts: [host] }) }),
  // Scopes in a file have their routes in them.
  "envoy.config.route.v3.ScopedRouteConfiguration": ({ route_configuration_name: routes, ...scope }, name) => http(name, {
    scoped_routes: {
      name: "scopes",
      scope_key_builder: { fragments: [{ header_value_extractor: { name: "a", index: 0 } }] },
      rds_config_source: ads,
      scoped_route_configurations_list: {
        scoped_route_configurations: [{ ...scope, ...routes ? { route_configuration: { name: routes } } : {} }]
      }
    }
  }),
  "envoy.config.core.v3.TypedExtensionConfig": extension,
  "envoy.config.listener.v3.Listener": (one) => one.api_listener ? { leftOut: "an API listener is for gRPC clients; Envoy accepts none from a server" } : { listeners: [one] }
};
function extension(config, name) {
  const { "@type": typeUrl = "", type_url: inner } = config.typed_config ?? {};
  const message = String(inner ?? typeUrl);
  if (message.includes("/envoy.extensions.filters.listener."))
    return { listeners: [{ name, address, listener_filters: [config], filter_chains: [{}] }] };
  if (!/\/envoy\.extensions\.(?:filters\.http|common\.matching)\./.test(message))
    return { leftOut: "only extension configs of HTTP and listener filters can be tried alone" };
  const isRouter = message === router.typed_config["@type"];
  return http(name, { route_config: {}, http_filters: isRouter ? [config] : [config, router] });
}
var typeOf = ({ "@type": typeUrl }) => String(typeUrl).slice(String(typeUrl).indexOf("/") + 1);
function placeStatically(resource, id) {
  const { "@type": _, ...fields } = resource;
  return places[typeOf(resource)]?.(fields, own(id)) ?? { leftOut: "a bootstrap file cannot have resources of its type" };
}
function inStaticOrder(all, resourceOf) {
  const types = Object.keys(places);
  const rank = (resource) => types.indexOf(typeOf(resource)) + (resource.type === "EDS" ? 0.5 : 0);
  return [...all].sort((a, b) => rank(resourceOf(a)) - rank(resourceOf(b)));
}
function staticBootstrap(placed, standIns = []) {
  const all = (list) => placed.flatMap((parts) => parts[list] ?? []);
  const hasInternal = all("listeners").some((one) => one.internal_listener);
  return {
    node: { id: "xds-validate", cluster: "xds-validate" },
    dynamic_resources: {
      ads_config: ownServer
    },
    static_resources: {
      clusters: [.../* @__PURE__ */ new Set([serverName, ...standIns])].map(standIn).concat(all("clusters")),
      listeners: all("listeners"),
      secrets: all("secrets")
    },
    layered_runtime: { layers: all("layers") },
    ...hasInternal && { bootstrap_extensions: [internalListeners] }
  };
}
var internalListeners = {
  name: "envoy.bootstrap.internal_listener",
  typed_config: type("envoy.extensions.bootstrap.internal_listener.v3.InternalListener")
};
var http2Options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
var standIn = (name) => ({
  name,
  type: "STATIC",
  typed_extension_protocol_options: {
    [http2Options]: { ...type(http2Options), explicit_http_config: { http2_protocol_options: {} } }
  }
});
function serviceClustersOf(value) {
  if (typeof value !== "object" || value === null)
    return [];
  if (Array.isArray(value))
    return value.flatMap(serviceClustersOf);
  return Object.entries(value).flatMap(([field, inner]) => {
    if (field === "envoy_grpc")
      return [String(inner.cluster_name)];
    if (field === "api_config_source") {
      const { cluster_names = [], grpc_services = [] } = inner;
      return [...cluster_names, ...serviceClustersOf(grpc_services)];
    }
    return serviceClustersOf(inner);
  });
}

// dist/cli/envoy/verdict.js
var mostRefused = 20;
var timeoutMs = 6e4;
var maxOutputBytes = 64 << 20;
var EnvoyValidator = class _EnvoyValidator {
  binary;
  version;
  constructor(binary, version) {
    this.binary = binary;
    this.version = version;
  }
  /**
   * Runs the binary that {@link envoyBinary} finds.
   * @throws XdsError INVALID_OPTION if it does not run, or is no Envoy
   */
  static async find(name) {
    const binary = envoyBinary(name);
    const { output, code } = await inDirectory((directory) => run(binary, ["--version"], directory));
    const version = /\bversion: \w+\/(\d+\.\d+\.\d+[^/\s]*)\//.exec(output)?.[1];
    if (code === 0 && version !== void 0)
      return new _EnvoyValidator(binary, version);
    const got = output.trim().split("\n")[0]?.slice(0, 200);
    throw unusable(binary, `expected Envoy's version from ${binary} --version, got exit code ${code} and "${got}"`);
  }
  /**
   * Finds the resources of a configuration that this Envoy refuses. Each group is tried as its nodes are served.
   * @throws XdsError INVALID_OPTION if the Envoy does not run
   */
  async ask(configuration) {
    return inDirectory(async (directory) => {
      const asking = new Asking(this.binary, directory);
      await asking.tryEmpty();
      await asking.view(viewOf(configuration, void 0), "");
      for (const group of configuration.groups.keys())
        await asking.view(viewOf(configuration, group), ` (for nodes of group ${group})`);
      return { version: this.version, ...asking.result() };
    });
  }
};
async function inDirectory(act) {
  let directory;
  const remove = () => directory && rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
  const stopHandling = onEnd(remove);
  try {
    directory = mkdtempSync(join(tmpdir(), "xds-validate-"));
    return await act(directory);
  } finally {
    stopHandling();
    remove();
  }
}
function onEnd(act) {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const handle = (signal) => {
    if (isHandled(signal))
      return;
    act();
    stop();
    process.kill(process.pid, signal);
  };
  const stop = () => {
    process.off("exit", act);
    for (const signal of signals)
      process.off(signal, handle);
  };
  process.on("exit", act);
  for (const signal of signals)
    process.on(signal, handle);
  return stop;
}
var Asking = class {
  binary;
  directory;
  candidates = /* @__PURE__ */ new Map();
  refused = /* @__PURE__ */ new Map();
  notTried = /* @__PURE__ */ new Map();
  /** How many resources Envoy did not accept, with those that crashed it. */
  culprits = 0;
  isPartial = false;
  file;
  constructor(binary, directory) {
    this.binary = binary;
    this.directory = directory;
    this.file = join(directory, "bootstrap.json");
  }
  result() {
    const remarks = (of) => Array.from(of, ([resource, message]) => ({ of: resource, message }));
    return { refused: remarks(this.refused), notTried: remarks(this.notTried), isPartial: this.isPartial };
  }
  /** Checks that Envoy accepts a bootstrap without resources, so that later errors are about the resources. */
  async tryEmpty() {
    const why = await this.refusal(staticBootstrap([]));
    if (why)
      throw unusable(this.binary, `it refuses even a bootstrap without resources: ${why.words}`);
  }
  /**
   * Finds refused resources among those of some nodes. `where` is appended to messages about resources of all nodes.
   */
  async view(resources, where) {
    const isKnown = new Set(this.candidates.keys());
    let candidates = inStaticOrder(resources.flatMap((resource) => this.candidate(resource) ?? []), ({ json }) => json);
    const tried = new Set(candidates.flatMap(({ of }) => clusterName(of)));
    const expected = candidates.flatMap(({ json }) => serviceClustersOf(json)).filter((name) => !tried.has(name));
    const standIns = /* @__PURE__ */ new Set([...expected, ...resources.filter((of) => this.refused.has(of)).flatMap(clusterName)]);
    const refusalOf = (count2) => this.refusal(staticBootstrap(candidates.slice(0, count2).map(({ parts }) => parts), standIns));
    let taken = 0;
    for (; ; ) {
      let why = await refusalOf(candidates.length);
      if (why === void 0)
        return;
      if (this.culprits >= mostRefused) {
        this.isPartial = true;
        return;
      }
      let refused = candidates.length;
      while (refused - taken > 1) {
        const middle = taken + refused >> 1;
        const other = await refusalOf(middle);
        if (other === void 0)
          taken = middle;
        else
          [refused, why] = [middle, other];
      }
      const culprit = candidates[taken];
      if (!culprit)
        throw unusable(this.binary, `it accepts and refuses the same bootstrap: ${why.words}`);
      const remarks = why.isCrash ? this.notTried : this.refused;
      remarks.set(culprit.of, isKnown.has(culprit.of) ? why.words + where : why.words);
      this.culprits++;
      candidates = candidates.filter((one) => one !== culprit);
      for (const name of clusterName(culprit.of))
        standIns.add(name);
    }
  }
  candidate(of) {
    if (this.refused.has(of) || this.notTried.has(of))
      return void 0;
    const known = this.candidates.get(of);
    if (known)
      return known;
    try {
      const json = resourceJson(of.type.typeUrl, of.body, of.registry);
      const placed = placeStatically(json, this.candidates.size);
      if (!("leftOut" in placed)) {
        const candidate = { of, json, parts: placed };
        this.candidates.set(of, candidate);
        return candidate;
      }
      this.notTried.set(of, placed.leftOut);
    } catch (error) {
      this.notTried.set(of, messageOf(error));
    }
    return void 0;
  }
  /** Why Envoy refuses a bootstrap, or undefined if Envoy accepts it. */
  async refusal(bootstrap) {
    await writeFile(this.file, JSON.stringify(bootstrap), { mode: 384 });
    const args = ["--mode", "validate", "-l", "critical", "-c", this.file];
    const { code, output } = await run(this.binary, args, this.directory);
    if (code === 0)
      return void 0;
    if (typeof code === "number")
      return { words: wordsIn(output, this.file), isCrash: false };
    if (output.includes(`configuration '${this.file}' OK`))
      return void 0;
    return { words: `Envoy crashed (${code}) on this in its --mode validate`, isCrash: true };
  }
};
var clusterName = ({ type: type2, name }) => type2.typeUrl === clusterType ? [name] : [];
async function run(binary, args, directory) {
  const file = await open(join(directory, "output"), "w+", 384);
  try {
    const code = await endOf(binary, args, file.fd);
    const { size } = await file.stat();
    const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(size, maxOutputBytes)), { position: 0 });
    return { code, output: buffer.toString("utf8", 0, bytesRead) };
  } finally {
    await file.close();
  }
}
function endOf(binary, args, output) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ["ignore", output, output], detached: true });
    const stopHandling = onEnd(() => child.kill("SIGKILL"));
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.on("error", ({ code }) => {
      clearTimeout(timer);
      stopHandling();
      reject(unusable(binary, code === "ENOENT" ? "no such program" : `it cannot be run (${code})`));
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      stopHandling();
      if (!isLate)
        resolve(code ?? signal ?? "no exit code");
      else
        reject(unusable(binary, `it was killed because it did not end within ${timeoutMs / 1e3} s`));
    });
  });
}
var unusable = (binary, why) => new XdsError("INVALID_OPTION", `${binary} cannot check resources: ${why}; give --envoy the path of an Envoy that runs on this machine`);
var longestWords = 2e3;
var bootstrapStart = '{"node":';
var outerSteps = /(?:(?:Bootstrap|StaticResources)ValidationError\.\w+(?:\[\d+\])?: embedded message failed validation \| caused by )+/;
function wordsIn(output, file) {
  const [, printed = output.trim()] = output.split(`error initializing configuration '${file}': `);
  const afterMessage = printed.lastIndexOf("\n: ");
  const [line = ""] = (afterMessage < 0 ? printed : printed.slice(afterMessage + 3)).trimStart().split("\n");
  const [words = ""] = line.split(bootstrapStart);
  return words.replace(outerSteps, "").replace(/:? $/, "").slice(0, longestWords) || "it does not say why";
}

// dist/cli/report/report.js
var ownCodes = {
  ...sourceCodes,
  ENVOY: "error",
  NOT_TRIED: "info",
  NOT_CHECKED: "info"
};
function fromRemark({ of, message }, { places: places2 }, code) {
  const place = places2.get(of) ?? { file: "" };
  return { ...place, severity: ownCodes[code], code, type: of.type.name, resource: of.name, path: "", message };
}
function formatEntry(entry) {
  const colour = { error: paint.bad, warning: paint.warn, info: paint.faint }[entry.severity];
  return `${placeOf(entry)} ${colour(entry.severity)} ${entry.code} ${wordsOf(entry)}`;
}
var severities = ["error", "warning", "info"];
function countsOf(entries) {
  const counts = { error: 0, warning: 0, info: 0 };
  for (const { severity } of entries)
    counts[severity]++;
  return counts;
}
function entriesOf(reading, options, isTold = () => true) {
  if ("problems" in reading)
    return reading.problems.map((problem) => fromProblem(problem));
  const findings = options ? checkConfiguration(reading.configuration, options).filter(isTold) : [];
  return inOrder([...reading.notes.map(fromNote), ...findings.map((finding) => fromResource(finding, reading))]);
}
var reportOf = (findings, reading) => ({
  findings,
  counts: countsOf(findings),
  resources: "problems" in reading ? void 0 : reading.places.size
});
function printReport(output, report) {
  print(output, report, () => [...report.findings.map(formatEntry), summary(report)].join("\n"));
}
function summary({ counts: { error, warning, info }, resources, envoy }) {
  const counts = [count(error, "error"), count(warning, "warning"), count(info, "info")].join(", ");
  if (resources === void 0)
    return `${counts}; the API's rules were not checked, because files cannot be read`;
  const asked = envoy ? `; Envoy ${envoy.version} refuses ${envoy.refused}, and ${envoy.notTried} were not tried` : "";
  return `${counts} in ${count(resources, "resource")}${asked}`;
}
var count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// dist/cli/settings/reading.js
import { totalmem } from "node:os";

// dist/source/thread/worker-file.js
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
function workerFile() {
  return ["js", "mjs"].map((extension2) => new URL(`./reading-worker.${extension2}`, import.meta.url)).find((url) => url.protocol === "file:" && existsSync(fileURLToPath(url)));
}

// dist/cli/settings/reading.js
var memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());
var mostHeapBytes = 2 ** 30;
function readingThread({ fileMemory, fileTime }, log) {
  const file = workerFile();
  if (!file) {
    log?.warn({}, "files are read without limits of time and memory: reading-worker.js is not beside this program");
    return void 0;
  }
  const heapBytes = fileMemory ?? Math.min(memory / 4, mostHeapBytes);
  return new ReadingThread({ heapBytes, timeMs: fileTime }, file);
}
var locatedBy = (thread) => async (asked) => {
  const here = new Locator();
  const inFiles = asked.filter(({ resource }) => !isStream(resource.file));
  const found = await thread.locate(inFiles).catch(() => inFiles.map(({ resource }) => resource));
  const next = found.values();
  return asked.map(({ resource, path }) => isStream(resource.file) ? here.locate(resource, path) : next.next().value ?? resource);
};

export {
  mostRefused,
  EnvoyValidator,
  ownCodes,
  fromRemark,
  formatEntry,
  severities,
  entriesOf,
  reportOf,
  printReport,
  readingThread,
  locatedBy
};
