import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  adviceOnNoAnswer,
  connect,
  fetchResources,
  wordsAtEnd
} from "./chunk-XLI3BY3B.js";
import {
  loadConfiguration
} from "./chunk-ATRFV6ZO.js";
import {
  errorMessageIn
} from "./chunk-D5GLPEAO.js";
import {
  NoConfiguration,
  UsageError
} from "./chunk-J3J7LZXM.js";
import {
  hasBootstrap,
  readResourceFile
} from "./chunk-V3U6TY2X.js";
import {
  referrerTypes
} from "./chunk-B5Y3DCLC.js";
import {
  formatProblem
} from "./chunk-BAMRFF5H.js";
import {
  configurationOf,
  viewOf
} from "./chunk-BWU6O4MA.js";
import {
  envoyRegistry,
  resourceTypes
} from "./chunk-5S6OCP5I.js";
import {
  isStream,
  readGiven
} from "./chunk-D2S3E5CW.js";
import {
  dumpForms,
  dumpList
} from "./chunk-VMU57E7V.js";
import {
  clusterType,
  endpointType,
  listenerType,
  secretType
} from "./chunk-ZTJUYVIA.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import {
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/compare/compared-configuration.js
import { existsSync, statSync } from "node:fs";
var configurationHelp = "a file or directory, or - for standard input; HOST:PORT of an xDS server; or http://\u2026/config_dump on the admin port of an Envoy or of this program";
var unansweredLines = ({ unanswered }) => Array.from(unanswered?.reasons ?? [], ([reason, types]) => `${unanswered?.server} did not answer for ${types.map(({ name }) => name).join(", ")} (${reason})`);
function tells({ dump, unanswered }, typeUrl, name) {
  if (unanswered)
    return ![typeUrl, `${typeUrl} ${name}`].some((key) => unanswered.keys.has(key));
  if (!dump)
    return true;
  const isUnread = name === void 0 ? [...dump.unreadKeys].some((key) => key.startsWith(`${typeUrl} `)) : [name, ""].some((each) => dump.unreadKeys.has(`${typeUrl} ${each}`));
  return !isUnread && !dump.isOfSomeNames && hasPartOf(dump, typeUrl);
}
function hasPartOf(dump, typeUrl) {
  const form = dumpForms[typeUrl];
  if (!form)
    return false;
  if (hasBootstrap(dump))
    return dump.sections.has(form.message) || typeUrl !== endpointType && alwaysThere.every((type) => hasMessageOf(dump, type));
  const { field, entry } = dumpList(form, envoyRegistry());
  return dump.lists.has(`${form.message} ${field.name}`) || dump.sections.has(entry.typeName);
}
var alwaysThere = [clusterType, listenerType, secretType];
var hasMessageOf = ({ sections }, typeUrl) => sections.has(dumpForms[typeUrl]?.message ?? "");
var isPartial = (dump) => dump.isOfSomeNames || !(hasBootstrap(dump) ? dump.sections.size > 1 : hasAllParts(dump));
var isOwn = (dump) => !hasBootstrap(dump) && (hasAllParts(dump) || [...dump.versions.keys()].some(({ type }) => type.typeUrl === endpointType));
var hasAllParts = (dump) => Object.keys(dumpForms).every((typeUrl) => hasPartOf(dump, typeUrl));
var mostUnread = 20;
function unreadLines(unread) {
  const lines = unread.slice(0, mostUnread).map(formatProblem);
  const more = unread.length - mostUnread;
  return more > 0 ? [...lines, `${more} more resources of the dump cannot be read; xds validate names them`] : lines;
}
async function loadOperands(operands, remote, files) {
  const absent = operands.find((operand) => !isThere(operand));
  if (absent === void 0)
    return fromPaths(operands, files);
  const isUrl = /^https?:\/\//.test(absent);
  if (!isUrl && !isAddress(absent))
    throw new NoConfiguration(`${JSON.stringify(absent)} does not exist; expected ${configurationHelp}`);
  if (operands.length > 1)
    throw new UsageError(`${JSON.stringify(absent)} is no file or directory; only files and directories can be several`);
  return isUrl ? fromUrl(absent, remote.timeout) : fromServer({ ...remote, server: absent });
}
var isThere = (operand) => isStream(operand) || existsSync(operand);
var isAddress = (operand) => /^(\[[^\]]+\]|[^/\s:]+):\d+$/.test(operand);
function checkGroup(group, ...operands) {
  const known = new Set(operands.flatMap(({ configuration }) => [...configuration.groups.keys()]));
  if (group === void 0 || known.has(group))
    return;
  const there = known.size === 0 ? "there are no node groups" : `the groups are ${[...known].sort().join(", ")}`;
  throw new UsageError(`--group ${JSON.stringify(group)}: there is no such node group; ${there}`);
}
var only = (common) => ({
  configuration: configurationOf(common),
  places: /* @__PURE__ */ new Map(),
  notes: []
});
async function fromPaths(paths, files) {
  const [path] = paths;
  if (path !== void 0 && paths.length === 1 && (isStream(path) || statSync(path).isFile())) {
    const bytes = await readGiven(path).catch(() => void 0);
    const file = bytes?.includes("/envoy.admin.v3.") ? readResourceFile(path, bytes, { forComparing: true }) : void 0;
    if (file?.dump)
      return { ...told(file), places: new Map(file.resources.map((each) => [each.resource, each])) };
  }
  const reading = await loadConfiguration(paths, { ...files, takesRedacted: true });
  if ("problems" in reading)
    throw new NoConfiguration(listed(reading.problems));
  const [dump, ...others] = reading.dumps?.values() ?? [];
  return dump && others.length === 0 ? { ...reading, dump } : reading;
}
async function fromUrl(url, timeoutMs) {
  let text;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    text = await answer.text();
    if (!answer.ok)
      throw new Error(`HTTP ${answer.status}: ${errorMessageIn(text)}`);
    if (!text.trimStart().startsWith("{"))
      throw new Error("it is no config dump; the URL of a dump is /config_dump on an admin port");
  } catch (error) {
    const { cause } = error;
    throw new NoConfiguration(`${url} cannot be fetched: ${printable(messageOf(error))}${cause ? ` (${printable(messageOf(cause))})` : ""}`);
  }
  const document = text.trim() === "{}" ? '{ "configs": [] }' : text;
  const operand = told(readResourceFile(url, Buffer.from(document), { forComparing: true }));
  return operand.dump ? { ...operand, dump: asAsked(operand.dump, url, viewOf(operand.configuration, void 0)) } : operand;
}
function asAsked(dump, url, resources) {
  const asked = new URL(url).searchParams;
  return {
    ...dump,
    isOfSomeNames: dump.isOfSomeNames || asked.has("name_regex"),
    cut: asked.has("resource") && asked.has("mask") ? new Set(resources) : dump.cut
  };
}
function told({ resources, problems, notes, dump }) {
  if (problems.length > 0)
    throw new NoConfiguration(listed(problems));
  return { ...only(resources.map(({ resource }) => resource)), notes, ...dump && { dump } };
}
async function fromServer(remote) {
  const { variant, server, nodeId, timeout: timeoutMs } = remote;
  const types = resourceTypes().filter(({ emptyIsWildcard, service }) => emptyIsWildcard && (variant === "delta" ? service?.delta : service?.stream));
  const wanted = new Map(types.map(({ typeUrl }) => [typeUrl, ["*"]]));
  let atEnd;
  const client = await connect(remote, { onStreamClosed: ({ status }) => atEnd ??= wordsAtEnd(status) });
  let fetched;
  try {
    fetched = await fetchResources(client, wanted, { follow: true, timeoutMs });
  } finally {
    await client.close();
  }
  const silent = fetched.unanswered.filter(({ name }) => name === "*");
  if (silent.length === types.length) {
    const [{ reason } = { reason: "" }] = silent;
    const words = [reason, ...atEnd && !reason.includes(" status ") ? [atEnd] : [], adviceOnNoAnswer(nodeId)];
    throw new NoConfiguration(`${server} did not answer for any type: ${words.join("; ")}`);
  }
  return { ...only(fetched.resources), ...unansweredBy(server, fetched.unanswered) };
}
function unansweredBy(server, unanswered) {
  if (unanswered.length === 0)
    return {};
  const reasons = /* @__PURE__ */ new Map();
  for (const { type, name, reason } of unanswered)
    if (name === "*")
      reasons.set(reason, [...reasons.get(reason) ?? [], type]);
  const keys = unanswered.map(({ type, name }) => name === "*" ? type.typeUrl : `${type.typeUrl} ${name}`);
  const byName = resourceTypes().filter(({ typeUrl, emptyIsWildcard }) => !emptyIsWildcard && referrerTypes[typeUrl]?.some((from) => keys.includes(from)));
  return { unanswered: { server, reasons, keys: /* @__PURE__ */ new Set([...keys, ...byName.map(({ typeUrl }) => typeUrl)]) } };
}
function listed(problems) {
  return problems.slice(0, 100).map(formatProblem).join("\n");
}

export {
  configurationHelp,
  unansweredLines,
  tells,
  hasPartOf,
  isPartial,
  isOwn,
  unreadLines,
  loadOperands,
  isThere,
  isAddress,
  checkGroup
};
