import { hash } from "node:crypto";
import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE, type ScalarEvent } from "js-yaml";
import type { YamlEntry, YamlList, YamlMap, YamlNode, YamlScalar } from "../../json/node.js";
import { hiddenValue, quote } from "../../json/scalar-json.js";
import { type Fault, formatPath, LineIndex, type PathStep } from "../files/problem.js";
import type { YamlFormat } from "./format.js";
import { BadScalar, unknownTag } from "./scalar.js";
import { yamlEvents } from "./syntax.js";

export { scalar, valueAt } from "../../json/node.js";
export type { YamlEntry, YamlList, YamlMap, YamlNode, YamlScalar };

/**
 * A hash of a value. The order of keys does not count. Each node is hashed once, because aliases can repeat a node very
 * often.
 */
export function contentOf(root: YamlNode): string {
  const known = new Map<YamlNode, string>();
  const digest = (node: YamlNode): string => {
    const found = known.get(node);
    if (found !== undefined) return found;
    const parts =
      node.kind === "scalar"
        ? [typeof node.value, String(node.value)]
        : node.kind === "list"
          ? ["list", ...node.items.map(digest)]
          : ["map", ...node.entries.map(({ key, value }) => `${digest(value)} ${key}`).sort()];
    const made = hash("sha1", JSON.stringify(parts), "base64");
    known.set(node, made);
    return made;
  };
  return digest(root);
}

export interface YamlText {
  /** An aliased node is in the tree at each place where it is used, as the same object. */
  readonly documents: YamlNode[];
  readonly faults: Fault[];
  /** Notes about repeated keys. */
  readonly notes: Fault[];
  /** Whether there is a syntax error, so that the rest of the text is unknown. */
  readonly isCut: boolean;
  /** The number of nodes in the text, without repetitions. */
  readonly size: number;
  /** Whether a value depends on another part of the text. */
  readonly hasAliases: boolean;
}

/** The most levels of nesting: more than any configuration has, and what the stack can hold. */
const maxDepth = 250;
/** The most keys that merges (`<<`) copy in one text. */
const maxMergedKeys = 1_000_000;

/**
 * Reads the documents of a text as YAML 1.2, which includes JSON. After a syntax error, only the documents before it
 * are read. As in Envoy, a key tagged `!ignore` and its value are left out. With `hidesValues`, no fault quotes the
 * text, and the scalars are hidden.
 */
export function parseYaml(text: string, format: YamlFormat, hidesValues = false): YamlText {
  const { events, fault } = yamlEvents(text, maxDepth);
  const tree = new TreeBuilder(text, events, format, hidesValues).build();
  if (!fault) return tree;
  tree.faults.push(fault);
  return { ...tree, isCut: true };
}

class TreeBuilder {
  private readonly documents: YamlNode[] = [];
  private readonly faults: Fault[] = [];
  private readonly notes: Fault[] = [];
  private readonly path: PathStep[] = [];
  /** Anchor → its node, or null while the node is read. */
  private anchors = new Map<string, { node: YamlNode; height: number } | null>();
  private next = 0;
  /** The levels of collections in the last node. */
  private height = 0;
  /** The offset of the last event, which is the place of an absent value. */
  private at = 0;
  /** The end of the last scalar. */
  private end = 0;
  private mergedKeys = 0;
  private hasAliases = false;
  private lineIndex: LineIndex | undefined;

  constructor(
    private readonly text: string,
    private readonly events: readonly Event[],
    private readonly format: YamlFormat,
    private readonly hidesValues: boolean,
  ) {}

  build(): YamlText {
    while (this.next < this.events.length) {
      const { type } = this.take();
      if (type !== EVENT_ID.DOCUMENT) continue;
      this.anchors = new Map();
      if (this.events[this.next]?.type !== EVENT_ID.POP) this.documents.push(this.node());
    }
    const { documents, faults, notes, events } = this;
    return { documents, faults, notes, isCut: false, size: events.length, hasAliases: this.hasAliases };
  }

  private take(): Event {
    const event = this.events[this.next++];
    if (!event) throw new Error("the YAML parser's events end too early");
    return event;
  }

