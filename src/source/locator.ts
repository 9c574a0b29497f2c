import { readFileSync } from "node:fs";
import { LineIndex, type Place } from "./problem.js";
import { parseYaml, type YamlMap, type YamlNode } from "./yaml.js";

/** The values of a file that resources are read from, by where they stand. */
interface Parsed {
  readonly lines: LineIndex;
  /** Line and column → the object that begins there. */
  readonly objects: ReadonlyMap<string, YamlMap>;
}

/**
 * Finds where in its file a field of a resource stands. A file is read again and parsed when it is first needed, and kept as long
 * as the Locator: make one for each set of findings.
 */
export class Locator {
  private readonly files = new Map<string, Parsed | undefined>();

  /**
   * The place of a field of the resource that was read at `resource`, by a path as in `Finding.path`, such as
   * `filter_chains[0].filters[0].typed_config<TcpProxy>.stat_prefix`. Of a field that is not there, that of the value that it is
   * missing from; where the file has changed since, that of the resource.
   */
  locate(resource: Place, path: string): Place {
    const { file, line, column } = resource;
    const parsed = this.parsed(file);
    let node: YamlNode | undefined = parsed?.objects.get(keyOf(line, column));
    if (!parsed || !node) return { file, line, column };
    node = wrappedBy(node) ?? node;
    for (const step of stepsOf(path)) {
      const next = child(node, step);
      if (!next) break;
      node = next;
    }
    return { file, ...parsed.lines.place(node.at) };
  }

  private parsed(file: string): Parsed | undefined {
    if (!this.files.has(file)) this.files.set(file, read(file));
    return this.files.get(file);
  }
}

function read(file: string): Parsed | undefined {
  let text: string;
  try {
    text = new TextDecoder().decode(readFileSync(file));
  } catch {
    return undefined; // It is gone.
  }
  const lines = new LineIndex(text);
  const objects = new Map<string, YamlMap>();
  const seen = new Set<YamlNode>(); // aliases repeat nodes
  const open: YamlNode[] = parseYaml(text).documents;
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
    // The fields of an Any's message stand beside its "@type"; those of a TypedStruct's, which comes second, in its value.
    else if (message !== undefined && wasMessage) yield { inside: "value" };
    else if (message === undefined) return;
    wasMessage = message !== undefined;
    stepPattern.lastIndex = Math.max(stepPattern.lastIndex, at + 1);
  }
}

function child(node: YamlNode, step: Step): YamlNode | undefined {
  if ("field" in step) return valueOf(node, step.field, camelCase(step.field));
  if ("inside" in step) return valueOf(node, step.inside);
  return node.kind === "list" ? node.items[Number(step.element)] : valueOf(node, step.element);
}

/** The resource in an envoy.service.discovery.v3.Resource. */
function wrappedBy(node: YamlNode): YamlNode | undefined {
  const type = valueOf(node, "@type");
  const isWrapper = type?.kind === "scalar" && type.text.endsWith("/envoy.service.discovery.v3.Resource");
  return isWrapper ? valueOf(node, "resource") : undefined;
}

const valueOf = (node: YamlNode, ...keys: string[]) =>
  node.kind === "map" ? node.entries.find(({ key }) => keys.includes(key))?.value : undefined;

const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
