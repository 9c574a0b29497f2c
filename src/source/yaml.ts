import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE, type ScalarEvent } from "js-yaml";
import { type Fault, formatPath, LineIndex, type PathStep } from "./problem.js";
import { notShown, quote } from "./scalar-json.js";
import { type PlainValue, plainValue } from "./yaml-scalar.js";
import { yamlEvents } from "./yaml-syntax.js";

/** A value of a YAML or JSON file, which knows where it stands: `at` is an offset in the text. */
export type YamlNode = YamlMap | YamlList | YamlScalar;

export interface YamlMap {
  readonly kind: "map";
  readonly at: number;
  /** In the order of the file, merge keys resolved, no key twice. */
  readonly entries: YamlEntry[];
}

export interface YamlEntry {
  readonly key: string;
  readonly at: number;
  readonly value: YamlNode;
}

export interface YamlList {
  readonly kind: "list";
  readonly at: number;
  readonly items: YamlNode[];
}

export interface YamlScalar {
  readonly kind: "scalar";
  readonly at: number;
  readonly value: PlainValue;
  /** What the file says, without quotes. */
  readonly text: string;
  /** No message may quote it. */
  readonly isHidden?: boolean;
}

/** A text as a value of a file that does not hold it. */
export const scalar = (at: number, text: string): YamlScalar => ({ kind: "scalar", at, value: text, text });

/** The value of a key, or of the first of several that are the same field. */
export function valueAt(node: YamlNode | undefined, ...keys: string[]): YamlNode | undefined {
  return node?.kind === "map" ? node.entries.find(({ key }) => keys.includes(key))?.value : undefined;
}

export interface YamlText {
  /** An aliased node is in the tree once for each place that it is used in, and the same object in all. */
  readonly documents: YamlNode[];
  readonly faults: Fault[];
  /** There is an error of syntax, so nobody knows what the text would say. */
  readonly isCut: boolean;
  /** How many nodes the text itself has. */
  readonly size: number;
  /** Whether any value of the text depends on another part of it. */
  readonly hasAliases: boolean;
}

/** Deeper than any configuration, and what the stack bears. */
const maxDepth = 250;
/** Keys copied by merges (`<<`) in one text. */
const maxMergedKeys = 1_000_000;

/**
 * Reads the documents of a text as YAML 1.2, of which JSON is a part. After an error of syntax only the documents
 * before it are read. As in Envoy, a key tagged `!ignore` and its value are left out. With `hidesValues` no fault
 * quotes the text, and the scalars are hidden.
 */
export function parseYaml(text: string, hidesValues = false): YamlText {
  const { events, fault } = yamlEvents(text, maxDepth);
  const tree = new TreeBuilder(text, events, hidesValues).build();
  if (!fault) return tree;
  tree.faults.push(fault);
  return { ...tree, isCut: true };
}

class TreeBuilder {
  private readonly documents: YamlNode[] = [];
  private readonly faults: Fault[] = [];
  private readonly path: PathStep[] = [];
  /** Anchor → its node; null while the node is being read. */
  private anchors = new Map<string, { node: YamlNode; height: number } | null>();
  private next = 0;
  /** How many levels of collections the node has that was read last. */
  private height = 0;
  /** The offset of the last event: where an absent value stands. */
  private at = 0;
  /** Where the last scalar ends. */
  private end = 0;
  private mergedKeys = 0;
  private hasAliases = false;
  private lineIndex: LineIndex | undefined;

  constructor(
    private readonly text: string,
    private readonly events: readonly Event[],
    private readonly hidesValues: boolean,
  ) {}

  build(): YamlText {
    while (this.next < this.events.length) {
      const { type } = this.take();
      if (type !== EVENT_ID.DOCUMENT) continue;
      this.anchors = new Map();
      if (this.events[this.next]?.type !== EVENT_ID.POP) this.documents.push(this.node());
    }
    const { documents, faults, events } = this;
    return { documents, faults, isCut: false, size: events.length, hasAliases: this.hasAliases };
  }

