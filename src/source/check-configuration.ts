import { type Finding, findingTable } from "../resource/findings.js";
import { checkReferences, type GraphProblem } from "../resource/reference-graph.js";
import type { Resource } from "../resource/resource.js";
import { Snapshot } from "../resource/snapshot.js";
import { type ValidateOptions, validateResource } from "../resource/validate.js";
import type { Configuration } from "./source.js";

/** A finding, and the resource that it is of. */
export interface ResourceFinding extends Finding {
  readonly of: Resource;
}

export interface CheckOptions extends ValidateOptions {
  /** Whether nodes of no group are served what is for all nodes; true by default. */
  readonly servesOthers?: boolean;
}

/**
 * What `validate` finds in what the nodes of each group are served, and in what those of no group are. Each finding is told once:
 * of what is for all nodes, a reference that leads nowhere for some of them says for which, and what nothing refers to is
 * told where that is so for all.
 */
export function checkConfiguration(configuration: Configuration, options: CheckOptions = {}): ResourceFinding[] {
  const { common, groups } = configuration;
  const findings: ResourceFinding[] = [];
  for (const of of new Set([common, ...groups.values()].flat()))
    for (const finding of validateResource(of, options)) findings.push({ ...finding, of });
  for (const { problem, message } of referenceProblems(configuration, options.servesOthers ?? true)) {
    const { resource: of, code, path } = problem;
    const severity = findingTable[code][options.strict ? 1 : 0];
    findings.push({ code, severity, typeUrl: of.type.typeUrl, resource: of.name, path, message, of });
  }
  return findings;
}

interface Told {
  readonly problem: GraphProblem;
  /** For the nodes of which groups it is so; undefined stands for those of no group. */
  readonly groups: (string | undefined)[];
}

function* referenceProblems(
  { common, groups }: Configuration,
  servesOthers: boolean,
): Iterable<{ problem: GraphProblem; message: string }> {
  const views = new Map<string | undefined, readonly Resource[]>();
  if (servesOthers || groups.size === 0) views.set(undefined, common);
  for (const [group, own] of groups) views.set(group, [...common, ...own]);
  const told = new Map<Resource, Map<string, Told>>();
  for (const [group, resources] of views)
    for (const problem of checkReferences(Snapshot.of(resources))) {
      const ofResource = told.get(problem.resource) ?? new Map<string, Told>();
      told.set(problem.resource, ofResource);
      const key = `${problem.code} ${problem.path} ${problem.message}`;
      const one = ofResource.get(key);
      if (one) one.groups.push(group);
      else ofResource.set(key, { problem, groups: [group] });
    }
  const isCommon = new Set(common);
  for (const [resource, ofResource] of told)
    for (const { problem, groups: so } of ofResource.values()) {
      if (so.length === (isCommon.has(resource) ? views.size : 1)) yield { problem, message: problem.message };
      else if (problem.code !== "UNREFERENCED") yield { problem, message: `${problem.message} (${nodesOf(so)})` };
    }
}

/** Names enough to see what it is about. */
const mostNames = 5;

function nodesOf(groups: readonly (string | undefined)[]): string {
  const named = groups.slice(0, mostNames).map((group) => (group === undefined ? "no group" : `group ${group}`));
  const more = groups.length > mostNames ? `, and of ${groups.length - mostNames} more groups` : "";
  return `for nodes of ${named.join(", of ")}${more}`;
}
