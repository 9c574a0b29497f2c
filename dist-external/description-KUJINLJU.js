import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  commentOf,
  ruleWords
} from "./chunk-TNEEDQQ4.js";
import {
  paint,
  table
} from "./chunk-VMMSHLDO.js";
import {
  deprecationOf,
  isExempt,
  isRequired
} from "./chunk-RV3J6E72.js";
import "./chunk-M2ZGPBJF.js";
import {
  findResourceType
} from "./chunk-C24J2H5X.js";
import {
  isSensitive
} from "./chunk-Y6GK5AYW.js";
import "./chunk-QMJ32M3M.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import {
  printable
} from "./chunk-JESIV7YD.js";
import "./chunk-BIVW5D3R.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-UAQ3KOHG.js";
import "./chunk-27MTFUNG.js";

// dist/cli/schema/description.js
import { ScalarType } from "@bufbuild/protobuf";
function describeSchema({ desc, field }) {
  const { typeName: name, kind } = desc;
  const isInside = !field || (field.message || field.enum) && !name.startsWith("google.protobuf.");
  return {
    ...field && { field: { of: field.parent.typeName, ...describeField(field) } },
    name,
    kind,
    file: desc.file.proto.name,
    ...resourceTypeOf(name),
    ...comment(desc),
    ...isInside && (desc.kind === "message" ? { fields: desc.fields.map(describeField) } : { values: valuesOf(desc) })
  };
}
function resourceTypeOf(name) {
  const type = findResourceType(`type.googleapis.com/${name}`);
  return type ? { resourceType: type.name } : {};
}
function describeField(field) {
  const { number, name, oneof } = field;
  const oneofRequired = oneof && isRequired(oneof) && !isExempt(field.parent);
  return {
    number,
    name,
    type: typeOf(field),
    ...oneof && { oneof: oneof.name },
    ...oneofRequired && { oneofRequired },
    rules: ruleWords(field),
    ...isSensitive(field) && { sensitive: true },
    ...deprecated(field),
    ...comment(field)
  };
}
function valuesOf(desc) {
  return desc.values.map((value) => {
    const { number, name } = value;
    return { number, name, ...deprecated(value), ...comment(value) };
  });
}
function comment(desc) {
  const text = commentOf(desc);
  return text === "" ? {} : { comment: text };
}
function deprecated(desc) {
  const deprecation = deprecationOf(desc);
  if (!deprecation)
    return {};
  const since = deprecation.since ? ` since ${deprecation.since}` : "";
  return { deprecated: `deprecated${since}${deprecation.disallowed ? ", refused by default" : ""}` };
}
function typeOf(field) {
  const value = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field.scalar);
  if (field.fieldKind === "list")
    return `repeated ${value}`;
  if (field.fieldKind === "map")
    return `map<${scalarName(field.mapKey)}, ${value}>`;
  return field.proto.proto3Optional ? `optional ${value}` : value;
}
var scalarName = (scalar) => ScalarType[scalar ?? ScalarType.STRING].toLowerCase();
function schemaText({ field, name, kind, file, resourceType, comment: comment2, fields, values }) {
  const parts = [];
  if (field)
    parts.push(`${paint.strong(printable(`${field.of}.${field.name}`))}

${fieldTable([field])}`);
  if (fields || values) {
    const is = resourceType === void 0 ? kind : `${kind}, the type of ${resourceType}`;
    const about = comment2 === void 0 ? "" : `
${comment2}
`;
    const contents = fields ? fieldTable(fields) : valueTable(values ?? []);
    parts.push(`${paint.strong(printable(name))}
${paint.faint(printable(`${is}, of ${file}`))}
${about}
${contents}`);
  }
  return parts.join("\n");
}
function fieldTable(fields) {
  const rows = fields.map((field) => {
    const { number, name, type, oneof, oneofRequired, rules, sensitive, deprecated: old } = field;
    const choice = oneof && `oneof ${oneof}${oneofRequired ? ", one is required" : ""}`;
    const notes = [old, sensitive && "sensitive", choice, ...rules].filter(Boolean).join("; ");
    return [`${number}`, name, type, { text: notes, paint: old ? paint.warn : String }];
  });
  return table(["number", "field", "type", "rules"], rows, "it has no fields") + commentLines(fields);
}
function valueTable(values) {
  const rows = values.map(({ number, name, deprecated: old = "" }) => [
    `${number}`,
    name,
    { text: old, paint: paint.warn }
  ]);
  return table(["number", "value", "notes"], rows, "it has no values") + commentLines(values);
}
function commentLines(of) {
  const told = of.filter(({ comment: comment2 }) => comment2 !== void 0);
  return told.map(({ name, comment: comment2 = "" }) => `
${paint.strong(printable(name))}
${comment2.replace(/^(?=.)/gm, "  ")}
`).join("");
}
export {
  describeSchema,
  schemaText
};
