import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Locator
} from "./chunk-T3KJFUI7.js";
import {
  findResourceType
} from "./chunk-5S6OCP5I.js";
import {
  printable,
  printableCut
} from "./chunk-JESIV7YD.js";

// dist/serving/findings.js
var sourceCodes = {
  UNREADABLE: "error",
  INVALID: "error",
  NOT_SERVED: "info",
  BOOTSTRAP: "warning"
};
function fromProblem(problem, given) {
  const { file, line, column = 1, path, message } = problem;
  const code = given ?? problem.code ?? (line === void 0 ? "UNREADABLE" : "INVALID");
  return { file, ...line !== void 0 && { line, column }, severity: sourceCodes[code], code, path, message };
}
var fromNote = (note) => fromProblem(note, note.code ?? "NOT_SERVED");
function fromResource(finding, { places, unserved = [] }) {
  const { code, severity, typeUrl, resource, path, message, of } = finding;
  const place = places.get(of) ?? { file: "" };
  const isInOwn = code === "RELATIVE_FILE" && unserved.some(({ file }) => file === place.file);
  const words = isInOwn ? `${message}. ${inResources}` : message;
  return { ...place, severity, code, type: findResourceType(typeUrl)?.name ?? typeUrl, resource, path, message: words };
}
var inResources = "In a `resources:` list, this server would read the file and watch it";
var here = async (asked) => {
  const locator = new Locator();
  return asked.map(({ resource, path }) => locator.locate(resource, path));
};
async function located(findings, locate = here) {
  const asked = findings.flatMap((finding) => {
    const { file, line, column, path, type } = finding;
    if (type === void 0 || line === void 0 || column === void 0)
      return [];
    return [{ finding, resource: { file, line, column }, path }];
  });
  const places = await locate(asked.map(({ resource, path }) => ({ resource, path })));
  const found = new Map(asked.map(({ finding }, index) => [finding, places[index]]));
  return inOrder(findings.map((finding) => ({ ...finding, ...found.get(finding) })));
}
function inOrder(findings) {
  return [...findings].sort((a, b) => {
    if (a.file !== b.file)
      return a.file < b.file ? -1 : 1;
    return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
  });
}
function wordsOf({ type, resource, path, message }) {
  if (type === void 0)
    return printable(path === "" ? message : `${path}: ${message}`);
  return printable(`${type}/${resource}: ${path === "" ? message : `${path} ${message}`}`);
}
var placeOf = ({ file, line, column }) => printable(line === void 0 ? file : `${file}:${line}:${column ?? 1}`);
function lineOf(finding) {
  const { resource } = finding;
  const words = wordsOf(resource === void 0 ? finding : { ...finding, resource: printableCut(resource) });
  return `${placeOf(finding)}: ${printableCut(words, longestWords)}`;
}
var longestWords = 2e3;

export {
  sourceCodes,
  fromProblem,
  fromNote,
  fromResource,
  located,
  inOrder,
  wordsOf,
  placeOf,
  lineOf
};
