import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  UsageError
} from "./chunk-J3J7LZXM.js";
import "./chunk-R2MMVVGI.js";
import "./chunk-JXEHVJSA.js";
import {
  resourceTypes
} from "./chunk-5S6OCP5I.js";
import "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/schema/name.js
function schemaNamed(name, registry) {
  const typeName = name.slice(name.lastIndexOf("/") + 1).replace(/^\./, "");
  const whole = typeNamed(typeName, registry);
  if (whole)
    return { desc: whole, field: void 0 };
  for (let end = typeName.lastIndexOf("."); end > 0; end = typeName.lastIndexOf(".", end - 1)) {
    const desc = typeNamed(typeName.slice(0, end), registry);
    if (desc)
      return fieldIn(desc, typeName.slice(end + 1).split("."));
  }
  const names = schemas(registry).map((known) => known.typeName);
  const shorts = resourceTypes().map((type) => type.name);
  const meant = nearest(typeName, [...shorts, ...names.map((known) => lastPart(known)), ...names]);
  throw new UsageError(`no message or enum of this Envoy API is called ${JSON.stringify(name)}; ` + (meant ? `did you mean ${meant}?` : `give a full name, the last part of one, or one of ${shorts.join(", ")}`));
}
function typeNamed(name, registry) {
  const exact = registry.getMessage(name) ?? registry.getEnum(name);
  if (exact)
    return exact;
  const resources = resourceTypes().flatMap(({ name: short, typeUrl }) => {
    const desc = registry.getMessage(lastPart(typeUrl, "/"));
    return desc ? [{ short, desc }] : [];
  });
  const ofResource = resources.find(({ short, desc }) => [short, short.replace(/s$/, "")].includes(name) || desc.name === name);
  if (ofResource)
    return ofResource.desc;
  const ending = schemas(registry).filter(({ typeName }) => typeName.endsWith(`.${name}`));
  const outer = ending.filter(({ parent }) => !parent);
  const found = outer.length > 0 ? outer : ending;
  if (found.length > 1)
    throw new UsageError(`${found.length} messages or enums are called ${name}; give a longer part of one of these names:
${found.map(({ typeName }) => typeName).join("\n")}`);
  return found[0];
}
function fieldIn(desc, path) {
  if (desc.kind === "enum")
    throw new UsageError(`${desc.typeName} is an enum; \`xds schema show ${desc.typeName}\` prints its values`);
  let at = desc;
  let field;
  for (const name of path) {
    const fields = at.kind === "message" && (!field || inside(field) === at) ? at.fields : [];
    const next = fields.find((known) => known.name === name || known.jsonName === name);
    if (!next) {
      const where = field && !inside(field) ? `${field.parent.typeName}.${field.name}` : at.typeName;
      const meant = nearest(name, fields.map((known) => known.name));
      throw new UsageError(`${where} has no field ${name}${meant ? `; did you mean ${meant}?` : ""}`);
    }
    field = next;
    at = inside(next) ?? next.parent;
  }
  return { desc: at, field };
}
var inside = (field) => field.message ?? field.enum;
var lastPart = (name, separator = ".") => name.slice(name.lastIndexOf(separator) + 1);
var schemas = (registry) => Array.from(registry).flatMap((type) => type.kind === "message" || type.kind === "enum" ? [type] : []);
export {
  inside,
  schemaNamed
};
