import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { clusterType } from "../../src/index.js";
import { framed } from "../server/raw-http2.js";

const aggregated = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
const clusterService = "/envoy.service.cluster.v3.ClusterDiscoveryService";

/** The methods that attacks call. */
export const paths = {
  sotw: `${aggregated}/StreamAggregatedResources`,
  delta: `${aggregated}/DeltaAggregatedResources`,
  clusters: `${clusterService}/StreamClusters`,
  fetch: `${clusterService}/FetchClusters`,
  loads: "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
  statuses: "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus",
  fetchStatus: "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus",
  reflection: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  health: "/grpc.health.v1.Health/Check",
  watchHealth: "/grpc.health.v1.Health/Watch",
  unknown: "/no.such/Method",
} as const;

type Fields<T> = Exclude<T, { $typeName: string }>;

/** A message of gRPC that asks for clusters, in the state of the world. */
export const sotw = (fields: Fields<MessageInitShape<typeof DiscoveryRequestSchema>> = {}): Buffer => {
  const message = create(DiscoveryRequestSchema, { node: { id: "attacker" }, typeUrl: clusterType, ...fields });
  return framed(toBinary(DiscoveryRequestSchema, message));
};

export const delta = (fields: Fields<MessageInitShape<typeof DeltaDiscoveryRequestSchema>> = {}): Buffer => {
  const message = create(DeltaDiscoveryRequestSchema, { node: { id: "attacker" }, typeUrl: clusterType, ...fields });
  return framed(toBinary(DeltaDiscoveryRequestSchema, message));
};
