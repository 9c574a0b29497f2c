import { XdsError } from "../errors.js";
import type { Logger } from "../logger.js";
import { checkOptions, type OptionNames } from "../options.js";
import { OpenRefusals } from "../protocol/open-refusals.js";
import type { Resolver } from "../protocol/stream-context.js";
import type { XdsApi } from "../resource/xds-api.js";
import type { Authorize } from "./access/authorize.js";
import type { TlsOptions } from "./access/tls.js";
import type { Limits } from "./admission/limits.js";
import { type Callbacks, callbackNames } from "./callbacks.js";
import type { LoadReportingOptions } from "./lrs/load-reporting.js";

/** Options of an {@link XdsServer}. */
export interface XdsServerOptions {
  readonly callbacks?: Callbacks;
  readonly logger?: Logger;
  /**
   * The Envoy API of the server. It has the types on offer, each with its service and its REST path. It also has the
   * messages that the server reads and writes: nodes, CSDS, load reports, reflection. Give the cache and its resources
   * the same one. Default: {@link XdsApi.default}.
   */
  readonly api?: XdsApi;
  /** TLS for both transports. With a `clientCa`, clients need certificates (mTLS). By default plain text. */
  readonly tls?: TlsOptions;
  /**
   * Whether a first request without a node ends its stream. If not, the stream belongs to the node with the empty id
   * (P2). Default false.
   */
  readonly requireNode?: boolean;
  /** Limits on what clients may use. A limit that is left out has its default. */
  readonly limits?: Partial<Limits>;
  /**
   * Decides whether a client may have what it requests. It is called at a stream's first request, at each fetch and
   * REST request, at each CSDS request, and at the start of each stream of load reports. A refused client gets
   * PERMISSION_DENIED. `sanMatchesNode()` makes such a rule. By default every client that can connect is allowed.
   *
   * The cache decides what a node is served from what the node claims about itself (`SnapshotCacheOptions.nodeGroup`).
   * Compute the group only from what `authorize` has proven. Example: a rule that proves only the id allows any
   * cluster, metadata and locality. With groups by cluster, a client could then get another group's secrets. The server
   * cannot find this mistake, because it cannot compare two functions.
   */
  readonly authorize?: Authorize;
  /**
   * The maximum age of a gRPC connection, give or take a tenth. At 80 % of it the connection gets a GOAWAY. At this age
   * all its streams end at once with UNAVAILABLE. So clients spread over new servers. By default there is no maximum.
   */
  readonly maxConnectionAgeMs?: number;
  /**
   * Sends a change in an order in which nothing breaks (P53–P55). Referenced resources go first. A removal goes last,
   * after the resources that referred to it were replaced. Default true.
   */
  readonly makeBeforeBreak?: boolean;
  /**
   * Makes resources when clients subscribe to names that do not exist: virtual hosts by VHDS, clusters on demand (P62).
   * `resolve` puts the resource into the cache. The client's answer waits for it, at most `timeoutMs` (default 1,000).
   */
  readonly onDemand?: {
    /** Puts the resource of this name into the cache, if there is one. */
    readonly resolve: Resolver["resolve"];
    readonly timeoutMs?: number;
  };
  /**
   * The longest time, in milliseconds, of three waits. A type waits for the answer to the type before it (P53). A
   * change waits for the answer to the change before it (P25). A removal waits until the client drops the name, and on
   * separate streams for the node's other streams (P54). Default 5,000.
   */
  readonly orderTimeoutMs?: number;
  /**
   * How long a client may use a listener that was replaced or removed, in milliseconds. For this time the client keeps
   * the resources that the listener referred to (P54). Set it to the drain time of your Envoys (`--drain-time-s`).
   * Default 600,000, which is also Envoy's default.
   */
  readonly drainTimeMs?: number;
  /**
   * The marks of nodes with an open refusal. If they are kept across a restart, the next server sends everything to
   * these nodes again (P36). By default the server has its own marks, which end with it.
   */
  readonly openRefusals?: OpenRefusals;
  /**
   * Offers content that was refused alone again: after 10 s, after 1 minute, then after twice as long each time, up to
   * 15 minutes (P16). Some clients refuse on purpose and expect the same content again. Default true.
   */
  readonly retryRefused?: boolean;
  /**
   * The most bytes of resources in a delta response. A larger response is divided, and each part is sent after the ACK
   * of the previous one. A SotW response cannot be divided; the server logs a warning instead. gRPC clients refuse more
   * than 4 MiB by default. Default 4,190,208.
   */
  readonly maxResponseBytes?: number;
  /**
   * Decides which clients may use the client status service (CSDS). The service shows what every node is served,
   * without secrets.
   * - By default: clients on this machine, if `authorize` allows them.
   * - A rule, such as `loopbackOrSan()`: the rule alone decides, and not `authorize`.
   * - `true`: `authorize` alone decides. Without it, every client that can connect is allowed.
   * - `false`: the service is not offered.
   *
   * In all cases `onClientStatusRequest` can still refuse a request.
   */
  readonly csds?: boolean | Authorize;
  /**
   * Accepts load reports of nodes (LRS). It sets for which clusters nodes report, how often, and who gets the reports.
   * Without this option the service is not offered.
   */
  readonly loadReporting?: LoadReportingOptions;
  /** A gRPC connection is pinged when the client has sent nothing for this time, in milliseconds. Default 30,000. */
  readonly keepaliveMs?: number;
  /** The connection is closed if nothing comes within this time after the ping, in milliseconds. Default 10,000. */
  readonly keepaliveTimeoutMs?: number;
}

