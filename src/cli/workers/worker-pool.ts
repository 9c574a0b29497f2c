import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { countersOf } from "../../admin/metric-rows.js";
import { type Rows, sumOfRows } from "../../admin/metric-sums.js";
import type { WorkerReport } from "../../admin/node-report.js";
import { joinedStatus, type ServedStatus } from "../../admin/served-status.js";
import type { WorkerMetrics, WorkersStatus } from "../../admin/worker-facts.js";
import type { NodeStatus } from "../../cache/snapshot-cache.js";
import { messageOf, XdsError } from "../../errors.js";
import { askInTurn } from "../../fleet/ask-peers.js";
import { mostAnswerBytes } from "../../fleet/network/peer-request.js";
import type { Peer, PeerQuestion } from "../../fleet/peer.js";
import { Calls } from "../../ipc/calls.js";
import { processChannel } from "../../ipc/channel.js";
import { XdsApi } from "../../resource/xds-api.js";
import type { DrainOptions } from "../../server/admission/drain.js";
import type { ServerState } from "../../server/xds-server.js";
import type { Address, ListenOptions } from "../../server/xds-server-options.js";
import type { Workers } from "../../serving/workers.js";
import { serveStore } from "../../store/ipc/served-store.js";
import type { Store } from "../../store/store.js";
import type { Settings } from "../settings/settings.js";
import type { Log } from "../terminal/log.js";
import { Restarts } from "./restarts.js";
import { receivedNode, type SentStatus } from "./sent-node.js";
import { SharedMarks } from "./shared-marks.js";
import type { WorkerStart, WorkerUse } from "./worker-start.js";

/** How long, in milliseconds, a worker may take to answer a question. */
const answerMs = 2_000;
/** The wait, in milliseconds, after the system has given no process for a worker. */
const noProcessMs = 8_000;
/** How long, in milliseconds, a worker may take until it serves. */
const startMs = 120_000;
/** How often a worker is asked for a sign of life, and how long it has for the answer, in milliseconds. */
const signOfLifeMs = 5_000;
/** A worker that does not answer so many times in a row is ended. */
const mostLate = 3;
/** How much longer, in milliseconds, than its time a worker may take to drain. */
const drainMarginMs = 5_000;

interface Addresses {
  readonly grpc: Address;
  readonly rest?: Address;
}

/** A running process of a slot. */
interface Running {
  readonly process: Worker;
  readonly calls: Calls;
  /** When it was started, as of `performance.now()`. */
  readonly startedAt: number;
  isServing: boolean;
}

/** The place of a worker. A worker that dies is followed by another one in the same place. */
interface Slot {
  readonly number: number;
  readonly restarts: Restarts;
  running: Running | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Why it does not serve now, and since when, in milliseconds since 1970. */
  missing: { readonly why: string; readonly since: number } | undefined;
  /** The last metrics of the running worker. */
  metrics: WorkerMetrics | undefined;
  /** The nodes of the running worker at the last look. */
  nodes: readonly NodeStatus[];
}

export interface WorkerPoolOptions {
  /** How many workers there are. */
  readonly count: number;
  readonly settings: Settings;
  /** The store whose revisions the workers serve. */
  readonly store: Store;
  readonly logger: Log;
}

/**
 * Processes that serve on the same ports (`node:cluster` hands each connection to the next worker). A worker that dies
 * is replaced. If one dies again and again, {@link WorkerPool.failed} resolves.
 */
export class WorkerPool implements Workers {
  /** Resolves with an error when a worker has died too often. The other workers serve on until the pool is closed. */
  readonly failed: Promise<XdsError>;
  private readonly slots: readonly Slot[];
  private readonly logger: Log;
  private fail!: (error: XdsError) => void;
  private use: WorkerUse;
  private listening: ListenOptions = {};
  private addresses: Addresses | undefined;
  private phase: ServerState = "new";
  private died = 0;
  private readonly marks: SharedMarks;
  hadNodes = false;
  /** The counters of workers that have died. */
  private former: Rows = new Map();

