import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import type { Command } from "commander";
import type { AdminOptions, AdminServer } from "../admin/admin-server.js";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { messageOf, XdsError } from "../errors.js";
import { RationedLog } from "../rationed-log.js";
import type { XdsServer } from "../server/xds-server.js";
import { DirectorySource } from "../source/directory.js";
import type { Configuration, Reading } from "../source/source.js";
import { useApi } from "./api-options.js";
import { Certificates } from "./certificates.js";
import { addExamples, type Exit, outputOption, UsageError } from "./command.js";
import { ConfigurationGate, type GateOptions, mostLines, type Tell } from "./configuration-gate.js";
import { ending, onHangup } from "./ending.js";
import { introduction } from "./introduction.js";
import { createLog, type Log, plainLog } from "./log.js";
import { logOutput } from "./log-output.js";
import { type GroupRule, nodeGroups } from "./node-groups.js";
import type { OutputFormat } from "./output.js";
import { commonGroup, Publisher } from "./publisher.js";
import { locatedBy, readingThread } from "./reading.js";
import { entriesOf, formatEntry, lineOf, printReport, type ReportEntry, reportOf } from "./report.js";
import { Rereading } from "./rereading.js";
import { checkGroups, checkPorts, checkReach, serverOptions, tlsFilePaths } from "./server-options.js";
import { addSettings, resolveSettings, type Settings } from "./settings.js";
import { noSettingsFile, readSettingsFile } from "./settings-file.js";

interface ServeOptions {
  readonly config?: string;
  readonly check?: boolean;
  readonly output: OutputFormat;
}

const description = `Serve resources from files to Envoys and gRPC clients, and take up what changes.

Files end in .yaml, .yml or .json. A document is an object with a list \`resources:\` of objects with \`@type\`, or one such object; or \
an Envoy's own configuration, a static bootstrap or a /config_dump, of which what can be served is. docs/configuration.md has the rest. All nodes are served all of them, except those in <directory>/groups/<group>/, which only the nodes of that group are served besides.

At start, a mistake in the files, or what Envoy would refuse (see \`xds validate\`), ends the program with exit code 1. Later it is \
reported, and what was served before stays served. \
SIGTERM and SIGINT drain; a second one ends the program at once. SIGHUP has everything read again.

Every option with a variable of the environment below can also be set there, and in a file xds.yaml, where --tls-cert is \
\`tls: {cert: …}\` and so on; what to serve in XDS_PATHS, with ":" between paths, and in the file in \`paths:\`, beside \`node_groups:\` (rules of groups, the first that fits counts: [{group: edge, id: "edge-*"}, {group: eu, \
locality: {region: "eu-*"}}]). A flag goes before the environment, that before the file.`;

/** `xds serve`; `exit` is given the exit code. */
export function addServe(program: Command, exit: Exit): void {
  const command = program
    .command("serve")
    .summary("serve resources from files to Envoys and gRPC clients, and take up what changes")
    .description(description)
    .argument("[path...]", "files, and directories with all that is below them but hidden names")
    .option("--config <file>", "settings (default ./xds.yaml if there is one, env XDS_CONFIG)")
    .option(
      "--check",
      "print what keeps it from being served, and what to know of it, as `xds validate` does, and exit with 0 or 1; do not listen",
    )
    .addOption(outputOption());
  addSettings(command);
  addExamples(command, [
    ["xds serve config/", "serves the files in config/ on 127.0.0.1:18000"],
    ["xds serve envoy.yaml", "serves the listeners and clusters of an Envoy's static configuration"],
    [
      "xds serve config/ --node-group cluster --port 0",
      "those in config/groups/edge/ go to nodes of --service-cluster edge besides",
    ],
    ["xds serve config/ --envoy /usr/bin/envoy", "also takes fields that this Envoy has, but the built-in API lacks"],
  ]);
  command.action(async (paths: string[], options: ServeOptions) => exit(await serve(paths, options, command)));
}

