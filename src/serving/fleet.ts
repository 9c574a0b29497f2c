import { setTimeout as sleep } from "node:timers/promises";
import { packageVersion } from "../../gen/built-in.js";
import { nodeReports } from "../admin/node-report.js";
import { type ErrorCode, errorTable, messageOf, XdsError } from "../errors.js";
import { type Answers, askPeers, type Silent } from "../fleet/ask-peers.js";
import { mostAnswerBytes } from "../fleet/network/peer-request.js";
import type { Peer, PeerQuestion, Peers } from "../fleet/peer.js";
import { isAsNew, type Served } from "../fleet/replica.js";
import { linesOf, type OtherReplicas, type ReplicaReport, readStatus } from "../fleet/replica-report.js";
import { inTurns } from "../in-turns.js";
import { type Logger, silentLogger } from "../logger.js";
import { checkOptions } from "../options.js";
import type { AppliedOptions } from "../server/status/applied.js";
import type { XdsServer } from "../server/xds-server.js";
import type { EvidenceLine } from "./other-evidence.js";

/** The parts of its process that a {@link Fleet} needs. */
export interface FleetOptions {
  readonly server: () => XdsServer;
  /** The name of this process among its peers. */
  readonly name: () => string;
  readonly peers: Peers;
  /** What this process serves now. */
  readonly served: () => Served;
  /** What has changed about the nodes in a rollout since a mark. undefined if this process watches no rollouts. */
  readonly evidence?: ((rollout: string, mark: string | undefined) => Omit<EvidenceLine, "by"> | undefined) | undefined;
  readonly logger?: Logger;
  /** What the others are, for the log. Default `replica`. */
  readonly kind?: "replica" | "worker";
  /** How long a peer has for its answer, in milliseconds. Default 3,000. */
  readonly patienceMs?: number;
}

/** What {@link Fleet.applied} waits for, and how long. */
export interface FleetAppliedOptions extends Pick<AppliedOptions, "timeoutMs"> {
  /** The group whose nodes count. By default all nodes count. */
  readonly group?: string;
}

/** How often a peer that does not serve the wanted revision yet looks again, in milliseconds. */
const lookMs = 50;
/** How much longer than its own wait a peer has, in milliseconds. */
const marginMs = 1_000;
/** The longest wait that a peer may ask for, in milliseconds. */
const longestWaitMs = 3_600_000;

/** The answer of one process to the question `applied`. */
type AppliedLine = { readonly by: string; readonly error?: { readonly code: string; readonly message: string } };

/**
 * All processes that serve a configuration, seen from one of them. It asks the others, and answers their questions. A
 * process that does not answer is named, and never left out silently.
 */
export class Fleet {
  private readonly logger: Logger;
  private readonly startedAt = new Date().toISOString();
  /** Why peers did not answer last, by name. */
  private readonly known = new Map<string, string>();

  private constructor(private readonly options: FleetOptions) {
    this.logger = options.logger ?? silentLogger;
  }

  /** @internal */
  static of(options: FleetOptions): Fleet {
    return new Fleet(options);
  }

  /** The names of the other processes. */
  get others(): readonly string[] {
    return this.options.peers.others.map(({ name }) => name);
  }

  /** How many processes there are, this one included, and how many others did not answer when they were asked last. */
  get counts(): { readonly replicas: number; readonly silent: number } {
    const present = new Set(this.others);
    const silent = [...this.known.keys()].filter((name) => present.has(name));
    return { replicas: this.options.peers.others.length + 1, silent: silent.length };
  }

  /** This process, as others see it. */
  report(): ReplicaReport {
    const { server, name, served } = this.options;
    return {
      replica: name(),
      version: packageVersion,
      startedAt: this.startedAt,
      revision: served().stable,
      ...server().load,
      nodeStates: server().report().nodeStates,
    };
  }

  /** @internal The status of the others, or of one node there. */
  async othersStatus(node?: string): Promise<OtherReplicas> {
    const { answers, silent } = await this.ask({ ask: "status", ...(node !== undefined && { node }) });
    return readStatus(answers, silent);
  }

  /**
   * Resolves when all nodes of all processes have applied what this process serves, or something newer. See
   * `XdsServer.applied()` for what that means.
   * @throws XdsError (as a rejection) NOT_APPLIED as soon as a node refuses what is served, TIMED_OUT at the end of
   * `timeoutMs`, and TIMED_OUT also if a process does not answer. The message names the process. INVALID_OPTION if no
   * process has a node in the group, or a configuration for it.
   */
  async applied(options: FleetAppliedOptions = {}): Promise<void> {
    checkOptions("applied()", options, { group: true, timeoutMs: true });
    const { group, timeoutMs = 10_000 } = options;
    if (!(timeoutMs >= 0)) throw new XdsError("INVALID_OPTION", `timeoutMs must be at least 0, is ${timeoutMs}`);
    const { stable, live } = this.options.served();
    const ofGroup = group === undefined ? {} : { group };
    const question = { ask: "applied", ...ofGroup, stable, live, timeoutMs } as const;
    const over = new AbortController();
    const told = async (line: Promise<AppliedLine>) => {
      const { by, error } = await line;
      if (error && error.code !== "INVALID_OPTION") throw this.errorOf(by, error);
      return { by, error };
    };
    try {
      const lines = await Promise.all([
        told(this.appliedLine(question, over.signal)),
        ...this.options.peers.others.map((peer) => told(this.askApplied(peer, question, over.signal))),
      ]);
      const [first] = lines;
      // A group is unknown if no process knows it.
      if (first?.error && lines.every(({ error }) => error)) throw this.errorOf(first.by, first.error);
    } finally {
      over.abort();
    }
  }