  constructor(private readonly options: WorkerPoolOptions) {
    this.logger = options.logger;
    this.use = { logLevel: options.settings.logLevel };
    this.slots = Array.from({ length: options.count }, (_, at) => ({
      ...{ number: at + 1, restarts: new Restarts() },
      ...{ running: undefined, timer: undefined, missing: undefined, metrics: undefined, nodes: [] },
    }));
    this.marks = new SharedMarks(options.store, (worker, added) => {
      for (const { number, running } of this.slots) if (number !== worker) running?.calls.tell("marks", added);
    });
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
  }

  async listen(options: ListenOptions): Promise<Addresses> {
    this.listening = options;
    const exec = fileURLToPath(new URL("worker-main.js", import.meta.url));
    cluster.setupPrimary({ exec, args: [], serialization: "advanced" });
    const [addresses] = await Promise.all(this.slots.map((slot) => this.start(slot)));
    this.phase = "listening";
    this.addresses = addresses as Addresses;
    // One that served may have died while others were still starting.
    for (const slot of this.slots) if (!slot.running) void this.replace(slot);
    return this.addresses;
  }

  get state(): ServerState {
    return this.phase === "listening" && this.counts.serving === 0 ? "new" : this.phase;
  }

  get counts() {
    const serving = this.slots.filter(({ running }) => running?.isServing).length;
    return { serving, wanted: this.slots.length, died: this.died };
  }

  *lines(): Iterable<string> {
    for (const { number, missing } of this.slots)
      if (missing)
        yield `worker ${number} of ${this.slots.length} does not serve since ${new Date(missing.since).toISOString()}: ${missing.why}`;
  }

  async metrics(): Promise<readonly WorkerMetrics[]> {
    await this.ask<WorkerMetrics>("metrics", (slot, metrics) => {
      slot.metrics = metrics;
    });
    return [...this.slots.flatMap(({ metrics }) => metrics ?? []), { rows: this.former, process: [] }];
  }

  async status(node?: string): Promise<WorkersStatus> {
    const found = new Map<Slot, ServedStatus & { readonly nodes: readonly string[] }>();
    const silent = await this.ask<ServedStatus & { readonly nodes: readonly string[] }>(
      "status",
      (slot, status) => found.set(slot, status),
      [node],
    );
    const workers = this.slots.map((slot): WorkerReport => {
      const { number, running, missing } = slot;
      const states = found.get(slot)?.nodeStates;
      const why = missing?.why ?? silent.get(slot)?.message;
      return {
        worker: number,
        ...(running && { pid: running.process.process.pid as number }),
        state: running?.isServing ? "serving" : "starting",
        ...(states && { nodes: Object.values(states).reduce((sum, count) => sum + count, 0) }),
        ...(why !== undefined && { missing: why }),
      };
    });
    return { ...joinedStatus([...found.values()]), workers };
  }

  async dump(query: string): Promise<string> {
    const found: string[] = [];
    const failed = await this.ask<string>("dump", (_, text) => found.push(text), [query]);
    const [text] = found;
    if (text !== undefined) return text;
    const errors = [...failed.values()];
    throw errors.find(({ code }) => code !== "UNKNOWN_NODE") ?? errors[0] ?? noWorker();
  }

  get others(): readonly Peer[] {
    return this.slots.flatMap(({ number, running }) => {
      if (!running?.isServing) return [];
      const { calls } = running;
      return {
        ...{ id: String(running.process.id), name: nameOf(number) },
        ask: (question, signal) => calls.call<Uint8Array>("ask", [question], signal),
      };
    });
  }

  /** Asks all workers but one, which asks. @throws XdsError as {@link askInTurn} */
  private askOthers(asking: number, question: PeerQuestion, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const others = this.others.filter(({ name }) => name !== nameOf(asking));
    return askInTurn(others, question, { timeoutMs: answerMs, mostBytes: mostAnswerBytes }, signal);
  }

  get nodes(): readonly NodeStatus[] {
    return this.slots.flatMap(({ nodes }) => nodes);
  }

  async lookAtNodes(): Promise<void> {
    await this.ask<readonly SentStatus[]>("nodes", (slot, nodes) => {
      slot.nodes = nodes.map(receivedNode);
      this.hadNodes ||= nodes.length > 0;
    });
  }

