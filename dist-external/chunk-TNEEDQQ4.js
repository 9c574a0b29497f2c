import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  compileRules,
  isExempt,
  rulesOf
} from "./chunk-RV3J6E72.js";
import {
  printableLines
} from "./chunk-JESIV7YD.js";

// dist/validation/rule-words.js
function ruleWords(field) {
  const rules = isExempt(field.parent) ? void 0 : rulesOf(field);
  if (!rules)
    return [];
  const { minItems, maxItems, minPairs, maxPairs, unique } = rules.rules;
  const [min, max] = [minItems ?? minPairs, maxItems ?? maxPairs];
  return [
    ...rules.required ? ["is required"] : [],
    ...min === void 0 ? [] : [`must have at least ${min} of them`],
    ...max === void 0 ? [] : [`must have at most ${max} of them`],
    ...unique === true ? ["no two may be equal"] : [],
    ...valueWords("", rules.kind === "repeated" || rules.kind === "map" ? void 0 : rules),
    ...valueWords("each ", rules.items),
    ...valueWords("each key ", rules.keys),
    ...valueWords("each value ", rules.values)
  ];
}
function valueWords(subject, of) {
  if (!of?.kind)
    return [];
  const { definedOnly, ...others } = of.rules;
  const check = compileRules(of.kind, definedOnly === false ? others : of.rules);
  return check ? [`${subject}must ${check.words}`] : [];
}

// dist/cli/schema/comment.js
import { readFileSync } from "node:fs";
var fileLists = { message: 4, enum: 5 };
var messageLists = { field: 2, message: 3, enum: 4 };
var enumValues = 2;
function commentOf(desc) {
  const file = desc.kind === "message" || desc.kind === "enum" ? desc.file : desc.parent.file;
  const comments = commentsIn(file);
  return (comments.size === 0 ? builtIn()[fullName(desc)] : comments.get(pathOf(desc).join(" "))) ?? "";
}
var fullName = (desc) => desc.kind === "message" || desc.kind === "enum" ? desc.typeName : `${desc.parent.typeName}.${desc.name}`;
var builtInComments;
function builtIn() {
  if (!builtInComments) {
    const file = new URL("../../../gen/comments.json", import.meta.url);
    const found = JSON.parse(readFileSync(file, "utf8"));
    builtInComments = Object.fromEntries(Object.entries(found).map(([name, text]) => [name, tidy(text)]));
  }
  return builtInComments;
}
var tidy = (comment) => printableLines(comment).replace(/^ /gm, "").replace(/\[#[^\]]*\]/g, "").replace(/:\w+:`([^`<]*?)\s*<[^`>]*>`/g, "$1").replace(/:\w+:`([^`]*)`/g, "$1").replace(/`([^`<]*?)\s*<[^`>]*>`_+/g, "$1").replace(/``/g, "`").replace(/^\s*\.\. (\w+)::\s*/gm, (_, word) => `${word[0]?.toUpperCase()}${word.slice(1)}: `).replace(/\n{3,}/g, "\n\n").trim();
function pathOf(desc) {
  const { proto, parent, kind } = desc;
  switch (kind) {
    case "field":
      return [...pathOf(desc.parent), messageLists.field, desc.parent.proto.field.indexOf(desc.proto)];
    case "enum_value":
      return [...pathOf(desc.parent), enumValues, desc.parent.proto.value.indexOf(desc.proto)];
    case "message": {
      const list = parent ? parent.proto.nestedType : desc.file.proto.messageType;
      return [...parent ? pathOf(parent) : [], (parent ? messageLists : fileLists).message, list.indexOf(proto)];
    }
    case "enum": {
      const list = parent ? parent.proto.enumType : desc.file.proto.enumType;
      return [...parent ? pathOf(parent) : [], (parent ? messageLists : fileLists).enum, list.indexOf(proto)];
    }
  }
}
var known = /* @__PURE__ */ new WeakMap();
function commentsIn(file) {
  let comments = known.get(file);
  if (!comments) {
    const locations = file.proto.sourceCodeInfo?.location ?? [];
    comments = new Map(locations.flatMap(({ path, leadingComments, trailingComments }) => {
      const text = tidy(leadingComments) || tidy(trailingComments);
      return text === "" ? [] : [[path.join(" "), text]];
    }));
    known.set(file, comments);
  }
  return comments;
}

export {
  ruleWords,
  commentOf
};
