import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type ApiConfigSource,
  ApiConfigSourceSchema,
  ApiConfigSource_ApiType as ApiType,
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from "../../gen/envoy/config/core/v3/config_source_pb.js";

/** A way in which an Envoy gets its configuration. */
export interface Mode {
  readonly name: string;
  readonly apiType: ApiType;
  /** All types on one stream. */
  readonly ads: boolean;
}

export const adsSotw: Mode = { name: "ADS, state of the world", apiType: ApiType.GRPC, ads: true };
export const adsDelta: Mode = { name: "ADS, delta", apiType: ApiType.DELTA_GRPC, ads: true };
/** A stream for each type. */
export const ownDelta: Mode = { name: "a stream per type, delta", apiType: ApiType.DELTA_GRPC, ads: false };
export const rest: Mode = { name: "REST", apiType: ApiType.REST, ads: false };
export const grpcModes: readonly Mode[] = [
  adsSotw,
  adsDelta,
  { name: "a stream per type, state of the world", apiType: ApiType.GRPC, ads: false },
  ownDelta,
];

/** The management server's cluster in every bootstrap: its gRPC or, in REST mode, its REST port. */
export const xdsCluster = "xds";

/** How to reach the server itself. It is polled often, and reconnected to soon, so that tests are not slow. */
export function apiConfigSource({ apiType }: Mode): ApiConfigSource {
  if (apiType === ApiType.REST)
    return create(ApiConfigSourceSchema, {
      apiType,
      transportApiVersion: ApiVersion.V3,
      clusterNames: [xdsCluster],
      refreshDelay: durationFromMs(100),
      requestTimeout: durationFromMs(1_000),
    });
  const retryBackOff = { baseInterval: durationFromMs(50), maxInterval: durationFromMs(200) };
  const envoyGrpc = { clusterName: xdsCluster, retryPolicy: { retryBackOff } };
  return create(ApiConfigSourceSchema, {
    apiType,
    transportApiVersion: ApiVersion.V3,
    grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: envoyGrpc } }],
  });
}

/** Where a resource that refers to others says that they come from. */
export function configSource(mode: Mode): ConfigSource {
  return create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    configSourceSpecifier: mode.ads
      ? { case: "ads", value: {} }
      : { case: "apiConfigSource", value: apiConfigSource(mode) },
  });
}
