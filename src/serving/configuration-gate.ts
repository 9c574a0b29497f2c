import { isDeepStrictEqual } from "node:util";
import { type InSteps, inTurns } from "../in-turns.js";
import { clusterType } from "../resource/types.js";
import type { Unserved } from "../source/documents/unserved.js";
import type { Problem } from "../source/files/problem.js";
import { checkingConfiguration, type ResourceFinding } from "../source/reading/check-configuration.js";
import type { Configuration, GoodReading, Reading } from "../source/reading/source.js";
import {
  type ConfigurationFinding,
  fromNote,
  fromProblem,
  fromResource,
  inOrder,
  type Locate,
  located,
} from "./findings.js";
import { type StoredConfiguration, stored } from "./stored-configuration.js";

/** Checks in addition to Envoy's own rules. */
export interface CheckSettings {
  /**
   * How a broken reference counts. `refuse`: as an error. `warn`: as a warning. `refuse_new`: as an error, with two
   * exceptions that are warnings: the reference was broken before, or nothing was served before. Default `refuse_new`.
   */
  readonly missingTarget?: "refuse_new" | "refuse" | "warn" | undefined;
  /** Clusters that Envoys have in their own files. A reference to one of them is never broken. */
  readonly knownClusters?: readonly string[] | undefined;
  /**
   * The last check, such as by a real Envoy. It is called for each configuration that passes all other checks, unless
   * only live resources differ from the last one that passed. So it does not delay live resources. Its errors keep the
   * configuration from being served. Its warnings do not.
   */
  readonly verdict?: ((reading: GoodReading) => Promise<readonly ConfigurationFinding[]>) | undefined;
}

/** The checks that a configuration must pass before it is served. */
export interface GateOptions extends CheckSettings {
  /**
   * `on`: what Envoy would refuse is an error. `strict`: broken references and unknown fields and types are errors too.
   * `off`: everything passes.
   */
  readonly validation: "on" | "strict" | "off";
  /** Whether nodes without a group are served the resources for all nodes, or nothing. */
  readonly servesOthers: boolean;
  /** The URLs of the live types. By default there are none. */
  readonly liveTypes?: ReadonlySet<string>;
}

/** A configuration that passed, or the errors that prevent serving it, in the order of their places. */
export type GateResult = GoodReading | { readonly problems: readonly ConfigurationFinding[] };

/** The most findings that are reported at once, with the places of their fields. */
export const mostLines = 100;

/** Receives warnings and notes on a configuration that passed: the first ones, and the number of the others. */
export type OnFindings = (findings: readonly ConfigurationFinding[], more: number) => void;

/** A note if an Envoy's own file has parts that are not served, and some of these have changed. */
function changeOf({ file, parts }: Unserved, last: readonly Unserved[]): Problem[] {
  const before = last.find((one) => one.file === file)?.parts;
  const keys = [...new Set([...parts.keys(), ...(before?.keys() ?? [])])];
  const changed = keys.filter((key) => parts.get(key) !== before?.get(key));
  if (!before || changed.length === 0) return [];
  const message =
    `parts that are not served have changed (${changed.join(", ")}): give the Envoys a new bootstrap, ` +
    "which `xds bootstrap --from` writes";
  return [{ file, path: "", message }];
}

/**
 * Passes configurations that Envoy would accept. A warning or note that was reported for the previous configuration is
 * not reported again. Unchanged resources are not checked again.
 */
export class ConfigurationGate {
  /** The keys of the warnings and notes on the last configuration that passed. */
  private reported: ReadonlySet<string> = new Set();
  /** The broken references of the last configuration that passed. undefined if they are not known. */
  private missing: BrokenReferences | undefined;
  /** The last configuration that passed. Its verdict has no errors. */
  private passed: Configuration | undefined;
  /** The parts of the last configuration that are not served. */
  private unserved: readonly Unserved[] = [];

  constructor(
    private options: GateOptions,
    private readonly onFindings: OnFindings,
    private readonly locate?: Locate,
  ) {}

  /** Uses another level of validation from now on. */
  use(validation: GateOptions["validation"]): void {
    this.options = { ...this.options, validation };
  }

  /** Forgets which references were broken. Call it when the served configuration is not the last that passed. */
  forget(): void {
    this.missing = undefined;
  }

