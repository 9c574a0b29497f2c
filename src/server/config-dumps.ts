import type { DescField, DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { SecretsConfigDump_DynamicSecretSchema } from "../../gen/envoy/admin/v3/config_dump_pb.js";
import type {
  ClientResourceStatus,
  ClustersConfigDump_DynamicClusterSchema,
  EcdsConfigDump_EcdsFilterConfigSchema,
  EndpointsConfigDump_DynamicEndpointConfigSchema,
  ListenersConfigDump_DynamicListenerSchema,
  RoutesConfigDump_DynamicRouteConfigSchema,
  ScopedRoutesConfigDump_DynamicScopedRouteConfigsSchema,
  UpdateFailureStateSchema,
} from "../../gen/envoy/admin/v3/config_dump_shared_pb.js";
import type { PerXdsConfig } from "../../gen/envoy/service/status/v3/csds_pb.js";
import { durationOf } from "../resource/duration.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  routeType,
  scopedRouteType,
  secretType,
} from "../resource/types.js";
import { envoyRegistry } from "../schema/registry.js";
import type { AnyContent } from "./redact.js";

/** A resource in the dump messages' terms. */
export interface DumpRow {
  readonly name: string;
  readonly version: string;
  readonly config: AnyContent | undefined;
  readonly lastUpdated: Timestamp | undefined;
  readonly common: {
    readonly lastUpdated: Timestamp | undefined;
    /** 0: not known. */
    readonly clientStatus: ClientResourceStatus;
    readonly errorState: MessageInitShape<typeof UpdateFailureStateSchema> | undefined;
  };
}

interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** How `envoy.admin.v3` shows the resources of one type. */
export interface DumpForm {
  /** Full name of the message. */
  readonly message: string;
  /** Its list of what came by xDS, in lowerCamelCase. */
  readonly list: string;
  /** An entry of that list. */
  readonly entry: (row: DumpRow, typeUrl: string) => MessageInitShape<DescMessage>;
  /** Where `envoy.service.status.v3.PerXdsConfig` has the message. */
  readonly perXdsConfig?: NonNullable<PerXdsConfig["perXdsConfig"]["case"]>;
}

const form = <S extends DescMessage>(
  message: string,
  list: string,
  entry: (row: DumpRow) => MessageInitShape<S>,
  perXdsConfig?: DumpForm["perXdsConfig"],
): DumpForm => ({ message: `envoy.admin.v3.${message}`, list, entry, ...(perXdsConfig && { perXdsConfig }) });

/** The types that have a message of their own, by type URL. */
export const dumpForms: Readonly<Record<string, DumpForm>> = {
  [clusterType]: form<typeof ClustersConfigDump_DynamicClusterSchema>(
    "ClustersConfigDump",
    "dynamicActiveClusters",
    ({ version, config, common }) => ({ versionInfo: version, cluster: config, ...common }),
    "clusterConfig",
  ),
  [endpointType]: form<typeof EndpointsConfigDump_DynamicEndpointConfigSchema>(
    "EndpointsConfigDump",
    "dynamicEndpointConfigs",
    ({ version, config, common }) => ({ versionInfo: version, endpointConfig: config, ...common }),
    "endpointConfig",
  ),
  [listenerType]: form<typeof ListenersConfigDump_DynamicListenerSchema>(
    "ListenersConfigDump",
    "dynamicListeners",
    ({ name, version, config, lastUpdated, common }) => ({
      name,
      activeState: { versionInfo: version, listener: config, lastUpdated },
      errorState: common.errorState,
      clientStatus: common.clientStatus,
    }),
    "listenerConfig",
  ),
  [scopedRouteType]: form<typeof ScopedRoutesConfigDump_DynamicScopedRouteConfigsSchema>(
    "ScopedRoutesConfigDump",
    "dynamicScopedRouteConfigs",
    ({ name, version, config, common }) => ({
      name,
      versionInfo: version,
      scopedRouteConfigs: config ? [config] : [],
      ...common,
    }),
    "scopedRouteConfig",
  ),
  [routeType]: form<typeof RoutesConfigDump_DynamicRouteConfigSchema>(
    "RoutesConfigDump",
    "dynamicRouteConfigs",
    ({ version, config, common }) => ({ versionInfo: version, routeConfig: config, ...common }),
    "routeConfig",
  ),
  [secretType]: form<typeof SecretsConfigDump_DynamicSecretSchema>(
    "SecretsConfigDump",
    "dynamicActiveSecrets",
    ({ name, version, config, common }) => ({ name, versionInfo: version, secret: config, ...common }),
  ),
  [extensionConfigType]: form<typeof EcdsConfigDump_EcdsFilterConfigSchema>(
    "EcdsConfigDump",
    "ecdsFilters",
    ({ version, config, common }) => ({ versionInfo: version, ecdsFilter: config, ...common }),
  ),
};

/** For all other types. */
export const genericForm: DumpForm = {
  message: "envoy.service.status.v3.ClientConfig",
  list: "genericXdsConfigs",
  entry: ({ name, version, config, common }, typeUrl) => ({
    typeUrl,
    name,
    versionInfo: version,
    xdsConfig: config,
    ...common,
  }),
};

/** Milliseconds since 1970 as a message has them; 0: not known. */
export function timestamp(ms: number): Timestamp | undefined {
  return ms === 0 ? undefined : durationOf(ms);
}

/** A dump's message, its list, and what the entries of that are. */
export function dumpList({ message, list }: DumpForm): { schema: DescMessage; field: DescField; entry: DescMessage } {
  const schema = envoyRegistry().getMessage(message);
  const field = schema?.field[list];
  if (!schema || !field) throw new Error(`the descriptors lack ${message}.${list}`);
  return { schema, field, entry: messageOfField(schema, list) };
}

/** The message that a field, or its list, has. */
export function messageOfField(schema: DescMessage, name: string): DescMessage {
  const { message } = schema.field[name] ?? {};
  if (!message) throw new Error(`the descriptors lack ${schema.typeName}.${name}`);
  return message;
}
