import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { packageVersion } from "../../gen/built-in.js";
import { nodeReports } from "../admin/node-report.js";
import { type ErrorCode, errorTable, messageOf, XdsError } from "../errors.js";
import { type Answers, askInTurn, askPeers } from "../fleet/ask-peers.js";
import { mostAnswerBytes } from "../fleet/network/peer-request.js";
import type { Peer, PeerQuestion, Peers, ReplicaLoad } from "../fleet/peer.js";
import { isAsNew, type Served } from "../fleet/replica.js";
import { linesOf, type OtherReplicas, type ReplicaReport, readStatus } from "../fleet/replica-report.js";
import { type Logger, silentLogger } from "../logger.js";
import { checkOptions } from "../options.js";
import { SharedWork } from "../server/admission/shared-work.js";
import type { ClientStatusQuestion } from "../server/csds/csds.js";
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
/** The longest wait for what is applied, in milliseconds. */
const longestWaitMs = 3_600_000;

/** How soon a peer that has not answered is asked again, in milliseconds. */
const askAgainMs = 200;

type AppliedQuestion = PeerQuestion & { readonly ask: "applied" };

/** The answer of one process to the question `applied`. */
interface AppliedLine {
  readonly by: string;
  readonly error?: { readonly code: string; readonly message: string };
  /** The process is not there any more. */
  readonly hasLeft?: boolean;
}

/**
 * All processes that serve a configuration, seen from one of them. It asks the others, and answers their questions. A
 * process that does not answer is named, and never left out silently.
 */
export class Fleet {
  private readonly logger: Logger;
  private readonly startedAt = new Date().toISOString();
  /** The ids of peers that did not answer last. */
  private readonly silent = new Set<string>();
  private readonly statusWork = new SharedWork("the status for other processes");
  /** Names this process in answers to the question `evidence`. */
  private readonly id = randomBytes(8).toString("hex");

  private constructor(private readonly options: FleetOptions) {
    this.logger = options.logger ?? silentLogger;
  }

  /** @internal */
  static of(options: FleetOptions): Fleet {
    return new Fleet(options);
  }

  /** The names of the other processes. */
  get others(): readonly string[] {
    return this.peers.map(({ name }) => name);
  }

  /** @internal The other processes. */
  get peers(): readonly Peer[] {
    return this.options.peers.others;
  }

  /**
   * How many processes there are, this one included, how many others did not answer when they were asked last, and how
   * many nodes this one has sent to others.
   */
  get counts(): { readonly replicas: number; readonly silent: number; readonly moved: number } {
    const { peers } = this;
    const { moved } = this.options.server().balance;
    return { replicas: peers.length + 1, silent: peers.filter(({ id }) => this.silent.has(id)).length, moved };
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
    return readStatus(await this.ask({ ask: "status", ...(node !== undefined && { node }) }));
  }

  /**
   * Resolves when all nodes of all processes have applied what this process serves, or something newer. See
   * `XdsServer.applied()` for what that means.
   * @throws XdsError (as a rejection) NOT_APPLIED as soon as a node refuses what is served, TIMED_OUT at the end of
   * `timeoutMs` (at most an hour), also if a process does not answer. The message names the process. INVALID_OPTION if
   * no process has a node in the group, or a configuration for it.
   */
  async applied(options: FleetAppliedOptions = {}): Promise<void> {
    checkOptions("applied()", options, { group: true, timeoutMs: true });
    const { group, timeoutMs: wanted = 10_000 } = options;
    if (!(wanted >= 0)) throw new XdsError("INVALID_OPTION", `timeoutMs must be at least 0, is ${wanted}`);
    const timeoutMs = Math.min(wanted, longestWaitMs);
    const { stable, live } = this.options.served();
    const ofGroup = group === undefined ? {} : { group };
    const until = performance.now() + timeoutMs;
    const over = new AbortController();
    const told = async (line: Promise<AppliedLine>) => {
      const { by, error, hasLeft } = await line;
      if (error && error.code !== "INVALID_OPTION") throw this.errorOf(by, error);
      return { by, error, hasLeft };
    };
    try {
      for (let isDone = false; !isDone; ) {
        const left = Math.max(0, until - performance.now());
        const question = { ask: "applied", ...ofGroup, stable, live, timeoutMs: left } as const;
        const lines = await Promise.all([
          told(this.appliedLine(question, over.signal)),
          ...this.peers.map((peer) => told(this.askApplied(peer, question, over.signal))),
        ]);
        const [first] = lines;
        // A group is unknown if no process knows it.
        if (first?.error && lines.every(({ error, hasLeft }) => error || hasLeft))
          throw this.errorOf(first.by, first.error);
        isDone = !lines.some(({ hasLeft }) => hasLeft); // the nodes of one that has left are now those of others
      }
    } finally {
      over.abort();
    }
  }

  /** @internal How many streams are open at all processes that answer. */
  async streams(): Promise<number> {
    return (await this.loads()).reduce((sum, { streams }) => sum + streams, this.options.server().load.streams);
  }

  /** @internal The loads of the others that answer. */
  async loads(): Promise<readonly ReplicaLoad[]> {
    const { answers } = await this.ask({ ask: "load" });
    return answers.flatMap(({ bytes }) => [...linesOf(bytes)].flatMap(loadIn));
  }

