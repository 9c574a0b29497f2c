import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  unservedLine
} from "./chunk-ITRQ3BU4.js";
import {
  isRevision,
  loadRevision
} from "./chunk-XYX3CQAB.js";
import {
  checkGroup,
  configurationHelp,
  hasPartOf,
  isAddress,
  isOwn,
  isPartial,
  isThere,
  loadOperands,
  tells,
  unansweredLines,
  unreadLines
} from "./chunk-Z6FO2CLJ.js";
import {
  changeOf,
  changeText
} from "./chunk-DV3NBWPF.js";
import {
  warnOfUnknown
} from "./chunk-NKUTPTLO.js";
import {
  addRemoteOptions
} from "./chunk-XLI3BY3B.js";
import "./chunk-WSFHJ34A.js";
import "./chunk-ATRFV6ZO.js";
import "./chunk-PZFUJURE.js";
import {
  addControlOptions,
  controlOf,
  useApiOf
} from "./chunk-3P6YG6D3.js";
import "./chunk-HR4TENBB.js";
import "./chunk-TUFE6ZWA.js";
import "./chunk-DHNIKOB3.js";
import "./chunk-YDSDQWQI.js";
import "./chunk-UWRNQDM4.js";
import "./chunk-Q7XJEDFK.js";
import "./chunk-K7FWRZOE.js";
import {
  adminOf,
  adminOption,
  ask
} from "./chunk-4RDZYBRZ.js";
import "./chunk-D5GLPEAO.js";
import {
  configOption,
  groupField,
  readFilesCall
} from "./chunk-R5576SU6.js";
import "./chunk-LDT72UKC.js";
import {
  addApiOptions,
  typeOption,
  useApiFor
} from "./chunk-H5AN4Y5K.js";
import {
  NoConfiguration,
  UsageError,
  addExamples,
  outputOption
} from "./chunk-J3J7LZXM.js";
import {
  complain,
  print
} from "./chunk-R2MMVVGI.js";
import "./chunk-4V4LNO3N.js";
import {
  anonymousNode
} from "./chunk-UUDCD6VN.js";
import "./chunk-UYRQJDKN.js";
import "./chunk-RZ4DQXNT.js";
import "./chunk-P2PIW5AR.js";
import "./chunk-UHTHQG76.js";
import {
  SetHash
} from "./chunk-KZCVAWTX.js";
import "./chunk-U7CKKRTO.js";
import {
  nodeGroups
} from "./chunk-4DK7NEUR.js";
import "./chunk-V3U6TY2X.js";
import "./chunk-J5PPFYCF.js";
import "./chunk-T3KJFUI7.js";
import "./chunk-CZML2OM4.js";
import "./chunk-B5Y3DCLC.js";
import "./chunk-UGVPRJXZ.js";
import "./chunk-BAMRFF5H.js";
import "./chunk-JXEHVJSA.js";
import {
  allResources,
  commonLayer,
  isOwnLayer,
  viewOf
} from "./chunk-BWU6O4MA.js";
import {
  envoyRegistry,
  resourceTypes
} from "./chunk-5S6OCP5I.js";
import "./chunk-IDIDKZNG.js";
import "./chunk-MN2RV65N.js";
import "./chunk-D2S3E5CW.js";
import {
  genericForm
} from "./chunk-VMU57E7V.js";
import {
  waitsShown
} from "./chunk-4AEHITBM.js";
import "./chunk-4YBW5ZFI.js";
import "./chunk-BXRIZRRP.js";
import "./chunk-ENVTCLV6.js";
import "./chunk-ZCNRJYSX.js";
import {
  canonicalName
} from "./chunk-7P7SAT7Z.js";
import "./chunk-AIYMUFE6.js";
import "./chunk-3DMVKFOY.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-TCS7TSVQ.js";
import {
  endpointType,
  secretType
} from "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import "./chunk-GUQET7K7.js";
import "./chunk-4IMF5HEM.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-LOQZ6ZLP.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/compare/rewrite-field.js
function withFieldRewritten(json, [step = "", ...rest], rewrite) {
  if (Array.isArray(json))
    return json.map((item) => withFieldRewritten(item, [step, ...rest], rewrite));
  if (!isObject(json))
    return json;
  const { [step]: value, ...others } = json;
  if (value === void 0)
    return json;
  const next = rest.length > 0 ? withFieldRewritten(value, rest, rewrite) : rewrite(value);
  return next === void 0 ? others : { ...json, [step]: next };
}
var isObject = (json) => typeof json === "object" && json !== null && !Array.isArray(json);

