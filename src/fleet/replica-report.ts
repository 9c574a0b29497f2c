import type { Answers, Silent } from "./ask-peers.js";

/** A replica, as `/status` shows it. */
export interface ReplicaReport {
  /** `host:port`, where other replicas reach it. */
  readonly replica: string;
  /** The version of the program. */
  readonly version: string;
  /** In ISO 8601. */
  readonly startedAt: string;
  /** The number of the stable revision that it serves. 0 if there is none. */
  readonly revision: number;
  /** How many streams are open, and how many may be. */
  readonly streams: number;
  readonly limit: number;
  /** How many of its nodes are in each state. */
  readonly nodeStates: Readonly<Record<string, number>>;
}

/** The status of other replicas. */
export interface OtherReplicas {
  readonly replicas: readonly ReplicaReport[];
  /** The reports of their nodes, each in JSON. */
  readonly nodes: Iterable<string>;
  /** The replicas that have not answered. Their nodes are missing. */
  readonly silent: readonly Silent[];
}

/** How the lines of replicas begin in an answer to the question `status`. Other lines are reports of nodes. */
const replicaLine = '{"replica":';

/** Separates the lines of answers to the question `status`. */
export function readStatus({ answers, silent }: Answers): OtherReplicas {
  const replicas: ReplicaReport[] = [];
  for (const { bytes } of answers)
    for (const line of linesOf(bytes))
      if (line.startsWith(replicaLine)) replicas.push(JSON.parse(line) as ReplicaReport);
  const nodes = function* () {
    for (const { bytes } of answers) for (const line of linesOf(bytes)) if (!line.startsWith(replicaLine)) yield line;
  };
  return {
    replicas,
    nodes: { [Symbol.iterator]: nodes },
    silent: silent.map(({ peer: { name }, why }) => ({ name, why })),
  };
}

/** The lines of an answer, made one by one. */
export function* linesOf(bytes: Uint8Array): Iterable<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let from = 0; from < buffer.length; ) {
    const end = buffer.indexOf(10, from);
    const to = end < 0 ? buffer.length : end;
    if (to > from) yield buffer.toString("utf8", from, to);
    from = to + 1;
  }
}
