import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  placeOf
} from "./chunk-P2PIW5AR.js";
import {
  findResourceType
} from "./chunk-5S6OCP5I.js";

// dist/cli/compare/unserved-parts.js
var mostNames = 20;
var notesOf = ({ notes, dump, dumps }) => dump ? [] : notes.filter(({ file }) => !dumps?.has(file));
var unservedOf = (operand) => new Map(notesOf(operand).flatMap((note) => note.leftOut ? [[nameOf(note), note.leftOut.content]] : []));
function unservedLine(before, after) {
  const [was, is] = [unservedOf(before), unservedOf(after)];
  const names = [.../* @__PURE__ */ new Set([...was.keys(), ...is.keys()])];
  const differing = names.filter((name) => was.get(name) !== is.get(name));
  if (differing.length === 0)
    return void 0;
  const result = `; of these, ${listed(differing)} differ${differing.length > 1 ? "" : "s"}`;
  return `not compared, because it is not served: ${listed(names)}${was.size > 0 && is.size > 0 ? result : ""}`;
}
function unservedNote(operand) {
  const names = [...new Set(notesOf(operand).flatMap((note) => note.leftOut?.resource ? [nameOf(note)] : []))];
  return names.length > 0 ? `left out, because it is not served: ${listed(names)}` : void 0;
}
function unservedLines({ notes }, wanted) {
  return notes.flatMap((note) => {
    const { resource, why } = note.leftOut ?? {};
    if (!resource)
      return [];
    const type = findResourceType(resource.typeUrl)?.name;
    const isWanted = [resource.name, `${type}/${resource.name}`].includes(wanted);
    return isWanted ? [`${nameOf(note)} is at ${placeOf(note)}, but it is not served: ${why}`] : [];
  });
}
var isUnserved = ({ notes }, typeUrl, name) => notes.some(({ leftOut }) => leftOut?.resource?.typeUrl === typeUrl && leftOut.resource.name === name);
function nameOf({ path, leftOut }) {
  if (!leftOut?.resource)
    return path;
  const { typeUrl, name } = leftOut.resource;
  return `${findResourceType(typeUrl)?.name ?? typeUrl} ${JSON.stringify(name)}`;
}
var listed = (names) => names.slice(0, mostNames).join(", ") + (names.length > mostNames ? `, and ${names.length - mostNames} more` : "");

export {
  unservedLine,
  unservedNote,
  unservedLines,
  isUnserved
};
