import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  configurationIn
} from "./chunk-UHTHQG76.js";
import {
  dumpForms,
  dumpList
} from "./chunk-2R5XDSOQ.js";
import {
  findTypeNamed
} from "./chunk-PTJNKBKB.js";
import {
  XdsApi
} from "./chunk-QMJ32M3M.js";

// dist/cli/compare/revision-operand.js
var isRevision = (operand) => /^@\d+$/.test(operand);
var revisionNumber = (operand) => Number(operand.slice(1));
async function loadRevision(client, operand) {
  const number = revisionNumber(operand);
  const report = await client.revision(number);
  const layers = /* @__PURE__ */ new Map();
  const all = [];
  for (const layer of report.layers) {
    const found = await client.resources(number, layer);
    all.push(...found);
    layers.set(layer, found.map(({ resource }) => resource));
  }
  return {
    configuration: configurationIn(layers, report.rules),
    places: /* @__PURE__ */ new Map(),
    notes: [],
    live: liveTypes(report),
    rules: JSON.stringify(report.rules ?? null),
    ...all.some(({ isRedacted }) => isRedacted) && { dump: factsOf(all) }
  };
}
var liveTypes = ({ live }) => new Set(live.flatMap((name) => findTypeNamed(name, XdsApi.default)?.typeUrl ?? []));
function factsOf(resources) {
  const lists = Object.values(dumpForms).map((form) => `${form.message} ${dumpList(form, XdsApi.default.registry).field.name}`);
  return {
    sections: new Set(Object.values(dumpForms).map(({ message }) => message)),
    lists: new Set(lists),
    isOfSomeNames: false,
    versions: new Map(resources.map(({ resource }) => [resource, resource.version])),
    redacted: new Set(resources.filter(({ isRedacted }) => isRedacted).map(({ resource }) => resource)),
    cut: /* @__PURE__ */ new Set(),
    unread: [],
    unreadKeys: /* @__PURE__ */ new Set()
  };
}

export {
  isRevision,
  loadRevision
};
