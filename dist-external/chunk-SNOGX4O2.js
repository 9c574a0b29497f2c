import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  Snapshot
} from "./chunk-3OQ52QZQ.js";
import {
  checkingAddresses,
  checkingReferences,
  findingTable,
  validateResource
} from "./chunk-JFHIICP2.js";
import {
  allResources,
  viewOf
} from "./chunk-BWU6O4MA.js";
import {
  allAtOnce
} from "./chunk-IDIDKZNG.js";

// dist/source/reading/check-configuration.js
function checkConfiguration(configuration, options = {}) {
  return allAtOnce(checkingConfiguration(configuration, options));
}
function* checkingConfiguration(configuration, options = {}) {
  const findings = [];
  for (const of of allResources(configuration)) {
    for (const finding of validateResource(of, options))
      findings.push({ ...finding, of });
    yield;
  }
  const together = yield* findingTogether(configuration, options.servesOthers ?? true);
  for (const { problem, message, groups } of together) {
    yield;
    const { resource: of, code, path, target, targetName } = problem;
    const severity = findingTable[code][options.strict ? 1 : 0];
    findings.push({
      code,
      severity,
      typeUrl: of.type.typeUrl,
      resource: of.name,
      path,
      message,
      of,
      ...target && { target, targetName, groups }
    });
  }
  return findings;
}
function* findingTogether(configuration, servesOthers) {
  const views = /* @__PURE__ */ new Map();
  const { groups } = configuration;
  if (servesOthers || groups.size === 0)
    views.set(void 0, viewOf(configuration, void 0));
  for (const group of groups.keys())
    views.set(group, viewOf(configuration, group));
  const told = /* @__PURE__ */ new Map();
  for (const [group, resources] of views) {
    const snapshot = yield* Snapshot.making(resources);
    for (const problem of [
      ...yield* checkingReferences(snapshot, "configuration"),
      ...yield* checkingAddresses(snapshot)
    ]) {
      yield;
      const ofResource = told.get(problem.resource) ?? /* @__PURE__ */ new Map();
      told.set(problem.resource, ofResource);
      const key = `${problem.code} ${problem.path} ${problem.message}`;
      const one = ofResource.get(key);
      if (one)
        one.groups.push(group);
      else
        ofResource.set(key, { problem, groups: [group] });
    }
  }
  return messagesOf(told, views);
}
function* messagesOf(told, views) {
  const counts = /* @__PURE__ */ new Map();
  for (const view of views.values())
    for (const resource of view)
      if (told.has(resource))
        counts.set(resource, (counts.get(resource) ?? 0) + 1);
  for (const [resource, ofResource] of told)
    for (const { problem, groups } of ofResource.values()) {
      if (groups.length === counts.get(resource))
        yield { problem, groups, message: problem.message };
      else if (problem.code !== "UNREFERENCED")
        yield { problem, groups, message: `${problem.message} (${nodesOf(groups)})` };
    }
}
var mostNames = 5;
function nodesOf(groups) {
  const named = groups.slice(0, mostNames).map((group) => group === void 0 ? "no group" : `group ${group}`);
  const more = groups.length > mostNames ? `, and of ${groups.length - mostNames} more groups` : "";
  return `for nodes of ${named.join(", of ")}${more}`;
}

export {
  checkConfiguration,
  checkingConfiguration
};
