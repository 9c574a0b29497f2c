import { wrappedIn } from "../../resource/typed-json.js";
import { LineIndex, type Place } from "../files/problem.js";
import { streamRead } from "../files/stream.js";
import { readWholeFileSync } from "../files/whole-file.js";
import { envoyYaml } from "../yaml/format.js";
import { parseYaml, valueAt, type YamlMap, type YamlNode } from "../yaml/yaml.js";

/** The values of a file of resources, by their places. */
interface Parsed {
  readonly lines: LineIndex;
  /** Line and column → the object that begins there. */
  readonly objects: ReadonlyMap<string, YamlMap>;
}

/**
 * Finds the place of a resource's field in its file. A file is read and parsed again when it is first needed, and kept
 * as long as the Locator. So make a Locator for each set of findings.
 */
export class Locator {
  private readonly files = new Map<string, Parsed | undefined>();

  /**
   * The place of a field of the resource that was read at `resource`, by a path as in `Finding.path`, such as
   * `filter_chains[0].filters[0].typed_config<TcpProxy>.stat_prefix`. For a missing field, it is the place of the value
   * that lacks it. If the file has changed since, it is the place of the resource.
   */
  locate(resource: Place, path: string): Place {
    const { file, line, column } = resource;
    const parsed = this.parsed(file);
    const node = parsed?.objects.get(keyOf(line, column));
    if (!parsed || !node) return { file, line, column };
    return { file, ...parsed.lines.place(nodeAt(wrappedIn(node) ?? node, path).at) };
  }

  private parsed(file: string): Parsed | undefined {
    if (!this.files.has(file)) this.files.set(file, read(file));
    return this.files.get(file);
  }
}

/**
 * The value at a path as in `Finding.path` in the value of a message. For a missing value, it is the value that lacks
 * it.
 */
export function nodeAt(message: YamlNode, path: string): YamlNode {
  let node = message;
  for (const step of stepsOf(path)) {
    const next = child(node, step);
    if (!next) break;
    node = next;
  }
  return node;
}

function read(file: string): Parsed | undefined {
  let text: string;
  try {
    text = new TextDecoder().decode(streamRead(file) ?? readWholeFileSync(file));
  } catch {
    return undefined; // The file is gone, or it is no regular file now, or it is a stream that another thread has read.
  }
  const lines = new LineIndex(text);
  const objects = new Map<string, YamlMap>();
  const seen = new Set<YamlNode>(); // aliases repeat nodes
  const open: YamlNode[] = parseYaml(text, envoyYaml).documents;
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.kind === "scalar" || seen.has(node)) continue;
    seen.add(node);
    if (node.kind === "list") for (const item of node.items) open.push(item);
    else {
      const { line, column } = lines.place(node.at);
      objects.set(keyOf(line, column), node);
      for (const { value } of node.entries) open.push(value);
    }
  }
  return { lines, objects };
}

const keyOf = (line: number, column: number) => `${line}:${column}`;

/** One step of a path: to a field, an element of a list or a map, or the message of a TypedStruct. */
type Step = { readonly field: string } | { readonly element: string } | { readonly inside: "value" };

/** A name, an element's index or key, or the message in an Any. */
const stepPattern = /\.?(\w+)|\[(\d+|"(?:[^"\\]|\\.)*")\]|<([^>]*)>/y;

function* stepsOf(path: string): Iterable<Step> {
  stepPattern.lastIndex = 0;
  let wasMessage = false;
  while (stepPattern.lastIndex < path.length) {
    const at = stepPattern.lastIndex;
    const [, field, element, message] = stepPattern.exec(path) ?? [];
    if (field !== undefined) yield { field };
    else if (element !== undefined) yield { element: String(JSON.parse(element)) };
    // The fields of an Any's message are beside its "@type". Those of a TypedStruct, which comes second, are in its
    // value.
    else if (message !== undefined && wasMessage) yield { inside: "value" };
    else if (message === undefined) return;
    wasMessage = message !== undefined;
    stepPattern.lastIndex = Math.max(stepPattern.lastIndex, at + 1);
  }
}

function child(node: YamlNode, step: Step): YamlNode | undefined {
  if ("field" in step) return valueAt(node, step.field, camelCase(step.field));
  if ("inside" in step) return valueAt(node, step.inside);
  if (node.kind === "list") return node.items[Number(step.element)];
  // One value counts as a list with this value.
  return valueAt(node, step.element) ?? (step.element === "0" ? node : undefined);
}

const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
