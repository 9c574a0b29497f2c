import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  printedResource
} from "./chunk-BHKIGZZV.js";
import {
  paint
} from "./chunk-VMMSHLDO.js";
import {
  formatPath
} from "./chunk-ZG5KWCWM.js";
import {
  printable
} from "./chunk-JESIV7YD.js";

// dist/cli/compare/field-changes.js
function fieldChanges(before, after) {
  const changes = [];
  compare(before, after, [], changes);
  return changes;
}
function compare(before, after, path, changes) {
  if (before !== void 0 && after !== void 0) {
    const [one, other] = [parts(before, after), parts(after, before)];
    if (one && other) {
      for (const step of /* @__PURE__ */ new Set([...one.keys(), ...other.keys()]))
        compare(one.get(step), other.get(step), [...path, step], changes);
      return;
    }
    if (before === after)
      return;
  }
  changes.push({ path: formatPath(path), before, after });
}
function parts(value2, other) {
  if (typeof value2 !== "object" || value2 === null || typeof other !== "object" || other === null)
    return void 0;
  if (Array.isArray(value2) !== Array.isArray(other))
    return void 0;
  if (!Array.isArray(value2))
    return new Map(Object.entries(value2));
  const [names, otherNames] = [elementNames(value2), elementNames(other)];
  return new Map(value2.map((element, index) => [(names && otherNames && names[index]) ?? index, element]));
}
function elementNames(list) {
  const names = list.map((element) => typeof element === "object" && element !== null && !Array.isArray(element) ? element.name : void 0);
  const isNamed = names.every((name) => typeof name === "string" && name !== "") && new Set(names).size === names.length;
  return isNamed ? names : void 0;
}

// dist/cli/compare/changes.js
function changeOf(before, after, withSecrets, { compared = (was, is) => [was, is], hiddenDiffers } = {}) {
  const either = after ?? before;
  if (!either)
    return void 0;
  const of = { type: either.type.name, name: either.name };
  if (!before)
    return { ...of, change: "added", after: printedResource(either, withSecrets) };
  if (!after)
    return { ...of, change: "removed", before: printedResource(either, withSecrets) };
  const both = (secrets) => [printedResource(before, secrets), printedResource(after, secrets)];
  const [was, is] = both(withSecrets);
  const fields = fieldChanges(...compared(was, is));
  const secretsDiffer = () => !withSecrets && !before.hasBodyOf(after) && fieldChanges(...compared(...both(true))).some(({ path }) => !fields.some((shown) => isWithin(path, shown.path)));
  const hidden = hiddenDiffers?.(before, after, fields) ?? secretsDiffer();
  if (fields.length === 0 && !hidden)
    return void 0;
  return { ...of, change: "changed", before: was, after: is, fields, ...hidden && { hidden } };
}
var isWithin = (path, other) => path.startsWith(other) && /^($|[.[])/.test(path.slice(other.length));
var signs = { added: "+", changed: "~", removed: "-" };
var colours = { added: paint.good, changed: paint.warn, removed: paint.bad };
var longestValue = 200;
function changeText({ type, name, change, fields = [], hidden }) {
  const head = colours[change](`${signs[change]} ${printable(type)} ${printable(name)}`);
  const lines = fields.map(({ path, before, after }) => {
    if (before === void 0)
      return `    ${printable(path)}: ${paint.good(`+ ${value(after)}`)}`;
    if (after === void 0)
      return `    ${printable(path)}: ${paint.bad(`- ${value(before)}`)}`;
    return `    ${printable(path)}: ${paint.bad(value(before))} \u2192 ${paint.good(value(after))}`;
  });
  if (hidden)
    lines.push(fields.length === 0 ? "    only parts that are not shown, such as secrets, are different" : "    parts that are not shown, such as secrets, are different too");
  return `${[head, ...lines].join("\n")}
`;
}
function value(json) {
  const text = printable(JSON.stringify(json));
  return text.length > longestValue ? `${text.slice(0, longestValue)}\u2026` : text;
}

export {
  changeOf,
  changeText
};
