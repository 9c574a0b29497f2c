import { create } from "@bufbuild/protobuf";
import { type Cluster, Cluster_DiscoveryType, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { TcpProxySchema } from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import type { ResourceInput } from "../../src/index.js";
import { edsCluster, listener, pack } from "./edge.js";
import type { Mode } from "./modes.js";

/** A cluster that Envoy refuses by its own check: a static one cannot have endpoints by EDS. */
export const refusedCluster = (name: string, mode: Mode): Cluster =>
  create(ClusterSchema, {
    ...edsCluster(name, mode),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
  });

/** A filter chain of a TCP proxy. */
export function tcpFilterChain(statPrefix: string, cluster: string) {
  const proxy = pack(TcpProxySchema, { statPrefix, clusterSpecifier: { case: "cluster", value: cluster } });
  return { filters: [{ name: "tcp", configType: { case: "typedConfig" as const, value: proxy } }] };
}

/**
 * A cluster and a listener, both named `refused`: the listener has two filter chains of which each matches everything.
 */
export function refusedByEnvoy(mode: Mode, port: number): ResourceInput[] {
  const chain = tcpFilterChain("refused", "nowhere");
  return [refusedCluster("refused", mode), listener("refused", port, [chain, chain])];
}
