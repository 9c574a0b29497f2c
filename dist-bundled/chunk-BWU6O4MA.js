import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  allAtOnce
} from "./chunk-IDIDKZNG.js";

// dist/source/files/layer-path.js
var commonLayer = "/";

// dist/source/reading/layers.js
var emptyLayer = { resources: [], removes: [] };
function configurationOf(common, groups = /* @__PURE__ */ new Map()) {
  const layers = /* @__PURE__ */ new Map([[commonLayer, { resources: common, removes: [] }]]);
  for (const [group, resources] of groups)
    layers.set(group, { resources, removes: [] });
  return { layers, groups: new Map(Array.from(groups.keys(), (group) => [group, [commonLayer, group]])) };
}
var emptyConfiguration = configurationOf([]);
var layerNamesOf = ({ groups }, group) => (group === void 0 ? void 0 : groups.get(group)) ?? [commonLayer];
var layersOf = (configuration, group) => layerNamesOf(configuration, group).map((name) => configuration.layers.get(name) ?? emptyLayer);
function viewOf(configuration, group) {
  return allAtOnce(merging(layersOf(configuration, group)));
}
function allResources({ layers }) {
  const all = /* @__PURE__ */ new Set();
  for (const { resources } of layers.values())
    for (const resource of resources)
      all.add(resource);
  return all;
}
function isOwnLayer({ groups }, layer) {
  const order = groups.get(layer);
  return order?.length === 2 && order[0] === commonLayer && order[1] === layer;
}
function* merging(layers) {
  const [first = emptyLayer, ...others] = layers;
  if (others.every(({ resources, removes }) => resources.length + removes.length === 0))
    return first.resources;
  const view = /* @__PURE__ */ new Map();
  for (const { resources, removes } of layers) {
    for (const { typeUrl, key } of removes)
      view.delete(`${typeUrl} ${key}`);
    for (const resource of resources) {
      view.set(layerKey(resource), resource);
      yield;
    }
  }
  return [...view.values()];
}
var layerKey = ({ type, key }) => `${type.typeUrl} ${key}`;

export {
  commonLayer,
  configurationOf,
  emptyConfiguration,
  layerNamesOf,
  layersOf,
  viewOf,
  allResources,
  isOwnLayer,
  merging,
  layerKey
};
