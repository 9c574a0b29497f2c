import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  flagOf,
  settingKeys,
  settingNames,
  settingOf,
  settings,
  variableOf
} from "./chunk-5APHYVAK.js";
import {
  NoConfiguration,
  UsageError,
  completedWith
} from "./chunk-M4PHON7U.js";
import {
  anonymousNode
} from "./chunk-VTU7YHMV.js";
import {
  groupFields,
  nodeGroups
} from "./chunk-4DK7NEUR.js";
import {
  coreYaml,
  parseYaml
} from "./chunk-QZJZLV5G.js";
import {
  LineIndex,
  formatProblem
} from "./chunk-BAMRFF5H.js";
import {
  commonLayer
} from "./chunk-BWU6O4MA.js";
import {
  envoyRegistry
} from "./chunk-C24J2H5X.js";
import {
  readGiven
} from "./chunk-D2S3E5CW.js";
import {
  describeNode,
  formatPath
} from "./chunk-ZG5KWCWM.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/settings/setting-options.js
import { InvalidArgumentError, Option } from "commander";
function addSettings(command, names = settingNames) {
  for (const name of names) {
    const row = settings[name];
    const option = optionOf(row).env(variableOf(row));
    if (row.default !== void 0)
      option.default(row.parse(row.default), row.default);
    completedWith(option, row.parse.choices ?? []);
    command.addOption(row.argument === void 0 ? option : option.argParser(row.parse));
  }
}
var optionOf = (row) => new Option(row.argument === void 0 ? flagOf(row) : `${flagOf(row)} ${row.argument}`, row.help);
function resolveSettings(command, file, names = settingNames) {
  const flagless = names.filter((name) => !command.options.some((option) => option.long === flagOf(settings[name])));
  const others = command.createCommand().copyInheritedSettings(command);
  addSettings(others, flagless);
  others.parse([], { from: "user" });
  const values = names.map((name) => [
    name,
    settingValue(settings[name], flagless.includes(name) ? others : command, file)
  ]);
  return Object.fromEntries(values);
}
function settingValue(row, command, file) {
  const attribute = optionOf(row).attributeName();
  const source = command.getOptionValueSource(attribute);
  if (source === "env" && row.argument === void 0)
    return ofVariable(row);
  const isGiven = source === "cli" || source === "env";
  return !isGiven && file.has(row.key) ? file.get(row.key) : command.getOptionValue(attribute);
}
function ofVariable(row) {
  const value = process.env[variableOf(row)] ?? "";
  try {
    return row.parse(value);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError))
      throw error;
    throw new UsageError(`option '${flagOf(row)}' value '${value}' from env '${variableOf(row)}' is invalid: ${error.message}`);
  }
}

// dist/cli/settings/call.js
import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import { Option as Option2 } from "commander";

