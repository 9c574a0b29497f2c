import { dirname, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { messageOf } from "../../errors.js";
import { describeNode } from "../../json/scalar-json.js";
import { nearest } from "../../nearest.js";
import { type GroupRule, groupFields } from "../../serving/node-groups.js";
import type { LayeredGroup } from "../../source/directory.js";
import { commonLayer, type LayerPath } from "../../source/files/layer-path.js";
import { type Fault, formatPath, formatProblem, LineIndex, type PathStep } from "../../source/files/problem.js";
import { readGiven } from "../../source/files/whole-file.js";
import { coreYaml } from "../../source/yaml/format.js";
import { parseYaml, type YamlMap, type YamlNode } from "../../source/yaml/yaml.js";
import { NoConfiguration, UsageError } from "../terminal/command.js";
import { settingKeys, settingOf } from "./settings.js";

/** The content of `xds.yaml`. */
export interface SettingsFile {
  /** Parsed values of settings, by key. */
  readonly values: ReadonlyMap<string, unknown>;
  /** The paths to serve, relative to the working directory or absolute. */
  readonly paths: readonly string[];
  /** In the order of the file. The first rule that matches a node decides. */
  readonly groupRules: readonly GroupRule[];
  /** The groups of `groups:`, which have layers. If there are any, all rules belong to them. */
  readonly layered: readonly LayeredGroup[];
}

export const noSettingsFile: SettingsFile = { values: new Map(), paths: [], groupRules: [], layered: [] };

/** Settings that name files. In `xds.yaml`, their paths are relative to the directory of `xds.yaml`. */
const fileKeys = new Set([
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
  "store_password_file",
]);
/** Whether a value of `envoy` names a command in the PATH: a word without a slash. */
const isCommand = (name: string, text: string) =>
  (/(?:^|\.)envoy$/.test(name) && !text.includes("/")) || (name === "state_dir" && text === "memory");

/**
 * Reads the program's own settings. All problems are reported at once.
 * @throws NoConfiguration if it cannot be read, UsageError with a line for each problem, `file:line:column: path:
 * message`
 */
export async function readSettingsFile(file: string): Promise<SettingsFile> {
  let text: string;
  try {
    text = (await readGiven(file)).toString();
  } catch (error) {
    throw new NoConfiguration(`${file}: cannot be read: ${messageOf(error)}`);
  }
  const { documents, faults } = parseYaml(text, coreYaml);
  const reader = new SettingsReader(dirname(file), [...faults]);
  for (const document of documents) reader.document(document);
  if (reader.faults.length === 0) return reader;
  const lines = new LineIndex(text);
  const problems = reader.faults.sort((a, b) => a.at - b.at);
  const told = problems.map(({ at, path, message }) => formatProblem({ file, ...lines.place(at), path, message }));
  throw new UsageError(`the settings cannot be used:\n${told.join("\n")}`);
}

class SettingsReader implements SettingsFile {
  readonly values = new Map<string, unknown>();
  readonly paths: string[] = [];
  readonly groupRules: GroupRule[] = [];
  readonly layered: LayeredGroup[] = [];
  /** The key of the file that has rules: `groups` or `node_groups`. */
  private rulesAt: string | undefined;

  constructor(
    private readonly directory: string,
    readonly faults: Fault[],
  ) {}

  document(node: YamlNode): void {
    if (node.kind === "scalar" && node.value === null) return;
    if (node.kind === "map") this.map(node, []);
    else this.fault(node, [], `expected settings, such as "port: 18000", got ${describeNode(node)}`);
  }

  private map(map: YamlMap, above: readonly string[]): void {
    for (const { key, at, value } of map.entries) {
      const steps = [...above, key];
      const name = steps.join(".");
      const setting = settingOf(name);
      const isShorthand = name === "rollout" && value.kind === "scalar" && value.value !== null;
      if (setting) this.setting(name, setting.parse, value, steps);
      else if (isShorthand) this.map({ ...map, entries: [{ key: "strategy", at, value }] }, steps);
      else if (name === "paths") this.readPaths(value);
      else if (name === "node_groups" || name === "groups") {
        if (this.rulesAt !== undefined)
          this.fault({ at }, steps, `the file also has ${this.rulesAt}:; use only one of the two`);
        this.rulesAt ??= name;
        if (name === "groups") this.readGroups(value);
        else this.readRules(value);
      } else if (settingKeys.some((known) => known.startsWith(`${name}.`))) {
        if (value.kind === "map") this.map(value, steps);
        else if (!isNull(value)) this.fault(value, steps, `expected an object, got ${describeNode(value)}`);
      } else {
        const meant = nearest(name, [...settingKeys, "paths", "groups", "node_groups"]);
        this.fault({ at }, steps, `no such setting${meant ? `; did you mean ${meant}?` : ""}`);
      }
    }
  }

  private setting(
    name: string,
    parse: ((text: string) => unknown) & { takesList?: boolean },
    node: YamlNode,
    steps: readonly PathStep[],
  ): void {
    const text = parse.takesList ? this.settingText(node, steps) : this.scalar(node, steps);
    if (text === undefined) return;
    try {
      parse(text);
      this.values.set(name, parse(fileKeys.has(name) && !isCommand(name, text) ? resolve(this.directory, text) : text));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      this.fault(node, steps, withGot(error.message, node.kind === "list" ? `[${text}]` : describeNode(node)));
    }
  }

  /** A list is as if its values were written with commas between them. */
  private settingText(node: YamlNode, steps: readonly PathStep[]): string | undefined {
    if (node.kind !== "list") return this.scalar(node, steps);
    const texts = node.items.map((item, index) => this.scalar(item, [...steps, index]));
    return texts.includes(undefined) ? undefined : texts.join(",");
  }

  private readPaths(node: YamlNode): void {
    for (const [index, item] of (node.kind === "list" ? node.items : [node]).entries()) {
      const path = this.scalar(item, ["paths", index]);
      if (path !== undefined) this.paths.push(resolve(this.directory, path));
    }
  }

  private readRules(node: YamlNode): void {
    if (node.kind !== "list") {
      this.fault(node, ["node_groups"], `expected a list of rules, got ${describeNode(node)}; put "- " before each`);
      return;
    }
    for (const [index, item] of node.items.entries()) {
      const rule = this.rule(item, ["node_groups", index]);
      if (rule) this.groupRules.push(rule);
    }
  }

  private readGroups(node: YamlNode): void {
    if (node.kind !== "list") {
      this.fault(node, ["groups"], `expected a list of groups, got ${describeNode(node)}; put "- " before each`);
      return;
    }
    for (const [index, item] of node.items.entries()) this.readGroup(item, ["groups", index]);
  }

  private readGroup(node: YamlNode, steps: readonly PathStep[]): void {
    if (node.kind !== "map") {
      this.fault(node, steps, `expected ${exampleOfGroup}, got ${describeNode(node)}`);
      return;
    }
    let name: string | undefined;
    let match: YamlNode | undefined;
    let layers: YamlNode | undefined;
    for (const { key, at, value } of node.entries)
      if (key === "name") name = this.scalar(value, [...steps, key]);
      else if (key === "match") match = value;
      else if (key === "layers") layers = value;
      else this.fault({ at }, [...steps, key], "a group has no such field; its fields are name, match, layers");
    if (name === undefined || !match || !layers) {
      this.fault(node, steps, `a group needs name, match and layers, as in ${exampleOfGroup}`);
      return;
    }
    if (name === commonLayer || name === "")
      this.fault(node, [...steps, "name"], `${JSON.stringify(name)} cannot be the name of a group`);
    if (this.layered.some((other) => other.name === name))
      this.fault(node, [...steps, "name"], `there is already a group ${JSON.stringify(name)}`);
    if (match.kind !== "map")
      this.fault(match, [...steps, "match"], `expected fields of a node, got ${describeNode(match)}`);
    else this.groupRules.push({ group: name, fields: this.ruleFields(match, [...steps, "match"]) });
    this.layered.push({ name, layers: this.layersIn(layers, [...steps, "layers"]) });
  }

  private layersIn(node: YamlNode, steps: readonly PathStep[]): LayerPath[] {
    const layers: LayerPath[] = [];
    for (const [index, item] of (node.kind === "list" ? node.items : [node]).entries()) {
      const name = this.scalar(item, [...steps, index]);
      if (name === undefined) continue;
      if (layers.some((other) => other.name === name))
        this.fault(item, [...steps, index], "this layer is already in the list");
      layers.push({ name, path: resolve(this.directory, name) });
    }
    if (node.kind === "list" && layers.length === 0) this.fault(node, steps, "expected at least one directory");
    return layers;
  }

  private rule(node: YamlNode, steps: readonly PathStep[]): GroupRule | undefined {
    if (node.kind !== "map") {
      this.fault(node, steps, `expected a rule, such as {group: edge, id: "edge-*"}, got ${describeNode(node)}`);
      return undefined;
    }
    const before = this.faults.length;
    const named = node.entries.find(({ key }) => key === "group");
    const group = named && this.scalar(named.value, [...steps, "group"]);
    const fields = this.ruleFields({ ...node, entries: node.entries.filter((entry) => entry !== named) }, steps);
    if (!named) this.fault(node, steps, 'a rule needs "group:", the name of a directory in groups/');
    else if (fields.size === 0 && this.faults.length === before)
      this.fault(node, steps, "a rule needs at least one field of a node, such as id");
    return group === undefined ? undefined : { group, fields };
  }

  /** Fields of a node, and the patterns that they must match. */
  private ruleFields(node: YamlMap, steps: readonly PathStep[]): ReadonlyMap<string, string> {
    const fields = new Map<string, string>();
    const walk = (map: YamlMap, above: readonly string[]) => {
      for (const { key, at, value } of map.entries) {
        const path = [...above, key];
        const name = path.join(".");
        if (value.kind === "map" && (name === "locality" || path[0] === "metadata")) walk(value, path);
        else if (groupFields.test(name)) {
          const pattern = this.scalar(value, [...steps, ...path]);
          if (pattern !== undefined) fields.set(name, pattern);
        } else
          this.fault(
            { at },
            [...steps, ...path],
            "a node has no such field; its fields are id, cluster, locality (region, zone, sub_zone), metadata",
          );
      }
    };
    walk(node, []);
    return fields;
  }

  private scalar(node: YamlNode, steps: readonly PathStep[]): string | undefined {
    if (node.kind === "scalar" && node.value !== null) return node.text;
    this.fault(node, steps, `expected a value, got ${describeNode(node)}`);
    return undefined;
  }

  private fault({ at }: { readonly at: number }, steps: readonly PathStep[], message: string): void {
    this.faults.push({ at, path: formatPath(steps), message });
  }
}

const exampleOfGroup = "{name: edge, match: {cluster: edge}, layers: [common, edge]}";

/** Appends what came to a message that only has what was expected. */
const withGot = (message: string, got: string) =>
  message.startsWith("expected ") && !message.includes(", got ") ? `${message}, got ${got}` : message;

const isNull = (node: YamlNode) => node.kind === "scalar" && node.value === null;
