import { type Command, InvalidArgumentError, Option } from "commander";
import type { ClientCallbacks } from "../../client/callbacks.js";
import type { XdsClient } from "../../client/xds-client.js";
import { messageOf, XdsError } from "../../errors.js";
import type { ClientTlsOptions } from "../../grpc-client/tls.js";
import { commandAgent } from "../../own-command.js";
import { readGiven } from "../../source/files/whole-file.js";
import { whyNotKey, whyNotPem } from "../../validation/pem.js";
import { parseDuration, UsageError } from "../terminal/command.js";
import { serviceOption } from "../terminal/service-option.js";

/** The options of a command that is a client of an xDS server. */
export interface RemoteOptions {
  readonly server: string;
  readonly nodeId: string;
  readonly nodeCluster: string;
  readonly nodeMetadata?: Readonly<Record<string, string>>;
  readonly variant: "sotw" | "delta";
  readonly service: "ads" | "separate";
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  /** In milliseconds. */
  readonly timeout: number;
}

/** Adds the options of a client of an xDS server. */
export function addRemoteOptions(command: Command): Command {
  const metadata = (pair: string, before: Record<string, string> = {}) => {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) throw new InvalidArgumentError("expected <key>=<text>");
    return { ...before, [key]: value };
  };
  return command
    .addOption(new Option("--node-id <id>", "the node id that this client sends").default("xds-cli"))
    .addOption(new Option("--node-cluster <name>", "the cluster of the node").default(""))
    .addOption(
      new Option("--node-metadata <key=text>", "metadata of the node; can be given several times").argParser(metadata),
    )
    .addOption(
      new Option("--variant <variant>", "incremental, or state of the world")
        .choices(["delta", "sotw"])
        .default("delta"),
    )
    .addOption(serviceOption("one aggregated stream, or a separate stream for each type", ["ads", "separate"]))
    .option("--tls", "use TLS and trust Node's authorities; each --tls option below implies it")
    .option("--tls-ca <file>", "authorities of the server's certificate, in PEM")
    .option("--tls-cert <file>", "the client's own certificate, in PEM (mTLS)")
    .option("--tls-key <file>", "the private key of --tls-cert, in PEM")
    .option("--tls-server-name <name>", "the name in the server's certificate, if it is not the host of the address")
    .addOption(
      new Option("--timeout <time>", "how long to wait for answers").argParser(parseDuration).default(5_000, "5s"),
    );
}

export const serverOption = () =>
  new Option("--server <host:port>", "the xDS server").default("127.0.0.1:18000").env("XDS_SERVER");

/** @throws UsageError for an invalid address, XdsError INVALID_OPTION for a file that cannot be read or used */
export async function connect(
  options: RemoteOptions,
  callbacks: ClientCallbacks = {},
  reconnect = false,
): Promise<XdsClient> {
  const { server: address, nodeId: id, nodeCluster: cluster, nodeMetadata, variant, service, timeout } = options;
  const [scheme] = /^https?:\/\//.exec(address) ?? [];
  if (scheme) throw new UsageError(`--server ${JSON.stringify(address)} is a URL; give host:port, without ${scheme}`);
  const tls = await tlsOf(options);
  const { XdsClient } = await import("../../client/xds-client.js"); // commands that only read files do not load gRPC
  try {
    return new XdsClient({
      address,
      variant,
      service,
      node: { id, cluster, userAgentName: commandAgent, ...(nodeMetadata && { metadata: { ...nodeMetadata } }) },
      ...(tls && { tls }),
      callbacks,
      connectTimeoutMs: timeout,
      ...(!reconnect && { reconnect: false }),
    });
  } catch (error) {
    if (error instanceof XdsError && error.code === "INVALID_OPTION") throw new UsageError(error.message);
    throw error;
  }
}

async function tlsOf({
  tls,
  tlsCa,
  tlsCert,
  tlsKey,
  tlsServerName,
}: RemoteOptions): Promise<ClientTlsOptions | undefined> {
  if (!tls && [tlsCa, tlsCert, tlsKey, tlsServerName].every((value) => value === undefined)) return undefined;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError("--tls-cert and --tls-key go together; give both");
  const ca = await readPem("--tls-ca", tlsCa, (pem) => whyNotPem(pem, "CERTIFICATE"));
  const cert = await readPem("--tls-cert", tlsCert, (pem) => whyNotPem(pem, "CERTIFICATE"));
  const key = await readPem("--tls-key", tlsKey, (pem) => whyNotKey(pem, cert, undefined));
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(tlsServerName !== undefined && { serverName: tlsServerName }),
  };
}

/** @throws XdsError INVALID_OPTION */
async function readPem(
  flag: string,
  file: string | undefined,
  whyNot: (pem: Uint8Array) => string | undefined,
): Promise<Uint8Array | undefined> {
  if (file === undefined) return undefined;
  const unusable = (why: string) => new XdsError("INVALID_OPTION", `${flag} ${file} ${why}`);
  const pem = await readGiven(file).catch((error) => {
    throw unusable(`cannot be read: ${messageOf(error)}`);
  });
  const why = whyNot(pem);
  if (why !== undefined) throw unusable(why);
  return pem;
}
