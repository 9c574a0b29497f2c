import { create, type DescMessage, type MessageInitShape, type Registry } from "@bufbuild/protobuf";
import type { ClientResourceStatus } from "../../../gen/envoy/admin/v3/config_dump_shared_pb.js";
import type { ConfigStatus } from "../../../gen/envoy/service/status/v3/csds_pb.js";
import type { Node } from "../../cache/node-group.js";
import { messageOf, XdsError } from "../../errors.js";
import type { InSteps } from "../../in-turns.js";
import type { Resource } from "../../resource/resource.js";
import { apiMessage } from "../../schema/registry.js";
import { type ResourceStatus, resourceStatuses } from "../status/resource-status.js";
import { type StreamOfNode, type SyncState, subscriptionsByType, syncState, worstState } from "../status/status.js";
import type { ClientStatusFormat } from "./client-status-format.js";
import { type DumpForm, type DumpRow, dumpForms, dumpList, messageOfField, timestamp } from "./config-dumps.js";
import type { NodeFilter } from "./node-matcher.js";
import { type AnyContent, redacted } from "./redact.js";

/** A connected node and its streams. */
export interface Client {
  readonly node: Node;
  readonly streams: readonly StreamOfNode[];
}

export interface AnswerOptions {
  /** Has the messages of the answer, and those in the resources that it shows. */
  readonly registry: Registry;
  readonly format: ClientStatusFormat;
  readonly withContents: boolean;
  /** The largest answer, in bytes. */
  readonly maxBytes: number;
}

/**
 * Writes a `ClientConfig` for each client that `picks` accepts (all without it). Content that the format cannot
 * represent is left out.
 * @throws XdsError LIMIT_EXCEEDED for more than `maxBytes`
 */
export function* clientConfigs(
  clients: readonly Client[],
  picks: NodeFilter | undefined,
  options: AnswerOptions,
): InSteps<Buffer[]> {
  const writer = new ClientConfigWriter(options);
  const configs: Buffer[] = [];
  for (const client of clients) {
    yield;
    if (!picks || (yield* picks(client.node))) configs.push(yield* writer.clientConfig(client));
  }
  return configs;
}

/**
 * Writes a `ClientStatusResponse` with configurations of clients.
 * @throws XdsError LIMIT_EXCEEDED for an answer of more than `maxBytes`
 */
export function clientStatusResponse(
  config: readonly Uint8Array[],
  options: Pick<AnswerOptions, "registry" | "format" | "maxBytes">,
): Buffer {
  if (config.reduce((sum, { length }) => sum + length, 0) > options.maxBytes) throw new TooLarge(options.maxBytes);
  const schema = apiMessage(options.registry, "envoy.service.status.v3.ClientStatusResponse");
  return options.format.compose(schema, {}, { config });
}

class ClientConfigWriter {
  private size = 0;
  private readonly config: DescMessage;
  private readonly generic: DescMessage;
  private readonly perXds: DescMessage;

  constructor(private readonly options: AnswerOptions) {
    this.config = apiMessage(options.registry, "envoy.service.status.v3.ClientConfig");
    this.generic = messageOfField(this.config, "genericXdsConfigs");
    this.perXds = messageOfField(this.config, "xdsConfig");
  }

  *clientConfig({ node, streams }: Client): InSteps<Buffer> {
    const { format, registry } = this.options;
    const genericXdsConfigs: Buffer[] = [];
    const xdsConfig: Buffer[] = [];
    for (const [typeUrl, subscriptions] of subscriptionsByType(streams)) {
      const dump = dumpOf(typeUrl, registry);
      const entries: Buffer[] = [];
      for (const status of yield* resourceStatuses(streams, typeUrl)) {
        yield;
        const [generic, entry] = this.resource(status, typeUrl, dump);
        genericXdsConfigs.push(generic);
        if (entry) entries.push(entry);
      }
      if (!dump) continue;
      const versionInfo = subscriptions.map(({ ledger }) => ledger.acked?.version).find((acked) => acked) ?? "";
      const all = format.compose(dump.schema, { versionInfo }, { [dump.form.list]: entries });
      yield;
      const status = configStatus[worstState(subscriptions.map(syncState))];
      xdsConfig.push(format.compose(this.perXds, { status }, { [dump.perXdsConfig]: [all] }));
      yield;
    }
    return format.compose(this.config, {}, { node: [this.node(node)], xdsConfig, genericXdsConfigs });
  }

