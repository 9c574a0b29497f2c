import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  closeAtEnd
} from "./chunk-HR4TENBB.js";
import {
  controlPath,
  ownerOfSocket,
  routeOf,
  socketOf
} from "./chunk-MSQBXV6K.js";
import {
  defaultStateDirectory,
  plainLog
} from "./chunk-ETZYIBCP.js";
import {
  etcdOptions,
  openEtcd,
  storePlace,
  storeSettings
} from "./chunk-W75H6G5K.js";
import {
  adminOf,
  adminOption
} from "./chunk-ALFN3YK7.js";
import {
  addSettings,
  configOption,
  readCall
} from "./chunk-XNJ3ZUMM.js";
import {
  useApi
} from "./chunk-7GRO2XK4.js";
import {
  NoConfiguration,
  UsageError
} from "./chunk-M4PHON7U.js";
import {
  useEnvoyApi
} from "./chunk-C24J2H5X.js";
import {
  readGiven
} from "./chunk-D2S3E5CW.js";
import {
  Resource
} from "./chunk-AKMKR4LC.js";
import {
  isBuiltInApi
} from "./chunk-BIVW5D3R.js";
import {
  XdsError,
  errorTable,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/control/control-client.js
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { userInfo } from "node:os";
var silentMs = 3e4;
var ControlClient = class {
  address;
  as;
  constructor(address, as = thisUser()) {
    this.address = address;
    this.as = as;
  }
  /** Whether the client can read private keys and other secrets. */
  get seesSecrets() {
    return !("admin" in this.address);
  }
  history() {
    return this.ask("history");
  }
  revision(number) {
    return this.ask(`revisions/${number}`);
  }
  /** The resources of a layer in a revision. Secrets are replaced if the client cannot read them. */
  async resources(number, layer) {
    const query = new URLSearchParams({ layer, form: "encoded", ...this.seesSecrets && { secrets: "true" } });
    const { resources } = await this.ask(`revisions/${number}/resources?${query}`);
    return resources.map(({ typeUrl, body, redacted = false, ...options }) => ({
      resource: Resource.fromBytes(typeUrl, Buffer.from(body, "base64"), options),
      isRedacted: redacted
    }));
  }
  rollout() {
    return this.ask("rollout");
  }
  audit(most) {
    return this.ask(`audit?most=${most}`);
  }
  /** The Envoy API that the server uses, as a serialized `FileDescriptorSet`. */
  descriptors() {
    return this.send("GET", "descriptors");
  }
  undo(order) {
    return this.order("undo", order);
  }
  onRollout(order, why) {
    return this.order(`rollout/${order}`, { why });
  }
  async again(of, why) {
    return (await this.order("rollout/again", { of, why })).again;
  }
  /** `until` in milliseconds since 1970. */
  freeze(why, until) {
    const order = { why, ...until !== void 0 && { until: new Date(until).toISOString() } };
    return this.order("freeze", order);
  }
  unfreeze(why) {
    return this.order("unfreeze", { why });
  }
  async approve(hash, why) {
    return (await this.order("approve", { hash, why })).approved;
  }
  async ask(path) {
    return this.parse(await this.send("GET", path));
  }
  async order(path, order) {
    return this.parse(await this.send("POST", path, JSON.stringify({ ...order, as: this.as })));
  }
  parse(bytes) {
    try {
      return JSON.parse(bytes.toString());
    } catch {
      throw new XdsError("STREAM_ENDED", `the server at ${this.place} is not \`xds serve\`: its answer is not JSON`);
    }
  }
  async send(method, path, body) {
    const { address } = this;
    if ("control" in address)
      return answerHere(address.control, method, path, body);
    const headers = body === void 0 ? {} : { "content-type": "application/json" };
    const options = { method, timeout: silentMs, headers: { ...headers, connection: "close" } };
    let response;
    let bytes;
    try {
      if ("admin" in address) {
        const url = new URL(`${address.admin.replace(/\/+$/, "")}${controlPath}${path}`);
        const request = url.protocol === "https:" ? httpsRequest : httpRequest;
        const authorization = `Bearer ${address.token}`;
        [response, bytes] = await finished(request(url, { ...options, headers: { ...options.headers, authorization } }), body);
      } else {
        const socketPath = await socketOf(address.stateDirectory);
        [response, bytes] = await finished(httpRequest({ ...options, socketPath, path: controlPath + path }), body);
      }
    } catch (cause) {
      throw new XdsError("STREAM_ENDED", whyUnreachable(address, cause), { cause });
    }
    if (response.statusCode === 200)
      return bytes;
    throw errorIn(bytes) ?? new XdsError("STREAM_ENDED", `the server at ${this.place} answers ${response.statusCode}`);
  }
  get place() {
    const { address } = this;
    if ("control" in address)
      return address.store;
    return "admin" in address ? address.admin : address.stateDirectory;
  }
};
function finished(request, body) {
  return new Promise((resolve2, reject) => {
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`the server has sent nothing for ${silentMs / 1e3} s`)));
    request.on("response", (response) => {
      const pieces = [];
      response.on("error", reject);
      response.on("data", (piece) => pieces.push(piece));
      response.on("end", () => resolve2([response, Buffer.concat(pieces)]));
      response.on("aborted", () => reject(new Error("the server's answer was cut off")));
    });
    request.end(body);
  });
}
async function answerHere(control, method, path, body = "") {
  const answer = await routeOf(control, method, controlPath + path, ownerOfSocket).answer(Buffer.from(body));
  if ("bytes" in answer)
    return Buffer.from(answer.bytes);
  if ("json" in answer)
    return Buffer.from(JSON.stringify(answer.json));
  const items = [];
  for await (const item of answer.of)
    items.push(item);
  return Buffer.from(JSON.stringify({ [answer.list]: items }));
}
function whyUnreachable(address, error) {
  if ("admin" in address)
    return `the admin port cannot be reached at ${address.admin}: ${messageOf(error)}; is \`xds serve\` running there? Name another port with --admin or XDS_ADMIN`;
  const { stateDirectory } = address;
  const others = "start `xds serve` with it, name another state directory with --state-dir or XDS_STATE_DIR, or use an admin port with --admin and --token-file";
  switch (error.code) {
    case "ENOENT":
    case "EINVAL":
    // the path is too long for a socket, and no file names another path
    case "ENAMETOOLONG":
      return `no server has the state directory ${stateDirectory}; ${others}`;
    case "ECONNREFUSED":
      return `the server of the state directory ${stateDirectory} is not running any more; ${others}`;
    case "EACCES":
    case "EPERM":
      return `another user runs the server of the state directory ${stateDirectory}; run this command as that user, or use the server's admin port with --admin and --token-file`;
    default:
      return `the server of the state directory ${stateDirectory} cannot be reached: ${messageOf(error)}`;
  }
}
function errorIn(bytes) {
  try {
    const { error, ...whole } = JSON.parse(bytes.toString());
    const { code = "", message } = error ?? whole;
    if (typeof message !== "string")
      return void 0;
    return new XdsError(Object.hasOwn(errorTable, code) ? code : "INTERNAL", message);
  } catch {
    return void 0;
  }
}
function thisUser() {
  const uid = process.getuid?.();
  let name;
  try {
    name = userInfo().username;
  } catch {
  }
  return uid === void 0 ? name ?? "unknown" : `uid ${uid}${name === void 0 ? "" : ` (${name})`}`;
}

