import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { AdminServer } from "../admin/admin-server.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { messageOf, XdsError } from "../errors.js";
import { sanMatchesNode } from "../server/authorize.js";
import type { Address, XdsServer, XdsServerOptions } from "../server/xds-server.js";
import { DirectorySource } from "../source/directory.js";
import { formatProblem, type Problem } from "../source/problem.js";
import type { Configuration, Reading } from "../source/source.js";
import { type TlsFilePaths, TlsFiles } from "../source/tls-files.js";
import { addExamples, type Exit, UsageError } from "./command.js";
import { ConfigurationGate, mostLines } from "./configuration-gate.js";
import { ending } from "./ending.js";
import { introduction } from "./introduction.js";
import { createLog, type Log } from "./log.js";
import { nodeGroups } from "./node-groups.js";
import { commonGroup, Publisher } from "./publisher.js";
import { addSettings, resolveSettings, type Settings } from "./settings.js";
import { noSettingsFile, readSettingsFile } from "./settings-file.js";
import { streamLog } from "./stream-log.js";

interface ServeOptions {
  readonly config?: string;
  readonly check?: boolean;
}

const description = `Serve resources from files to Envoys and gRPC clients, and take up what changes.

Files end in .yaml, .yml or .json. A document is an object with a list \`resources:\` of objects with \`@type\`, or one such object; or \
an Envoy's own configuration, a static bootstrap or a /config_dump, of which what can be served is. docs/configuration.md has the rest. All nodes are served all of them, except those in <directory>/groups/<group>/, which only the nodes of that group are served besides.

At start, a mistake in the files, or what Envoy would refuse (see \`xds validate\`), ends the program with exit code 1. Later it is \
reported, and what was served before stays served. \
SIGTERM and SIGINT drain; a second one ends the program at once.

Every option can also be set in the environment, and in a file xds.yaml, where --tls-cert is \`tls: {cert: …}\` and so on, beside \
\`paths:\` (what to serve) and \`node_groups:\` (rules of groups, the first that fits counts: [{group: edge, id: "edge-*"}, {group: eu, \
locality: {region: "eu-*"}}]). A flag goes before the environment, that before the file.`;

/** `xds serve`; `exit` is given the exit code. */
export function addServe(program: Command, exit: Exit): void {
  const command = program
    .command("serve")
    .summary("serve resources from files to Envoys and gRPC clients, and take up what changes")
    .description(description)
    .argument("[path...]", "files, and directories with all that is below them but hidden names")
    .option("--config <file>", "settings (default ./xds.yaml if there is one, env XDS_CONFIG)")
    .option("--check", "say what keeps it from being served, and exit with 0 or 1; do not listen");
  addSettings(command);
  addExamples(command, [
    ["xds serve config/", "serves the files in config/ on 127.0.0.1:18000"],
    ["xds serve envoy.yaml", "serves the listeners and clusters of an Envoy's static configuration"],
    [
      "xds serve config/ --node-group cluster --port 0",
      "those in config/groups/edge/ go to nodes of --service-cluster edge besides",
    ],
  ]);
  command.action(async (paths: string[], options: ServeOptions) => exit(await serve(paths, options, command)));
}

/** Serves until a signal ends it. Returns the exit code. */
async function serve(given: readonly string[], { config, check }: ServeOptions, command: Command): Promise<number> {
  const configFile = config ?? process.env.XDS_CONFIG ?? (existsSync(usualFile) ? usualFile : undefined);
  const file = configFile === undefined ? noSettingsFile : await readSettingsFile(configFile);
  const settings = resolveSettings(command, process.env, file.values);
  const paths = given.length > 0 ? given : file.paths;
  if (paths.length === 0)
    throw new UsageError(
      "nothing to serve: name files or directories, as in `xds serve config/`, or `paths:` in xds.yaml",
    );
  const tls = tlsFiles(settings);
  checkReach(settings, tls !== undefined);
  const { host, port, restPort, adminHost, adminPort } = settings;
  const log = createLog(settings.logLevel, settings.logFormat);
  if (configFile !== undefined) log.info({ file: configFile }, "settings read");
  const source = new DirectorySource(paths, { except: configFile === undefined ? [] : [configFile] });
  const cache = new SnapshotCache({
    nodeGroup: nodeGroups(file.groupRules, settings.nodeGroup),
    ...(settings.unmatchedNodes === "default" && { fallbackGroup: commonGroup }),
  });
  const { XdsServer } = await import("../server/xds-server.js"); // who asks for help need not wait for gRPC
  const server = new XdsServer(cache, serverOptions(settings, log));
  const certificates = tls && new TlsFiles(tls, { logger: log });
  if (certificates) server.setTls(await certificates.open((contents) => server.setTls(contents)));
  const listensForAdmin = adminPort !== "off" && !check;
  const admin = listensForAdmin
    ? await startAdmin(server, cache, { host: adminHost, port: adminPort }, log)
    : undefined;
  const stop = () => Promise.all([source.close(), certificates?.close(), admin?.close()]);
  const publisher = new Publisher(cache, admin?.changes);
  const { validation, unmatchedNodes } = settings;
  const gate = new ConfigurationGate({ validation, servesOthers: unmatchedNodes === "default" }, log);
  const first = gate.check(await source.open((reading) => take(reading, gate, publisher, log)));
  if ("problems" in first) {
    await stop();
    process.stderr.write(report(first.problems));
    return 1;
  }
  if (check) {
    await stop();
    process.stdout.write(`nothing keeps it from being served: ${first.places.size} resources\n`);
    return 0;
  }
  publisher.publish(first.configuration);
  try {
    const { grpc, rest } = await server.listen({ host, port, ...(restPort !== "off" && { restPort }) });
    const contents = summary(first.configuration);
    if (Object.keys(contents).length > 0) log.info(contents, "serving");
    else log.warn({ paths }, "the files hold no resources; nodes are served nothing until they do");
    process.stdout.write(introduction(paths, grpc, { rest, admin: admin?.address }));
  } catch (error) {
    await stop();
    if (!(error instanceof XdsError) || error.code !== "CANNOT_LISTEN") throw error;
    throw new XdsError(error.code, `${messageOf(error)}\n--port and --rest-port choose other ports`);
  }
  const signal = await ending();
  log.info({ signal }, "draining; a second signal ends it at once");
  await Promise.all([source.close(), server.drain({ timeoutMs: settings.drainTime })]);
  await stop();
  log.info({}, "drained");
  return 0;
}

