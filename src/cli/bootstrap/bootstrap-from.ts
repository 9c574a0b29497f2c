import type { JsonObject } from "@bufbuild/protobuf";
import { messageOf } from "../../errors.js";
import { readOwnBootstrap } from "../../source/documents/own-bootstrap.js";
import { formatProblem } from "../../source/files/problem.js";
import { readGiven } from "../../source/files/whole-file.js";
import { NoConfiguration } from "../terminal/command.js";
import { complain } from "../terminal/output.js";
import { type BootstrapOptions, type EnvoyBootstrap, envoyBootstrap, failoverLayer } from "./client-bootstrap.js";

/**
 * An Envoy's own bootstrap file, with a server instead of the resources that `xds serve` serves from it. Prints on
 * stderr which resources stay. `isGiven` returns whether an option was given; for other options, the file's values
 * stay.
 * @throws NoConfiguration with a line for each problem, UsageError as {@link envoyBootstrap}
 */
export async function bootstrapFrom(
  file: string,
  options: BootstrapOptions,
  isGiven: (option: string) => boolean,
): Promise<object> {
  const bytes = await readGiven(file).catch((error) => {
    throw new NoConfiguration(`${file}: cannot be read: ${messageOf(error)}`);
  });
  const own = readOwnBootstrap(file, bytes.toString());
  if ("problems" in own) throw new NoConfiguration(own.problems.map(formatProblem).join("\n"));
  for (const { path, name, why } of own.kept.slice(0, mostKept))
    complain(`${path}${name && ` ${JSON.stringify(name)}`} stays: ${why}`);
  if (own.kept.length > mostKept) complain(`${own.kept.length - mostKept} more resources stay`);
  return merged(own.bootstrap, envoyBootstrap(options, own.clusters), isGiven);
}

/** The most lines about resources that stay. */
const mostKept = 100;

function merged(own: JsonObject, made: EnvoyBootstrap, isGiven: (option: string) => boolean): object {
  const { clusters = [], ...resources } = objectOf(own.static_resources);
  const layers = listOf(objectOf(own.layered_runtime).layers);
  const [failoverMade, ...others] = made.layered_runtime?.layers ?? [];
  // A file that this program made already has a layer of this name.
  const same = layers.find(({ name }) => name === failoverLayer);
  const failover = failoverMade && {
    ...failoverMade,
    static_layer: { ...objectOf(same?.static_layer), ...objectOf(failoverMade.static_layer) },
  };
  const { admin, layered_runtime, ...rest } = own;
  return {
    ...rest,
    node: nodeOf(objectOf(own.node), made.node, isGiven),
    ...(isGiven("adminPort") ? made.admin && { admin: { ...objectOf(admin), ...made.admin } } : admin && { admin }),
    ...(made.cluster_manager && {
      cluster_manager: { ...objectOf(own.cluster_manager), ...made.cluster_manager },
    }),
    dynamic_resources: made.dynamic_resources,
    static_resources: { ...resources, clusters: [...listOf(clusters), ...made.static_resources.clusters] },
    ...(failover
      ? {
          layered_runtime: {
            ...objectOf(layered_runtime),
            layers: layers.length > 0 ? [failover, ...layers.filter((layer) => layer !== same)] : [failover, ...others],
          },
        }
      : layered_runtime && { layered_runtime }),
  };
}

function nodeOf(own: JsonObject, made: JsonObject, isGiven: (option: string) => boolean): JsonObject {
  const given = Object.fromEntries(
    Object.entries({ id: "nodeId", cluster: "nodeCluster", locality: "locality" }).filter(([, option]) =>
      isGiven(option),
    ),
  );
  const { client_features, clientFeatures, ...rest } = own;
  const features = [...listOf(client_features ?? clientFeatures), ...listOf(made.client_features)];
  return {
    ...made,
    ...rest,
    ...Object.fromEntries(Object.keys(given).flatMap((key) => (made[key] === undefined ? [] : [[key, made[key]]]))),
    ...(features.length > 0 && { client_features: [...new Set(features)] }),
  };
}

const objectOf = (value: unknown): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
const listOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? value : []);
