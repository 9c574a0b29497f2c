import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  commonGroup,
  nodeGroups
} from "./chunk-4DK7NEUR.js";
import {
  commonLayer,
  layersOf,
  merging
} from "./chunk-BWU6O4MA.js";

// dist/serving/stored-configuration.js
function stored(configuration, nodeRules, liveTypes) {
  const { layers } = configuration;
  const [fixed, live] = [/* @__PURE__ */ new Map(), /* @__PURE__ */ new Map()];
  for (const [name, { resources }] of layers) {
    const ofLayer = resources.filter(({ type }) => liveTypes.has(type.typeUrl));
    if (ofLayer.length > 0)
      live?.set(name, ofLayer);
    fixed?.set(name, ofLayer.length === 0 ? resources : resources.filter(({ type }) => !liveTypes.has(type.typeUrl)));
  }
  return { layers: fixed, live, rules: storedRules(configuration, nodeRules) };
}
function storedRules({ layers, groups }, nodeRules) {
  const removes = Object.fromEntries([...layers].flatMap(([name, layer]) => layer.removes.length > 0 ? [[name, layer.removes.map(({ typeUrl, key }) => [typeUrl, key])]] : []));
  const rules = {
    groups: Object.fromEntries(groups),
    ...Object.keys(removes).length > 0 && { removes },
    match: nodeRules.rules.map(({ group, fields }) => [group, Object.fromEntries(fields)]),
    ...nodeRules.field !== void 0 && { field: nodeRules.field }
  };
  return rules;
}
function configurationIn(layers, rules) {
  const { groups = {}, removes = {} } = rules ?? {};
  const names = /* @__PURE__ */ new Set([commonLayer, ...layers.keys(), ...Object.keys(removes)]);
  const nowhere = { file: "", line: 1, column: 1 };
  const all = Array.from(names, (name) => [
    name,
    {
      resources: layers.get(name) ?? [],
      removes: (removes[name] ?? []).map(([typeUrl, key]) => ({ typeUrl, key, ...nowhere }))
    }
  ]);
  return { layers: new Map(all), groups: new Map(Object.entries(groups)) };
}
function* viewing(configuration) {
  const views = /* @__PURE__ */ new Map([[commonGroup, yield* merging(layersOf(configuration, void 0))]]);
  for (const group of configuration.groups.keys())
    views.set(group, yield* merging(layersOf(configuration, group)));
  return views;
}
function nodeRulesIn(stored2) {
  const { match = [], field } = stored2 ?? {};
  return { rules: match.map(([group, fields]) => ({ group, fields: new Map(Object.entries(fields)) })), field };
}
function nodeGroupIn(stored2) {
  const { rules, field } = nodeRulesIn(stored2);
  return nodeGroups(rules, field);
}

export {
  stored,
  storedRules,
  configurationIn,
  viewing,
  nodeRulesIn,
  nodeGroupIn
};
