import type { Command } from "commander";
import { messageOf, XdsError } from "../../errors.js";
import { RationedLog } from "../../rationed-log.js";
import { Heap } from "../../server/admission/heap.js";
import { type GateOptions, mostLines } from "../../serving/configuration-gate.js";
import { type ConfigurationFinding, type Locate, lineOf, located } from "../../serving/findings.js";
import type { GroupRule } from "../../serving/node-groups.js";
import { ServerCertificates } from "../../serving/server-certificates.js";
import { isEmpty, nothingServed } from "../../serving/serving-log.js";
import type { SourceServer } from "../../serving/source-server.js";
import type { NodeRules } from "../../serving/stored-configuration.js";
import { DirectorySource } from "../../source/directory.js";
import { allResources } from "../../source/reading/layers.js";
import type { Configuration, Reading } from "../../source/reading/source.js";
import type { Store } from "../../store/store.js";
import { envoyVerdict } from "../envoy/served-verdict.js";
import { pathsHelp } from "../report/load-configuration.js";
import { entriesOf, formatEntry, printReport, type Report, reportOf } from "../report/report.js";
import { withFlags } from "../serve/certificate-flags.js";
import { openStore } from "../serve/open-store.js";
import { Rereading } from "../serve/rereading.js";
import { SettingsWatch } from "../serve/settings-watch.js";
import { startupMessage } from "../serve/startup-message.js";
import { useApi } from "../settings/api-options.js";
import { checkPaths, configOption, groupField, readCall } from "../settings/call.js";
import { locatedBy, readingThread } from "../settings/reading.js";
import { rolloutOptions } from "../settings/rollout-options.js";
import { checkRules, checkSettings, exposure, serverOptions, tlsFilePaths } from "../settings/server-options.js";
import { addSettings } from "../settings/setting-options.js";
import { type Settings, settingNames } from "../settings/settings.js";
import { addExamples, type Exit, outputOption, UsageError } from "../terminal/command.js";
import { createLog, type Log, plainLog } from "../terminal/log.js";
import { logWritten } from "../terminal/log-output.js";
import { connectionRoom } from "../terminal/open-files.js";
import type { OutputFormat } from "../terminal/output.js";
import { ending, endOnHangup, onHangup } from "../terminal/signals.js";
import type { WorkerPool } from "../workers/worker-pool.js";

/** With room for fewer clients, the log says so at start. */
const fewConnections = 500;

interface ServeOptions {
  readonly config?: string;
  readonly check?: boolean;
  readonly output: OutputFormat;
}

const description = `Serve resources from files to Envoys and gRPC clients, and follow changes of the files.

Files end in .yaml, .yml or .json. A document is an object with a list \`resources:\` of objects with \`@type\`; or one such object; or \
an Envoy's own configuration: a static bootstrap or a /config_dump. Some parts of an Envoy's own configuration cannot be served; \
the others are served. docs/configuration.md has the details.

Every node gets all files, except those in <directory>/groups/<group>/. These are served in addition, only to the nodes of that group.

At the first start, the program exits with code 1 if a file has a mistake, or if Envoy would refuse a resource (see \`xds validate\`). \
Later, such a problem is reported, and the last good configuration stays served. Configurations are kept as revisions in a state \
directory, so a restart serves the last good one too (docs/rollouts.md). SIGTERM and SIGINT drain. A second one ends the program \
at once. SIGHUP makes the program read everything again.

An option with "env:" below can also be set by that variable, and in the file xds.yaml. Example: --tls-cert is \`tls: {cert: …}\` in \
the file. The paths can also come from XDS_PATHS, with ":" between them, or from \`paths:\` in the file. Rules for groups are in the \
file only. The first matching rule decides: \`node_groups: [{group: edge, id: "edge-*"}, {group: eu, locality: {region: "eu-*"}}]\`. A \
flag overrides the environment, and the environment overrides the file.`;

/** `xds serve`; `exit` is given the exit code. */
export function addServe(program: Command, exit: Exit): void {
  const command = program
    .command("serve")
    .summary("serve resources from files to Envoys and gRPC clients, and follow changes of the files")
    .description(description)
    .argument("[path...]", pathsHelp)
    .addOption(configOption())
    .option(
      "--check",
      "check the configuration without serving it: print errors and notes as `xds validate` does, and exit with 0 or 1",
    )
    .addOption(outputOption());
  addSettings(command);
  addExamples(command, [
    ["xds serve config/", "serves the files in config/ on 127.0.0.1:18000"],
    ["xds serve envoy.yaml", "serves the listeners and clusters of an Envoy's static configuration"],
    [
      "xds serve config/ --node-group cluster --port 0",
      "nodes with --service-cluster edge also get the files in config/groups/edge/",
    ],
    ["xds serve config/ --envoy /usr/bin/envoy", "also accepts fields that this Envoy has and the built-in API lacks"],
  ]);
  command.action(async (paths: string[], options: ServeOptions) => exit(await serve(paths, options, command)));
}

