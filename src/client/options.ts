import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import { messageOf, XdsError } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import { encodeMessage } from "../schema/encode-message.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { Node } from "../schema/node.js";
import { apiMessage, envoyRegistry } from "../schema/registry.js";
import type { BackOffOptions } from "./back-off.js";
import type { ClientCallbacks } from "./callbacks.js";
import type { ClientTlsOptions, GrpcClientOptions } from "./grpc.js";
import { type Clock, systemClock } from "./timers.js";

export interface XdsClientOptions {
  /** The server: `host:port`, or another gRPC target such as `unix:/run/xds.sock`. */
  readonly address: string;
  /** State of the world, the default, or incremental. */
  readonly variant?: "sotw" | "delta";
  /** All types on one aggregated stream, the default, or each on a stream of its type's own service. */
  readonly service?: "ads" | "own";
  /**
   * How the client describes itself. By default it is anonymous, and announces the features that it has: TTL, in SotW too
   * ({@link clientFeatures}).
   */
  readonly node?: MessageInitShape<typeof NodeSchema>;
  /** TLS; `{}` trusts what Node trusts. By default plain text. */
  readonly tls?: ClientTlsOptions;
  /** How long to wait before a stream that has ended is opened again; false: it is not. */
  readonly reconnect?: BackOffOptions | false;
  /**
   * The handler's silence answers nothing: the caller does, with `ack` and `nack` of the response, whenever it likes. Until then
   * SotW cannot tell the server of another subscription to that type. Default false.
   */
  readonly manual?: boolean;
  readonly callbacks?: ClientCallbacks;
  /** What decodes resources. Default {@link envoyRegistry}. */
  readonly registry?: SchemaRegistry;
  readonly logger?: Logger;
  /** How long a connection may take to be there, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * How often a quiet connection is pinged, and how long the answer may take before it is dropped, in ms. Default 5.5 minutes and 20 s:
   * gRPC servers end the connection of a client that pings more often than once in 5 minutes, unless they are told to allow it
   * (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md).
   */
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** The largest response, in bytes. Default 256 MiB. */
  readonly maxResponseBytes?: number;
  /** Time and chance, for tests. */
  readonly clock?: Clock;
}

/** What this client announces that it can do: a resource's TTL, and in SotW the wrapper for it (P57), in both its spellings. */
export const clientFeatures: readonly string[] = [
  "xds.config.supports-resource-ttl",
  "xds.config.resource-in-sotw",
  "xds.config.supports-resource-in-sotw",
];

/** Options checked, with what they are by default. */
export interface Settings extends GrpcClientOptions {
  readonly variant: "sotw" | "delta";
  readonly service: "ads" | "own";
  readonly node: Node;
  readonly reconnect: Required<BackOffOptions> | undefined;
  readonly manual: boolean;
  readonly callbacks: ClientCallbacks;
  readonly registry: SchemaRegistry;
  readonly logger: Logger;
  readonly clock: Clock;
}

const defaultBackOff = { initialMs: 500, maxMs: 30_000, factor: 2, jitter: 0.5 };

/** @throws XdsError INVALID_OPTION */
export function readOptions(options: XdsClientOptions): Settings {
  const { address, variant = "sotw", service = "ads", reconnect = {}, tls } = options;
  const { connectTimeoutMs = 10_000, keepaliveMs = 330_000, keepaliveTimeoutMs = 20_000 } = options;
  const { maxResponseBytes = 256 << 20, registry = envoyRegistry() } = options;
  if (typeof address !== "string" || !/^((unix|unix-abstract|dns|ipv4|ipv6):\S+|\S+:\d+)$/.test(address))
    throw invalid("address", address, "host:port, or another gRPC target such as unix:/run/xds.sock");
  oneOf("variant", variant, ["sotw", "delta"]);
  oneOf("service", service, ["ads", "own"]);
  for (const [name, value] of Object.entries({ connectTimeoutMs, keepaliveMs, keepaliveTimeoutMs, maxResponseBytes }))
    atLeast(name, value, 1);
  if ((tls?.cert === undefined) !== (tls?.key === undefined))
    throw new XdsError("INVALID_OPTION", "a client certificate needs both, tls.cert and tls.key");
  return {
    address,
    variant,
    service,
    node: nodeOf(options.node),
    tls,
    reconnect: reconnect === false ? undefined : backOff(reconnect),
    manual: options.manual ?? false,
    callbacks: options.callbacks ?? {},
    registry,
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
    connectTimeoutMs,
    keepaliveMs,
    keepaliveTimeoutMs,
    maxResponseBytes,
  };
}

function backOff(options: BackOffOptions): Required<BackOffOptions> {
  const all = { ...defaultBackOff, ...options };
  atLeast("reconnect.initialMs", all.initialMs, 1);
  atLeast("reconnect.maxMs", all.maxMs, 1);
  atLeast("reconnect.factor", all.factor, 1);
  atLeast("reconnect.jitter", all.jitter, 0);
  if (all.jitter > 1) throw invalid("reconnect.jitter", all.jitter, "a part, from 0 to 1");
  return all;
}

function nodeOf(init: XdsClientOptions["node"]): Node {
  const schema = apiMessage("envoy.config.core.v3.Node");
  const defaults = { userAgentName: "ts-control-plane", clientFeatures: [...clientFeatures] };
  try {
    // Encoding refuses what is not of the field's type.
    return fromBinary(schema, encodeMessage(schema, create(schema, { ...defaults, ...init }))) as Node;
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the node is no envoy.config.core.v3.Node: ${messageOf(cause)}`, { cause });
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
  return new XdsError("INVALID_OPTION", `${name} is ${JSON.stringify(value) ?? "missing"}; it has to be ${expected}`);
}