  /**
   * Calls a method of all workers. `take` gets the results of those that answer in time. Returns the errors of the
   * others that serve.
   */
  private async ask<T>(
    method: string,
    take: (slot: Slot, result: T) => void,
    args: readonly unknown[] = [],
  ): Promise<ReadonlyMap<Slot, XdsError>> {
    const failed = new Map<Slot, XdsError>();
    const asked = this.slots.map(async (slot) => {
      const { running } = slot;
      if (!running?.isServing) return;
      try {
        const result = await running.calls.call<T>(method, args, AbortSignal.timeout(answerMs));
        if (slot.running === running) take(slot, result);
      } catch (error) {
        failed.set(slot, error as XdsError);
      }
    });
    await Promise.all(asked);
    return failed;
  }

  /** Uses other settings from now on, in all workers. */
  useSettings(use: WorkerUse): void {
    this.use = use;
    for (const { running } of this.slots) if (running?.isServing) running.calls.tell("use", use);
  }

  /** Makes all workers read their certificates again. */
  reread(): void {
    for (const { running } of this.slots) if (running?.isServing) running.calls.tell("reread");
  }

  async drain({ timeoutMs = 5_000, ...options }: DrainOptions): Promise<void> {
    this.phase = "draining";
    const signal = AbortSignal.timeout(timeoutMs + drainMarginMs);
    const drains = this.slots.map(async ({ number, running }) => {
      if (!running?.isServing) return;
      const drained = running.calls.call("drain", [{ timeoutMs, ...options }], signal);
      await drained.catch((error) =>
        this.logger.warn({ worker: number, error: messageOf(error) }, "a worker was not drained"),
      );
    });
    await Promise.all(drains);
    await this.close();
  }

  async close(): Promise<void> {
    this.phase = "closed";
    const ended = this.slots.map(({ running, timer }) => {
      clearTimeout(timer);
      return running && end(running.process);
    });
    await Promise.all(ended);
  }

  private get isEnding(): boolean {
    return this.phase === "draining" || this.phase === "closed";
  }

  /** Starts a worker. Resolves with its addresses when it serves. @throws XdsError of the worker */
  private async start(slot: Slot): Promise<Addresses> {
    const { number } = slot;
    const isAlone = this.slots.every(({ running }) => !running);
    // The system has chosen ports, and no worker has them any more. So the next worker asks for the same ones.
    if (isAlone && this.addresses) this.listening = this.withSamePorts(this.addresses);
    const process = cluster.fork();
    const calls = new Calls(processChannel(process.process), `worker ${number}`);
    const running: Running = { process, calls, startedAt: performance.now(), isServing: false };
    slot.running = running;
    serveStore(this.options.store, calls);
    calls.serve({
      askOthers: (question: PeerQuestion, signal: AbortSignal) => this.askOthers(number, question, signal),
      "store.putRecords": (records: Parameters<Store["putRecords"]>[0]) => this.marks.put(number, records),
    });
    // Without a process there is no exit. Other errors are of messages, and the calls report them.
    process.on("error", (error) => {
      if (process.process.pid === undefined && slot.running === running) this.ended(slot, running, messageOf(error));
    });
    process.once("exit", (code, signal) => this.ended(slot, running, signal ?? `code ${code}`));
    const { addresses: known } = this;
    const inTime = AbortSignal.timeout(startMs);
    await started(calls, inTime);
    const { grpc, rest } = await calls.call<Addresses>("serve", [this.startOf(number)], inTime);
    const hasSamePorts = !known || (grpc.port === known.grpc.port && rest?.port === known.rest?.port);
    if (!hasSamePorts) throw new XdsError("CANNOT_LISTEN", `worker ${number} has other ports than those before it`);
    running.isServing = true;
    const { missing } = slot;
    slot.missing = undefined;
    const place = missing ? " in the place of the one that died" : "";
    this.logger.info({ worker: number, pid: process.process.pid }, `a worker serves${place}`);
    calls.tell("use", this.use);
    void this.watch(number, running);
    return { grpc, ...(rest && { rest }) };
  }

