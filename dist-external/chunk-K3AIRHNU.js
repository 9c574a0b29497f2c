import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  dumpForms,
  dumpList,
  messageOfField,
  timestamp
} from "./chunk-2R5XDSOQ.js";
import {
  nameStatesOf,
  subscriptionsByType,
  syncState,
  worstState
} from "./chunk-VNWGVQRE.js";
import {
  redacted
} from "./chunk-ZAJWG27E.js";
import {
  apiMessage
} from "./chunk-BIVW5D3R.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/server/csds/client-config.js
import { create } from "@bufbuild/protobuf";

// dist/server/status/resource-status.js
function* resourceStatuses(streams, typeUrl) {
  const byName = /* @__PURE__ */ new Map();
  for (const { subscriptions, variant } of streams) {
    const subscription = subscriptions.get(typeUrl);
    if (!subscription)
      continue;
    for (const status of ofSubscription(subscription, variant)) {
      yield;
      const known = byName.get(status.name);
      if (!known || worstState([known.state, status.state]) !== known.state)
        byName.set(status.name, status);
    }
  }
  return [...byName.values()];
}
function* ofSubscription(subscription, variant) {
  const { ledger, upToDate, view, spellings } = subscription;
  const sotwVersion = ledger.acked?.version ?? (upToDate ? view.version : "");
  const at = ledger.acked?.at ?? 0;
  for (const known of nameStatesOf(subscription)) {
    const { served, has, version: last, refused } = known;
    if (!served && last === void 0 && !refused && !subscription.names.has(known.name))
      continue;
    const isMissing = has?.isPlaceholder === true;
    const resource = served ?? (isMissing ? void 0 : has);
    const state = stateOf(subscription, variant, known);
    const name = resource?.name ?? spellings.get(known.name) ?? known.name;
    const common = { name, state, resource };
    if (refused) {
      const version = (variant === "delta" ? refused.resource?.version : void 0) ?? refused.nack.version;
      const { at: failedAt, error } = refused.nack;
      const failure = { version, at: failedAt, message: error.message, resource: refused.resource };
      yield { ...common, client: "NACKED", version, updatedAt: failedAt, failure };
    } else if (last !== void 0 && !isMissing) {
      const version = variant === "delta" ? last : sotwVersion;
      yield { ...common, client: "ACKED", version, updatedAt: at, failure: void 0 };
    } else if (state === "SYNCED")
      yield { ...common, client: "DOES_NOT_EXIST", version: "", updatedAt: at, failure: void 0 };
    else
      yield { ...common, client: "REQUESTED", version: "", updatedAt: 0, failure: void 0 };
  }
}
function stateOf(subscription, variant, known) {
  const { served, has, version, isMoving, refused, waits } = known;
  if (isMoving)
    return "STALE";
  if (waits)
    return waits.why === "draining" ? "DRAINING" : "STALE";
  if (refused && refused.resource?.version === served?.version)
    return "ERROR";
  if (served)
    return version === served.version ? "SYNCED" : "NOT_SENT";
  if (version !== void 0)
    return has?.isPlaceholder ? "SYNCED" : "NOT_SENT";
  const isAnnounced = (variant === "delta" || subscription.type.fullStateInSotw) && subscription.ledger.acked !== void 0;
  return isAnnounced && subscription.upToDate ? "SYNCED" : "NOT_SENT";
}