// dist/cli/compare/dumped-endpoints.js
var never = () => void 0;
var unless = (standard) => (value) => JSON.stringify(value) === JSON.stringify(standard) ? void 0 : value;
var health = {
  HEALTHY: void 0,
  DRAINING: "UNHEALTHY",
  TIMEOUT: "UNHEALTHY"
};
var millionths = { HUNDRED: 1e4, TEN_THOUSAND: 100, MILLION: 1 };
var table = [
  ["endpoints.lb_endpoints.endpoint.health_check_config.disable_active_health_check", never],
  ["endpoints.lb_endpoints.endpoint.health_check_config", unless({})],
  ["endpoints.lb_endpoints.health_status", (word) => String(word) in health ? health[String(word)] : word],
  ["endpoints.lb_endpoints.load_balancing_weight", unless(1)],
  ["endpoints.locality", unless({})],
  ["endpoints.metadata", never],
  ["endpoints.proximity", never],
  ["endpoints", byLocality],
  ["endpoints", unless([])],
  ["policy.drop_overloads.drop_percentage", inMillionths],
  ["policy.endpoint_stale_after", never],
  ["policy.weighted_priority_health", never],
  ["policy.overprovisioning_factor", unless(140)],
  ["policy", unless({})]
];
function asDumped(assignment) {
  return table.reduce((json, [path, made]) => withFieldRewritten(json, path.split("."), made), assignment);
}
function byLocality(list) {
  const groups = /* @__PURE__ */ new Map();
  for (const element of asList(list).filter(isObject)) {
    const { priority = 0, locality = {}, lb_endpoints = [] } = element;
    if (asList(lb_endpoints).length === 0)
      continue;
    const key = `${String(priority).padStart(3)} ${JSON.stringify(locality)}`;
    const before = groups.get(key);
    groups.set(key, {
      ...before,
      ...element,
      lb_endpoints: [...asList(before?.lb_endpoints), ...asList(lb_endpoints)]
    });
  }
  return [...groups].sort(([a], [b]) => a < b ? -1 : 1).map(([, element]) => element);
}
function inMillionths(fraction) {
  if (!isObject(fraction))
    return fraction;
  const { numerator = 0, denominator = "HUNDRED" } = fraction;
  return { numerator: Number(numerator) * (millionths[String(denominator)] ?? 1), denominator: "MILLION" };
}
var asList = (json) => Array.isArray(json) ? json : [];

// dist/cli/compare/dumped-secrets.js
var readFiles = [
  ["tls_certificate", "certificate_chain"],
  ["tls_certificate", "private_key"],
  ["validation_context", "trusted_ca"],
  ["validation_context", "crl"]
];
var filesRead = (told, dumped) => readFiles.filter((path) => valueAt(told, path)?.filename !== void 0 && valueAt(dumped, path)?.inline_bytes !== void 0);
var withoutFiles = (secret, files) => files.reduce((json, path) => withFieldRewritten(withFieldRewritten(json, [...path, "filename"], never2), [...path, "inline_bytes"], never2), secret);
var never2 = () => void 0;
var valueAt = (json, path) => path.reduce((value, step) => value?.[step], json);

