import { allAtOnce, type InSteps } from "../../in-turns.js";
import { type Finding, findingTable } from "../../resource/findings.js";
import { checkingReferences, type GraphProblem } from "../../resource/references/graph.js";
import type { Resource } from "../../resource/resource.js";
import { Snapshot } from "../../resource/snapshot.js";
import { checkingAddresses } from "../../validation/listener-addresses.js";
import { type ValidateOptions, validateResource } from "../../validation/validate.js";
import { allResources, type Configuration, viewOf } from "./layers.js";

/** A finding and its resource. */
export interface ResourceFinding extends Finding {
  readonly of: Resource;
  /** For a broken reference: the type URL of the missing resource, and its name. */
  readonly target?: string;
  readonly targetName?: string;
  /** For a broken reference: the groups for which it is broken. undefined stands for nodes without a group. */
  readonly groups?: readonly (string | undefined)[];
}

export interface CheckOptions extends ValidateOptions {
  /** Whether nodes without a group are served the resources for all nodes. Default true. */
  readonly servesOthers?: boolean;
}

/**
 * The findings of `validate` in the resources of each group's nodes, and of nodes without a group. Each finding is
 * reported once. If a reference in a resource for all nodes is broken for some of them, the finding names their groups.
 * A resource for all nodes without a reference is reported only if that is so for all of them.
 */
export function checkConfiguration(configuration: Configuration, options: CheckOptions = {}): ResourceFinding[] {
  return allAtOnce(checkingConfiguration(configuration, options));
}

/** {@link checkConfiguration} in steps. */
export function* checkingConfiguration(
  configuration: Configuration,
  options: CheckOptions = {},
): InSteps<ResourceFinding[]> {
  const findings: ResourceFinding[] = [];
  for (const of of allResources(configuration)) {
    for (const finding of validateResource(of, options)) findings.push({ ...finding, of });
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
      ...(target && { target, targetName, groups }),
    });
  }
  return findings;
}

interface ReportedFinding {
  readonly problem: GraphProblem;
  /** The groups whose nodes are affected. Undefined stands for nodes without a group. */
  readonly groups: (string | undefined)[];
}

/** Problems of resources together that none of them has alone. */
function* findingTogether(
  configuration: Configuration,
  servesOthers: boolean,
): InSteps<Iterable<ReportedFinding & { message: string }>> {
  const views = new Map<string | undefined, readonly Resource[]>();
  const { groups } = configuration;
  if (servesOthers || groups.size === 0) views.set(undefined, viewOf(configuration, undefined));
  for (const group of groups.keys()) views.set(group, viewOf(configuration, group));
  const told = new Map<Resource, Map<string, ReportedFinding>>();
  for (const [group, resources] of views) {
    const snapshot = yield* Snapshot.making(resources);
    for (const problem of [
      ...(yield* checkingReferences(snapshot, "configuration")),
      ...(yield* checkingAddresses(snapshot)),
    ]) {
      yield;
      const ofResource = told.get(problem.resource) ?? new Map<string, ReportedFinding>();
      told.set(problem.resource, ofResource);
      const key = `${problem.code} ${problem.path} ${problem.message}`;
      const one = ofResource.get(key);
      if (one) one.groups.push(group);
      else ofResource.set(key, { problem, groups: [group] });
    }
  }
  return messagesOf(told, views);
}

function* messagesOf(
  told: ReadonlyMap<Resource, ReadonlyMap<string, ReportedFinding>>,
  views: ReadonlyMap<string | undefined, readonly Resource[]>,
): Iterable<ReportedFinding & { message: string }> {
  const counts = new Map<Resource, number>();
  for (const view of views.values())
    for (const resource of view) if (told.has(resource)) counts.set(resource, (counts.get(resource) ?? 0) + 1);
  for (const [resource, ofResource] of told)
    for (const { problem, groups } of ofResource.values()) {
      if (groups.length === counts.get(resource)) yield { problem, groups, message: problem.message };
      else if (problem.code !== "UNREFERENCED")
        yield { problem, groups, message: `${problem.message} (${nodesOf(groups)})` };
    }
}

/** The most names in a message. */
const mostNames = 5;

function nodesOf(groups: readonly (string | undefined)[]): string {
  const named = groups.slice(0, mostNames).map((group) => (group === undefined ? "no group" : `group ${group}`));
  const more = groups.length > mostNames ? `, and of ${groups.length - mostNames} more groups` : "";
  return `for nodes of ${named.join(", of ")}${more}`;
}
