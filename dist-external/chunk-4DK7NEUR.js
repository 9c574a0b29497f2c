import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  commonLayer
} from "./chunk-BWU6O4MA.js";

// dist/serving/node-groups.js
var commonGroup = commonLayer;
var groupFields = /^(id|cluster|locality\.(region|zone|sub_zone)|metadata\..+)$/;
function nodeGroups(rules, field) {
  const tests = rules.map(({ group, fields }) => ({
    group,
    fits: Array.from(fields, ([name, pattern]) => ({ name, matches: globTest(pattern) }))
  }));
  return (node) => {
    const rule = tests.find(({ fits }) => fits.every(({ name, matches }) => matches(fieldOf(node, name))));
    const group = rule?.group ?? (field === void 0 ? "" : fieldOf(node, field) ?? "");
    return group === commonGroup ? "" : group;
  };
}
var fieldsOfGroups = (rules, field) => [
  ...field === void 0 ? [] : [{ field, use: `--node-group is ${field}` }],
  ...rules.flatMap(({ fields }, index) => Array.from(fields.keys(), (name) => ({
    field: name,
    use: `${field === void 0 ? "groups" : "node_groups"}[${index}] uses ${name}`
  })))
];
function globTest(pattern) {
  const [first = "", ...others] = pattern.split("*");
  const last = others.pop();
  if (last === void 0)
    return (text) => text === first;
  return (text) => {
    if (!text?.startsWith(first))
      return false;
    let end = first.length;
    for (const part of others) {
      const start = text.indexOf(part, end);
      if (start < 0)
        return false;
      end = start + part.length;
    }
    return text.length - last.length >= end && text.endsWith(last);
  };
}
function fieldOf(node, field) {
  const [first, ...path] = field.split(".");
  switch (first) {
    case "id":
      return node.id;
    case "cluster":
      return node.cluster;
    case "locality":
      return node.locality?.[path[0] === "sub_zone" ? "subZone" : path[0]];
    default:
      return textAt(node.metadata, path);
  }
}
function textAt(value, path) {
  if (path.length === 0)
    return value === void 0 || value === null || typeof value === "object" ? void 0 : String(value);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return void 0;
  for (let end = path.length; end > 0; end--) {
    const key = path.slice(0, end).join(".");
    if (Object.hasOwn(value, key))
      return textAt(value[key], path.slice(end));
  }
  return void 0;
}

export {
  commonGroup,
  groupFields,
  nodeGroups,
  fieldsOfGroups
};