/** Serves until a signal ends it. Returns the exit code. */
async function serve(given: readonly string[], options: ServeOptions, command: Command): Promise<number> {
  const { config, check, output } = options;
  if (!check && command.getOptionValueSource("output") !== "default")
    throw new UsageError("--output is of what --check prints; the log has --log-format");
  const call = await readCall(given, config, command);
  const { paths, settings, groupRules, file } = call;
  const rereading = new Rereading(call, () => readCall(given, file ?? config, command));
  if (!check) onHangup(() => rereading.ask());
  const tls = tlsFilePaths(settings);
  checkReach(settings, tls !== undefined);
  checkPorts(settings);
  checkGroups(settings, groupRules);
  await useApi(settings);
  const { validation, unmatchedNodes, descriptors, envoy } = settings;
  const ownLog = createLog(settings.logLevel, settings.logFormat);
  const log = check ? plainLog : ownLog;
  if (file !== undefined) log.info({ file }, "settings read");
  const api = descriptors ?? envoy;
  if (api !== undefined) log.info({ file: api }, "using the API of this file");
  const thread = check ? undefined : readingThread(settings, log);
  thread?.rest(); // it starts while the rest is loaded
  const source = new DirectorySource(paths, {
    except: file === undefined ? [] : [file],
    checks: validation !== "off",
    ...(thread && { thread }),
  });
  const cache = new SnapshotCache({
    nodeGroup: nodeGroups(groupRules, settings.nodeGroup),
    ...(unmatchedNodes === "default" && { fallbackGroup: commonGroup }),
  });
  const rationedLog = new RationedLog(log);
  const { XdsServer } = await import("../server/xds-server.js"); // who asks for help need not wait for gRPC
  const server = new XdsServer(cache, serverOptions(settings, log, rationedLog));
  const certificates = tls && (await Certificates.open(tls, server, log));
  const admin = check ? undefined : await startAdmin(server, { groups: cache, certificates }, settings, log);
  const stop = () => Promise.all([source.close(), certificates?.close(), admin?.close()]);
  const publisher = new Publisher(cache, admin?.changes);
  const gateOptions = { validation, servesOthers: unmatchedNodes === "default" };
  const gate = new ConfigurationGate(gateOptions, logEntries(log), thread && locatedBy(thread));
  let isPublished = () => {};
  let taken = new Promise<void>((resolve) => {
    isPublished = resolve;
  });
  const reading = await source.open((later) => {
    taken = taken.then(() => take(later, gate, publisher, log));
  });
  if (!("problems" in reading)) warnOfGroups(groupRules, reading.configuration, log);
  if (check) {
    await stop();
    return reportCheck(output, reading, gateOptions);
  }
  const first = await gate.check(reading);
  if ("problems" in first) {
    await stop();
    return reportProblems(first.problems);
  }
  publisher.publish(first.configuration);
  isPublished();
  rereading.start({ source, gate, certificates, log: ownLog });
  const ended = ending(); // heard from here on: who reads that it serves may end it at once
  try {
    const { grpc, rest } = await listen(server, settings);
    const contents = summary(first.configuration);
    if (isEmpty(first.configuration)) log.warn({ paths }, nothingServed);
    else log.info(contents, "serving");
    await logOutput.written(logOrderMs); // on a terminal, what is logged stands above what is printed next
    process.stdout.write(introduction(paths, grpc, { rest, admin: admin?.address, tls }));
  } catch (error) {
    await stop();
    throw error;
  }
  const signal = await ended;
  log.info({ signal }, "draining; a second signal ends it at once");
  await Promise.all([source.close(), server.drain({ timeoutMs: rereading.settings.drainTime })]);
  await stop();
  rationedLog.close();
  log.info({}, "drained");
  return 0;
}

/** A group may get its directory later, so it is no error. */
function warnOfGroups(rules: readonly GroupRule[], { groups }: Configuration, log: Log): void {
  for (const group of new Set(rules.map((rule) => rule.group)))
    if (!groups.has(group))
      log.warn(
        { group },
        `a rule of node_groups leads to this group, and there is no directory groups/${group} with anything for it`,
      );
}

/** The longest to wait, in milliseconds, for the log to be written before what is printed below it. */
const logOrderMs = 1_000;

const usualFile = "xds.yaml";

/** What the command line, the environment and the settings file come to; `file`: the last one, if there is one. */
async function readCall(given: readonly string[], config: string | undefined, command: Command) {
  const file = config ?? process.env.XDS_CONFIG ?? (existsSync(usualFile) ? usualFile : undefined);
  const { values, paths: ofFile, groupRules } = file === undefined ? noSettingsFile : await readSettingsFile(file);
  const ofEnvironment = (process.env.XDS_PATHS ?? "").split(delimiter).filter(Boolean);
  const paths = [given, ofEnvironment, ofFile].find(({ length }) => length > 0);
  if (!paths)
    throw new UsageError(
      "nothing to serve: name files or directories, as in `xds serve config/`, in XDS_PATHS, or `paths:` in xds.yaml",
    );
  return { paths, settings: resolveSettings(command, process.env, values), groupRules, file };
}

