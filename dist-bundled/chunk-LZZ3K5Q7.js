import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  checkingConfiguration
} from "./chunk-UYUWU3HF.js";
import {
  fromNote,
  fromProblem,
  fromResource,
  inOrder,
  located
} from "./chunk-P2PIW5AR.js";
import {
  stored
} from "./chunk-UHTHQG76.js";
import {
  inTurns
} from "./chunk-IDIDKZNG.js";
import {
  clusterType
} from "./chunk-ZTJUYVIA.js";

// dist/serving/configuration-gate.js
import { isDeepStrictEqual } from "node:util";
var mostLines = 100;
function changeOf({ file, parts }, last) {
  const before = last.find((one) => one.file === file)?.parts;
  const keys = [.../* @__PURE__ */ new Set([...parts.keys(), ...before?.keys() ?? []])];
  const changed = keys.filter((key) => parts.get(key) !== before?.get(key));
  if (!before || changed.length === 0)
    return [];
  const message = `parts that are not served have changed (${changed.join(", ")}): give the Envoys a new bootstrap, which \`xds bootstrap --from\` writes`;
  return [{ file, path: "", message }];
}
var ConfigurationGate = class {
  options;
  onFindings;
  locate;
  /** The keys of the warnings and notes on the last configuration that passed. */
  reported = /* @__PURE__ */ new Set();
  /** The broken references of the last configuration that passed. undefined if they are not known. */
  missing;
  /** The last configuration that passed. Its verdict has no errors. */
  passed;
  /** The parts of the last configuration that are not served. */
  unserved = [];
  constructor(options, onFindings, locate) {
    this.options = options;
    this.onFindings = onFindings;
    this.locate = locate;
  }
  /** Uses another level of validation from now on. */
  use(validation) {
    this.options = { ...this.options, validation };
  }
  /** Forgets which references were broken. Call it when the served configuration is not the last that passed. */
  forget() {
    this.missing = void 0;
  }
  /**
   * Checks what a source found. `served` returns the configuration that is served already, if there is one. It is
   * called only when the gate does not know which references were broken before. This is so at first, and after
   * {@link ConfigurationGate.forget}.
   */
  async check(reading, served = async () => void 0) {
    if ("problems" in reading)
      return { problems: inOrder(reading.problems.map((problem) => fromProblem(problem))) };
    const { validation, servesOthers } = this.options;
    const strict = validation === "strict";
    const checks = (of) => inTurns(checkingConfiguration(of, { strict, servesOthers }));
    const isMissed = (finding) => !this.isKnownCluster(finding);
    const found = validation === "off" ? [] : (await checks(reading.configuration)).filter(isMissed);
    if (!this.missing && found.some(isMissingTarget)) {
      const before = await served();
      if (before)
        this.missing = missingIn(before, servesOthers, await checks(before));
    }
    const findings = found.map((finding) => this.isRefused(finding) ? { ...finding, severity: "error", message: finding.message + refusedWhy } : finding);
    const entryOf = (finding) => fromResource(finding, reading);
    const errors = findings.filter(({ severity }) => severity === "error");
    if (errors.length > 0)
      return { problems: await this.located(errors.map(entryOf)) };
    const verdict = await this.verdictOn(reading);
    if (verdict.some(({ severity }) => severity === "error"))
      return { problems: verdict.filter(({ severity }) => severity === "error") };
    this.missing = validation === "off" ? void 0 : missingIn(reading.configuration, servesOthers, found);
    this.passed = reading.configuration;
    const warnings = findings.filter(({ severity }) => severity === "warning");
    const all = [
      ...warnings.map((warning) => ({
        key: [warning.code, warning.typeUrl, warning.resource, warning.path, warning.message].join("\0"),
        entry: () => entryOf(warning)
      })),
      ...reading.notes.map((note) => ({
        key: [note.file, note.path, note.message].join("\0"),
        entry: () => fromNote(note)
      }))
    ];
    const { unserved = [] } = reading;
    for (const entry of verdict)
      all.push({ key: JSON.stringify(entry), entry: () => entry });
    for (const change of unserved.flatMap((now) => changeOf(now, this.unserved)))
      all.push({ key: `${change.file}\0${change.message}`, entry: () => fromNote(change) });
    this.unserved = unserved;
    const added = all.filter(({ key }) => !this.reported.has(key));
    this.reported = new Set(all.map(({ key }) => key));
    if (added.length > 0) {
      const first = added.slice(0, mostLines).map(({ entry }) => entry());
      this.onFindings(await this.located(first), Math.max(0, added.length - mostLines));
    }
    return reading;
  }
  async verdictOn(reading) {
    const { verdict, liveTypes = /* @__PURE__ */ new Set() } = this.options;
    if (!verdict)
      return [];
    const isSame = this.passed && await inTurns(isSameButLive(this.passed, reading.configuration, liveTypes));
    return isSame ? [] : verdict(reading);
  }
  isRefused(finding) {
    if (!isMissingTarget(finding) || finding.severity !== "warning")
      return false;
    const { missingTarget = "refuse_new" } = this.options;
    if (missingTarget !== "refuse_new")
      return missingTarget === "refuse";
    return this.missing !== void 0 && isNew(finding, this.missing);
  }
  isKnownCluster(finding) {
    const { knownClusters = [] } = this.options;
    return isMissingTarget(finding) && finding.target === clusterType && knownClusters.includes(finding.targetName ?? "");
  }
  /** Sorts findings. The first ones get the places of their fields, the others keep those of their resources. */
  async located(findings) {
    const [first, rest] = [inOrder(findings).slice(0, mostLines), inOrder(findings).slice(mostLines)];
    return [...await located(first, this.locate), ...rest];
  }
};
var isMissingTarget = ({ code }) => code === "MISSING_TARGET";
var missingKey = ({ typeUrl, resource, target, targetName }) => [typeUrl, resource, target, targetName].join("\0");
function missingIn({ groups }, servesOthers, findings) {
  const of = /* @__PURE__ */ new Map();
  for (const finding of findings) {
    if (!isMissingTarget(finding))
      continue;
    const key = missingKey(finding);
    of.set(key, /* @__PURE__ */ new Set([...of.get(key) ?? [], ...finding.groups ?? []]));
  }
  const others = servesOthers || groups.size === 0 ? [void 0] : [];
  return { of, groups: /* @__PURE__ */ new Set([...others, ...groups.keys()]) };
}
function isNew(finding, before) {
  const broken = before.of.get(missingKey(finding));
  return !broken || (finding.groups ?? []).some((group) => before.groups.has(group) && !broken.has(group));
}
function* isSameButLive(a, b, liveTypes) {
  const [ofA, ofB] = [a, b].map((one) => stored(one, { rules: [] }, liveTypes));
  if (!isDeepStrictEqual(ofA.rules, ofB.rules) || ofA.layers.size !== ofB.layers.size)
    return false;
  for (const [layer, resources] of ofA.layers) {
    const others = ofB.layers.get(layer);
    if (others === resources)
      continue;
    if (others?.length !== resources.length)
      return false;
    for (const [at, resource] of resources.entries()) {
      if (resource !== others[at])
        return false;
      yield;
    }
  }
  return true;
}
var refusedWhy = "; a change that breaks a reference is not served (checks.missing_target: warn allows it)";

export {
  mostLines,
  ConfigurationGate
};