/** Serves until a signal ends it. Returns the exit code. */
async function serve(given: readonly string[], options: ServeOptions, command: Command): Promise<number> {
  const { config, check, output } = options;
  if (!check && command.getOptionValueSource("output") !== "default")
    throw new UsageError("--output is the format of the report of --check; --log-format is that of the log");
  const call = await readCall(given, config, command, settingNames);
  const { paths, settings, groupRules, file } = call;
  const isReplica = settings.store !== undefined && paths.length + call.layered.length === 0 && !check;
  if (!isReplica) checkPaths(call, check ? "check" : "serve");
  const rereading = new Rereading(call, async () => {
    const again = await readCall(given, file ?? config, command, settingNames);
    if (!isReplica) checkPaths(again, "serve");
    checkSettings(again, isReplica);
    return again;
  });
  if (check) endOnHangup();
  else onHangup(() => rereading.ask());
  checkSettings(call, isReplica);
  const rollout = rolloutOptions(settings);
  const tls = tlsFilePaths(settings);
  await useApi(settings);
  const { validation, unmatchedNodes, descriptors, envoy, resourceType } = settings;
  const ownLog = createLog(settings.logLevel, settings.logFormat);
  const log = check ? plainLog : ownLog;
  if (file !== undefined) log.info({ file }, "settings read");
  const api = descriptors ?? envoy;
  if (api !== undefined) log.info({ file: api }, "using the API of this file");
  const thread = isReplica ? undefined : readingThread(settings, log);
  thread?.rest(); // the thread starts while the other modules load
  const source = isReplica
    ? undefined
    : new DirectorySource(paths, {
        except: file === undefined ? [] : [file],
        groups: call.layered,
        checks: validation !== "off",
        resourceType,
        ...(thread && { thread }),
        heap: new Heap(),
      });
  const { SourceServer } = await import("../../serving/source-server.js"); // imported here, so that --help does not load gRPC
  const locate = thread && locatedBy(thread);
  const rationedLog = new RationedLog(log);
  const room = connectionRoom();
  if (room.clients < fewConnections)
    log.warn(
      room,
      "few clients can connect, because the process may open few files; raise the limit, for example with ulimit -n",
    );
  const { adminHost, adminPort, allowedHosts = [] } = settings;
  const opened = check ? undefined : await openStore(settings, call.statePaths, log);
  // Without a way to approve a held change, none is held.
  const canOrder = opened?.directory !== undefined || settings.adminTokenFile !== undefined;
  if (opened && source && !canOrder && settings.stateDir !== "memory" && settings.removalGuard !== "off")
    log.warn({}, "changes that remove much are not held, because nobody could approve them without --admin-token-file");
  const workers = opened && settings.workers > 1 ? await workerPool(settings, opened.store, log) : undefined;
  const serving = new SourceServer(source, {
    workers,
    rules: isReplica ? { rules: [] } : { rules: groupRules, field: groupField(call) },
    ...(settings.store && { checkRules: (rules: NodeRules) => checkRules(settings, rules) }),
    store: opened?.store,
    sourceName: paths.join(", "),
    keepRevisions: settings.keepRevisions,
    guards: { removal: canOrder ? settings.removalGuard : "off" },
    liveTypes: settings.liveTypes,
    checks: {
      missingTarget: settings.missingTarget,
      knownClusters: settings.knownClusters,
      verdict: settings.checkEnvoy === undefined ? undefined : await envoyVerdict(settings.checkEnvoy),
    },
    rollout: rollout ?? (settings.store && {}),
    isGradual: rollout !== undefined,
    advertise: settings.advertise,
    balance: settings.balance === "on",
    control: { stateDirectory: opened?.directory, tokenFile: settings.adminTokenFile },
    unmatchedNodes,
    validation,
    server: serverOptions(settings, log, rationedLog, room.clients),
    tls,
    admin:
      adminPort === "off" ? undefined : { host: adminHost, port: adminPort, allowedHosts, connections: room.admin },
    logger: log,
    locate,
  });
  const warn = (reading: Reading) => {
    if ("problems" in reading) return;
    warnOfGroups(groupRules, reading.configuration, log);
    const exposed = exposure(settings, reading.configuration);
    if (exposed !== undefined) log.warn({}, exposed);
  };
  if (check) {
    if (tls) await (await ServerCertificates.open(tls, serving.server, log).catch(withFlags(tls))).close();
    const reading = await (source as DirectorySource).open(() => {});
    warn(reading);
    const report = await checkReport(reading, { validation, servesOthers: unmatchedNodes === "default" }, locate);
    await serving.close();
    printReport(output, report);
    return report.counts.error > 0 ? 1 : 0;
  }
  const first = await serving
    .open(warn)
    .catch(withFlags(tls))
    .catch(withAdvice('choose another port with --admin-port, or "off"'));
  if ("problems" in first && first.lastGood === undefined) return reportProblems(first.problems);
  if ("problems" in first) reportLastGood(first, log);
  const exposed = isReplica ? exposure(settings, undefined) : undefined;
  if (exposed !== undefined) log.warn({}, exposed);
  if (isReplica && groupRules.length > 0)
    log.warn({ file }, "node_groups has no effect: a replica has its groups from the store");
  rereading.start({ source, serving, workers, log: ownLog });
  const watch = file === undefined ? undefined : new SettingsWatch(file, () => rereading.ask());
  await watch?.start();
  const ended = ending(); // handles signals from here on: a reader of the startup message may send one at once
  try {
    const { grpc, rest } = await listen(serving, settings);
    const revision = serving.revisions?.head.stable;
    const isServed = "published" in first && "revision" in first.published;
    if ("follows" in first) reportFollowed(first.follows, settings.store?.text ?? "", log);
    else if ("problems" in first || !isServed) log.info({ revision }, "serving the last good revision");
    else if (isEmpty(first.configuration)) log.warn({ paths }, nothingServed);
    else log.info(summary(first.configuration), "serving");
    await logWritten(logOrderMs); // on a terminal, the log comes before the startup message
    const [own, ...others] = "unserved" in first ? (first.unserved ?? []) : [];
    const from = others.length === 0 ? own?.file : undefined;
    process.stdout.write(startupMessage(paths, grpc, { rest, admin: serving.admin?.address, tls, from }));
  } catch (error) {
    await Promise.all([serving.close(), watch?.close()]);
    throw error;
  }
  const signal = await Promise.race([ended, ...(workers ? [workers.failed] : [])]);
  await watch?.close();
  if (typeof signal !== "string") {
    await serving.close();
    throw signal;
  }
  log.info({ signal }, "draining; a second signal ends the program at once");
  await serving.drain({ timeoutMs: rereading.settings.drainTime });
  rationedLog.close();
  log.info({}, "drained");
  return 0;
}

