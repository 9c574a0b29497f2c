import type { JsonValue } from "@bufbuild/protobuf";
import type { NodeGroup } from "../cache/node-group.js";
import type { InSteps } from "../in-turns.js";
import type { Groups } from "../revisions/revision-blobs.js";
import { type Configuration, commonLayer, type Layer, layersOf, merging } from "../source/reading/layers.js";
import type { Views } from "./head-snapshots.js";
import { commonGroup, type GroupRule, nodeGroups } from "./node-groups.js";

/** The rules that decide a node's group. The first matching rule decides, or else the value of the node's `field`. */
export interface NodeRules {
  readonly rules: readonly GroupRule[];
  /** A field of the node. Without it, rules alone decide. */
  readonly field?: string | undefined;
}

/** A configuration in the form in which a store keeps it. */
export interface StoredConfiguration {
  /** By layer, without the live resources. */
  readonly layers: Groups;
  /** The live resources, by layer. */
  readonly live: Groups;
  /** The layers of each group, what layers remove, and the rules of nodes. Plain JSON. */
  readonly rules: JsonValue;
}

/** The JSON of {@link StoredConfiguration.rules}. */
interface StoredRules {
  /** Group → its layers. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** Layer → the type URL and the name of each resource that it removes. */
  readonly removes?: Readonly<Record<string, readonly (readonly [typeUrl: string, key: string])[]>>;
  /** The group, and the fields of a node with their patterns. */
  readonly match?: readonly (readonly [group: string, fields: Readonly<Record<string, string>>])[];
  readonly field?: string;
}

/** Splits a configuration into the layers of a revision and the live resources. */
export function stored(
  configuration: Configuration,
  nodeRules: NodeRules,
  liveTypes: ReadonlySet<string>,
): StoredConfiguration {
  const { layers } = configuration;
  const [fixed, live]: Map<string, Layer["resources"]>[] = [new Map(), new Map()];
  for (const [name, { resources }] of layers) {
    const ofLayer = resources.filter(({ type }) => liveTypes.has(type.typeUrl));
    if (ofLayer.length > 0) live?.set(name, ofLayer);
    fixed?.set(name, ofLayer.length === 0 ? resources : resources.filter(({ type }) => !liveTypes.has(type.typeUrl)));
  }
  return { layers: fixed as Groups, live: live as Groups, rules: storedRules(configuration, nodeRules) };
}

/** The part of a revision that is not resources: the layers of groups, what layers remove, and the rules of nodes. */
export function storedRules({ layers, groups }: Configuration, nodeRules: NodeRules): JsonValue {
  const removes = Object.fromEntries(
    [...layers].flatMap(([name, layer]) =>
      layer.removes.length > 0 ? [[name, layer.removes.map(({ typeUrl, key }) => [typeUrl, key] as const)]] : [],
    ),
  );
  const rules: StoredRules = {
    groups: Object.fromEntries(groups),
    ...(Object.keys(removes).length > 0 && { removes }),
    match: nodeRules.rules.map(({ group, fields }) => [group, Object.fromEntries(fields)]),
    ...(nodeRules.field !== undefined && { field: nodeRules.field }),
  };
  return rules as unknown as JsonValue;
}

/** Makes a configuration from what a store has. The layers must include the live resources. */
export function configurationIn(layers: Groups, rules: JsonValue | undefined): Configuration {
  const { groups = {}, removes = {} } = (rules ?? {}) as StoredRules;
  const names = new Set([commonLayer, ...layers.keys(), ...Object.keys(removes)]);
  const nowhere = { file: "", line: 1, column: 1 };
  const all = Array.from(names, (name): [string, Layer] => [
    name,
    {
      resources: layers.get(name) ?? [],
      removes: (removes[name] ?? []).map(([typeUrl, key]) => ({ typeUrl, key, ...nowhere })),
    },
  ]);
  return { layers: new Map(all), groups: new Map(Object.entries(groups)) };
}

/** Makes the resources of each group of a cache. */
export function* viewing(configuration: Configuration): InSteps<Views> {
  const views = new Map([[commonGroup, yield* merging(layersOf(configuration, undefined))]]);
  for (const group of configuration.groups.keys()) views.set(group, yield* merging(layersOf(configuration, group)));
  return views;
}

/** The rules of nodes in a stored configuration. */
export function nodeRulesIn(stored: JsonValue | undefined): NodeRules {
  const { match = [], field } = (stored ?? {}) as StoredRules;
  return { rules: match.map(([group, fields]) => ({ group, fields: new Map(Object.entries(fields)) })), field };
}

/** Makes a function that returns a node's group by the rules of a stored configuration. */
export function nodeGroupIn(stored: JsonValue | undefined): NodeGroup {
  const { rules, field } = nodeRulesIn(stored);
  return nodeGroups(rules, field);
}