/** Where a server listens. */
export interface ListenOptions {
  /**
   * Address for both transports. Default 127.0.0.1. Unlike the program `xds`, the library also opens other addresses
   * without TLS. Then everybody who can connect can read secrets.
   */
  readonly host?: string;
  /** The gRPC port. With 0, the system chooses a free one. Default 18000. */
  readonly port?: number;
  /** The REST port. With 0, the system chooses a free one. By default REST is not served. */
  readonly restPort?: number;
  /**
   * Names that REST clients may use for the server, as in `Host: xds.example`. Its address, the names of loopback, and
   * names without a dot are always allowed. Without this list, an address beyond loopback accepts every name.
   */
  readonly allowedHosts?: readonly string[];
}

/** An address that something listens on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const serverNames: OptionNames<XdsServerOptions> = {
  callbacks: true,
  logger: true,
  api: true,
  tls: true,
  requireNode: true,
  limits: true,
  authorize: true,
  maxConnectionAgeMs: true,
  makeBeforeBreak: true,
  onDemand: true,
  orderTimeoutMs: true,
  drainTimeMs: true,
  openRefusals: true,
  retryRefused: true,
  maxResponseBytes: true,
  csds: true,
  loadReporting: true,
  keepaliveMs: true,
  keepaliveTimeoutMs: true,
};
const loadReportingNames: OptionNames<LoadReportingOptions> = {
  clusters: true,
  intervalMs: true,
  perEndpoint: true,
  onReport: true,
};
const listenNames: OptionNames<ListenOptions> = {
  host: true,
  port: true,
  restPort: true,
  allowedHosts: true,
};

/** @throws XdsError INVALID_OPTION for an unknown option */
export function checkServerOptions(options: XdsServerOptions): void {
  checkOptions("XdsServer", options, serverNames);
  const { callbacks = {} } = options;
  // An instance of a class can have more properties, and its methods are not its own properties.
  const handlers = Object.entries(callbacks).filter(([name]) => /^on[A-Z]/.test(name));
  checkOptions<Callbacks>("callbacks", Object.fromEntries(handlers), callbackNames);
  if (options.openRefusals && !(options.openRefusals instanceof OpenRefusals))
    throw new XdsError("INVALID_OPTION", "openRefusals must be an OpenRefusals; make one with new OpenRefusals()");
  if (options.onDemand) checkOptions("onDemand", options.onDemand, { resolve: true, timeoutMs: true });
  if (options.loadReporting) checkOptions("loadReporting", options.loadReporting, loadReportingNames);
}

/** @throws XdsError INVALID_OPTION for an unknown option */
export const checkListenOptions = (options: ListenOptions): void => checkOptions("listen()", options, listenNames);

/** @throws XdsError INVALID_OPTION */
export function milliseconds(option: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new XdsError("INVALID_OPTION", `${option} must be a number of milliseconds, 0 or more; it is ${value}`);
}

/** gRPC's default limit is 4 MiB. This leaves room for the envelope. */
const mostResponseBytes = 4 * 2 ** 20 - 4_096;

/** @throws XdsError INVALID_OPTION */
export function responseBytes(value = mostResponseBytes): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new XdsError("INVALID_OPTION", `maxResponseBytes must be a number greater than 0; it is ${value}`);
}