  /** Writes a node. If the format cannot represent all of it, such as NaN in its metadata, only its main fields. */
  private node(node: Node): Buffer {
    const schema = apiMessage(this.options.registry, "envoy.config.core.v3.Node");
    return this.writtenOr(
      () => this.written(schema, node),
      () => this.written(schema, { id: node.id, cluster: node.cluster, userAgentName: node.userAgentName }),
    );
  }

  /** Writes a resource as a generic row, and as an entry of its type's dump. */
  private resource(status: ResourceStatus, typeUrl: string, dump: Dump | undefined): Rows {
    const rows = (shown: Row): Rows => {
      const { name, version: versionInfo, config: xdsConfig, state, common } = shown;
      const generic = { typeUrl, name, versionInfo, xdsConfig, configStatus: configStatus[state], ...common };
      return [this.written(this.generic, generic), dump && this.written(dump.entry, dump.form.entry(shown, typeUrl))];
    };
    return this.writtenOr(
      () => rows(row(status, this.options.withContents ? this.options.registry : undefined)),
      (why) => {
        const { common, ...shown } = row(status, undefined);
        const details = `its content cannot be shown here: ${why}`;
        return rows({ ...shown, common: { ...common, errorState: common.errorState ?? { details } } });
      },
    );
  }

  /** Returns the result of `write`, or of `instead` if the format cannot represent the content. */
  private writtenOr<T>(write: () => T, instead: (why: string) => T): T {
    const { size } = this;
    try {
      return write();
    } catch (cause) {
      if (cause instanceof TooLarge) throw cause;
      this.size = size;
      return instead(messageOf(cause));
    }
  }

  /** Encodes a message and counts its bytes. @throws TooLarge; Error for a value that the format cannot represent */
  private written(schema: DescMessage, init: MessageInitShape<DescMessage>): Buffer {
    const { format, maxBytes } = this.options;
    const bytes = format.write(schema, create(schema, init));
    this.size += bytes.length;
    if (this.size > maxBytes) throw new TooLarge(maxBytes);
    return bytes;
  }
}

class TooLarge extends XdsError {
  constructor(maxBytes: number) {
    const advice = "select nodes with node_matchers, or set exclude_resource_contents";
    super("LIMIT_EXCEEDED", `the answer has more than ${maxBytes} bytes; ${advice}`);
  }
}

type Rows = [generic: Buffer, entry: Buffer | undefined];

/** The message in `xds_config` that has the resources of a type. */
interface Dump {
  readonly form: DumpForm;
  readonly schema: DescMessage;
  readonly entry: DescMessage;
  readonly perXdsConfig: string;
}

function dumpOf(typeUrl: string, registry: Registry): Dump | undefined {
  const form = dumpForms[typeUrl];
  if (!form?.perXdsConfig) return undefined;
  const { schema, entry } = dumpList(form, registry);
  return { form, schema, entry, perXdsConfig: form.perXdsConfig };
}

type Row = ReturnType<typeof row>;

/** A resource's status, with the fields of the dump messages. The content is shown by the registry; none without it. */
function row(
  { name, state, client, resource, version, updatedAt, failure }: ResourceStatus,
  registry: Registry | undefined,
) {
  const content = (shownResource: Resource | undefined): AnyContent | undefined =>
    registry && shownResource && !shownResource.error ? redacted(shownResource, registry) : undefined;
  const errorState: DumpRow["common"]["errorState"] = failure && {
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

// The numbers of the enums are repeated here, because the generated modules with them are slow to load.
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
