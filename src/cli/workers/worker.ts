import { configDump } from "../../admin/config-dump.js";
import { workerMetrics } from "../../admin/metrics.js";
import { sentStatus } from "../../admin/served-status.js";
import type { PeerQuestion } from "../../fleet/peer.js";
import { inTurns } from "../../in-turns.js";
import type { Calls } from "../../ipc/calls.js";
import { RationedLog } from "../../rationed-log.js";
import { useEnvoyApi } from "../../resource/default-api.js";
import type { DrainOptions } from "../../server/admission/drain.js";
import type { Address } from "../../server/xds-server-options.js";
import { commonGroup } from "../../serving/node-groups.js";
import { SourceServer } from "../../serving/source-server.js";
import type { NodeRules } from "../../serving/stored-configuration.js";
import { IpcStore } from "../../store/ipc/ipc-store.js";
import { checkRules, serverOptions, tlsFilePaths } from "../settings/server-options.js";
import { createLog } from "../terminal/log.js";
import { logWritten } from "../terminal/log-output.js";
import { connectionRoom } from "../terminal/open-files.js";
import { sentNode } from "./sent-node.js";
import { limitsOfWorker } from "./worker-limits.js";
import type { WorkerStart, WorkerUse } from "./worker-start.js";

/** How long, in milliseconds, the end of a worker may wait until its log is written. */
const logMs = 1_000;

/**
 * Serves what the store of the main process has. Resolves with the addresses when the worker serves. The main process
 * then has the methods `ask`, `metrics`, `use`, `reread` and `drain`.
 * @throws XdsError as `SourceServer.open()` and `SourceServer.listen()` do
 */
export async function serveAsWorker(start: WorkerStart, calls: Calls): Promise<{ grpc: Address; rest?: Address }> {
  const { settings, worker, workers, descriptors, listen } = start;
  if (descriptors) useEnvoyApi(descriptors);
  const log = createLog(settings.logLevel, settings.logFormat, { worker });
  const rationedLog = new RationedLog(log);
  const server = serverOptions(settings, log, rationedLog);
  const limits = limitsOfWorker(server.limits ?? {}, workers);
  const connections = Math.min(limits.connections ?? Number.POSITIVE_INFINITY, connectionRoom().clients);
  const serving = new SourceServer(undefined, {
    rules: { rules: [] },
    checkRules: (rules: NodeRules) => checkRules(settings, rules),
    store: await IpcStore.open(calls),
    liveTypes: settings.liveTypes,
    unmatchedNodes: settings.unmatchedNodes,
    server: { ...server, limits: { ...limits, connections } },
    tls: tlsFilePaths(settings),
    worker: `worker ${worker}`,
    logger: log,
  });
  serving.server.askOthers = (question, signal) => calls.call("askOthers", [{ ask: "clients", ...question }], signal);
  const metrics = workerMetrics(serving.server);
  // Other workers may tell of marks while this one reads them.
  calls.serve({ marks: (added: readonly unknown[]) => serving.noteRefusals(added) });
  await serving.open();
  const addresses = await serving.listen(listen);
  calls.serve({
    ask: (question: PeerQuestion, signal: AbortSignal) => serving.fleet?.answer(question, signal),
    metrics,
    signOfLife: () => true,
    status: (node: string | undefined, signal: AbortSignal) => inTurns(sentStatus(serving.server, node), signal),
    dump: (query: string, signal: AbortSignal) => dump(serving, query, signal),
    nodes: () => serving.cache.status().map(sentNode),
    use: ({ logLevel }: WorkerUse) => {
      log.level = logLevel;
    },
    reread: () => serving.certificates?.reread(),
    drain: async (options: DrainOptions) => {
      await serving.drain(options);
      rationedLog.close();
      await logWritten(logMs);
    },
  });
  return addresses;
}

/** A dump of a node of this worker. @throws XdsError as {@link configDump} */
async function dump({ server, cache }: SourceServer, query: string, signal: AbortSignal): Promise<string> {
  const pieces = await configDump(server, cache, commonGroup, new URLSearchParams(query));
  const all: string[] = [];
  const gathering = function* () {
    for (const piece of pieces) {
      all.push(piece);
      yield;
    }
  };
  await inTurns(gathering(), signal);
  return all.join("");
}