  private node(rules = this.format.scalar): YamlNode {
    const event = this.take();
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const at = this.startOf(event);
        const text = textOf(this.text, event);
        const tag = standardTag(this.slice(event.tagStart, event.tagEnd));
        const value = rules(text, event.style === SCALAR_STYLE.PLAIN, tag);
        const isBad = value instanceof BadScalar;
        if (isBad) this.badScalar(value, text);
        else if (!this.format.takesLineBreaks && this.slice(event.valueStart, event.valueEnd).includes("\n"))
          this.fault(at, "JSON texts cannot have line breaks; write \\n");
        this.height = 0;
        return this.anchored(event, () => {
          const read: YamlScalar = { kind: "scalar", at, text, value: isBad ? text : value };
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

  /** The place of an absent value: its key, or the dash of its list. */
  private startOf({ valueStart, valueEnd, style }: ScalarEvent): number {
    if (valueStart < 0) {
      const dash = typeof this.path.at(-1) === "number" ? this.text.indexOf("-", this.end) : -1;
      return dash < 0 ? this.at : dash;
    }
    this.end = valueEnd;
    this.at = quoted(style) ? valueStart - 1 : valueStart;
    return this.at;
  }

  /** Reads the end of a collection, if it is next. */
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
    // The name may be a secret without quotes, so the message does not have it.
    if (anchor) this.fault(this.at, `the alias makes more than ${maxDepth} levels of nesting; use fewer levels`);
    else if (anchor === null)
      this.fault(this.at, "the alias is inside the value that it refers to; a value cannot contain itself");
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
    /** Key → the position of its entry. */
    const seen = new Map<string, number>();
    const merges: { at: number; value: YamlNode }[] = [];
    while (!this.atEnd()) {
      const event = this.events[this.next];
      const keyNode = this.node(this.format.key);
      const at = event?.type === EVENT_ID.ALIAS ? this.at : keyNode.at;
      const key = keyNode.kind === "scalar" ? (keyNode.value === null ? "null" : keyNode.text) : "";
      this.path.push(key);
      const value = this.node();
      this.path.pop();
      const first = seen.get(key);
      const isMerge = key === "<<" && event?.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN;
      height = Math.max(height, isMerge ? this.height - 1 : this.height);
      if (isMerge) merges.push({ at, value });
      else if (keyNode.kind !== "scalar") this.fault(at, "a key must be a name or a number, not an object or a list");
      else if (event?.type === EVENT_ID.SCALAR && this.slice(event.tagStart, event.tagEnd) === "!ignore")
        continue; // Envoy's place for anchors.
      else if (key === "__proto__") this.fault(at, 'the key "__proto__" cannot be used; rename it', key);
      else if (first !== undefined) this.again(key, at, value, entries, first);
      else {
        seen.set(key, entries.length);
        entries.push({ key, at, value });
      }
    }
    for (const { at, value } of merges) this.merge(at, value, entries, seen);
    this.height = height + 1;
    return entries;
  }

  /** Handles a key that already has an entry, at this position. */
  private again(key: string, at: number, value: YamlNode, entries: YamlEntry[], first: number): void {
    const before = entries[first];
    if (!before) return;
    const { repeatedKeys } = this.format;
    const isScalar = before.value.kind === "scalar" && value.kind === "scalar";
    if (repeatedKeys === "all" || (repeatedKeys === "of scalars" && isScalar)) {
      const { line } = this.lines().place(at);
      // The message does not have the key, which may be a secret in the wrong place.
      const message = `left out: the same key is given again in line ${line}, and Envoy uses the last one`;
      this.notes.push({ at: before.at, path: "", message });
      entries[first] = { key, at, value };
      return;
    }
    const { line } = this.lines().place(before.at);
    const name = this.hidesValues ? "" : `${JSON.stringify(key)} `;
    this.fault(at, `the key ${name}is given twice in one object, first in line ${line}; remove one`, key);
  }

  /** Adds missing entries from a map, or from each map of a list (https://yaml.org/type/merge.html). */
  private merge(at: number, value: YamlNode, entries: YamlEntry[], seen: Map<string, number>): void {
    for (const source of value.kind === "list" ? value.items : [value]) {
      if (source.kind !== "map") {
        this.fault(at, "the value of a merge key (<<) must be an alias of an object, or a list of such aliases");
        continue;
      }
      this.mergedKeys += source.entries.length;
      if (this.mergedKeys > maxMergedKeys) {
        this.fault(at, `merge keys (<<) add more than ${maxMergedKeys} keys to this file; write it with fewer merges`);
        return;
      }
      for (const entry of source.entries) {
        if (seen.has(entry.key)) continue;
        seen.set(entry.key, entries.length);
        entries.push(entry);
      }
    }
  }

  private badScalar({ message, quotesText }: BadScalar, text: string): void {
    const got = quotesText ? `, got ${this.hidesValues ? hiddenValue : quote(text)}` : "";
    this.fault(this.at, `${message}${got}`);
  }

  private open(event: { start: number; tagStart: number; tagEnd: number }, own: string): void {
    this.at = event.start;
    if (this.format.takesTags) return;
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

  /** Hidden texts have no path, because a key may be a secret too. */
  private fault(at: number, message: string, ...below: PathStep[]): void {
    this.faults.push({ at, path: this.hidesValues ? "" : formatPath([...this.path, ...below]), message });
  }
}

const noAnchor =
  'no anchor of this name comes before the alias in this document; define it above, correct the name, or quote a value that begins with "*"';
/** A standard tag in its short form. */
const standardTag = (tag: string) => (tag === "" ? tag : tag.replace(/^!<tag:yaml\.org,2002:(.*)>$/, "!!$1"));

/**
 * The text of a scalar. Quoted text follows Envoy's rules: `\'` is an apostrophe, empty lines after an escaped line
 * break count, and at most one empty line before the closing quote counts.
 */
function textOf(text: string, event: ScalarEvent): string {
  const { style, valueStart, valueEnd, fast } = event;
  if (fast || !quoted(style)) return getScalarValue(text, event);
  let inside = text.slice(valueStart, valueEnd);
  if (!/\n|\\'/.test(inside)) return getScalarValue(text, event);
  if (style === SCALAR_STYLE.DOUBLE_QUOTED)
    inside = inside.replace(/\\(?:\r?\n((?:[ \t]*\r?\n)+)[ \t]*|.)/gs, (all, empty?: string) =>
      empty !== undefined ? "\\n".repeat(breaksIn(empty)) : all === "\\'" ? "'" : all,
    );
  let end = inside.length;
  while (" \t\r\n".includes(inside.charAt(end - 1)) && end > 0) end--;
  if (breaksIn(inside.slice(end)) > 1 && inside.charAt(end - 1) !== "\\")
    inside = end === 0 ? "" : `${inside.slice(0, end)}\n\n`;
  return getScalarValue(inside, { ...event, valueStart: 0, valueEnd: inside.length });
}

const breaksIn = (text: string) => text.split("\n").length - 1;

const quoted = (style: number) => style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;