// dist/server/csds/client-config.js
function* clientStatusResponse(clients, picks, options) {
  const writer = new ClientConfigWriter(options);
  const config = [];
  for (const client of clients) {
    yield;
    if (!picks || (yield* picks(client.node)))
      config.push(yield* writer.clientConfig(client));
  }
  return options.format.compose(apiMessage(options.registry, "envoy.service.status.v3.ClientStatusResponse"), {}, { config });
}
var ClientConfigWriter = class {
  options;
  size = 0;
  config;
  generic;
  perXds;
  constructor(options) {
    this.options = options;
    this.config = apiMessage(options.registry, "envoy.service.status.v3.ClientConfig");
    this.generic = messageOfField(this.config, "genericXdsConfigs");
    this.perXds = messageOfField(this.config, "xdsConfig");
  }
  *clientConfig({ node, streams }) {
    const { format, registry } = this.options;
    const genericXdsConfigs = [];
    const xdsConfig = [];
    for (const [typeUrl, subscriptions] of subscriptionsByType(streams)) {
      const dump = dumpOf(typeUrl, registry);
      const entries = [];
      for (const status2 of yield* resourceStatuses(streams, typeUrl)) {
        yield;
        const [generic, entry] = this.resource(status2, typeUrl, dump);
        genericXdsConfigs.push(generic);
        if (entry)
          entries.push(entry);
      }
      if (!dump)
        continue;
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
  node(node) {
    const schema = apiMessage(this.options.registry, "envoy.config.core.v3.Node");
    return this.writtenOr(() => this.written(schema, node), () => this.written(schema, { id: node.id, cluster: node.cluster, userAgentName: node.userAgentName }));
  }
  /** Writes a resource as a generic row, and as an entry of its type's dump. */
  resource(status, typeUrl, dump) {
    const rows = (shown) => {
      const { name, version: versionInfo, config: xdsConfig, state, common } = shown;
      const generic = { typeUrl, name, versionInfo, xdsConfig, configStatus: configStatus[state], ...common };
      return [this.written(this.generic, generic), dump && this.written(dump.entry, dump.form.entry(shown, typeUrl))];
    };
    return this.writtenOr(() => rows(row(status, this.options.withContents ? this.options.registry : void 0)), (why) => {
      const { common, ...shown } = row(status, void 0);
      const details = `its content cannot be shown here: ${why}`;
      return rows({ ...shown, common: { ...common, errorState: common.errorState ?? { details } } });
    });
  }
  /** Returns the result of `write`, or of `instead` if the format cannot represent the content. */
  writtenOr(write, instead) {
    const { size } = this;
    try {
      return write();
    } catch (cause) {
      if (cause instanceof TooLarge)
        throw cause;
      this.size = size;
      return instead(messageOf(cause));
    }
  }
  /** Encodes a message and counts its bytes. @throws TooLarge; Error for a value that the format cannot represent */
  written(schema, init) {
    const { format, maxBytes } = this.options;
    const bytes = format.write(schema, create(schema, init));
    this.size += bytes.length;
    if (this.size > maxBytes)
      throw new TooLarge(maxBytes);
    return bytes;
  }
};
var TooLarge = class extends XdsError {
  constructor(maxBytes) {
    const advice = "select nodes with node_matchers, or set exclude_resource_contents";
    super("LIMIT_EXCEEDED", `the answer has more than ${maxBytes} bytes; ${advice}`);
  }
};
function dumpOf(typeUrl, registry) {
  const form = dumpForms[typeUrl];
  if (!form?.perXdsConfig)
    return void 0;
  const { schema, entry } = dumpList(form, registry);
  return { form, schema, entry, perXdsConfig: form.perXdsConfig };
}
function row({ name, state, client, resource, version, updatedAt, failure }, registry) {
  const content = (shownResource) => registry && shownResource && !shownResource.error ? redacted(shownResource, registry) : void 0;
  const errorState = failure && {
    failedConfiguration: content(failure.resource),
    lastUpdateAttempt: timestamp(failure.at),
    details: failure.message,
    versionInfo: failure.version
  };
  const lastUpdated = timestamp(updatedAt);
  return {
    name,
    version,
    config: content(resource),
    state,
    lastUpdated,
    common: { lastUpdated, clientStatus: clientStatus[client], errorState }
  };
}
var configStatus = {
  SYNCED: 1,
  DRAINING: 1,
  NOT_SENT: 2,
  STALE: 3,
  ERROR: 4
};
var clientStatus = {
  REQUESTED: 1,
  DOES_NOT_EXIST: 2,
  ACKED: 3,
  NACKED: 4
};

export {
  clientStatusResponse,
  clientStatus
};