const usualFile = "xds.yaml";

/** Loaded here: who turns it off need not wait for it. */
async function startAdmin(server: XdsServer, cache: SnapshotCache, address: Address, log: Log): Promise<AdminServer> {
  const { AdminServer } = await import("../admin/admin-server.js");
  try {
    return await AdminServer.start(server, { ...address, groups: cache, group: commonGroup, logger: log });
  } catch (error) {
    if (!(error instanceof XdsError) || error.code !== "CANNOT_LISTEN") throw error;
    throw new XdsError(error.code, `${messageOf(error)}\n--admin-port chooses another port, or "off"`);
  }
}

function serverOptions(settings: Settings, log: Log): XdsServerOptions {
  const { loadReports, maxConnectionAge, tlsNodeSan } = settings;
  return {
    logger: log,
    callbacks: streamLog(log),
    limits: {
      streams: settings.maxStreams,
      streamsPerPeer: settings.maxStreamsPerPeer,
      newStreamsPerSecond: settings.newStreamsPerSecond,
      requestsPerSecond: settings.requestsPerSecond,
      requestBytes: settings.maxRequestBytes,
      names: settings.maxNames,
    },
    ...(tlsNodeSan !== undefined && { authorize: sanMatchesNode(tlsNodeSan) }),
    ...(maxConnectionAge !== "off" && { maxConnectionAgeMs: maxConnectionAge }),
    ...(loadReports !== "off" && { loadReporting: { intervalMs: loadReports } }),
  };
}

/** @throws UsageError for options of TLS that lack another */
function tlsFiles({ tlsCert, tlsKey, tlsClientCa, tlsNodeSan }: Settings): TlsFilePaths | undefined {
  if (tlsNodeSan !== undefined && tlsClientCa === undefined)
    throw new UsageError(
      "--tls-node-san is about clients' certificates; give the authorities they come from, --tls-client-ca",
    );
  if (tlsCert !== undefined && tlsKey !== undefined)
    return { certFile: tlsCert, keyFile: tlsKey, ...(tlsClientCa !== undefined && { clientCaFile: tlsClientCa }) };
  if (tlsCert !== undefined || tlsKey !== undefined || tlsClientCa !== undefined)
    throw new UsageError("TLS needs a certificate and its key; give --tls-cert and --tls-key");
  return undefined;
}

/** @throws UsageError for addresses beyond loopback where the configuration can be read by anyone */
function checkReach({ host, adminHost, adminPort, insecure }: Settings, withTls: boolean): void {
  const open = "can be reached from elsewhere, and anyone there may read the configuration";
  if (insecure) return;
  if (!withTls && !isLoopback(host))
    throw new UsageError(`--host ${host} ${open}; give --tls-cert and --tls-key, or allow it with --insecure`);
  if (adminPort !== "off" && !isLoopback(adminHost))
    throw new UsageError(`--admin-host ${adminHost} ${open}, for it has no TLS; --insecure allows it`);
}

const isLoopback = (host: string) => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);

/** Serves a new configuration, or tells why the one before is still served. */
function take(found: Reading, gate: ConfigurationGate, publisher: Publisher, log: Log): void {
  try {
    const reading = gate.check(found);
    if ("problems" in reading) {
      for (const problem of reading.problems.slice(0, mostLines)) log.error({}, formatProblem(problem));
      publisher.failed();
      log.error({ problems: reading.problems.length }, "still serving the last good configuration");
      return;
    }
    const changes = publisher.publish(reading.configuration);
    const isSame = changes.added + changes.changed + changes.removed === 0;
    log.info(
      { ...changes },
      isSame ? "configuration read again; nothing changed" : "serving the changed configuration",
    );
  } catch (error) {
    log.error({ error: messageOf(error) }, "still serving the last good configuration");
  }
}

/** A line for each problem, and one that counts them. */
function report(problems: readonly Problem[]): string {
  const lines = problems.slice(0, mostLines).map(formatProblem);
  if (problems.length > mostLines) lines.push(`… and ${problems.length - mostLines} more`);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return `${lines.join("\n")}\nxds: ${count}; nothing is served\n`;
}

/** How much is served, by the types' names, and to which groups something besides. */
function summary({ common, groups }: Configuration): Record<string, number | string[]> {
  const counts: Record<string, number> = {};
  for (const { type } of [...common, ...[...groups.values()].flat()]) counts[type.name] = (counts[type.name] ?? 0) + 1;
  return { ...counts, ...(groups.size > 0 && { groups: [...groups.keys()] }) };
}