// dist/cli/compare/comparison.js
var mostNames = 5;
var Comparison = class {
  before;
  after;
  options;
  dumps;
  /** Types that a dump does not contain, and that the other side has. */
  absentTypes = /* @__PURE__ */ new Set();
  /** The types that a revision does not have, and of which the other side has resources. */
  liveTypes = /* @__PURE__ */ new Set();
  /** The resources that a dump of some names lacks. */
  otherNames = /* @__PURE__ */ new Set();
  /** Resources that are shown as a difference because a part of a dump lacks them. */
  lackedByPart = /* @__PURE__ */ new Set();
  /** Resources of which a dump has only some fields. */
  cut = /* @__PURE__ */ new Set();
  /** Resources with something redacted that may be different. */
  redacted = /* @__PURE__ */ new Set();
  /** Resources that name files, where an Envoy's dump has the content of the files instead. */
  namingFiles = /* @__PURE__ */ new Set();
  draining = /* @__PURE__ */ new Set();
  /** Resources that a server has not answered for. */
  unanswered = /* @__PURE__ */ new Set();
  /** The number of resources that were compared, or that are only on one side. */
  compared = 0;
  /** The number of resources that could not be compared. */
  passedOver = 0;
  constructor(before, after, options) {
    this.before = before;
    this.after = after;
    this.options = options;
    this.dumps = [before.dump, after.dump].filter((dump) => dump !== void 0);
  }
  /**
   * Returns the change from one resource to another. Returns undefined if they are the same, as far as they can be
   * compared.
   */
  changeOf(was, is) {
    if (!was || !is) {
      const there = is ?? was;
      const other = was ? this.after : this.before;
      if (!this.mayLack(there, other))
        return this.passOver();
    } else if (this.dumps.some(({ cut }) => cut.has(was) || cut.has(is))) {
      this.cut.add(is);
      return this.passOver();
    }
    this.compared++;
    if (was && !is && this.options.draining?.has(was)) {
      this.draining.add(was);
      return void 0;
    }
    const isRedacted = this.dumps.some(({ redacted }) => [was, is].some((one) => one && redacted.has(one)));
    const { withSecrets, sameServer } = this.options;
    return changeOf(was, is, withSecrets && !isRedacted, {
      compared: is && this.comparedWithDump(is),
      hiddenDiffers: sameServer ? this.versionTells(isRedacted) : isRedacted ? this.cannotTell : void 0
    });
  }
  passOver() {
    this.passedOver++;
  }
  /** Whether the missing resource on the other side is a difference. */
  mayLack(there, other) {
    const { dump } = other;
    if (other.live?.has(there.type.typeUrl)) {
      this.liveTypes.add(there.type);
      return false;
    }
    if (!tells(other, there.type.typeUrl, there.name) && other.unanswered) {
      if (!other.unanswered.keys.has(there.type.typeUrl))
        this.unanswered.add(there);
      return false;
    }
    if (!dump)
      return true;
    if (dump.unreadKeys.has(`${there.type.typeUrl} ${there.name}`))
      return false;
    if (!hasPartOf(dump, there.type.typeUrl))
      this.absentTypes.add(there.type);
    else if (dump.isOfSomeNames)
      this.otherNames.add(there);
    else {
      if (isPartial(dump))
        this.lackedByPart.add(there);
      return true;
    }
    return false;
  }
  /** A line for each thing that could not be compared, with the reason. */
  *gaps() {
    if (this.liveTypes.size > 0) {
      const names = Array.from(this.liveTypes, ({ name }) => name).join(" and ");
      yield `a revision has no ${names}, because live resources belong to no revision; not compared`;
    }
    for (const { name, typeUrl } of this.absentTypes) {
      const advice = typeUrl === endpointType ? " (ask for /config_dump?include_eds)" : "";
      yield `the dump has no ${name}${advice}; not compared`;
    }
    for (const operand of [this.before, this.after])
      for (const line of unansweredLines(operand))
        yield `${line}; not compared`;
    if (this.unanswered.size > 0)
      yield `not compared, because the server has not answered for it: ${listed(this.unanswered)}`;
    for (const { unread } of this.dumps)
      yield* unreadLines(unread);
    if (this.otherNames.size > 0)
      yield `not compared, because the dump has only some names (?name_regex=): ${listed(this.otherNames)}`;
    if (this.cut.size > 0)
      yield `not compared, because the dump has only some fields of it (?mask=): ${listed(this.cut)}`;
    if (this.dumps.some(({ sections }) => sections.has(genericForm.message)))
      yield "not compared: the resources in generic_xds_configs of the dump, such as runtime layers";
    if (this.redacted.size > 0)
      yield `not compared, because the dump does not contain it: what is [redacted] in ${listed(this.redacted)}`;
    if (this.namingFiles.size > 0)
      yield `not compared, because an Envoy's dump has the content of files, not their names: the files named in ${listed(this.namingFiles)}`;
    const unserved = unservedLine(this.before, this.after);
    if (unserved !== void 0)
      yield unserved;
  }
  /** Further notes on the result, one a line. */
  *notes() {
    if (this.lackedByPart.size > 0)
      yield `the dump is only a part (?resource=, ?mask=), and other parts may have: ${listed(this.lackedByPart)}`;
    if (this.draining.size > 0)
      yield `no difference, because old listeners of the node may still use it; it is removed when they have drained: ${listed(this.draining)}`;
    for (const type of this.options.draining?.cutTypes ?? [])
      yield `more ${type} are waiting than the server names; some that only drain may be shown as a difference`;
  }
  /** Whether there is something to compare, but nothing could be compared. */
  get isEmpty() {
    const isUntold = (dump) => !resourceTypes().some(({ typeUrl }) => hasPartOf(dump, typeUrl));
    const isPassedOver = this.passedOver > 0 || this.dumps.some(isUntold);
    return this.compared === 0 && (isPassedOver || unservedLine(this.before, this.after) !== void 0);
  }
  /** How to compare a resource with an Envoy's dump. It is undefined if the dump has the resource as it was sent. */
  comparedWithDump(resource) {
    const [isBefore, isAfter] = [this.before, this.after].map(({ dump }) => dump && !isOwn(dump));
    if (!isBefore && !isAfter)
      return void 0;
    const { typeUrl } = resource.type;
    if (typeUrl === endpointType)
      return (was, is) => [asDumped(was), asDumped(is)];
    if (typeUrl !== secretType)
      return void 0;
    return (was, is) => {
      const files = isAfter ? filesRead(was, is) : filesRead(is, was);
      if (files.length > 0)
        this.namingFiles.add(resource);
      return [withoutFiles(was, files), withoutFiles(is, files)];
    };
  }
  /**
   * The rule for two dumps of one server. If something that is shown differs, the versions differ too, and say nothing
   * about what is redacted.
   */
  versionTells(isRedacted) {
    return (was, is, fields) => {
      if (fields.length === 0)
        return this.versionOf(was) !== this.versionOf(is);
      if (isRedacted)
        this.redacted.add(is);
      return false;
    };
  }
  cannotTell = (was, is) => {
    const versions = this.versionsOf(is);
    const isSame = this.versionsOf(was).some((version) => versions.includes(version));
    if (!isSame)
      this.redacted.add(is);
    return false;
  };
  /**
   * The versions that the same content can have: the hash of the content, as this program makes it and as delta has it,
   * and the hash of a set with only this resource, as in SotW. Other versions may be equal by chance, and are left out.
   */
  versionsOf(resource) {
    const version = this.versionOf(resource);
    return version === void 0 || !/^[0-9a-f]{16}$/.test(version) ? [] : [version, new SetHash().add({ key: resource.key, version }).toString()];
  }
  versionOf(resource) {
    const dump = this.dumps.find(({ versions, redacted }) => versions.has(resource) || redacted.has(resource));
    return dump ? dump.versions.get(resource) : resource.version;
  }
};
function listed(resources) {
  const all = Array.from(resources, ({ type, name }) => `${type.name} ${JSON.stringify(name)}`);
  return all.slice(0, mostNames).join(", ") + (all.length > mostNames ? `, and ${all.length - mostNames} more` : "");
}

