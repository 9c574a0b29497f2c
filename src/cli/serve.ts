import { existsSync } from "node:fs";
import type { Command } from "commander";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { messageOf, XdsError } from "../errors.js";
import { XdsServer, type XdsServerOptions } from "../server/xds-server.js";
import { DirectorySource } from "../source/directory.js";
import { formatProblem, type Problem } from "../source/problem.js";
import type { Configuration, Reading } from "../source/source.js";
import { addExamples, type Exit, UsageError } from "./command.js";
import { ConfigurationGate, mostLines } from "./configuration-gate.js";
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

Files end in .yaml, .yml or .json. A document is an object with a list \`resources:\` of objects with \`@type\`, or one such object. \
All nodes are served all of them, except those in <directory>/groups/<group>/, which only the nodes of that group are served besides.

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
    .summary("serve resources from files, and take up what changes")
    .description(description)
    .argument("[path...]", "files, and directories with all that is below them but hidden names")
    .option("--config <file>", "settings (default ./xds.yaml if there is one, env XDS_CONFIG)")
    .option("--check", "say what keeps it from being served, and exit with 0 or 1; do not listen");
  addSettings(command);
  addExamples(command, [
    ["xds serve config/", "serves the files in config/ on 127.0.0.1:18000"],
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
  const { host, port, restPort, insecure } = settings;
  if (!insecure && !isLoopback(host))
    throw new UsageError(
      `--host ${host} can be reached from elsewhere, and without TLS anyone there may read the configuration; --insecure allows it`,
    );
  const log = createLog(settings.logLevel, settings.logFormat);
  if (configFile !== undefined) log.info({ file: configFile }, "settings read");
  const source = new DirectorySource(paths, { except: configFile === undefined ? [] : [configFile] });
  const cache = new SnapshotCache({
    nodeGroup: nodeGroups(file.groupRules, settings.nodeGroup),
    ...(settings.unmatchedNodes === "default" && { fallbackGroup: commonGroup }),
  });
  const publisher = new Publisher(cache);
  const { validation, unmatchedNodes } = settings;
  const gate = new ConfigurationGate({ validation, servesOthers: unmatchedNodes === "default" }, log);
  const first = gate.check(await source.open((reading) => take(reading, gate, publisher, log)));
  if ("problems" in first) {
    await source.close();
    process.stderr.write(report(first.problems));
    return 1;
  }
  if (check) {
    await source.close();
    process.stdout.write(`nothing keeps it from being served: ${first.places.size} resources\n`);
    return 0;
  }
  publisher.publish(first.configuration);
  const server = new XdsServer(cache, serverOptions(settings, log));
  try {
    const { grpc, rest } = await server.listen({ host, port, ...(restPort !== "off" && { restPort }) });
    const contents = summary(first.configuration);
    if (Object.keys(contents).length > 0) log.info(contents, "serving");
    else log.warn({ paths }, "the files hold no resources; nodes are served nothing until they do");
    process.stdout.write(introduction(paths, grpc, rest));
  } catch (error) {
    await source.close();
    if (!(error instanceof XdsError) || error.code !== "CANNOT_LISTEN") throw error;
    throw new XdsError(error.code, `${messageOf(error)}\n--port and --rest-port choose other ports`);
  }
  const signal = await ending();
  log.info({ signal }, "draining; a second signal ends it at once");
  await Promise.all([source.close(), server.drain(settings.drainTime)]);
  log.info({}, "drained");
  return 0;
}

const usualFile = "xds.yaml";

function serverOptions(settings: Settings, log: Log): XdsServerOptions {
  const { loadReports, maxRequestBytes, maxNames } = settings;
  return {
    logger: log,
    callbacks: streamLog(log),
    maxRequestBytes,
    maxNames,
    ...(loadReports !== "off" && { loadReporting: { intervalMs: loadReports } }),
  };
}

const isLoopback = (host: string) => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);

/** Serves a new configuration, or tells why the one before is still served. */
function take(found: Reading, gate: ConfigurationGate, publisher: Publisher, log: Log): void {
  try {
    const reading = gate.check(found);
    if ("problems" in reading) {
      for (const problem of reading.problems.slice(0, mostLines)) log.error({}, formatProblem(problem));
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

/** Resolves at the first SIGINT or SIGTERM; the second one ends the process. */
function ending(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isEnding = false;
    for (const [signal, number] of [
      ["SIGINT", 2],
      ["SIGTERM", 15],
    ] as const)
      process.on(signal, () => {
        if (isEnding) process.exit(128 + number);
        isEnding = true;
        resolve(signal);
      });
  });
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