/** Loaded here: who turns it off need not wait for it. */
async function startAdmin(
  server: XdsServer,
  shown: Pick<AdminOptions, "groups" | "certificates">,
  { adminHost: host, adminPort: port, allowedHosts = [] }: Settings,
  logger: Log,
): Promise<AdminServer | undefined> {
  if (port === "off") return undefined;
  const { AdminServer } = await import("../admin/admin-server.js");
  const start = AdminServer.start(server, { ...shown, host, port, allowedHosts, group: commonGroup, logger });
  return start.catch(withAdvice('--admin-port chooses another port, or "off"'));
}

function listen(server: XdsServer, { host, port, restPort, allowedHosts = [] }: Settings) {
  const listens = server.listen({ host, port, allowedHosts, ...(restPort !== "off" && { restPort }) });
  return listens.catch(withAdvice("--port and --rest-port choose other ports"));
}

/** Throws on an error of an address that cannot be listened on, with what to do about it. */
const withAdvice = (advice: string) => (error: unknown) => {
  if (!(error instanceof XdsError) || error.code !== "CANNOT_LISTEN") throw error;
  throw new XdsError(error.code, `${messageOf(error)}\n${advice}`);
};

/** Serves a new configuration, or tells why the one before is still served. */
async function take(found: Reading, gate: ConfigurationGate, publisher: Publisher, log: Log): Promise<void> {
  try {
    const reading = await gate.check(found);
    if ("problems" in reading) {
      for (const problem of reading.problems.slice(0, mostLines)) log.error({ code: problem.code }, lineOf(problem));
      publisher.failed(firstOf(reading.problems));
      log.error({ problems: reading.problems.length }, "still serving the last good configuration");
      return;
    }
    const { groups } = publisher;
    const changes = publisher.publish(reading.configuration);
    for (const group of groups) if (!reading.configuration.groups.has(group)) log.warn({ group }, groupGone);
    const isSame = changes.added + changes.changed + changes.removed === 0;
    log.info(
      { ...changes },
      isSame ? "configuration read again; nothing changed" : "serving the changed configuration",
    );
    if (!isSame && isEmpty(reading.configuration)) log.warn({}, nothingServed);
  } catch (error) {
    log.error({ error: messageOf(error) }, "still serving the last good configuration");
  }
}

/** The first problem in a line, and how many there are more. */
const firstOf = (problems: readonly ReportEntry[]): string => {
  const line = problems[0] ? lineOf(problems[0]) : "";
  return problems.length > 1 ? `${line} (and ${problems.length - 1} more)` : line;
};

/** Logs what is to be told of a configuration that is served. */
const logEntries =
  (log: Log): Tell =>
  (entries, more) => {
    for (const entry of entries) {
      const { severity, code } = entry;
      if (severity === "warning") log.warn({ code }, lineOf(entry));
      else log.info({ code }, lineOf(entry));
    }
    if (more > 0) log.warn({ more }, "more of the like; xds validate prints all");
  };

/** Prints all that there is to know of a configuration. Returns the exit code. */
function reportCheck(output: OutputFormat, reading: Reading, { validation, servesOthers }: GateOptions): number {
  const options = validation === "off" ? undefined : { strict: validation === "strict", servesOthers };
  const report = reportOf(entriesOf(reading, options), reading);
  printReport(output, report);
  return report.counts.error > 0 ? 1 : 0;
}

/** Tells what keeps it from being served: a line for each problem, and one that counts them. Returns the exit code. */
function reportProblems(problems: readonly ReportEntry[]): number {
  const lines = problems.slice(0, mostLines).map(formatEntry);
  if (problems.length > mostLines) lines.push(`… and ${problems.length - mostLines} more; xds validate prints all`);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  process.stderr.write(`${lines.join("\n")}\nxds: ${count}; nothing is served\n`);
  return 1;
}

const groupGone = "this node group's directory is gone; its nodes are served what nodes of no group are";
const nothingServed = "the files hold no resources; nodes are served nothing until they do";

const isEmpty = ({ common, groups }: Configuration) =>
  common.length === 0 && [...groups.values()].every((own) => own.length === 0);

/** How much is served, by the types' names, and to which groups something besides. */
function summary({ common, groups }: Configuration): Record<string, number | string[]> {
  const counts: Record<string, number> = {};
  for (const { type } of [...common, ...[...groups.values()].flat()]) counts[type.name] = (counts[type.name] ?? 0) + 1;
  return { ...counts, ...(groups.size > 0 && { groups: [...groups.keys()] }) };
}