  /** Ends a worker that does not answer any more, such as one that is stopped. Another one is started in its place. */
  private async watch(worker: number, { process, calls }: Running): Promise<void> {
    for (let late = 0; late < mostLate; ) {
      if (late === 0) await sleep(signOfLifeMs, undefined, { ref: false, signal: calls.gone }).catch(() => {});
      if (calls.gone.aborted || this.isEnding) return;
      const answer = calls.call("signOfLife", [], AbortSignal.timeout(signOfLifeMs));
      late = await answer.then(
        () => 0,
        () => late + 1,
      );
    }
    if (calls.gone.aborted || this.isEnding) return;
    this.logger.error({ worker, seconds: (mostLate * signOfLifeMs) / 1_000 }, "a worker does not answer; it is ended");
    process.process.kill("SIGKILL");
  }

  private startOf(worker: number): WorkerStart {
    const { settings, count: workers } = this.options;
    const hasOwnApi = settings.descriptors !== undefined || settings.envoy !== undefined;
    const descriptors = hasOwnApi ? XdsApi.default.descriptors : undefined;
    return { worker, workers, settings, descriptors, listen: this.listening };
  }

  private withSamePorts({ grpc, rest }: Addresses): ListenOptions {
    return { ...this.listening, port: grpc.port, ...(rest && { restPort: rest.port }) };
  }

  private ended(slot: Slot, { startedAt, isServing }: Running, how: string): void {
    slot.running = undefined;
    if (slot.metrics) this.former = sumOfRows([this.former, countersOf(slot.metrics.rows)]);
    slot.metrics = undefined;
    slot.nodes = [];
    if (this.phase !== "listening") return; // it was told to end, or listen() reports why it did not start
    const { number } = slot;
    this.died++;
    const waitMs = slot.restarts.next(performance.now() - startedAt);
    const why = slot.missing && !isServing ? slot.missing.why : `it ended with ${how}`;
    slot.missing = { why, since: slot.missing?.since ?? Date.now() };
    if (waitMs === undefined) {
      this.logger.error({ worker: number, how }, "a worker has died too often");
      this.fail(new XdsError("INTERNAL", `worker ${number} has died again and again, the last time because ${why}`));
      return;
    }
    const text = isServing ? "a worker has died; its clients connect to the others" : "a worker could not start";
    this.logger.warn({ worker: number, how, seconds: waitMs / 1_000 }, `${text}; another one is started in its place`);
    slot.timer = setTimeout(() => this.tryAgain(slot), waitMs);
  }

  private tryAgain(slot: Slot): void {
    slot.timer = undefined;
    if (!this.isEnding) void this.replace(slot);
  }

  private async replace(slot: Slot): Promise<void> {
    try {
      await this.start(slot);
    } catch (error) {
      if (this.isEnding) return;
      slot.missing = { why: messageOf(error), since: slot.missing?.since ?? Date.now() };
      this.logger.error({ worker: slot.number, error: messageOf(error) }, "a worker cannot start");
      // The end of the process leads to the next try. Where the system has given no process, it is tried again later.
      if (slot.running) slot.running.process.process.kill("SIGKILL");
      else slot.timer ??= setTimeout(() => this.tryAgain(slot), noProcessMs);
    }
  }
}

const nameOf = (number: number) => `worker ${number}`;

const noWorker = () => new XdsError("NOT_READY", "no worker serves now; ask again in a moment");

/** Resolves when a process can be called. @throws XdsError (as a rejection) if it ends before that, or is late */
const started = (calls: Calls, inTime: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    calls.serve({ started: resolve });
    const late = () => reject(new XdsError("TIMED_OUT", `a worker did not start within ${startMs / 1_000} s`));
    inTime.addEventListener("abort", late, { once: true });
    const gone = () =>
      reject(new XdsError("INTERNAL", "a worker ended before it served; its own lines on stderr may say why"));
    calls.gone.addEventListener("abort", gone, { once: true });
  });

/** Ends a process at once. */
const end = (process: Worker): Promise<void> =>
  new Promise((resolve) => {
    if (process.isDead()) resolve();
    process.once("exit", () => resolve());
    process.process.kill("SIGKILL");
  });
