import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  resourceDocument,
  resourceEntry
} from "./chunk-YPK3NTLS.js";
import {
  barredReport,
  heldReport
} from "./chunk-LJEOXCCV.js";
import {
  XdsApi
} from "./chunk-QMJ32M3M.js";
import {
  printableCut
} from "./chunk-JESIV7YD.js";
import {
  XdsError
} from "./chunk-27MTFUNG.js";

// dist/control/order.js
var longestText = 1e3;
var wrong = (what) => new XdsError("INVALID_REQUEST", what);
var Order = class {
  fields;
  /** @throws XdsError INVALID_JSON if the body is not a JSON object; INVALID_REQUEST for a field not in `known` */
  constructor(body, known) {
    let value;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    } catch {
      throw new XdsError("INVALID_JSON", "the body of the request is not JSON");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new XdsError("INVALID_JSON", "the body of the request is not a JSON object");
    this.fields = value;
    const unknown = Object.keys(value).find((name) => !known.includes(name));
    if (unknown !== void 0)
      throw wrong(`the order has no field ${JSON.stringify(unknown.slice(0, 100))}; its fields: ${known.join(", ")}`);
  }
  /** A required text. @throws XdsError INVALID_REQUEST */
  text(name) {
    const value = this.textIfAny(name);
    if (value === void 0)
      throw wrong(`the order lacks ${JSON.stringify(name)}`);
    return value;
  }
  /** An optional text. @throws XdsError INVALID_REQUEST */
  textIfAny(name) {
    const value = this.fields[name];
    if (value === void 0)
      return void 0;
    if (typeof value === "string" && value.trim() !== "" && value.length <= longestText)
      return value;
    throw wrong(`${JSON.stringify(name)} must be a text of 1 to ${longestText} characters`);
  }
  /** An optional whole number from 1. @throws XdsError INVALID_REQUEST */
  countIfAny(name) {
    const value = this.fields[name];
    if (value === void 0)
      return void 0;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1)
      return value;
    throw wrong(`${JSON.stringify(name)} must be a whole number from 1`);
  }
  /** An optional future time in ISO 8601. Returns milliseconds since 1970. @throws XdsError INVALID_REQUEST */
  futureIfAny(name, now) {
    const text = this.textIfAny(name);
    if (text === void 0)
      return void 0;
    const time = Date.parse(text);
    if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(time))
      throw wrong(`${JSON.stringify(name)} must be a time such as 2030-01-31T12:00:00Z, is ${JSON.stringify(text)}`);
    if (time > now)
      return time;
    throw wrong(`${JSON.stringify(name)} must be in the future, is ${text}`);
  }
};

