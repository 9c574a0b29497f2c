import { XdsError } from "../../errors.js";
import type { ClientTlsOptions } from "../../grpc-client/tls.js";
import { type Logger, silentLogger } from "../../logger.js";
import { checkOptions, type OptionNames } from "../../options.js";
import type { EtcdClientOptions } from "./etcd-client.js";
import { readText, type TextSource } from "./text-source.js";

/** TLS to etcd. Certificates and keys are in PEM. They are read again for each connection. */
export interface EtcdTlsOptions {
  /** The certificate authorities that may issue etcd's certificate. By default Node's. */
  readonly ca?: TextSource;
  /** Our own certificate and key, for an etcd that requires one (`--client-cert-auth`). */
  readonly cert?: TextSource;
  readonly key?: TextSource;
  /** The name that etcd's certificate must have. By default the host of the endpoint. */
  readonly serverName?: string;
}

/** A user of etcd. Both are read again for each login. */
export interface EtcdLogin {
  readonly user: TextSource;
  readonly password: TextSource;
}

/** Options of {@link EtcdStore.open}. */
export interface EtcdStoreOptions {
  /** `host:port` of each member. */
  readonly endpoints: readonly string[];
  /**
   * The name of the configuration. Its keys begin with `/xds/v1/<configuration>/`. Letters, digits, `.`, `_` and `-`.
   * Default `default`.
   */
  readonly configuration?: string;
  /** TLS; `{}` uses Node's certificate authorities. By default plain text. */
  readonly tls?: EtcdTlsOptions;
  /** By default no user. */
  readonly login?: EtcdLogin;
  /** How long a call may take, with all its tries, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** The same for `EtcdStore.open()`. Default: `timeoutMs`. */
  readonly openTimeoutMs?: number;
  /**
   * How long a blob that nothing refers to is kept, in milliseconds. Default 24 hours. It must be longer than any
   * publishing takes, and longer than the largest difference between the publishers' clocks.
   */
  readonly unusedBlobsMs?: number;
  readonly logger?: Logger;
  /** @internal How long a lease lasts without renewal, in seconds. */
  readonly leaseSeconds?: number;
  /** @internal How often the head is read even if the watch brings nothing, in milliseconds. */
  readonly lookMs?: number;
  /** @internal The interval between pings, in milliseconds. */
  readonly keepaliveMs?: number;
  /** @internal How long the answer to a ping may take, in milliseconds. */
  readonly keepaliveTimeoutMs?: number;
}

const optionNames: OptionNames<EtcdStoreOptions> = {
  endpoints: true,
  configuration: true,
  tls: true,
  login: true,
  timeoutMs: true,
  openTimeoutMs: true,
  unusedBlobsMs: true,
  logger: true,
  leaseSeconds: true,
  lookMs: true,
  keepaliveMs: true,
  keepaliveTimeoutMs: true,
};
const tlsNames: OptionNames<EtcdTlsOptions> = { ca: true, cert: true, key: true, serverName: true };
const loginNames: OptionNames<EtcdLogin> = { user: true, password: true };

/** Checked options with their defaults filled in. */
export interface EtcdSettings {
  readonly client: EtcdClientOptions;
  readonly prefix: string;
  readonly openTimeoutMs: number;
  readonly unusedBlobsMs: number;
  readonly leaseSeconds: number;
  readonly lookMs: number;
  readonly logger: Logger;
}

const mostEndpoints = 100;

/** @throws XdsError INVALID_OPTION */
export function readOptions(options: EtcdStoreOptions): EtcdSettings {
  checkOptions("EtcdStore", options, optionNames);
  const { endpoints, configuration = "default", tls, login, logger = silentLogger } = options;
  const { timeoutMs = 10_000, unusedBlobsMs = 24 * 3_600_000, leaseSeconds = 10, lookMs = 30_000 } = options;
  const { openTimeoutMs = timeoutMs } = options;
  // etcd closes connections that ping more often than every 5 s.
  const { keepaliveMs = 7_000, keepaliveTimeoutMs = 5_000 } = options;
  if (!Array.isArray(endpoints) || endpoints.length === 0 || endpoints.length > mostEndpoints)
    throw invalid("endpoints", endpoints, `an array of 1 to ${mostEndpoints} members of etcd, host:port each`);
  for (const endpoint of endpoints)
    if (typeof endpoint !== "string" || !/^(\[[\da-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/.test(endpoint))
      throw invalid("an endpoint", endpoint, "host:port, without a scheme; TLS is the option tls");
  if (!/^[\w-][\w.-]{0,99}$/.test(configuration))
    throw invalid("configuration", configuration, "at most 100 letters, digits, '.', '_' and '-'");
  const times = { timeoutMs, openTimeoutMs, leaseSeconds, lookMs, keepaliveMs, keepaliveTimeoutMs };
  for (const [name, value] of Object.entries(times)) atLeast(name, value, 1);
  atLeast("unusedBlobsMs", unusedBlobsMs, 0);
  if (tls) checkOptions("tls", tls, tlsNames);
  if ((tls?.cert === undefined) !== (tls?.key === undefined))
    throw new XdsError("INVALID_OPTION", "a client certificate needs both, tls.cert and tls.key");
  if (login) checkOptions("login", login, loginNames);
  if (login && (login.user === undefined || login.password === undefined))
    throw new XdsError("INVALID_OPTION", "a login needs both, login.user and login.password");
  return {
    client: {
      endpoints,
      timeoutMs,
      keepaliveMs,
      keepaliveTimeoutMs,
      logger,
      tls: async () => tls && (await readTls(tls)),
      login: async () => login && (await readLogin(login)),
    },
    prefix: `/xds/v1/${configuration}/`,
    openTimeoutMs,
    unusedBlobsMs,
    leaseSeconds,
    lookMs,
    logger,
  };
}

async function readTls({ ca, cert, key, serverName }: EtcdTlsOptions): Promise<ClientTlsOptions> {
  return {
    ...(ca !== undefined && { ca: await readText(ca, "the certificate authority of etcd (tls.ca, --store-tls-ca)") }),
    ...(cert !== undefined && { cert: await readText(cert, "the certificate for etcd (tls.cert, --store-tls-cert)") }),
    ...(key !== undefined && { key: await readText(key, "the key for etcd (tls.key, --store-tls-key)") }),
    ...(serverName !== undefined && { serverName }),
  };
}

const readLogin = async ({ user, password }: EtcdLogin) => ({
  user: await readText(user, "the user of etcd (login.user, --store-user)"),
  password: await readText(password, "the password for etcd (login.password, --store-password-file)"),
});

function atLeast(name: string, value: unknown, least: number): void {
  if (typeof value !== "number" || !Number.isFinite(value) || value < least)
    throw invalid(name, value, `a number, ${least} or more`);
}

const invalid = (name: string, value: unknown, expected: string) =>
  new XdsError("INVALID_OPTION", `${name} must be ${expected}, is ${JSON.stringify(value) ?? "missing"}`);
