import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  serviceOption
} from "./chunk-WSFHJ34A.js";
import {
  InvalidArgumentError,
  Option,
  UsageError,
  parseDuration
} from "./chunk-J3J7LZXM.js";
import {
  isCollection,
  referencesOf,
  whyNotKey,
  whyNotPem
} from "./chunk-B5Y3DCLC.js";
import {
  findResourceType,
  resourceTypes
} from "./chunk-5S6OCP5I.js";
import {
  readGiven
} from "./chunk-D2S3E5CW.js";
import {
  commandAgent
} from "./chunk-BXRIZRRP.js";
import {
  Resource
} from "./chunk-ZCNRJYSX.js";
import {
  canonicalName
} from "./chunk-7P7SAT7Z.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/remote/fetch-resources.js
var mostRounds = 20;
async function fetchResources(client, wanted, { follow, timeoutMs }) {
  const asked = /* @__PURE__ */ new Map();
  const unanswered = [];
  let next = wanted;
  for (let round = 0; next.size > 0 && round < mostRounds; round++) {
    for (const [typeUrl, names] of next) {
      const known = asked.get(typeUrl);
      if (known)
        for (const name of names)
          known.add(name);
      else
        asked.set(typeUrl, new Set(names));
      client.subscribe(typeUrl, names);
    }
    const late = await Promise.all(Array.from(next.keys(), (typeUrl) => answered(client, typeUrl, timeoutMs)));
    unanswered.push(...late.flat().filter((one) => !unanswered.some((two) => two.type === one.type && two.name === one.name)));
    next = follow ? referred(client, asked) : /* @__PURE__ */ new Map();
  }
  const missing = resourceTypes().flatMap((type) => {
    const names = asked.get(type.typeUrl);
    if (!names)
      return [];
    const { missing: absent, errors } = client.state(type.typeUrl);
    return [
      ...Array.from(absent, (name) => ({ type, name, reason: "the server has no resource of this name" })),
      ...Array.from(errors, ([name, { message }]) => ({ type, name, reason: printable(message) }))
    ];
  });
  return { resources: held(client), missing, unanswered };
}
var unavailable = 14;
var unimplemented = 12;
var advice = [
  [/ECONNREFUSED/, "nothing listens there; is the server running, and is this its port?"],
  [/Name resolution failed/, "is the host name correct?"],
  [
    /wrong version number|packet length too long/,
    "the server does not use TLS on this port; leave out the --tls options"
  ],
  [
    /certificate required|bad certificate|handshake failure/,
    "the server wants a client certificate; give --tls-cert and --tls-key"
  ],
  [/unknown ca/, "the server does not trust the authority of --tls-cert"],
  [/certificate (has expired|is not yet valid)/, "the server needs a new certificate"],
  [/ALTNAME_INVALID/, "give the name in the server's certificate with --tls-server-name"],
  [/certificate/, "give the server's authorities with --tls-ca"]
];
var adviceOn = (message) => advice.find(([says]) => says.test(message))?.[1] ?? "does the server want TLS (--tls) or another client certificate? Is it a gRPC server?";
function wordsAtEnd({ code, details }) {
  return code <= cancelled ? void 0 : `the server ended the stream with status ${code}: ${printable(details)}`;
}
var cancelled = 1;
var adviceOnNoAnswer = (nodeId) => `check that the address is the gRPC port of an xDS server, and that it serves node ${JSON.stringify(nodeId)} (--node-id, --node-cluster)`;
async function answered(client, typeUrl, timeoutMs) {
  try {
    await client.synced(typeUrl, ({ complete }) => complete, { timeoutMs });
    return [];
  } catch (error) {
    if (!(error instanceof XdsError))
      throw error;
    const code = error.cause?.code;
    if (code === unavailable)
      throw new XdsError(error.code, `${printable(error.message)}; ${adviceOn(error.message)}`);
    if (error.code !== "TIMED_OUT" && code !== unimplemented)
      throw error;
    const { names, resources, missing, wildcard, accepted, nacked } = client.state(typeUrl);
    const type = findResourceType(typeUrl);
    const reason = nacked ? `the answer is invalid: ${printable(nacked.message)}` : code === unimplemented ? printable(error.message) : `no answer within ${timeoutMs / 1e3} s`;
    const open = [...names].filter((name) => !resources.has(name) && !missing.has(name));
    return [...open, ...wildcard && accepted === 0 ? ["*"] : []].map((name) => ({ type, name, reason }));
  }
}
function referred(client, asked) {
  const next = /* @__PURE__ */ new Map();
  for (const resource of held(client))
    for (const { typeUrl, name } of referencesOf(resource)) {
      const known = asked.get(typeUrl);
      if (!findResourceType(typeUrl) || known?.has("*") || known?.has(name))
        continue;
      if (isCollection(canonicalName(name)) && !name.startsWith("xdstp:"))
        continue;
      const names = next.get(typeUrl) ?? [];
      next.set(typeUrl, names);
      if (!names.includes(name))
        names.push(name);
    }
  return next;
}
function held(client) {
  return resourceTypes().flatMap(({ typeUrl }) => Array.from(client.resources(typeUrl).values(), asResource).sort((a, b) => a.name < b.name ? -1 : 1));
}
var encoded = /* @__PURE__ */ new WeakMap();
function asResource(one) {
  let resource = encoded.get(one);
  if (!resource) {
    const { typeUrl, name, version, body, aliases, ttlMs } = one;
    const options = { name, aliases, ...version && { version }, ...ttlMs && { ttlMs } };
    resource = Resource.fromBytes(typeUrl, body, options);
    encoded.set(one, resource);
  }
  return resource;
}

