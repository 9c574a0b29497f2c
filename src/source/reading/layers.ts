import { allAtOnce, type InSteps } from "../../in-turns.js";
import type { Resource } from "../../resource/resource.js";
import { commonLayer } from "../files/layer-path.js";
import type { Place } from "../files/problem.js";

export { commonLayer };

/** A resource that a layer removes from the layers before it, and the place of this removal. */
export interface RemovedResource extends Place {
  readonly typeUrl: string;
  /** The canonical spelling of its name. */
  readonly key: string;
}

/** Resources that groups of nodes share, such as those of one directory. No two have the same type and name. */
export interface Layer {
  readonly resources: readonly Resource[];
  /** The resources that this layer removes from the layers before it. */
  readonly removes: readonly RemovedResource[];
}

/** All resources to serve: layers, and the layers of each group of nodes. */
export interface Configuration {
  /** The layers by name. {@link commonLayer} always exists. */
  readonly layers: ReadonlyMap<string, Layer>;
  /**
   * Node group → the names of its layers, in order. A later layer replaces resources of earlier ones that have the same
   * type and name. Nodes without a group are served {@link commonLayer}.
   */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

const emptyLayer: Layer = { resources: [], removes: [] };

/**
 * Makes a configuration in which each group is served the common resources and its own.
 * @param common the resources for nodes without a group
 * @param groups node group → additional resources for its nodes
 */
export function configurationOf(
  common: readonly Resource[],
  groups: ReadonlyMap<string, readonly Resource[]> = new Map(),
): Configuration {
  const layers = new Map<string, Layer>([[commonLayer, { resources: common, removes: [] }]]);
  for (const [group, resources] of groups) layers.set(group, { resources, removes: [] });
  return { layers, groups: new Map(Array.from(groups.keys(), (group) => [group, [commonLayer, group]])) };
}

/** A configuration without resources. */
export const emptyConfiguration: Configuration = configurationOf([]);

/** The names of a group's layers, in order. A group that does not exist has those of nodes without a group. */
export const layerNamesOf = ({ groups }: Configuration, group: string | undefined): readonly string[] =>
  (group === undefined ? undefined : groups.get(group)) ?? [commonLayer];

/** The layers of a group of nodes, in order. Without a group, they are those of nodes without a group. */
export const layersOf = (configuration: Configuration, group: string | undefined): readonly Layer[] =>
  layerNamesOf(configuration, group).map((name) => configuration.layers.get(name) ?? emptyLayer);

/** The resources for the nodes of a group. Without a group, they are those for nodes without a group. */
export function viewOf(configuration: Configuration, group: string | undefined): readonly Resource[] {
  return allAtOnce(merging(layersOf(configuration, group)));
}

/** The resources of all layers, each once. */
export function allResources({ layers }: Configuration): ReadonlySet<Resource> {
  const all = new Set<Resource>();
  for (const { resources } of layers.values()) for (const resource of resources) all.add(resource);
  return all;
}

/** Whether a layer has the additional resources of one group, as a directory `groups/<group>` does. */
export function isOwnLayer({ groups }: Configuration, layer: string): boolean {
  const order = groups.get(layer);
  return order?.length === 2 && order[0] === commonLayer && order[1] === layer;
}

/** The resources of layers, of which later ones replace resources of earlier ones. */
export function* merging(layers: readonly Layer[]): InSteps<readonly Resource[]> {
  const [first = emptyLayer, ...others] = layers;
  if (others.every(({ resources, removes }) => resources.length + removes.length === 0)) return first.resources;
  const view = new Map<string, Resource>();
  for (const { resources, removes } of layers) {
    for (const { typeUrl, key } of removes) view.delete(`${typeUrl} ${key}`);
    for (const resource of resources) {
      view.set(layerKey(resource), resource);
      yield;
    }
  }
  return [...view.values()];
}

/** The key that a resource and its replacement in another layer have in common. */
export const layerKey = ({ type, key }: Resource): string => `${type.typeUrl} ${key}`;