// dist/cli/settings/settings-file.js
import { dirname, resolve } from "node:path";
import { InvalidArgumentError as InvalidArgumentError2 } from "commander";
var noSettingsFile = { values: /* @__PURE__ */ new Map(), paths: [], groupRules: [], layered: [] };
var fileKeys = /* @__PURE__ */ new Set([
  "descriptors",
  "envoy",
  "tls.cert",
  "tls.key",
  "tls.client_ca",
  "checks.envoy",
  "admin.token_file",
  "state_dir",
  "store_tls.ca",
  "store_tls.cert",
  "store_tls.key",
  "store_password_file"
]);
var isCommand = (name, text) => /(?:^|\.)envoy$/.test(name) && !text.includes("/") || name === "state_dir" && text === "memory";
async function readSettingsFile(file) {
  let text;
  try {
    text = (await readGiven(file)).toString();
  } catch (error) {
    throw new NoConfiguration(`${file}: cannot be read: ${messageOf(error)}`);
  }
  const { documents, faults } = parseYaml(text, coreYaml);
  const reader = new SettingsReader(dirname(file), [...faults]);
  for (const document of documents)
    reader.document(document);
  if (reader.faults.length === 0)
    return reader;
  const lines = new LineIndex(text);
  const problems = reader.faults.sort((a, b) => a.at - b.at);
  const told = problems.map(({ at, path, message }) => formatProblem({ file, ...lines.place(at), path, message }));
  throw new UsageError(`the settings cannot be used:
${told.join("\n")}`);
}
var SettingsReader = class {
  directory;
  faults;
  values = /* @__PURE__ */ new Map();
  paths = [];
  groupRules = [];
  layered = [];
  /** The key of the file that has rules: `groups` or `node_groups`. */
  rulesAt;
  constructor(directory, faults) {
    this.directory = directory;
    this.faults = faults;
  }
  document(node) {
    if (node.kind === "scalar" && node.value === null)
      return;
    if (node.kind === "map")
      this.map(node, []);
    else
      this.fault(node, [], `expected settings, such as "port: 18000", got ${describeNode(node)}`);
  }
  map(map, above) {
    for (const { key, at, value } of map.entries) {
      const steps = [...above, key];
      const name = steps.join(".");
      const setting = settingOf(name);
      const isShorthand = name === "rollout" && value.kind === "scalar" && value.value !== null;
      if (setting)
        this.setting(name, setting.parse, value, steps);
      else if (isShorthand)
        this.map({ ...map, entries: [{ key: "strategy", at, value }] }, steps);
      else if (name === "paths")
        this.readPaths(value);
      else if (name === "node_groups" || name === "groups") {
        if (this.rulesAt !== void 0)
          this.fault({ at }, steps, `the file also has ${this.rulesAt}:; use only one of the two`);
        this.rulesAt ??= name;
        if (name === "groups")
          this.readGroups(value);
        else
          this.readRules(value);
      } else if (settingKeys.some((known) => known.startsWith(`${name}.`))) {
        if (value.kind === "map")
          this.map(value, steps);
        else if (!isNull(value))
          this.fault(value, steps, `expected an object, got ${describeNode(value)}`);
      } else {
        const meant = nearest(name, [...settingKeys, "paths", "groups", "node_groups"]);
        this.fault({ at }, steps, `no such setting${meant ? `; did you mean ${meant}?` : ""}`);
      }
    }
  }
  setting(name, parse, node, steps) {
    const text = parse.takesList ? this.settingText(node, steps) : this.scalar(node, steps);
    if (text === void 0)
      return;
    try {
      parse(text);
      this.values.set(name, parse(fileKeys.has(name) && !isCommand(name, text) ? resolve(this.directory, text) : text));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError2))
        throw error;
      this.fault(node, steps, withGot(error.message, describeNode(node)));
    }
  }
  /** A list is as if its values were written with commas between them. */
  settingText(node, steps) {
    if (node.kind !== "list")
      return this.scalar(node, steps);
    const texts = node.items.map((item, index) => this.scalar(item, [...steps, index]));
    return texts.includes(void 0) ? void 0 : texts.join(",");
  }
  readPaths(node) {
    for (const [index, item] of (node.kind === "list" ? node.items : [node]).entries()) {
      const path = this.scalar(item, ["paths", index]);
      if (path !== void 0)
        this.paths.push(resolve(this.directory, path));
    }
  }
  readRules(node) {
    if (node.kind !== "list") {
      this.fault(node, ["node_groups"], `expected a list of rules, got ${describeNode(node)}; put "- " before each`);
      return;
    }
    for (const [index, item] of node.items.entries()) {
      const rule = this.rule(item, ["node_groups", index]);
      if (rule)
        this.groupRules.push(rule);
    }
  }
  readGroups(node) {
    if (node.kind !== "list") {
      this.fault(node, ["groups"], `expected a list of groups, got ${describeNode(node)}; put "- " before each`);
      return;
    }
    for (const [index, item] of node.items.entries())
      this.readGroup(item, ["groups", index]);
  }
  readGroup(node, steps) {
    if (node.kind !== "map") {
      this.fault(node, steps, `expected ${exampleOfGroup}, got ${describeNode(node)}`);
      return;
    }
    let name;
    let match;
    let layers;
    for (const { key, at, value } of node.entries)
      if (key === "name")
        name = this.scalar(value, [...steps, key]);
      else if (key === "match")
        match = value;
      else if (key === "layers")
        layers = value;
      else
        this.fault({ at }, [...steps, key], "a group has no such field; its fields are name, match, layers");
    if (name === void 0 || !match || !layers) {
      this.fault(node, steps, `a group needs name, match and layers, as in ${exampleOfGroup}`);
      return;
    }
    if (name === commonLayer || name === "")
      this.fault(node, [...steps, "name"], `${JSON.stringify(name)} cannot be the name of a group`);
    if (this.layered.some((other) => other.name === name))
      this.fault(node, [...steps, "name"], `there is already a group ${JSON.stringify(name)}`);
    if (match.kind !== "map")
      this.fault(match, [...steps, "match"], `expected fields of a node, got ${describeNode(match)}`);
    else
      this.groupRules.push({ group: name, fields: this.ruleFields(match, [...steps, "match"]) });
    this.layered.push({ name, layers: this.layersIn(layers, [...steps, "layers"]) });
  }
  layersIn(node, steps) {
    const layers = [];
    for (const [index, item] of (node.kind === "list" ? node.items : [node]).entries()) {
      const name = this.scalar(item, [...steps, index]);
      if (name === void 0)
        continue;
      if (layers.some((other) => other.name === name))
        this.fault(item, [...steps, index], "this layer is already in the list");
      layers.push({ name, path: resolve(this.directory, name) });
    }
    if (node.kind === "list" && layers.length === 0)
      this.fault(node, steps, "expected at least one directory");
    return layers;
  }
  rule(node, steps) {
    if (node.kind !== "map") {
      this.fault(node, steps, `expected a rule, such as {group: edge, id: "edge-*"}, got ${describeNode(node)}`);
      return void 0;
    }
    const before = this.faults.length;
    const named = node.entries.find(({ key }) => key === "group");
    const group = named && this.scalar(named.value, [...steps, "group"]);
    const fields = this.ruleFields({ ...node, entries: node.entries.filter((entry) => entry !== named) }, steps);
    if (!named)
      this.fault(node, steps, 'a rule needs "group:", the name of a directory in groups/');
    else if (fields.size === 0 && this.faults.length === before)
      this.fault(node, steps, "a rule needs at least one field of a node, such as id");
    return group === void 0 ? void 0 : { group, fields };
  }
  /** Fields of a node, and the patterns that they must match. */
  ruleFields(node, steps) {
    const fields = /* @__PURE__ */ new Map();
    const walk = (map, above) => {
      for (const { key, at, value } of map.entries) {
        const path = [...above, key];
        const name = path.join(".");
        if (value.kind === "map" && (name === "locality" || path[0] === "metadata"))
          walk(value, path);
        else if (groupFields.test(name)) {
          const pattern = this.scalar(value, [...steps, ...path]);
          if (pattern !== void 0)
            fields.set(name, pattern);
        } else
          this.fault({ at }, [...steps, ...path], "a node has no such field; its fields are id, cluster, locality (region, zone, sub_zone), metadata");
      }
    };
    walk(node, []);
    return fields;
  }
  scalar(node, steps) {
    if (node.kind === "scalar" && node.value !== null)
      return node.text;
    this.fault(node, steps, `expected a value, got ${describeNode(node)}`);
    return void 0;
  }
  fault({ at }, steps, message) {
    this.faults.push({ at, path: formatPath(steps), message });
  }
};
var exampleOfGroup = "{name: edge, match: {cluster: edge}, layers: [common, edge]}";
var withGot = (message, got) => message.startsWith("expected ") && !message.includes(", got ") ? `${message}, got ${got}` : message;
var isNull = (node) => node.kind === "scalar" && node.value === null;

