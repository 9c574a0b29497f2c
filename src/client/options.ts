import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import { messageOf, XdsError } from "../errors.js";
import type { BackOffOptions } from "../grpc-client/back-off.js";
import type { ClientTlsOptions } from "../grpc-client/tls.js";
import { type Logger, silentLogger } from "../logger.js";
import { checkOptions, type OptionNames } from "../options.js";
import { XdsApi } from "../resource/xds-api.js";
import { encodeMessage } from "../schema/encode-message.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { Node } from "../schema/node.js";
import { apiMessage } from "../schema/registry.js";
import type { ClientCallbacks } from "./callbacks.js";
import type { GrpcClientOptions } from "./grpc.js";
import { type Clock, systemClock } from "./timers.js";

/** Which server a client asks, as which node, and how. */
export interface XdsClientOptions {
  /** The server: `host:port`, or another gRPC target such as `unix:/run/xds.sock`. */
  readonly address: string;
  /** State of the world (the default), or delta. */
  readonly variant?: "sotw" | "delta";
  /** All types on one aggregated stream (the default), or a stream of its own service for each type. */
  readonly service?: "ads" | "separate";
  /**
   * The client's description of itself. By default it is anonymous and announces the supported features: TTL, also in
   * SotW ({@link clientFeatures}).
   */
  readonly node?: MessageInitShape<typeof NodeSchema>;
  /** TLS settings; `{}` uses Node's certificate authorities. By default plain text. */
  readonly tls?: ClientTlsOptions;
  /** How long to wait before an ended stream is opened again; false: it is not opened again. */
  readonly reconnect?: BackOffOptions | false;
  /**
   * If true, a handler that returns undefined does not ACK. The caller answers each response with its `ack` or `nack`,
   * at any time. Until then, SotW cannot send another subscription of that type to the server. Default false.
   */
  readonly manual?: boolean;
  readonly callbacks?: ClientCallbacks;
  /** Has the types to subscribe to, and the messages of resources and nodes. Default: {@link XdsApi.default}. */
  readonly api?: XdsApi;
  readonly logger?: Logger;
  /** How long establishing a connection may take, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * The interval between pings on a quiet connection, and how long an answer may take before the connection is dropped,
   * in milliseconds. Default 5.5 minutes and 20 s.
   *
   * By default, gRPC servers end the connection of a client that pings more than once in 5 minutes
   * (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md).
   */
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** The largest response, in bytes. Default 256 MiB. */
  readonly maxResponseBytes?: number;
  /** The clock and the random numbers, for tests. */
  readonly clock?: Clock;
}

const optionNames: OptionNames<XdsClientOptions> = {
  address: true,
  variant: true,
  service: true,
  node: true,
  tls: true,
  reconnect: true,
  manual: true,
  callbacks: true,
  api: true,
  logger: true,
  connectTimeoutMs: true,
  keepaliveMs: true,
  keepaliveTimeoutMs: true,
  maxResponseBytes: true,
  clock: true,
};
const tlsNames: OptionNames<ClientTlsOptions> = {
  ca: true,
  cert: true,
  key: true,
  serverName: true,
};
const backOffNames: OptionNames<BackOffOptions> = { initialMs: true, maxMs: true, factor: true, jitter: true };

/** The features that this client announces: a resource's TTL, and in SotW its wrapper (P57), in both spellings. */
export const clientFeatures: readonly string[] = [
  "xds.config.supports-resource-ttl",
  "xds.config.resource-in-sotw",
  "xds.config.supports-resource-in-sotw",
];

/** Checked options with their defaults filled in. */
export interface Settings extends GrpcClientOptions {
  readonly variant: "sotw" | "delta";
  readonly service: "ads" | "separate";
  readonly node: Node;
  readonly reconnect: Required<BackOffOptions> | undefined;
  readonly manual: boolean;
  readonly callbacks: ClientCallbacks;
  readonly api: XdsApi;
  readonly registry: SchemaRegistry;
  readonly logger: Logger;
  readonly clock: Clock;
}

const defaultBackOff: Required<BackOffOptions> = { initialMs: 500, maxMs: 30_000, factor: 2, jitter: 0.5 };

/**
 * Checks the options, and fills in defaults.
 * @throws XdsError INVALID_OPTION
 */
export function readOptions(options: XdsClientOptions): Settings {
  checkOptions("XdsClient", options, optionNames);
  const { address, variant = "sotw", service = "ads", reconnect = {}, tls } = options;
  const { connectTimeoutMs = 10_000, keepaliveMs = 330_000, keepaliveTimeoutMs = 20_000 } = options;
  const { maxResponseBytes = 256 << 20, api = XdsApi.default } = options;
  if (typeof address !== "string" || !/^((unix|unix-abstract|dns|ipv4|ipv6):\S+|\S+:\d+)$/.test(address))
    throw invalid("address", address, "host:port, or another gRPC target such as unix:/run/xds.sock");
  oneOf("variant", variant, ["sotw", "delta"]);
  oneOf("service", service, ["ads", "separate"]);
  for (const [name, value] of Object.entries({ connectTimeoutMs, keepaliveMs, keepaliveTimeoutMs, maxResponseBytes }))
    atLeast(name, value, 1);
  if (tls) checkOptions("tls", tls, tlsNames);
  if ((tls?.cert === undefined) !== (tls?.key === undefined))
    throw new XdsError("INVALID_OPTION", "a client certificate needs both, tls.cert and tls.key");
  return {
    address,
    variant,
    service,
    node: nodeOf(options.node, api),
    tls,
    reconnect: reconnect === false ? undefined : backOff(reconnect),
    manual: options.manual ?? false,
    callbacks: options.callbacks ?? {},
    api,
    registry: api.registry,
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
    connectTimeoutMs,
    keepaliveMs,
    keepaliveTimeoutMs,
    maxResponseBytes,
  };
}

function backOff(options: BackOffOptions): Required<BackOffOptions> {
  checkOptions("reconnect", options, backOffNames);
  const all = { ...defaultBackOff, ...options };
  atLeast("reconnect.initialMs", all.initialMs, 1);
  atLeast("reconnect.maxMs", all.maxMs, 1);
  atLeast("reconnect.factor", all.factor, 1);
  atLeast("reconnect.jitter", all.jitter, 0);
  if (all.jitter > 1) throw invalid("reconnect.jitter", all.jitter, "a number from 0 to 1");
  return all;
}

function nodeOf(init: XdsClientOptions["node"], { registry }: XdsApi): Node {
  const schema = apiMessage(registry, "envoy.config.core.v3.Node");
  const defaults = { userAgentName: "ts-control-plane", clientFeatures: [...clientFeatures] };
  try {
    // Encoding throws for values that do not have their field's type.
    return fromBinary(schema, encodeMessage(schema, create(schema, { ...defaults, ...init }))) as Node;
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the node is not a valid envoy.config.core.v3.Node: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function oneOf(name: string, value: unknown, values: readonly string[]): void {
  if (!values.includes(value as string)) throw invalid(name, value, values.join(" or "));
}

function atLeast(name: string, value: unknown, least: number): void {
  if (typeof value !== "number" || !Number.isFinite(value) || value < least)
    throw invalid(name, value, `a number, ${least} or more`);
}

function invalid(name: string, value: unknown, expected: string): XdsError {
  return new XdsError("INVALID_OPTION", `${name} must be ${expected}, is ${JSON.stringify(value) ?? "missing"}`);
}