// dist/cli/commands/diff.js
function addDiff(program, exit) {
  const command = program.command("diff").summary("compare two configurations, resource by resource and field by field").description(`Compare two configurations, resource by resource and field by field: the changes from A to B. Exit code 1 if they differ.

A and B can be ${configurationHelp}; or @N, a revision of a running \`xds serve\` (\`xds history\`), without its live resources, which are endpoints and secrets.

With --node instead of A and B, the server's admin port is asked: the changes from what the node has ACKed to what it is served. Resources that the node keeps only until its old listeners have drained are no difference; a note names them.

A config dump does not contain everything. What it lacks is not compared, and a note says so where it matters. Secrets are [redacted]. An Envoy's dump has the content of the files that a secret names (certificate chain, private key, trusted CA, CRL), not their names. It has endpoints only with ?include_eds. Two things in an Envoy's endpoints are no difference: defaults that the Envoy filled in, and fields that its dump never has (metadata and proximity of localities, endpoint_stale_after, weighted_priority_health, disable_active_health_check). The health of an endpoint is the one that the Envoy has found.`).argument("[a]", "the configuration before").argument("[b]", "the configuration after; by default the files that xds.yaml or XDS_PATHS names").addOption(configOption()).option("--node <id>", "compare what this connected node has ACKed with what it is served").option("--group <group>", "in a directory, compare what the nodes of this group are served; by default each group is compared separately").addOption(adminOption()).addOption(typeOption()).option("--show-secrets", "print private keys and other secrets instead of [redacted]").addOption(outputOption());
  addControlOptions(command, true);
  addRemoteOptions(command);
  addApiOptions(command);
  addExamples(command, [
    ["xds diff config/ new-config/", "what new files would change"],
    ["xds diff 127.0.0.1:18000 config/ --node-id edge-1", "from what node edge-1 is served now to what the files have"],
    ["xds diff --node edge-1", "what node edge-1 has not ACKed yet, or has NACKed"],
    ["xds diff @12 @13", "what revision 13 has changed"],
    ["xds diff @12 config/", "what edits of the files have changed since revision 12 of `xds serve config/`"],
    ["xds diff config/ 'http://127.0.0.1:9901/config_dump?include_eds'", "from the files to what an Envoy has"]
  ]);
  command.action(async (a, b, options) => exit(await diff(a, b, options, command)));
}
async function diff(a, b, options, command) {
  const { node, showSecrets = false, output, config } = options;
  const call = await readFilesCall([], config, command);
  const admin = node === void 0 ? "" : await adminOf(command, config);
  const [from, to] = node === void 0 ? [[a ?? ""], b === void 0 ? call.paths : [b]] : dumpsOf(node, admin);
  if (a === void 0 === (node === void 0) || to.length === 0)
    throw new UsageError("nothing to compare; name two configurations, or one if xds.yaml or XDS_PATHS names the other, or give only --node");
  if (from.includes("-") && to.includes("-"))
    throw new UsageError("standard input (-) is given twice; give a file for one of the two");
  if (node !== void 0)
    await askNode(node, admin);
  const revisions = [from, to].filter(([operand = ""]) => isRevision(operand));
  const client = revisions.length > 0 ? await controlOf([from, to].flat().filter(isThere), options, command) : void 0;
  if (client)
    await useApiOf(client, call.api);
  else
    await useApiFor([...from, ...to], call.api, options.timeout);
  const load = (side) => {
    const [operand = ""] = side;
    if (client && isRevision(operand))
      return loadRevision(client, operand);
    return loadOperands(side, options, call.files);
  };
  const operands = [await load(from), await load(to)];
  checkGroup(options.group, ...operands);
  const isAsked = [from, to].some(([operand = ""]) => isAddress(operand) && !isThere(operand));
  const group = options.group ?? (isAsked ? groupAsked(call, options, operands) : void 0);
  const [before, after] = operands.map(({ configuration }) => configuration);
  const draining = node === void 0 ? void 0 : drainingIn(await askNode(node, admin));
  const sameServer = node !== void 0;
  const comparison = new Comparison(...operands, { withSecrets: showSecrets, sameServer, draining });
  const changes = configurationChanges(before, after, group, comparison);
  const gaps = [...comparison.gaps()];
  if (comparison.isEmpty) {
    for (const gap of gaps)
      complain(gap);
    const advice = operands.some(({ dump }) => dump) ? "; ask for the whole dump, /config_dump?include_eds" : "";
    throw new NoConfiguration(`nothing could be compared${advice}`);
  }
  print(output, { changes }, () => changes.length === 0 ? `no difference${gaps.length > 0 ? " in what was compared" : ""}
` : changes.map((change) => ownerText(change) + changeText(change)).join(""));
  const hasGroups = before.groups.size + after.groups.size > 0;
  const hasAllGroups = (operand) => isThere(operand) || isRevision(operand);
  if (hasGroups && group === void 0 && ![...from, ...to].every(hasAllGroups))
    complain("one side has node groups, and the other is what one node has; name that node's group with --group");
  const hasOtherRules = differInRules(operands);
  if (hasOtherRules)
    complain("which node is in which group, or which layers a group has, is different too");
  for (const note of [...gaps, ...comparison.notes()])
    complain(note);
  warnOfUnknown([before, after].flatMap((configuration) => [...allResources(configuration)]));
  return changes.length > 0 || hasOtherRules ? 1 : 0;
}
function groupAsked(call, { nodeId: id, nodeCluster: cluster, nodeMetadata: metadata = {} }, operands) {
  const { file, groupRules, settings } = call;
  const known = new Set(operands.flatMap(({ configuration }) => [...configuration.groups.keys()]));
  if (file === void 0 || known.size === 0)
    return void 0;
  const group = nodeGroups(groupRules, groupField(call))({ ...anonymousNode(envoyRegistry()), id, cluster, metadata });
  if (!known.has(group) && settings.unmatchedNodes === "none")
    return void 0;
  complain(`${file} puts node ${JSON.stringify(id)} into ${known.has(group) ? `group ${group}` : "no group"}; choose another group with --group`);
  return group;
}
function dumpsOf(node, admin) {
  const url = `${admin.replace(/\/$/, "")}/config_dump?node=${encodeURIComponent(node)}`;
  return [[url], [`${url}&state=served`]];
}
async function askNode(node, admin) {
  const report = await ask(admin, node);
  if (typeof report === "string")
    throw new NoConfiguration(report);
  return report;
}
function drainingIn(report) {
  const names = /* @__PURE__ */ new Set();
  const others = /* @__PURE__ */ new Set();
  const cutTypes = [];
  for (const { type, typeUrl, waits = [] } of report.nodes.flatMap(({ types }) => types)) {
    for (const { name, why } of waits)
      (why === "draining" ? names : others).add(`${typeUrl} ${canonicalName(name)}`);
    if (waits.length >= waitsShown)
      cutTypes.push(type);
  }
  for (const other of others)
    names.delete(other);
  return { has: ({ type, key }) => names.has(`${type.typeUrl} ${key}`), cutTypes };
}
function ownerText({ group, layer }) {
  if (group !== void 0)
    return `group ${printable(group)}: `;
  return layer === void 0 ? "" : `layer ${printable(layer)}: `;
}
function configurationChanges(before, after, group, comparison) {
  if (group !== void 0)
    return listChanges(viewOf(before, group), viewOf(after, group), comparison);
  const changes = [];
  const told = /* @__PURE__ */ new Map();
  for (const layer of /* @__PURE__ */ new Set([...before.layers.keys(), ...after.layers.keys()])) {
    const [was = [], is = []] = [before, after].map(({ layers }) => layers.get(layer)?.resources);
    const isOwn2 = [before, after].some((configuration) => isOwnLayer(configuration, layer));
    const of = layer === commonLayer ? {} : isOwn2 ? { group: layer } : { layer };
    const tell = (a, b) => {
      told.set(a, (told.get(a) ?? /* @__PURE__ */ new Set()).add(b));
      return true;
    };
    for (const change of listChanges(was, is, comparison, tell))
      changes.push({ ...of, ...change });
  }
  for (const name of before.groups.keys()) {
    if (!after.groups.has(name) || layerFacts(before, name) === layerFacts(after, name))
      continue;
    const isShown = (a, b) => !told.get(a)?.has(b);
    for (const change of listChanges(viewOf(before, name), viewOf(after, name), comparison, isShown))
      changes.push({ group: name, ...change });
  }
  return changes;
}
function layerFacts({ groups, layers }, group) {
  const removed = (layer) => layers.get(layer)?.removes.map(({ typeUrl, key }) => `${typeUrl} ${key}`) ?? [];
  return JSON.stringify((groups.get(group) ?? []).map((layer) => [layer, removed(layer).sort()]));
}
function differInRules(operands) {
  const [a, b] = operands.map(({ rules }) => {
    if (rules === void 0)
      return void 0;
    const { removes: _, ...others } = JSON.parse(rules) ?? {};
    return JSON.stringify(others);
  });
  return a !== void 0 && b !== void 0 && a !== b;
}
function listChanges(before, after, comparison, isShown = () => true) {
  const pairs = /* @__PURE__ */ new Map();
  for (const [side, list] of [before, after].entries())
    for (const resource of list) {
      const key = `${String(resource.type.order).padStart(6)} ${resource.type.name} ${resource.key}`;
      const pair = pairs.get(key) ?? [void 0, void 0];
      pair[side] = resource;
      pairs.set(key, pair);
    }
  const sorted = [...pairs].sort(([a], [b]) => a < b ? -1 : 1);
  return sorted.flatMap(([, [was, is]]) => isShown(was, is) ? comparison.changeOf(was, is) ?? [] : []);
}
export {
  addDiff
};