// dist/cli/remote/control.js
import { resolve } from "node:path";
import { Option } from "commander";
var whyOption = () => new Option("--why <text>", "the reason, for the audit log").makeOptionMandatory();
var servedPathsHelp = "the paths that were given to `xds serve`: they lead to its state directory; by default those of XDS_PATHS or xds.yaml";
function addControlOptions(command, isAdminThere = false) {
  if (!isAdminThere)
    command.addOption(configOption()).addOption(adminOption());
  addSettings(command, storeSettings);
  return command.addOption(new Option("--state-dir <dir>", "state directory of the server, whose socket is used by default").env("XDS_STATE_DIR")).addOption(new Option("--token-file <file>", "file with a token: the admin port is used, in place of the socket").env("XDS_TOKEN_FILE"));
}
async function controlOf(given, { config, tokenFile }, command, needsServer = false) {
  const isGiven = (name) => command.getOptionValueSource(name) === "cli";
  if (isGiven("store") && needsServer)
    throw new UsageError("a store has no held changes: a server holds them, so name it with --state-dir, or --admin and --token-file. What `xds publish` holds, its --approve publishes");
  for (const [name, flag] of [
    ["stateDir", "--state-dir"],
    ["tokenFile", "--token-file"],
    ["admin", "--admin"]
  ])
    if (isGiven("store") && isGiven(name))
      throw new UsageError(`--store and ${flag} name two ways to the revisions; leave one of them out`);
  if (isGiven("stateDir") && isGiven("tokenFile"))
    throw new UsageError("--state-dir and --token-file name two ways to the server; leave one of them out");
  if (tokenFile !== void 0 && !isGiven("stateDir") && !isGiven("store")) {
    const admin = await adminOf(command, config);
    if (!/^https?:\/\/./.test(admin) || !URL.canParse(admin))
      throw new UsageError(`--admin is a URL such as http://127.0.0.1:18002, not ${JSON.stringify(admin)}`);
    return new ControlClient({ admin, token: await readToken(tokenFile) });
  }
  if (isGiven("admin"))
    throw new UsageError("the admin port takes orders with a token only; give --token-file too");
  const call = await readCall(given, config, command, ["stateDir", "liveTypes", ...storeSettings]);
  const { stateDir, store, liveTypes } = call.settings;
  const etcd = etcdOptions(call.settings);
  if (store && etcd && !needsServer && !isGiven("stateDir"))
    return storeControl(store, etcd, liveTypes);
  if (stateDir === "memory")
    throw new NoConfiguration("a server with its state in memory has no socket for orders; use its admin port, with --admin and --token-file");
  if (stateDir !== void 0)
    return new ControlClient({ stateDirectory: resolve(stateDir) });
  const paths = [...etcd ? [storePlace(etcd)] : [], ...call.statePaths];
  if (paths.length === 0)
    throw new UsageError("which server? Give the paths that it serves, here, in XDS_PATHS or in `paths:` of xds.yaml; or its --state-dir; or its --admin with --token-file");
  return new ControlClient({ stateDirectory: defaultStateDirectory(paths) });
}
async function storeControl({ text }, etcd, liveTypes) {
  const { StoreControl } = await import("./store-control-3W6MQDXV.js");
  const opened = await StoreControl.open(await openEtcd(etcd, plainLog), liveTypes);
  closeAtEnd(() => opened.close());
  return new ControlClient({ control: opened.control, store: text });
}
async function useApiOf(client, api) {
  if (api.descriptors !== void 0 || api.envoy !== void 0)
    return useApi(api);
  const descriptors = await client.descriptors();
  if (!isBuiltInApi(descriptors))
    useEnvoyApi(descriptors);
}
async function readToken(file) {
  let text;
  try {
    text = (await readGiven(file, { maxBytes: 64 << 10 })).toString();
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `--token-file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  const line = text.split(/\r?\n/).find((one) => !/^\s*(#|$)/.test(one)) ?? "";
  const token = /^\s*(?:[\w.@-]+:\s*)?([^\s:]+)\s*$/.exec(line)?.[1];
  if (token === void 0)
    throw new XdsError("INVALID_OPTION", `--token-file ${file} has no token: expected a line with it, or name:token`);
  return token;
}

export {
  thisUser,
  whyOption,
  servedPathsHelp,
  addControlOptions,
  controlOf,
  useApiOf
};
