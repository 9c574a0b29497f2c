import type { DescField, DescMessage, MessageInitShape, Registry } from "@bufbuild/protobuf";
import type { SecretsConfigDump_DynamicSecretSchema } from "../../../gen/envoy/admin/v3/config_dump_pb.js";
import type {
  ClientResourceStatus,
  ClustersConfigDump_DynamicClusterSchema,
  EcdsConfigDump_EcdsFilterConfigSchema,
  EndpointsConfigDump_DynamicEndpointConfigSchema,
  ListenersConfigDump_DynamicListenerSchema,
  RoutesConfigDump_DynamicRouteConfigSchema,
  ScopedRoutesConfigDump_DynamicScopedRouteConfigsSchema,
  UpdateFailureStateSchema,
} from "../../../gen/envoy/admin/v3/config_dump_shared_pb.js";
import type { PerXdsConfig } from "../../../gen/envoy/service/status/v3/csds_pb.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  routeType,
  scopedRouteType,
  secretType,
} from "../../resource/types.js";
import { durationOf } from "../../wire/duration.js";
import type { AnyContent } from "./redact.js";

/** One resource, with the fields of the dump messages. */
export interface DumpRow {
  readonly name: string;
  readonly version: string;
  readonly config: AnyContent | undefined;
  readonly lastUpdated: Timestamp | undefined;
  readonly common: {
    readonly lastUpdated: Timestamp | undefined;
    /** The number in the enum; 0 if the status is not known. */
    readonly clientStatus: ClientResourceStatus;
    readonly errorState: MessageInitShape<typeof UpdateFailureStateSchema> | undefined;
  };
}

interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** The `envoy.admin.v3` message that shows the resources of one type. */
export interface DumpForm {
  /** The full name of the message. */
  readonly message: string;
  /** The message's list of resources from xDS, in lowerCamelCase. */
  readonly list: string;
  /** Makes an entry of that list. */
  readonly entry: (row: DumpRow, typeUrl: string) => MessageInitShape<DescMessage>;
  /** The field of `envoy.service.status.v3.PerXdsConfig` that has the message, if there is one. */
  readonly perXdsConfig?: NonNullable<PerXdsConfig["perXdsConfig"]["case"]>;
}

const form = <S extends DescMessage>(
  message: string,
  list: string,
  entry: (row: DumpRow) => MessageInitShape<S>,
  perXdsConfig?: DumpForm["perXdsConfig"],
): DumpForm => ({ message: `envoy.admin.v3.${message}`, list, entry, ...(perXdsConfig && { perXdsConfig }) });

/** The forms of the types that have a dump message of their own, by type URL. */
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

/** The form of all other types. */
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

/** A `Timestamp` from milliseconds since 1970. undefined for 0, which means that the time is not known. */
export function timestamp(ms: number): Timestamp | undefined {
  return ms === 0 ? undefined : durationOf(ms);
}

/** The descriptors of a dump's message, its list, and the list's entries. */
export interface DumpList {
  readonly schema: DescMessage;
  readonly field: DescField;
  readonly entry: DescMessage;
}

/** Finds the descriptors of a dump. */
export function dumpList({ message, list }: DumpForm, registry: Registry): DumpList {
  const schema = registry.getMessage(message);
  const field = schema?.field[list];
  if (!schema || !field) throw new Error(`the descriptors lack ${message}.${list}`);
  return { schema, field, entry: messageOfField(schema, list) };
}

/** The message type of a field, or of the entries of a list field. */
export function messageOfField(schema: DescMessage, name: string): DescMessage {
  const { message } = schema.field[name] ?? {};
  if (!message) throw new Error(`the descriptors lack ${schema.typeName}.${name}`);
  return message;
}