/** The processes that serve. They are started when the program listens. */
async function workerPool(settings: Settings, store: Store, logger: Log): Promise<WorkerPool> {
  const { WorkerPool } = await import("../workers/worker-pool.js");
  return new WorkerPool({ count: settings.workers, settings, store, logger });
}

/** Warns of rules whose group has no directory. That is no error: the directory can come later. */
function warnOfGroups(rules: readonly GroupRule[], { groups }: Configuration, log: Log): void {
  for (const group of new Set(rules.map((rule) => rule.group)))
    if (!groups.has(group))
      log.warn({ group }, `a rule names this group, but no directory groups/${group} has files for it`);
}

/** The longest wait, in milliseconds, until the log is written and the startup message can follow. */
const logOrderMs = 1_000;

function listen(serving: SourceServer, { host, port, restPort, allowedHosts = [] }: Settings) {
  const listens = serving.listen({ host, port, allowedHosts, ...(restPort !== "off" && { restPort }) });
  return listens.catch(withAdvice("choose other ports with --port and --rest-port"));
}

/** Rethrows an error. To an error of an address that cannot be listened on, it adds what to do. */
const withAdvice = (advice: string) => (error: unknown) => {
  if (!(error instanceof XdsError) || error.code !== "CANNOT_LISTEN") throw error;
  throw new XdsError(error.code, `${messageOf(error)}\n${advice}`);
};

/** Logs what keeps the configuration from being served, while an older revision is. */
function reportLastGood(
  { problems, lastGood }: { problems: readonly ConfigurationFinding[]; lastGood: number },
  log: Log,
) {
  for (const problem of problems.slice(0, mostLines)) log.error({ code: problem.code }, lineOf(problem));
  log.error(
    { problems: problems.length, revision: lastGood },
    "the configuration cannot be served; the last good revision is served until it can be",
  );
}

/** Logs what is served where the store decides. */
function reportFollowed(revision: number, store: string, log: Log): void {
  if (revision > 0) log.info({ revision, store }, "serving what is published in the store");
  else log.warn({ store }, "nothing is served until the store has a revision; /ready says why");
}

/** The report of `--check`. */
async function checkReport(
  reading: Reading,
  { validation, servesOthers }: GateOptions,
  locate: Locate | undefined,
): Promise<Report> {
  const options = validation === "off" ? undefined : { strict: validation === "strict", servesOthers };
  return reportOf(await located(entriesOf(reading, options), locate), reading);
}

/** Prints the problems, one a line, and a line with their number. Returns the exit code. */
function reportProblems(problems: readonly ConfigurationFinding[]): number {
  const lines = problems.slice(0, mostLines).map(formatEntry);
  if (problems.length > mostLines) lines.push(`… and ${problems.length - mostLines} more; xds validate prints all`);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  process.stderr.write(`${lines.join("\n")}\nxds: ${count}; nothing is served\n`);
  return 1;
}

/** How many resources of each type are served, and which groups have resources of their own. */
function summary(configuration: Configuration): Record<string, number | string[]> {
  const { groups } = configuration;
  const counts: Record<string, number> = {};
  for (const { type } of allResources(configuration)) counts[type.name] = (counts[type.name] ?? 0) + 1;
  return { ...counts, ...(groups.size > 0 && { groups: [...groups.keys()] }) };
}
