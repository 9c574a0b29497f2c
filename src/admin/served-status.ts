import type { InSteps } from "../in-turns.js";
import type { ServerCounters } from "../server/counters.js";
import type { ServerReport } from "../server/server-report.js";
import type { XdsServer } from "../server/xds-server.js";
import { nodeReports } from "./node-report.js";

/** What processes that serve have, for `/status`. */
export interface ServedStatus {
  readonly nodeStates: ServerReport["nodeStates"];
  readonly counters: ServerCounters;
  /** The reports of nodes, each as JSON. */
  readonly nodes: Iterable<string>;
}

/** The status of this process, made when it is read. With `node`, only nodes with this id. */
export function ownStatus(server: XdsServer, node?: string): ServedStatus {
  const nodes = function* () {
    for (const report of nodeReports(server, node)) yield JSON.stringify(report);
  };
  const { nodeStates, counters } = server.report();
  return { nodeStates, counters, nodes: { [Symbol.iterator]: nodes } };
}

/** As {@link ownStatus}, with all reports made, in steps. Another process can get it. */
export function* sentStatus(server: XdsServer, node?: string): InSteps<ServedStatus> {
  const { nodes, ...rest } = ownStatus(server, node);
  const all: string[] = [];
  for (const report of nodes) {
    all.push(report);
    yield;
  }
  return { ...rest, nodes: all };
}

/** The status of several processes together. */
export function joinedStatus(all: readonly ServedStatus[]): ServedStatus {
  const nodeStates = addedRows(all.map((one) => ({ ...one.nodeStates })))[0];
  const rows = <Name extends keyof ServerCounters>(name: Name): ServerCounters[Name] =>
    addedRows(all.flatMap(({ counters }) => counters[name] as readonly object[])) as unknown as ServerCounters[Name];
  const counters = { streams: rows("streams"), traffic: rows("traffic"), fetches: rows("fetches") };
  const nodes = function* () {
    for (const one of all) yield* one.nodes;
  };
  return {
    nodeStates: (nodeStates ?? noNodes) as ServedStatus["nodeStates"],
    counters,
    nodes: { [Symbol.iterator]: nodes },
  };
}

const noNodes: ServedStatus["nodeStates"] = { ERROR: 0, STALE: 0, NOT_SENT: 0, DRAINING: 0, SYNCED: 0 };

/** Adds the numbers of rows whose texts are equal. */
function addedRows(rows: readonly object[]): object[] {
  const sums = new Map<string, Record<string, unknown>>();
  for (const row of rows) {
    const key = JSON.stringify(Object.entries(row).filter(([, value]) => typeof value !== "number"));
    const sum = sums.get(key);
    if (!sum) sums.set(key, { ...row });
    else
      for (const [name, value] of Object.entries(row))
        if (typeof value === "number") sum[name] = (sum[name] as number) + value;
  }
  return [...sums.values()];
}