// dist/control/routes.js
var controlPath = "/control/";
var longestClaim = 100;
var ownerOfSocket = {
  who: (claimed) => ({
    by: claimed === void 0 ? "owner of the socket" : `claimed ${printableCut(claimed, longestClaim)}`
  }),
  seesSecrets: true
};
var question = (ask, ...parameters) => ({ parameters, ask });
var command = (give, ...fields) => ({ fields: [...fields, "as"], give });
var onRollout = (order) => command(async (control, given, who) => {
  await control[order](given.text("why"), who);
  return control.rollout();
}, "why");
var mostAudit = 1e4;
var questions = {
  history: question(async ({ control }) => ({ json: await control.history() })),
  rollout: question(async ({ control }) => ({ json: await control.rollout() })),
  audit: question(async ({ control, query }) => ({ json: await control.audit(Math.min(countIn(query, "most") ?? 50, mostAudit)) }), "most"),
  "revisions/*": question(async ({ control, part }) => ({ json: await control.revision(numberOf(part)) })),
  "revisions/*/resources": question(({ control, part, query, caller }) => {
    const withSecrets = query.get("secrets") === "true";
    if (withSecrets && !caller.seesSecrets)
      throw new XdsError("PERMISSION_DENIED", "secrets are shown on the socket in the state directory only, not on the admin port");
    const form = query.get("form") === "encoded" ? resourceEntry : resourceDocument;
    const resources = control.resources(numberOf(part), query.get("layer") ?? "/");
    return { list: "resources", of: mapped(resources, (one) => form(one, withSecrets)) };
  }, "layer", "secrets", "form"),
  descriptors: question(() => ({ bytes: XdsApi.default.descriptors }))
};
var commands = {
  undo: command((control, order, who) => {
    const [to, message] = [order.countIfAny("to"), order.textIfAny("message")];
    const what = {
      why: order.text("why"),
      ...to !== void 0 && { to },
      ...message !== void 0 && { message }
    };
    return control.undo(what, who);
  }, ...["to", "why", "message"]),
  "rollout/pause": onRollout("pause"),
  "rollout/resume": onRollout("resume"),
  "rollout/promote": onRollout("promote"),
  "rollout/promote-next": onRollout("promoteNext"),
  "rollout/abort": onRollout("abort"),
  "rollout/again": command(async (control, order, who) => ({
    again: barredReport(await control.again(order.text("of"), order.text("why"), who))
  }), ...["of", "why"]),
  freeze: command(async (control, order, who) => {
    const until = order.futureIfAny("until", control.time);
    await control.freeze({ why: order.text("why"), ...until !== void 0 && { until } }, who);
    return control.rollout();
  }, ...["why", "until"]),
  unfreeze: onRollout("unfreeze"),
  approve: command(async (control, order, who) => {
    const why = order.textIfAny("why");
    const approved = await control.approve({ hash: order.text("hash"), ...why !== void 0 && { why } }, who);
    return { approved: heldReport(approved) };
  }, ...["hash", "why"])
};
function routeOf(control, method, url, caller) {
  const [path = "", search = ""] = url.split(/\?(.*)/s);
  const [key, part] = keyOf(path.slice(controlPath.length));
  const asked = questions[key];
  const ordered = commands[key];
  if (!asked && !ordered) {
    const known = [...Object.keys(questions), ...Object.keys(commands)].map((one) => controlPath + one);
    throw new XdsError("UNKNOWN_PATH", `unknown path ${path}; the paths are ${known.join(", ")}`);
  }
  const needed = asked ? "GET" : "POST";
  if (method !== needed)
    throw new XdsError("METHOD_NOT_ALLOWED", `${method} ${path}: only ${needed} is supported`);
  const query = new URLSearchParams(search);
  const parameters = asked?.parameters ?? [];
  for (const name of query.keys())
    if (!parameters.includes(name))
      throw new XdsError("INVALID_REQUEST", `${path} has no parameter ${JSON.stringify(name)}; it accepts ${parameters.join(", ") || "none"}`);
  if (asked)
    return { needsBody: false, answer: async () => asked.ask({ control, part, query, caller }) };
  return {
    needsBody: true,
    answer: async (body) => {
      const order = new Order(body, ordered?.fields ?? []);
      const who = caller.who(order.textIfAny("as"));
      return { json: await ordered?.give(control, order, who) ?? {} };
    }
  };
}
function keyOf(path) {
  const [, part, rest = ""] = /^revisions\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  if (part !== void 0)
    return [`revisions/*${rest}`, part];
  return [Object.hasOwn(questions, path) || Object.hasOwn(commands, path) ? path : "", ""];
}
function numberOf(text) {
  if (/^\d{1,15}$/.test(text) && Number(text) >= 1)
    return Number(text);
  throw new XdsError("INVALID_REQUEST", `${JSON.stringify(text)} is not the number of a revision`);
}
function countIn(query, name) {
  const text = query.get(name);
  if (text === null)
    return void 0;
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1)
    return Number(text);
  throw new XdsError("INVALID_REQUEST", `${name} must be a whole number from 1, is ${JSON.stringify(text)}`);
}
async function* mapped(items, change) {
  for await (const item of items)
    yield change(item);
}

// dist/control/socket-place.js
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
var socketName = "control.sock";
var pathName = "control.path";
var mostBytes = process.platform === "linux" ? 107 : 103;
var fits = (path) => Buffer.byteLength(path) <= mostBytes;
var folderStart = "xds-control-";
async function socketOf(stateDirectory) {
  const path = join(stateDirectory, socketName);
  return fits(path) ? path : await elsewhere(stateDirectory) ?? path;
}
async function placeSocket(stateDirectory) {
  const path = join(stateDirectory, socketName);
  const file = join(stateDirectory, pathName);
  const left = await elsewhere(stateDirectory);
  if (left !== void 0 && isOwn(dirname(left)))
    await rm(dirname(left), { recursive: true, force: true });
  await rm(file, { force: true });
  if (fits(path))
    return { path, remove: async () => {
    } };
  const folder = await mkdtemp(join(tmpdir(), folderStart));
  const there = join(folder, "s");
  await writeFile(file, there, { mode: 384 });
  return {
    path: there,
    remove: async () => {
      if (await elsewhere(stateDirectory) === there)
        await rm(file, { force: true });
      await rm(folder, { recursive: true, force: true });
    }
  };
}
var isOwn = (folder) => dirname(folder) === resolve(tmpdir()) && /^xds-control-\w+$/.test(basename(folder));
async function elsewhere(stateDirectory) {
  const text = await readFile(join(stateDirectory, pathName), "utf8").catch(() => "");
  return text.trim() === "" ? void 0 : resolve(text.trim());
}

export {
  controlPath,
  ownerOfSocket,
  routeOf,
  socketOf,
  placeSocket
};
