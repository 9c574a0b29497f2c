import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  LineIndex
} from "./chunk-BAMRFF5H.js";
import {
  BadScalar,
  EVENT_ID,
  SCALAR_STYLE,
  YAMLException,
  coreScalar,
  envoyScalar,
  getScalarValue,
  jsonScalar,
  parseEvents,
  unknownTag
} from "./chunk-JXEHVJSA.js";
import {
  formatPath,
  hiddenValue,
  quote
} from "./chunk-TCS7TSVQ.js";

// dist/source/yaml/join-lines.js
var joinLines = (text) => new LineJoiner(text).join();
var whiteSpace = " 	\r\n";
var lineBreaks = "\r\n";
var flowIndicators = ",[]{}";
var LineJoiner = class {
  text;
  /** The result, in UTF-16. */
  joined;
  at = 0;
  lineStart = 0;
  /** The column of the key or the dash that the next node belongs to. */
  parent = -1;
  /** The column of the node that begins on this line, or -1. */
  node = -1;
  constructor(text) {
    this.text = text;
    this.joined = Buffer.from(text, "utf16le");
  }
  join() {
    while (this.at < this.text.length) {
      const start = this.at;
      if (this.token())
        continue;
      this.joined.write(this.text.slice(start), 2 * start, "utf16le");
      break;
    }
    return this.joined.toString("utf16le");
  }
  /** Reads a token outside of flow collections. Returns false if a bracket or a quote is never closed. */
  token() {
    const char = this.text.charAt(this.at);
    if (this.isAtMarker()) {
      this.at += 3;
      this.parent = -1;
    } else if (whiteSpace.includes(char))
      this.space();
    else if (char === "#")
      this.comment();
    else if (this.at === this.lineStart && char === "%")
      this.at = this.endOfLine(this.at);
    else if ("-?:".includes(char) && this.isSpaceAt(this.at + 1)) {
      this.parent = char === ":" && this.node >= 0 ? this.node : this.at - this.lineStart;
      this.node = -1;
      this.at++;
    } else {
      if (this.node < 0)
        this.node = this.at - this.lineStart;
      if ("&!*".includes(char))
        this.word(whiteSpace);
      else if (`"'[{`.includes(char)) {
        const { lineStart } = this;
        if (!("[{".includes(char) ? this.flow() : this.quoted()))
          return false;
        return lineStart === this.lineStart || !this.isAtColon();
      } else if ("|>".includes(char))
        this.block();
      else
        this.plain();
    }
    return true;
  }
  flow() {
    let depth = 0;
    let [isPlain, isEnded] = [false, false];
    do {
      const char = this.text.charAt(this.at);
      if (char === "" || this.isAtMarker())
        return false;
      if (whiteSpace.includes(char)) {
        this.blank();
        this.space();
      } else if (char === "#") {
        isEnded = isPlain;
        const end = this.endOfLine(this.at);
        while (this.at < end)
          this.blank(this.at++);
      } else if (",:]}".includes(char) || !isEnded) {
        isPlain = false;
        if ("[{".includes(char))
          depth++;
        if ("]}".includes(char))
          depth--;
        if (`${flowIndicators}:`.includes(char))
          this.at++;
        else if (`"'`.includes(char)) {
          if (!this.quoted())
            return false;
        } else if ("&!*".includes(char))
          this.word(whiteSpace + flowIndicators);
        else {
          if (!this.plainInFlow())
            return false;
          isPlain = true;
        }
        isEnded = false;
      } else
        return false;
    } while (depth > 0);
    return true;
  }
  quoted() {
    const quote2 = this.text.charAt(this.at++);
    for (; this.at < this.text.length; this.at++) {
      const char = this.text.charAt(this.at);
      const next = this.text.charAt(this.at + 1);
      if (this.isAtMarker())
        return false;
      if (whiteSpace.includes(char)) {
        this.blank();
        if (lineBreaks.includes(char))
          this.lineStart = this.at + 1;
      } else if (char === "\\" && quote2 === '"') {
        if (next === "'")
          this.blank();
        if (!whiteSpace.includes(next))
          this.at++;
      } else if (char === quote2) {
        this.at++;
        if (quote2 === '"' || next !== quote2)
          return true;
      }
    }
    return false;
  }
  plainInFlow() {
    for (; this.at < this.text.length && !this.isAtMarker(); this.at++) {
      const char = this.text.charAt(this.at);
      if (flowIndicators.includes(char))
        return true;
      if (char === ":" && (this.isSpaceAt(this.at + 1) || flowIndicators.includes(this.text.charAt(this.at + 1))))
        return true;
      if (char === "#" && this.isSpaceAt(this.at - 1))
        return true;
      if (whiteSpace.includes(char)) {
        this.blank();
        if (lineBreaks.includes(char))
          this.lineStart = this.at + 1;
      }
    }
    return false;
  }
  /**
   * Reads an unquoted text outside of flow collections. It continues on lines that are indented deeper than its parent.
   */
  plain() {
    for (; this.at < this.text.length; this.at++) {
      this.at = this.find(/[:#\r\n]/g, this.at);
      const char = this.text.charAt(this.at);
      if (char === ":" && this.isSpaceAt(this.at + 1))
        return;
      if (char === "#" && this.isSpaceAt(this.at - 1))
        return;
      if (!lineBreaks.includes(char))
        continue;
      const [line, first] = this.nextLine(this.at);
      if (first - line <= this.parent || this.isMarker(line))
        return;
      this.lineStart = line;
      this.at = first - 1;
    }
  }
  block() {
    this.at++;
    while (this.at < this.text.length && "-+0123456789".includes(this.text.charAt(this.at)))
      this.at++;
    if (this.text.charAt(this.at) === "#")
      this.comment();
    this.at = this.endOfLine(this.at);
    while (this.at < this.text.length) {
      const [line, first] = this.nextLine(this.at);
      if (first - line <= this.parent || this.isMarker(line))
        return;
      this.at = this.endOfLine(first);
    }
  }
  /** Reads one character of white space. */
  space() {
    if (!lineBreaks.includes(this.text.charAt(this.at++)))
      return;
    this.lineStart = this.at;
    this.node = -1;
  }
  /** To the parser, a character directly before it would make it no comment. */
  comment() {
    const end = this.endOfLine(this.at);
    if (!this.isSpaceAt(this.at - 1))
      for (let at = this.at; at < end; at++)
        this.blank(at);
    this.at = end;
  }
  word(ends) {
    do
      this.at++;
    while (!ends.includes(this.text.charAt(this.at)));
  }
  blank(at = this.at) {
    this.joined.writeUInt16LE(32, 2 * at);
  }
  /** The starts of the next line that is not empty, and of its text. */
  nextLine(from) {
    let line = from;
    let at = from;
    for (; at < this.text.length; at++) {
      const char = this.text.charAt(at);
      if (lineBreaks.includes(char))
        line = at + 1;
      else if (char !== " ")
        break;
    }
    return [line, at];
  }
  endOfLine(at) {
    return this.find(/[\r\n]/g, at);
  }
  /** The next position of one of these characters, or the end of the text. */
  find(characters, from) {
    characters.lastIndex = from;
    return characters.exec(this.text)?.index ?? this.text.length;
  }
  isAtMarker() {
    return this.at === this.lineStart && this.isMarker(this.at);
  }
  /** Whether a separator of documents is here, at the start of a line. */
  isMarker(at) {
    return (this.text.startsWith("---", at) || this.text.startsWith("...", at)) && this.isSpaceAt(at + 3);
  }
  isAtColon() {
    let { at } = this;
    while (this.text.charAt(at) === " ")
      at++;
    return this.text.charAt(at) === ":" && this.isSpaceAt(at + 1);
  }
  /** True also before the text and behind it. */
  isSpaceAt(at) {
    return whiteSpace.includes(this.text.charAt(at));
  }
};

// dist/source/yaml/syntax.js
var mostAttempts = 3;
function yamlEvents(text, maxDepth2) {
  const starts = jsonStarts(text);
  if (starts.length === 1)
    return documentEvents(text, maxDepth2);
  const all = [];
  for (const [index, start] of starts.entries()) {
    const { events, fault } = documentEvents(text.slice(start, starts[index + 1]), maxDepth2);
    for (const event of events)
      all.push(shifted(event, start));
    if (fault)
      return { events: all, fault: { ...fault, at: fault.at + start } };
  }
  return { events: all };
}
function jsonStarts(text) {
  if (!/^\s*[{[]/.test(text))
    return [0];
  const borders = text.matchAll(/[}\]][ \t\r]*\n(?=[{[])/g);
  return [0, ...Array.from(borders, ({ index, 0: border }) => index + border.length)];
}
function shifted(event, by) {
  const moved = Object.entries(event).map(([key, value]) => {
    const isPlace = typeof value === "number" && value >= 0 && /^(?:start|\w+(?:Start|End))$/.test(key);
    return [key, isPlace ? value + by : value];
  });
  return Object.fromEntries(moved);
}
function documentEvents(text, maxDepth2) {
  const read = eventsBefore(text, maxDepth2, mostAttempts);
  const joined = read.fault ? joinLines(text) : text;
  if (joined === text)
    return read;
  const { events, fault } = eventsBefore(joined, maxDepth2, mostAttempts);
  const all = events.map((event) => event.type === EVENT_ID.SCALAR ? { ...event, fast: false } : event);
  return fault ? { events: all, fault } : { events: all };
}
function eventsBefore(text, maxDepth2, attempts) {
  try {
    return { events: parseEvents(text, { maxDepth: maxDepth2 }) };
  } catch (error) {
    if (!(error instanceof YAMLException) || !error.mark)
      throw error;
    const at = Math.min(error.mark.position, text.length);
    const reason = withoutQuotes(error.reason);
    const why = reservedAt(text, at) ?? `${reason}${adviceFor(reason)}`;
    const fault = { at, path: "", message: `not valid YAML or JSON: ${why}` };
    const separator = separatorBefore(text, at);
    if (separator === -1 || attempts === 1)
      return { events: [], fault };
    const before = eventsBefore(text.slice(0, separator + 1), maxDepth2, attempts - 1);
    return { events: before.events, fault: before.fault ?? fault };
  }
}
var withoutQuotes = (reason) => reason.replace(/^(tag name cannot contain such characters): .*$/s, "$1").replace(/ (tag handle) ".*"$/s, " $1").replace(/ for ".*" (tag handle)$/s, " for a $1");
function separatorBefore(text, at) {
  let found = at;
  do
    found = found > 0 ? text.lastIndexOf("\n---", found - 1) : -1;
  while (found !== -1 && !/^\s?$/.test(text.slice(found + 4, found + 5)));
  return found;
}
function reservedAt(text, at) {
  const [word, sign] = /^([@`%])[\w.-]*/.exec(text.slice(at, at + 100)) ?? [];
  if (word === void 0)
    return void 0;
  return `a text without quotes cannot begin with ${sign}; ${word === "@type" ? 'write "@type"' : "put it in quotes"}`;
}
var advice = [
  [
    "bad indentation",
    '; align the line with its neighbours, and quote a value that contains ": " or begins with a special character'
  ],
  ["deficient indentation", "; indent the line, or close the quote or the bracket that is open above"],
  ["end of the stream or a document separator", "; a document is one object, so align the line with the first one"],
  ["a multiline key", '; write "key: value", or indent the line'],
  ["tab characters", "; use spaces"],
  ["within a flow collection", "; close the bracket or the brace that is open above"],
  ["quoted scalar", "; close the quote that is open above"],
  ["missed comma", "; put a comma between the two, or close the bracket before the second"],
  ["but found ','", "; remove the comma"],
  ["expected ':'", '; write "key: value"'],
  ["key-value separator", '; put a space behind the ":"'],
  ["a line break is expected", "; put the text on the lines below"],
  ["escape sequence", '; write a backslash as "\\\\", or use single quotes'],
  ["hexadecimal character", '; write a backslash as "\\\\", or use single quotes'],
  ["alias node", '; quote a value that begins with "*"'],
  ["anchor node", '; quote a value that begins with "&"'],
  ["tag", '; quote a value that begins with "!"'],
  ["directive", '; quote a value that begins with "%"'],
  ["null byte", "; save the file as UTF-8 text"],
  ["non-printable characters", "; remove them"],
  ["maxDepth", "; use fewer levels"]
];
function adviceFor(reason) {
  return advice.find(([complaint]) => reason.includes(complaint))?.[1] ?? "";
}

// dist/source/yaml/format.js
var envoyYaml = {
  scalar: envoyScalar,
  key: envoyScalar,
  takesLineBreaks: true,
  takesTags: true,
  repeatedKeys: "all"
};
var envoyJson = {
  scalar: jsonScalar,
  key: (text) => text,
  takesLineBreaks: false,
  takesTags: false,
  repeatedKeys: "of scalars"
};
var coreYaml = {
  scalar: coreScalar,
  key: coreScalar,
  takesLineBreaks: true,
  takesTags: false,
  repeatedKeys: "none"
};
function envoyFormat(file, text) {
  if (/\.ya?ml$/i.test(file))
    return envoyYaml;
  return /\.json$/i.test(file) || isJson(text) ? envoyJson : envoyYaml;
}
function isJson(text) {
  if (!/^\s*[{[]/.test(text))
    return false;
  const starts = jsonStarts(text);
  try {
    for (const [index, start] of starts.entries())
      JSON.parse(text.slice(start, starts[index + 1]));
    return true;
  } catch {
    return false;
  }
}

// dist/source/yaml/yaml.js
import { hash } from "node:crypto";
function contentOf(root) {
  const known = /* @__PURE__ */ new Map();
  const digest = (node) => {
    const found = known.get(node);
    if (found !== void 0)
      return found;
    const parts = node.kind === "scalar" ? [typeof node.value, String(node.value)] : node.kind === "list" ? ["list", ...node.items.map(digest)] : ["map", ...node.entries.map(({ key, value }) => `${digest(value)} ${key}`).sort()];
    const made = hash("sha1", JSON.stringify(parts), "base64");
    known.set(node, made);
    return made;
  };
  return digest(root);
}
var maxDepth = 250;
var maxMergedKeys = 1e6;
function parseYaml(text, format, hidesValues = false) {
  const { events, fault } = yamlEvents(text, maxDepth);
  const tree = new TreeBuilder(text, events, format, hidesValues).build();
  if (!fault)
    return tree;
  tree.faults.push(fault);
  return { ...tree, isCut: true };
}
var TreeBuilder = class {
  text;
  events;
  format;
  hidesValues;
  documents = [];
  faults = [];
  notes = [];
  path = [];
  /** Anchor → its node, or null while the node is read. */
  anchors = /* @__PURE__ */ new Map();
  next = 0;
  /** The levels of collections in the last node. */
  height = 0;
  /** The offset of the last event, which is the place of an absent value. */
  at = 0;
  /** The end of the last scalar. */
  end = 0;
  mergedKeys = 0;
  hasAliases = false;
  lineIndex;
  constructor(text, events, format, hidesValues) {
    this.text = text;
    this.events = events;
    this.format = format;
    this.hidesValues = hidesValues;
  }
  build() {
    while (this.next < this.events.length) {
      const { type } = this.take();
      if (type !== EVENT_ID.DOCUMENT)
        continue;
      this.anchors = /* @__PURE__ */ new Map();
      if (this.events[this.next]?.type !== EVENT_ID.POP)
        this.documents.push(this.node());
    }
    const { documents, faults, notes, events } = this;
    return { documents, faults, notes, isCut: false, size: events.length, hasAliases: this.hasAliases };
  }
  take() {
    const event = this.events[this.next++];
    if (!event)
      throw new Error("the YAML parser's events end too early");
    return event;
  }
  node(rules = this.format.scalar) {
    const event = this.take();
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const at = this.startOf(event);
        const text = textOf(this.text, event);
        const tag = standardTag(this.slice(event.tagStart, event.tagEnd));
        const value = rules(text, event.style === SCALAR_STYLE.PLAIN, tag);
        const isBad = value instanceof BadScalar;
        if (isBad)
          this.badScalar(value, text);
        else if (!this.format.takesLineBreaks && this.slice(event.valueStart, event.valueEnd).includes("\n"))
          this.fault(at, "JSON texts cannot have line breaks; write \\n");
        this.height = 0;
        return this.anchored(event, () => {
          const read = { kind: "scalar", at, text, value: isBad ? text : value };
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
  startOf({ valueStart, valueEnd, style }) {
    if (valueStart < 0) {
      const dash = typeof this.path.at(-1) === "number" ? this.text.indexOf("-", this.end) : -1;
      return dash < 0 ? this.at : dash;
    }
    this.end = valueEnd;
    this.at = quoted(style) ? valueStart - 1 : valueStart;
    return this.at;
  }
  /** Reads the end of a collection, if it is next. */
  atEnd() {
    if (this.events[this.next]?.type !== EVENT_ID.POP)
      return false;
    this.next++;
    return true;
  }
  anchored(event, read) {
    const name = this.slice(event.anchorStart, event.anchorEnd);
    if (name === "")
      return read();
    this.anchors.set(name, null);
    const node = read();
    this.anchors.set(name, { node, height: this.height });
    return node;
  }
  alias(start, end) {
    this.at = start - 1;
    this.hasAliases = true;
    const name = this.slice(start, end);
    const anchor = this.anchors.get(name);
    this.height = anchor?.height ?? 0;
    if (anchor && this.path.length + anchor.height <= maxDepth)
      return anchor.node;
    if (anchor)
      this.fault(this.at, `the alias makes more than ${maxDepth} levels of nesting; use fewer levels`);
    else if (anchor === null)
      this.fault(this.at, "the alias is inside the value that it refers to; a value cannot contain itself");
    else
      this.fault(this.at, noAnchor);
    return { kind: "scalar", at: this.at, value: null, text: "" };
  }
  items() {
    const items = [];
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
  entries() {
    const entries = [];
    let height = 0;
    const seen = /* @__PURE__ */ new Map();
    const merges = [];
    while (!this.atEnd()) {
      const event = this.events[this.next];
      const keyNode = this.node(this.format.key);
      const at = event?.type === EVENT_ID.ALIAS ? this.at : keyNode.at;
      const key = keyNode.kind === "scalar" ? keyNode.value === null ? "null" : keyNode.text : "";
      this.path.push(key);
      const value = this.node();
      this.path.pop();
      const first = seen.get(key);
      const isMerge = key === "<<" && event?.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN;
      height = Math.max(height, isMerge ? this.height - 1 : this.height);
      if (isMerge)
        merges.push({ at, value });
      else if (keyNode.kind !== "scalar")
        this.fault(at, "a key must be a name or a number, not an object or a list");
      else if (event?.type === EVENT_ID.SCALAR && this.slice(event.tagStart, event.tagEnd) === "!ignore")
        continue;
      else if (key === "__proto__")
        this.fault(at, 'the key "__proto__" cannot be used; rename it', key);
      else if (first !== void 0)
        this.again(key, at, value, entries, first);
      else {
        seen.set(key, entries.length);
        entries.push({ key, at, value });
      }
    }
    for (const { at, value } of merges)
      this.merge(at, value, entries, seen);
    this.height = height + 1;
    return entries;
  }
  /** Handles a key that already has an entry, at this position. */
  again(key, at, value, entries, first) {
    const before = entries[first];
    if (!before)
      return;
    const { repeatedKeys } = this.format;
    const isScalar = before.value.kind === "scalar" && value.kind === "scalar";
    if (repeatedKeys === "all" || repeatedKeys === "of scalars" && isScalar) {
      const { line: line2 } = this.lines().place(at);
      const message = `left out: the same key is given again in line ${line2}, and Envoy uses the last one`;
      this.notes.push({ at: before.at, path: "", message });
      entries[first] = { key, at, value };
      return;
    }
    const { line } = this.lines().place(before.at);
    const name = this.hidesValues ? "" : `${JSON.stringify(key)} `;
    this.fault(at, `the key ${name}is given twice in one object, first in line ${line}; remove one`, key);
  }
  /** Adds missing entries from a map, or from each map of a list (https://yaml.org/type/merge.html). */
  merge(at, value, entries, seen) {
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
        if (seen.has(entry.key))
          continue;
        seen.set(entry.key, entries.length);
        entries.push(entry);
      }
    }
  }
  badScalar({ message, quotesText }, text) {
    const got = quotesText ? `, got ${this.hidesValues ? hiddenValue : quote(text)}` : "";
    this.fault(this.at, `${message}${got}`);
  }
  open(event, own) {
    this.at = event.start;
    if (this.format.takesTags)
      return;
    const tag = this.slice(event.tagStart, event.tagEnd);
    const kind = standardTag(tag);
    if (kind !== "" && kind !== "!" && kind !== own)
      this.fault(event.tagStart, unknownTag);
  }
  slice(start, end) {
    return start < 0 ? "" : this.text.slice(start, end);
  }
  lines() {
    this.lineIndex ??= new LineIndex(this.text);
    return this.lineIndex;
  }
  /** Hidden texts have no path, because a key may be a secret too. */
  fault(at, message, ...below) {
    this.faults.push({ at, path: this.hidesValues ? "" : formatPath([...this.path, ...below]), message });
  }
};
var noAnchor = 'no anchor of this name comes before the alias in this document; define it above, correct the name, or quote a value that begins with "*"';
var standardTag = (tag) => tag === "" ? tag : tag.replace(/^!<tag:yaml\.org,2002:(.*)>$/, "!!$1");
function textOf(text, event) {
  const { style, valueStart, valueEnd, fast } = event;
  if (fast || !quoted(style))
    return getScalarValue(text, event);
  let inside = text.slice(valueStart, valueEnd);
  if (!/\n|\\'/.test(inside))
    return getScalarValue(text, event);
  if (style === SCALAR_STYLE.DOUBLE_QUOTED)
    inside = inside.replace(/\\(?:\r?\n((?:[ \t]*\r?\n)+)[ \t]*|.)/gs, (all, empty) => empty !== void 0 ? "\\n".repeat(breaksIn(empty)) : all === "\\'" ? "'" : all);
  let end = inside.length;
  while (" 	\r\n".includes(inside.charAt(end - 1)) && end > 0)
    end--;
  if (breaksIn(inside.slice(end)) > 1 && inside.charAt(end - 1) !== "\\")
    inside = end === 0 ? "" : `${inside.slice(0, end)}

`;
  return getScalarValue(inside, { ...event, valueStart: 0, valueEnd: inside.length });
}
var breaksIn = (text) => text.split("\n").length - 1;
var quoted = (style) => style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;

export {
  envoyYaml,
  coreYaml,
  envoyFormat,
  contentOf,
  parseYaml
};