// dist/cli/remote/remote.js
function addRemoteOptions(command) {
  const metadata = (pair, before = {}) => {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    if (key === void 0 || value === void 0)
      throw new InvalidArgumentError("expected <key>=<text>");
    return { ...before, [key]: value };
  };
  return command.addOption(new Option("--node-id <id>", "the node id that this client sends").default("xds-cli")).addOption(new Option("--node-cluster <name>", "the cluster of the node").default("")).addOption(new Option("--node-metadata <key=text>", "metadata of the node; can be given several times").argParser(metadata)).addOption(new Option("--variant <variant>", "incremental, or state of the world").choices(["delta", "sotw"]).default("delta")).addOption(serviceOption("one aggregated stream, or a separate stream for each type", ["ads", "separate"])).option("--tls", "use TLS and trust Node's authorities; each --tls option below implies it").option("--tls-ca <file>", "authorities of the server's certificate, in PEM").option("--tls-cert <file>", "the client's own certificate, in PEM (mTLS)").option("--tls-key <file>", "the private key of --tls-cert, in PEM").option("--tls-server-name <name>", "the name in the server's certificate, if it is not the host of the address").addOption(new Option("--timeout <time>", "how long to wait for answers").argParser(parseDuration).default(5e3, "5s"));
}
var serverOption = () => new Option("--server <host:port>", "the xDS server").default("127.0.0.1:18000").env("XDS_SERVER");
async function connect(options, callbacks = {}, reconnect = false) {
  const { server: address, nodeId: id, nodeCluster: cluster, nodeMetadata, variant, service, timeout } = options;
  const [scheme] = /^https?:\/\//.exec(address) ?? [];
  if (scheme)
    throw new UsageError(`--server ${JSON.stringify(address)} is a URL; give host:port, without ${scheme}`);
  const tls = await tlsOf(options);
  const { XdsClient } = await import("./xds-client-CQFASPQB.js");
  try {
    return new XdsClient({
      address,
      variant,
      service,
      node: { id, cluster, userAgentName: commandAgent, ...nodeMetadata && { metadata: { ...nodeMetadata } } },
      ...tls && { tls },
      callbacks,
      connectTimeoutMs: timeout,
      ...!reconnect && { reconnect: false }
    });
  } catch (error) {
    if (error instanceof XdsError && error.code === "INVALID_OPTION")
      throw new UsageError(error.message);
    throw error;
  }
}
async function tlsOf({ tls, tlsCa, tlsCert, tlsKey, tlsServerName }) {
  if (!tls && [tlsCa, tlsCert, tlsKey, tlsServerName].every((value) => value === void 0))
    return void 0;
  if (tlsCert === void 0 !== (tlsKey === void 0))
    throw new UsageError("--tls-cert and --tls-key go together; give both");
  const ca = await readPem("--tls-ca", tlsCa, (pem) => whyNotPem(pem, "CERTIFICATE"));
  const cert = await readPem("--tls-cert", tlsCert, (pem) => whyNotPem(pem, "CERTIFICATE"));
  const key = await readPem("--tls-key", tlsKey, (pem) => whyNotKey(pem, cert, void 0));
  return {
    ...ca && { ca },
    ...cert && { cert },
    ...key && { key },
    ...tlsServerName !== void 0 && { serverName: tlsServerName }
  };
}
async function readPem(flag, file, whyNot) {
  if (file === void 0)
    return void 0;
  const unusable = (why2) => new XdsError("INVALID_OPTION", `${flag} ${file} ${why2}`);
  const pem = await readGiven(file).catch((error) => {
    throw unusable(`cannot be read: ${messageOf(error)}`);
  });
  const why = whyNot(pem);
  if (why !== void 0)
    throw unusable(why);
  return pem;
}

export {
  fetchResources,
  wordsAtEnd,
  adviceOnNoAnswer,
  asResource,
  addRemoteOptions,
  serverOption,
  connect
};
