import {
  create,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { ClientResourceStatus } from "../../gen/envoy/admin/v3/config_dump_shared_pb.js";
import type {
  ClientConfig,
  ClientConfig_GenericXdsConfigSchema,
  ClientConfigSchema,
  ClientStatusRequest,
  ConfigStatus,
  PerXdsConfigSchema,
} from "../../gen/envoy/service/status/v3/csds_pb.js";
import type { Node } from "../cache/node-group.js";
import { messageOf, XdsError } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import { apiMessage, envoyRegistry } from "../schema/registry.js";
import { dumpForms, timestamp } from "./config-dumps.js";
import { nodeFilter } from "./node-matcher.js";
import { type AnyContent, redacted } from "./redact.js";
import { type ResourceStatus, resourceStatuses } from "./resource-status.js";
import { type StreamOfNode, type SyncState, subscriptionsByType, syncState, worst } from "./status.js";

/** A connected node and its streams. */
export interface Client {
  readonly node: Node;
  readonly streams: readonly StreamOfNode[];
}

/** How requests are read, and `ClientStatusResponse`s written: a part for each `ClientConfig`, joined. */
export interface ClientStatusFormat {
  decode(body: Uint8Array): ClientStatusRequest;
  part(config: ClientConfig): Uint8Array;
  join(parts: readonly Uint8Array[]): Buffer;
}

/** `decode` throws INVALID_REQUEST. */
export const protobufFormat: ClientStatusFormat = {
  decode: (body) => {
    try {
      return fromBinary(apiMessage("envoy.service.status.v3.ClientStatusRequest"), body) as ClientStatusRequest;
    } catch (cause) {
      throw new XdsError("INVALID_REQUEST", `not a ClientStatusRequest: ${messageOf(cause)}`, { cause });
    }
  },
  part: (config) =>
    new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .bytes(toBinary(apiMessage("envoy.service.status.v3.ClientConfig"), config))
      .finish(),
  join: (parts) => Buffer.concat(parts),
};

/** proto3 JSON. `decode` throws INVALID_JSON, `part` INVALID_RESOURCE for content of a type that is not known. */
export const jsonFormat: ClientStatusFormat = {
  decode: (body) => {
    const options = { registry: envoyRegistry(), ignoreUnknownFields: true };
    try {
      const json = JSON.parse(Buffer.from(body).toString("utf8")) as JsonValue;
      return fromJson(apiMessage("envoy.service.status.v3.ClientStatusRequest"), json, options) as ClientStatusRequest;
    } catch (cause) {
      const why = `the body is not a ClientStatusRequest in JSON ({} asks for all nodes): ${messageOf(cause)}`;
      throw new XdsError("INVALID_JSON", why, { cause });
    }
  },
  part: (config) => {
    try {
      return Buffer.from(
        JSON.stringify(
          toJson(apiMessage("envoy.service.status.v3.ClientConfig"), config, { registry: envoyRegistry() }),
        ),
      );
    } catch (cause) {
      const what = `what node ${JSON.stringify(config.node?.id)} is served cannot be written as JSON`;
      const why = `${what}: ${messageOf(cause)}; exclude_resource_contents leaves it out`;
      throw new XdsError("INVALID_RESOURCE", why, { cause });
    }
  },
  join: (parts) => Buffer.from(`{"config":[${parts.join(",")}]}`),
};

/** How long one answer may keep others waiting, in milliseconds; one node's part is not divided. */
const slice = 5;

/**
 * A `ClientStatusResponse`: a `ClientConfig` for each client that the request picks.
 * @throws XdsError INVALID_REQUEST for matchers that cannot be, LIMIT_EXCEEDED for an answer of more than `maxBytes`
 */
export async function clientStatusResponse(
  { nodeMatchers, excludeResourceContents }: ClientStatusRequest,
  clients: readonly Client[],
  { part: encode, join }: ClientStatusFormat,
  maxBytes: number,
): Promise<Buffer> {
  const matches = nodeFilter(nodeMatchers);
  const parts: Uint8Array[] = [];
  let size = 0;
  let from = performance.now();
  for (const client of clients) {
    if (!matches(client.node)) continue;
    const part = encode(clientConfig(client, !excludeResourceContents));
    parts.push(part);
    size += part.length;
    if (size > maxBytes)
      throw new XdsError(
        "LIMIT_EXCEEDED",
        `the answer has more than ${maxBytes} bytes; pick nodes with node_matchers, or set exclude_resource_contents`,
      );
    if (performance.now() - from < slice) continue;
    await new Promise((resolve) => setImmediate(resolve));
    from = performance.now();
  }
  return join(parts);
}

function clientConfig({ node, streams }: Client, withContents: boolean): ClientConfig {
  const generic: MessageInitShape<typeof ClientConfig_GenericXdsConfigSchema>[] = [];
  const perType: MessageInitShape<typeof PerXdsConfigSchema>[] = [];
  for (const [typeUrl, subscriptions] of subscriptionsByType(streams)) {
    const rows = resourceStatuses(streams, typeUrl).map((status) => row(status, withContents));
    for (const { name, version: versionInfo, config: xdsConfig, state, common } of rows)
      generic.push({ typeUrl, name, versionInfo, xdsConfig, configStatus: configStatus[state], ...common });
    const version = subscriptions.map(({ ledger }) => ledger.acked?.version).find((acked) => acked) ?? "";
    const form = dumpForms[typeUrl];
    if (!form?.perXdsConfig) continue;
    const value = { versionInfo: version, [form.list]: rows.map((one) => form.entry(one, typeUrl)) };
    const perXdsConfig = { case: form.perXdsConfig, value } as Dump; // `list` and `entry` are the message's
    perType.push({ status: configStatus[worst(subscriptions.map(syncState))], perXdsConfig });
  }
  const init: MessageInitShape<typeof ClientConfigSchema> = { node, xdsConfig: perType, genericXdsConfigs: generic };
  return create(apiMessage("envoy.service.status.v3.ClientConfig"), init) as ClientConfig;
}

type Any = AnyContent | undefined;

/** A resource's status in the messages' terms. */
function row({ name, state, client, resource, version, updatedAt, failure }: ResourceStatus, withContents: boolean) {
  const content = (of: Resource | undefined): Any => (withContents && of && !of.error ? redacted(of) : undefined);
  const errorState = failure && {
    failedConfiguration: content(failure.resource),
    lastUpdateAttempt: timestamp(failure.at),
    details: failure.message,
    versionInfo: failure.version,
  };
  const lastUpdated = timestamp(updatedAt);
  return {
    name,
    version,
    config: content(resource),
    state,
    lastUpdated,
    common: { lastUpdated, clientStatus: clientStatus[client], errorState },
  };
}
type Dump = NonNullable<MessageInitShape<typeof PerXdsConfigSchema>["perXdsConfig"]>;

// The enums' numbers: the generated modules that have them are slow to load.
const configStatus: Readonly<Record<SyncState, ConfigStatus>> = {
  SYNCED: 1,
  DRAINING: 1,
  NOT_SENT: 2,
  STALE: 3,
  ERROR: 4,
};
export const clientStatus: Readonly<Record<ResourceStatus["client"], ClientResourceStatus>> = {
  REQUESTED: 1,
  DOES_NOT_EXIST: 2,
  ACKED: 3,
  NACKED: 4,
};