  /** @internal How many streams are open at all processes that answer. */
  async streams(): Promise<number> {
    const { answers } = await this.ask({ ask: "load" });
    const lines = answers.flatMap(({ bytes }) => [...linesOf(bytes)]);
    const theirs = lines.map((line) => (JSON.parse(line) as { readonly streams: number }).streams);
    return theirs.reduce((sum, streams) => sum + streams, this.options.server().load.streams);
  }

  private async askApplied(
    peer: Peer,
    question: PeerQuestion & { ask: "applied" },
    signal: AbortSignal,
  ): Promise<AppliedLine> {
    const { answers, silent } = await askPeers([peer], question, question.timeoutMs + marginMs, signal);
    const lines = answers.flatMap(({ bytes }) => Array.from(linesOf(bytes), (line) => JSON.parse(line) as AppliedLine));
    const why = silent[0]?.why ?? (lines.length === 0 ? "its answer is empty" : undefined);
    if (why !== undefined)
      return {
        by: peer.name,
        error: { code: "TIMED_OUT", message: `it is not known what its nodes have applied: ${why}` },
      };
    return lines.find(({ error }) => error) ?? (lines[0] as AppliedLine);
  }

  /** @internal As `PeerHost.answer()`: answers a question of another process. */
  async answer(question: PeerQuestion, signal: AbortSignal): Promise<Uint8Array> {
    switch (question.ask) {
      case "status":
        return this.ownStatus(question.node, signal);
      case "applied":
        return lineOf(await this.appliedLine(question, signal));
      case "evidence": {
        const by = this.options.name();
        const changes = this.options.evidence?.(question.rollout, question.since[by]);
        return lineOf({ by, ...(changes ?? { mark: "", isWhole: true, entries: [] }) });
      }
      case "load":
        return lineOf({ by: this.options.name(), ...this.options.server().load });
      default:
        throw new XdsError(
          "INVALID_REQUEST",
          `this version does not know the question ${JSON.stringify((question as PeerQuestion).ask)}`,
        );
    }
  }

  /** @internal Asks all others. The log has the ones that do not answer, once. */
  async ask(
    question: PeerQuestion,
    timeoutMs = this.options.patienceMs ?? 3_000,
    signal?: AbortSignal,
  ): Promise<Answers> {
    const asked = await askPeers(this.options.peers.others, question, timeoutMs, signal);
    this.note(
      asked.silent,
      asked.answers.map(({ peer }) => peer.name),
    );
    return asked;
  }

  /** The error of a process, which the message names. */
  private errorOf(by: string, { code, message }: { readonly code: string; readonly message: string }): XdsError {
    const { kind = "replica" } = this.options;
    const name = kind === "replica" ? `replica ${by}` : by; // the name of a worker has the word
    return new XdsError(Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "INTERNAL", `${name}: ${message}`);
  }

  private note(silent: readonly Silent[], answering: readonly string[]): void {
    const { kind = "replica" } = this.options;
    for (const { name, why } of silent) {
      if (!this.known.has(name))
        this.logger.warn(
          { [kind]: name, error: why },
          `another ${kind} does not answer; what is reported lacks its nodes`,
        );
      this.known.set(name, why);
    }
    for (const name of answering)
      if (this.known.delete(name)) this.logger.info({ [kind]: name }, `the other ${kind} answers`);
    const present = new Set(this.others);
    for (const name of this.known.keys()) if (!present.has(name)) this.known.delete(name);
  }

  private async ownStatus(node: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
    const { server, name } = this.options;
    const pieces = [lineOf(this.report())];
    let bytes = 0;
    const steps = function* () {
      for (const report of nodeReports(server(), node)) {
        const line = lineOf({ ...report, replica: name() });
        bytes += line.length;
        if (bytes > mostAnswerBytes)
          throw new XdsError(
            "LIMIT_EXCEEDED",
            `the status of its nodes has more than ${mostAnswerBytes} bytes; ask it for single nodes`,
          );
        pieces.push(line);
        yield;
      }
    };
    await inTurns(steps(), signal);
    return Buffer.concat(pieces);
  }

  private async appliedLine(question: PeerQuestion & { ask: "applied" }, signal: AbortSignal): Promise<AppliedLine> {
    const by = this.options.name();
    try {
      await this.ownApplied(question, signal);
      return { by };
    } catch (error) {
      if (signal.aborted) throw error;
      return { by, error: { code: error instanceof XdsError ? error.code : "INTERNAL", message: messageOf(error) } };
    }
  }

  /** Waits until this process serves at least what is asked for, and until its nodes have applied it. */
  private async ownApplied(
    { group, stable, live, timeoutMs: wanted }: PeerQuestion & { ask: "applied" },
    signal: AbortSignal,
  ): Promise<void> {
    const { server, served } = this.options;
    const timeoutMs = Math.min(wanted, longestWaitMs);
    const until = performance.now() + timeoutMs;
    while (!isAsNew(served(), { stable, live })) {
      if (performance.now() >= until)
        throw new XdsError("TIMED_OUT", `revision ${stable} is not served within ${timeoutMs} ms`);
      await sleep(lookMs, undefined, { signal });
    }
    const left = Math.max(0, until - performance.now());
    await server().applied(group ?? (() => true), { timeoutMs: left, signal });
  }
}

const lineOf = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