  /**
   * Checks what a source found. `served` returns the configuration that is served already, if there is one. It is
   * called only when the gate does not know which references were broken before. This is so at first, and after
   * {@link ConfigurationGate.forget}.
   */
  async check(
    reading: Reading,
    served = async (): Promise<Configuration | undefined> => undefined,
  ): Promise<GateResult> {
    if ("problems" in reading) return { problems: inOrder(reading.problems.map((problem) => fromProblem(problem))) };
    const { validation, servesOthers } = this.options;
    const strict = validation === "strict";
    const checks = (of: Configuration) => inTurns(checkingConfiguration(of, { strict, servesOthers }));
    const isMissed = (finding: ResourceFinding) => !this.isKnownCluster(finding);
    const found = validation === "off" ? [] : (await checks(reading.configuration)).filter(isMissed);
    if (!this.missing && found.some(isMissingTarget)) {
      const before = await served();
      if (before) this.missing = missingIn(before, servesOthers, await checks(before));
    }
    const findings = found.map((finding) =>
      this.isRefused(finding)
        ? { ...finding, severity: "error" as const, message: finding.message + refusedWhy }
        : finding,
    );
    const entryOf = (finding: ResourceFinding) => fromResource(finding, reading);
    const errors = findings.filter(({ severity }) => severity === "error");
    if (errors.length > 0) return { problems: await this.located(errors.map(entryOf)) };
    const verdict = await this.verdictOn(reading);
    if (verdict.some(({ severity }) => severity === "error"))
      return { problems: verdict.filter(({ severity }) => severity === "error") };
    this.missing = validation === "off" ? undefined : missingIn(reading.configuration, servesOthers, found);
    this.passed = reading.configuration;
    const warnings = findings.filter(({ severity }) => severity === "warning");
    const all = [
      ...warnings.map((warning) => ({
        key: [warning.code, warning.typeUrl, warning.resource, warning.path, warning.message].join("\0"),
        entry: () => entryOf(warning),
      })),
      ...reading.notes.map((note) => ({
        key: [note.file, note.path, note.message].join("\0"),
        entry: () => fromNote(note),
      })),
    ];
    const { unserved = [] } = reading;
    for (const entry of verdict) all.push({ key: JSON.stringify(entry), entry: () => entry });
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

  private async verdictOn(reading: GoodReading): Promise<readonly ConfigurationFinding[]> {
    const { verdict, liveTypes = new Set() } = this.options;
    if (!verdict) return [];
    const isSame = this.passed && (await inTurns(isSameButLive(this.passed, reading.configuration, liveTypes)));
    return isSame ? [] : verdict(reading);
  }

  private isRefused(finding: ResourceFinding): boolean {
    if (!isMissingTarget(finding) || finding.severity !== "warning") return false;
    const { missingTarget = "refuse_new" } = this.options;
    if (missingTarget !== "refuse_new") return missingTarget === "refuse";
    return this.missing !== undefined && isNew(finding, this.missing);
  }

  private isKnownCluster(finding: ResourceFinding): boolean {
    const { knownClusters = [] } = this.options;
    return (
      isMissingTarget(finding) && finding.target === clusterType && knownClusters.includes(finding.targetName ?? "")
    );
  }

  /** Sorts findings. The first ones get the places of their fields, the others keep those of their resources. */
  private async located(findings: readonly ConfigurationFinding[]): Promise<ConfigurationFinding[]> {
    const [first, rest] = [inOrder(findings).slice(0, mostLines), inOrder(findings).slice(mostLines)];
    return [...(await located(first, this.locate)), ...rest];
  }
}

const isMissingTarget = ({ code }: ResourceFinding) => code === "MISSING_TARGET";
const missingKey = ({ typeUrl, resource, target, targetName }: ResourceFinding) =>
  [typeUrl, resource, target, targetName].join("\0");

/** A group of nodes. undefined stands for nodes without a group. */
type Group = string | undefined;

/** The broken references of a configuration. */
interface BrokenReferences {
  /** {@link missingKey} → the groups for which the reference is broken. */
  readonly of: ReadonlyMap<string, ReadonlySet<Group>>;
  /** All groups of the configuration. */
  readonly groups: ReadonlySet<Group>;
}

function missingIn(
  { groups }: Configuration,
  servesOthers: boolean,
  findings: readonly ResourceFinding[],
): BrokenReferences {
  const of = new Map<string, Set<Group>>();
  for (const finding of findings) {
    if (!isMissingTarget(finding)) continue;
    const key = missingKey(finding);
    of.set(key, new Set([...(of.get(key) ?? []), ...(finding.groups ?? [])]));
  }
  const others = servesOthers || groups.size === 0 ? [undefined] : [];
  return { of, groups: new Set<Group>([...others, ...groups.keys()]) };
}

/** Whether a reference was not broken before for one of its groups. A group that is new has the past of all groups. */
function isNew(finding: ResourceFinding, before: BrokenReferences): boolean {
  const broken = before.of.get(missingKey(finding));
  return !broken || (finding.groups ?? []).some((group) => before.groups.has(group) && !broken.has(group));
}

/** Whether two configurations have the same groups, and the same layers except for live resources. */
function* isSameButLive(a: Configuration, b: Configuration, liveTypes: ReadonlySet<string>): InSteps<boolean> {
  const [ofA, ofB] = [a, b].map((one) => stored(one, { rules: [] }, liveTypes)) as [
    StoredConfiguration,
    StoredConfiguration,
  ];
  if (!isDeepStrictEqual(ofA.rules, ofB.rules) || ofA.layers.size !== ofB.layers.size) return false;
  for (const [layer, resources] of ofA.layers) {
    const others = ofB.layers.get(layer);
    if (others === resources) continue;
    if (others?.length !== resources.length) return false;
    for (const [at, resource] of resources.entries()) {
      if (resource !== others[at]) return false;
      yield;
    }
  }
  return true;
}

const refusedWhy = "; a change that breaks a reference is not served (checks.missing_target: warn allows it)";
