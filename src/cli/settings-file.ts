import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { messageOf } from "../errors.js";
import { nearest } from "../source/nearest.js";
import { type Fault, formatPath, formatProblem, LineIndex, type PathStep } from "../source/problem.js";
import { describeNode } from "../source/scalar-json.js";
import { parseYaml, type YamlMap, type YamlNode } from "../source/yaml.js";
import { NoConfiguration, UsageError } from "./command.js";
import { type GroupRule, groupFields } from "./node-groups.js";
import { settingKeys, settingOf } from "./settings.js";

/** What `xds.yaml` says. */
export interface SettingsFile {
  /** Parsed values of settings, by key. */
  readonly values: ReadonlyMap<string, unknown>;
  /** What to serve, relative to the working directory or absolute. */
  readonly paths: readonly string[];
  /** In the order of the file: the first that fits a node counts. */
  readonly groupRules: readonly GroupRule[];
}

export const noSettingsFile: SettingsFile = { values: new Map(), paths: [], groupRules: [] };

/** Settings that name files, which in `xds.yaml` are relative to it. */
const fileKeys = new Set(["descriptors", "envoy", "tls.cert", "tls.key", "tls.client_ca"]);
/** A word without a slash is a command that the PATH has. */
const isCommand = (name: string, text: string) => name === "envoy" && !text.includes("/");

/**
 * Reads the program's own settings. All problems are told at once.
 * @throws NoConfiguration if it cannot be read, UsageError with a line for each problem, `file:line:column: path: message`
 */
export async function readSettingsFile(file: string): Promise<SettingsFile> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new NoConfiguration(`${file}: cannot be read: ${messageOf(error)}`);
  }
  const { documents, faults } = parseYaml(text);
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
      if (setting) this.setting(name, setting.parse, value, steps);
      else if (name === "paths") this.readPaths(value);
      else if (name === "node_groups") this.readRules(value);
      else if (settingKeys.some((known) => known.startsWith(`${name}.`))) {
        if (value.kind === "map") this.map(value, steps);
        else if (!isNull(value)) this.fault(value, steps, `expected an object, got ${describeNode(value)}`);
      } else {
        const meant = nearest(name, [...settingKeys, "paths", "node_groups"]);
        this.fault({ at }, steps, `no such setting${meant ? `; did you mean ${meant}?` : ""}`);
      }
    }
  }

  private setting(name: string, parse: (text: string) => unknown, node: YamlNode, steps: readonly PathStep[]): void {
    const text = this.scalar(node, steps);
    if (text === undefined) return;
    try {
      parse(text);
      this.values.set(name, parse(fileKeys.has(name) && !isCommand(name, text) ? resolve(this.directory, text) : text));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      this.fault(node, steps, `${describeNode(node)} cannot be: ${error.message}`);
    }
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

  private rule(node: YamlNode, steps: readonly PathStep[]): GroupRule | undefined {
    if (node.kind !== "map") {
      this.fault(node, steps, `expected a rule, such as {group: edge, id: "edge-*"}, got ${describeNode(node)}`);
      return undefined;
    }
    let group: string | undefined;
    const before = this.faults.length;
    const fields = new Map<string, string>();
    const walk = (map: YamlMap, above: readonly string[]) => {
      for (const { key, at, value } of map.entries) {
        const path = [...above, key];
        const name = path.join(".");
        if (value.kind === "map" && (name === "locality" || path[0] === "metadata")) walk(value, path);
        else if (name === "group") group = this.scalar(value, [...steps, key]);
        else if (groupFields.test(name)) {
          const pattern = this.scalar(value, [...steps, ...path]);
          if (pattern !== undefined) fields.set(name, pattern);
        } else
          this.fault(
            { at },
            [...steps, ...path],
            "no such field of a rule; there are group, id, cluster, locality (region, zone, sub_zone), metadata",
          );
      }
    };
    walk(node, []);
    if (group === undefined)
      this.fault(node, steps, 'a rule needs "group:", the directory in groups/ that it leads to');
    else if (fields.size === 0 && this.faults.length === before)
      this.fault(node, steps, "a rule needs something that the node is told by, such as id");
    return group === undefined ? undefined : { group, fields };
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

const isNull = (node: YamlNode) => node.kind === "scalar" && node.value === null;