  private take(): Event {
    const event = this.events[this.next++];
    if (!event) throw new Error("the YAML parser's events end too early");
    return event;
  }

  private node(): YamlNode {
    const event = this.take();
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const at = this.startOf(event);
        const text = getScalarValue(this.text, event);
        const tag = this.slice(event.tagStart, event.tagEnd);
        const value = event.style === SCALAR_STYLE.PLAIN && tag !== "!" ? plainValue(text) : text;
        this.height = 0;
        return this.anchored(event, () => {
          const read: YamlScalar = { kind: "scalar", at, text, value: this.tagged(tag, text, value) };
          return this.hidesValues ? { ...read, isHidden: true } : read;
        });
      }
      case EVENT_ID.SEQUENCE:
        this.open(event, "!!seq");
        return this.anchored(event, () => ({ kind: "list", at: event.start, items: this.items() }));
      case EVENT_ID.MAPPING:
        this.open(event, "!!map");
        return this.anchored(event, () => ({ kind: "map", at: event.start, entries: this.entries() }));
      case EVENT_ID.ALIAS:
        return this.alias(event.anchorStart, event.anchorEnd);
      default:
        throw new Error(`the YAML parser sent event ${event.type} for a node`);
    }
  }

  /** Of an absent value: where the key stands that it lacks for, or the dash of its list. */
  private startOf({ valueStart, valueEnd, style }: ScalarEvent): number {
    if (valueStart < 0) {
      const dash = typeof this.path.at(-1) === "number" ? this.text.indexOf("-", this.end) : -1;
      return dash < 0 ? this.at : dash;
    }
    this.end = valueEnd;
    this.at = quoted(style) ? valueStart - 1 : valueStart;
    return this.at;
  }

  /** Takes the end of a collection, if that is what comes. */
  private atEnd(): boolean {
    if (this.events[this.next]?.type !== EVENT_ID.POP) return false;
    this.next++;
    return true;
  }

  private anchored(event: { anchorStart: number; anchorEnd: number }, read: () => YamlNode): YamlNode {
    const name = this.slice(event.anchorStart, event.anchorEnd);
    if (name === "") return read();
    this.anchors.set(name, null);
    const node = read();
    this.anchors.set(name, { node, height: this.height });
    return node;
  }

  private alias(start: number, end: number): YamlNode {
    this.at = start - 1;
    this.hasAliases = true;
    const name = this.slice(start, end);
    const anchor = this.anchors.get(name);
    this.height = anchor?.height ?? 0;
    if (anchor && this.path.length + anchor.height <= maxDepth) return anchor.node;
    // The name may be a secret that lacks quotes, so it is not told.
    if (anchor) this.fault(this.at, `the alias makes more than ${maxDepth} levels of nesting; write it flatter`);
    else if (anchor === null)
      this.fault(this.at, "the alias stands inside what it refers to; a value cannot contain itself");
    else this.fault(this.at, noAnchor);
    return { kind: "scalar", at: this.at, value: null, text: "" };
  }

  private items(): YamlNode[] {
    const items: YamlNode[] = [];
    let height = 0;
    while (!this.atEnd()) {
      this.path.push(items.length);
      items.push(this.node());
      this.path.pop();
      height = Math.max(height, this.height);
    }
    this.height = height + 1;
    return items;
  }

  private entries(): YamlEntry[] {
    const entries: YamlEntry[] = [];
    let height = 0;
    /** Key → where it stands. */
    const seen = new Map<string, number>();
    const merges: { at: number; value: YamlNode }[] = [];
    while (!this.atEnd()) {
      const event = this.events[this.next];
      const keyNode = this.node();
      const at = event?.type === EVENT_ID.ALIAS ? this.at : keyNode.at;
      const key = keyNode.kind === "scalar" ? keyNode.text : "";
      this.path.push(key);
      const value = this.node();
      this.path.pop();
      const first = seen.get(key);
      const isMerge = key === "<<" && event?.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN;
      height = Math.max(height, isMerge ? this.height - 1 : this.height);
      if (isMerge) merges.push({ at, value });
      else if (keyNode.kind !== "scalar") this.fault(at, "a key must be a name or a number, not an object or a list");
      else if (event?.type === EVENT_ID.SCALAR && this.slice(event.tagStart, event.tagEnd) === "!ignore")
        continue; // Envoy's way to have a place for anchors.
      else if (key === "__proto__") this.fault(at, 'the key "__proto__" cannot be used; rename it', key);
      else if (first !== undefined) {
        const { line } = this.lines().place(first);
        const name = this.hidesValues ? "" : `${JSON.stringify(key)} `;
        this.fault(at, `the key ${name}is given twice in one object, first in line ${line}; remove one`, key);
      } else {
        seen.set(key, at);
        entries.push({ key, at, value });
      }
    }
    for (const { at, value } of merges) this.merge(at, value, entries, seen);
    this.height = height + 1;
    return entries;
  }

  /** Adds the entries of a map, or of each map of a list, that are not there yet (https://yaml.org/type/merge.html). */
  private merge(at: number, value: YamlNode, entries: YamlEntry[], seen: Map<string, number>): void {
    for (const source of value.kind === "list" ? value.items : [value]) {
      if (source.kind !== "map") {
        this.fault(at, "a merge key (<<) takes an alias of an object, or a list of such aliases");
        continue;
      }
      this.mergedKeys += source.entries.length;
      if (this.mergedKeys > maxMergedKeys) {
        this.fault(at, `merge keys (<<) add more than ${maxMergedKeys} keys to this file; write it with fewer merges`);
        return;
      }
      for (const entry of source.entries) {
        if (seen.has(entry.key)) continue;
        seen.set(entry.key, entry.at);
        entries.push(entry);
      }
    }
  }

  private tagged(tag: string, text: string, value: PlainValue): PlainValue {
    const kind = standardTag(tag);
    switch (kind) {
      case "":
      case "!":
      case "!ignore":
        return value;
      case "!!str":
      case "!!binary":
        return text;
      case "!!int":
      case "!!float":
      case "!!bool":
      case "!!null": {
        const plain = plainValue(text);
        if (kindsOfTag[kind].includes(plain === null ? "null" : typeof plain)) return plain;
        this.fault(this.at, `expected a value of the tag ${kind}, got ${this.hidesValues ? notShown : quote(text)}`);
        return plain;
      }
      default:
        this.fault(this.at, unknownTag);
        return value;
    }
  }

  private open(event: { start: number; tagStart: number; tagEnd: number }, own: string): void {
    this.at = event.start;
    const tag = this.slice(event.tagStart, event.tagEnd);
    const kind = standardTag(tag);
    if (kind !== "" && kind !== "!" && kind !== own) this.fault(event.tagStart, unknownTag);
  }

  private slice(start: number, end: number): string {
    return start < 0 ? "" : this.text.slice(start, end);
  }

  private lines(): LineIndex {
    this.lineIndex ??= new LineIndex(this.text);
    return this.lineIndex;
  }

  /** What is a field is not known here, so a hidden text has no path. */
  private fault(at: number, message: string, ...below: PathStep[]): void {
    this.faults.push({ at, path: this.hidesValues ? "" : formatPath([...this.path, ...below]), message });
  }
}

const noAnchor =
  'no anchor of this name comes before the alias in this document; define it above, correct the name, or quote a value that begins with "*"';
const unknownTag = 'unknown tag; remove it, or quote a value that begins with "!"';

const kindsOfTag = {
  "!!int": ["number", "bigint"],
  "!!float": ["number", "bigint"],
  "!!bool": ["boolean"],
  "!!null": ["null"],
};

/** A standard tag in its short form. */
const standardTag = (tag: string) => (tag === "" ? tag : tag.replace(/^!<tag:yaml\.org,2002:(.*)>$/, "!!$1"));

const quoted = (style: number) => style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;