// dist/cli/settings/call.js
var usualFile = "xds.yaml";
var configOption = () => new Option2("--config <file>", "the settings file (default ./xds.yaml if it exists, env XDS_CONFIG)");
async function readCall(given, config, command, names) {
  const file = config ?? process.env.XDS_CONFIG ?? (existsSync(usualFile) ? usualFile : void 0);
  const { values, paths: ofFile, groupRules, layered } = file === void 0 ? noSettingsFile : await readSettingsFile(file);
  const ofEnvironment = (process.env.XDS_PATHS ?? "").split(delimiter).filter(Boolean);
  const explicit = [given, ofEnvironment].find(({ length }) => length > 0);
  const statePaths = explicit ?? (file !== void 0 && ofFile.length + layered.length > 0 ? [file] : []);
  const settings2 = resolveSettings(command, values, names);
  return { paths: explicit ?? ofFile, settings: settings2, groupRules, layered, file, statePaths };
}
async function readFilesCall(given, config, command) {
  const call = await readCall(given, config, command, [
    "nodeGroup",
    "unmatchedNodes",
    "fileMemory",
    "fileTime",
    "resourceType",
    "descriptors",
    "envoy"
  ]);
  const { descriptors, envoy } = command.opts();
  const isGiven = descriptors !== void 0 || envoy !== void 0;
  return {
    ...call,
    api: isGiven ? { descriptors, envoy } : call.settings,
    files: {
      except: call.file === void 0 ? [] : [call.file],
      resourceType: call.settings.resourceType,
      groups: call.layered
    }
  };
}
var groupField = ({ layered, settings: settings2 }) => layered.length > 0 ? void 0 : settings2.nodeGroup;
function addGroupOptions(command) {
  command.option("--group <group>", "only what the nodes of this group are served; by default all groups").option("--node <id>", "only what the node with this id is served, by the rules in xds.yaml or --node-group");
}
function chosenGroup(call, { group, node }, { groups }) {
  if (group !== void 0 && node !== void 0)
    throw new UsageError("give --group or --node, not both");
  if (group !== void 0) {
    if (groups.has(group))
      return { group };
    const there = groups.size === 0 ? "there are no node groups" : `the groups are ${[...groups.keys()].sort().join(", ")}`;
    throw new UsageError(`--group ${JSON.stringify(group)}: there is no such node group; ${there}`);
  }
  if (node === void 0)
    return void 0;
  const found = nodeGroups(call.groupRules, groupField(call))({ ...anonymousNode(envoyRegistry()), id: node });
  return groups.has(found) ? { group: found } : "none";
}
function checkPaths({ paths, layered }, to) {
  if (paths.length === 0 && layered.length === 0)
    throw new UsageError(`nothing to ${to}: name files or directories, as in \`xds ${to} config/\`, in XDS_PATHS, or in \`paths:\` of xds.yaml`);
}

export {
  addSettings,
  configOption,
  readCall,
  readFilesCall,
  groupField,
  addGroupOptions,
  chosenGroup,
  checkPaths
};