  private ownLoad(): ReplicaLoad {
    const { server, served } = this.options;
    return { ...server().load, accepts: server().state === "listening" && served().stable > 0 };
  }

  /** Asks a peer until it answers, or has left. One that shuts down does not know what its nodes have applied. */
  private async askApplied(
    { id, name: by }: Peer,
    question: AppliedQuestion,
    signal: AbortSignal,
  ): Promise<AppliedLine> {
    const until = performance.now() + question.timeoutMs;
    for (;;) {
      const peer = this.peers.find((one) => one.id === id);
      if (!peer) return { by, hasLeft: true };
      const timeoutMs = Math.max(0, until - performance.now());
      const asked = await askPeers([peer], { ...question, timeoutMs }, timeoutMs + marginMs, signal);
      const lines = asked.answers.flatMap(({ bytes }) =>
        Array.from(linesOf(bytes), (line) => JSON.parse(line) as AppliedLine),
      );
      const failed = lines.find(({ error }) => error);
      const isAnswer = lines.length > 0 && failed?.error?.code !== "WRONG_STATE";
      if (isAnswer) return failed ?? (lines[0] as AppliedLine);
      if (performance.now() >= until) {
        const why = failed?.error?.message ?? asked.silent[0]?.why ?? "its answer is empty";
        const message = `it is not known what its nodes have applied: ${why}`;
        return { by, error: { code: "TIMED_OUT", message } };
      }
      await sleep(askAgainMs, undefined, { signal });
    }
  }

  /** @internal As `PeerHost.answer()`: answers a question of another process. */
  async answer(question: PeerQuestion, signal: AbortSignal): Promise<Uint8Array> {
    switch (question.ask) {
      case "status":
        return this.ownStatus(question.node, signal);
      case "applied":
        return lineOf(await this.appliedLine(question, signal));
      case "evidence": {
        const by = this.id;
        const changes = this.options.evidence?.(question.rollout, question.since[by]);
        return lineOf({ by, ...(changes ?? { mark: "", isWhole: true, entries: [] }) });
      }
      case "clients":
        return this.options.server().clientsForPeer(question, signal);
      case "load":
        return lineOf({ by: this.options.name(), ...this.ownLoad() });
      default:
        throw new XdsError(
          "INVALID_REQUEST",
          `this version does not know the question ${JSON.stringify((question as PeerQuestion).ask)}`,
        );
    }
  }

  /** @internal The client status of the others. @throws XdsError as {@link askInTurn} */
  async clients(question: ClientStatusQuestion, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const limits = { timeoutMs: this.options.patienceMs ?? 3_000, mostBytes: mostAnswerBytes };
    return askInTurn(this.peers, { ask: "clients", ...question }, limits, signal);
  }

  /** @internal Asks all others. The log has the ones that do not answer, once. */
  async ask(
    question: PeerQuestion,
    timeoutMs = this.options.patienceMs ?? 3_000,
    signal?: AbortSignal,
  ): Promise<Answers> {
    const asked = await askPeers(this.peers, question, timeoutMs, signal);
    this.note(asked);
    return asked;
  }

  /** The error of a process, which the message names. */
  private errorOf(by: string, { code, message }: { readonly code: string; readonly message: string }): XdsError {
    const { kind = "replica" } = this.options;
    const name = kind === "replica" ? `replica ${by}` : by; // the name of a worker has the word
    return new XdsError(Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "INTERNAL", `${name}: ${message}`);
  }

  private note({ answers, silent }: Answers): void {
    const { kind = "replica" } = this.options;
    const text = `another ${kind} does not answer; what is reported lacks its nodes`;
    for (const { peer, why } of silent) {
      if (!this.silent.has(peer.id)) this.logger.warn({ [kind]: peer.name, error: why }, text);
      this.silent.add(peer.id);
    }
    for (const { peer } of answers)
      if (this.silent.delete(peer.id)) this.logger.info({ [kind]: peer.name }, `the other ${kind} answers`);
    const present = new Set(this.peers.map(({ id }) => id));
    for (const id of this.silent) if (!present.has(id)) this.silent.delete(id);
  }

  /** One status at a time is made, because it may be large. */
  private ownStatus(node: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
    const { server, name } = this.options;
    const own = () => lineOf(this.report());
    return this.statusWork.run(signal, function* () {
      const pieces = [own()];
      let bytes = 0;
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
      return Buffer.concat(pieces);
    });
  }

  private async appliedLine(question: AppliedQuestion, signal: AbortSignal): Promise<AppliedLine> {
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
    { group, stable, live, timeoutMs: wanted }: AppliedQuestion,
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

/** Reads an answer to the question `load`. One of another form, such as of another program, counts as none. */
function loadIn(line: string): ReplicaLoad[] {
  try {
    const { streams, limit, accepts } = Object(JSON.parse(line)) as ReplicaLoad;
    return Number.isFinite(streams) && Number.isFinite(limit) ? [{ streams, limit, accepts: accepts === true }] : [];
  } catch {
    return [];
  }
}

const lineOf = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
