import { type Command, InvalidArgumentError, Option } from "commander";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import { messageOf, XdsError } from "../errors.js";
import { XdsServer } from "../server/xds-server.js";
import { DirectorySource } from "../source/directory.js";
import { formatProblem, type Problem } from "../source/problem.js";
import type { Configuration, Reading } from "../source/source.js";
import { introduction } from "./introduction.js";
import { createLog, type Log } from "./log.js";
import { commonGroup, Publisher } from "./publisher.js";
import { streamLog } from "./stream-log.js";

interface ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly restPort: number;
  readonly nodeGroup: "id" | "cluster";
}

/** `xds serve`; `exit` is given the exit code. */
export function addServe(program: Command, exit: (code: number) => void): void {
  program
    .command("serve")
    .summary("serve resources from files, and take up what changes")
    .description(
      "Serve resources from files to Envoys and gRPC clients, and take up what changes.\n\n" +
        "Files end in .yaml, .yml or .json. A document is an object with a list `resources:` of objects with `@type`, " +
        "or one such object. All nodes are served all of them, except those in <directory>/groups/<group>/, which only " +
        "the nodes of that group are served besides.\n\n" +
        "At start, a mistake in the files ends the program with exit code 1. Later it is reported, and what was served " +
        "before stays served. SIGTERM and SIGINT drain; a second one ends the program at once.",
    )
    .argument("<path...>", "files, and directories with all that is below them but hidden names")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port for gRPC (ADS, and each type's own service); 0 takes a free one", parsePort, 18000)
    .option("--rest-port <port>", "port for REST; 0 takes a free one", parsePort, 18001)
    .addOption(
      new Option("--node-group <field>", "what of a node names its group").choices(["id", "cluster"]).default("id"),
    )
    .action(async (paths: string[], options: ServeOptions) => exit(await serve(paths, options)));
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a port from 0 to 65535.");
}

/** Serves until a signal ends it. Returns the exit code. */
async function serve(paths: readonly string[], options: ServeOptions): Promise<number> {
  const log = createLog();
  const source = new DirectorySource(paths);
  const cache = new SnapshotCache({
    nodeGroup: (node) => (options.nodeGroup === "id" ? node.id : node.cluster),
    fallbackGroup: commonGroup,
  });
  const publisher = new Publisher(cache);
  const first = await source.open((reading) => take(reading, publisher, log));
  if ("problems" in first) {
    await source.close();
    process.stderr.write(report(first.problems));
    return 1;
  }
  publisher.publish(first.configuration);
  const server = new XdsServer(cache, { logger: log, callbacks: streamLog(log) });
  try {
    const { host, port, restPort } = options;
    const { grpc, rest } = await server.listen({ host, port, restPort });
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
  await Promise.all([source.close(), server.drain()]);
  log.info({}, "drained");
  return 0;
}

/** Serves a new configuration, or tells why the one before is still served. */
function take(reading: Reading, publisher: Publisher, log: Log): void {
  if ("problems" in reading) {
    for (const problem of reading.problems.slice(0, mostProblems)) log.error({}, formatProblem(problem));
    log.error({ problems: reading.problems.length }, "still serving the last good configuration");
    return;
  }
  try {
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

/** More lines than this help nobody. */
const mostProblems = 100;

/** A line for each problem, and one that counts them. */
function report(problems: readonly Problem[]): string {
  const lines = problems.slice(0, mostProblems).map(formatProblem);
  if (problems.length > mostProblems) lines.push(`… and ${problems.length - mostProblems} more`);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return `${lines.join("\n")}\nxds: ${count}; nothing is served\n`;
}

/** How much is served, by the types' names, and to which groups something besides. */
function summary({ common, groups }: Configuration): Record<string, number | string[]> {
  const counts: Record<string, number> = {};
  for (const { type } of [...common, ...[...groups.values()].flat()]) counts[type.name] = (counts[type.name] ?? 0) + 1;
  return { ...counts, ...(groups.size > 0 && { groups: [...groups.keys()] }) };
}
