import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { processCpuMs } from "../../cpu-time.js";
import { XdsApi } from "../../resource/xds-api.js";
import type { Place } from "../files/problem.js";
import type { Answer, Greeting, HandedFile, HandedPart, Job, LocateJob, ReadJob, WorkerStart } from "./handed-over.js";

export interface ReadingLimits {
  /** The limit of the thread's heap, in bytes. Node's own `--max-old-space-size` overrides it. */
  readonly heapBytes: number;
  /**
   * How long the thread may work at one job, in milliseconds. Its own start does not count. While the process gets
   * less CPU time than has passed, as on a busy machine, only the CPU time counts. A thread that gets no CPU time may
   * take ten times as long.
   */
  readonly timeMs: number;
}

/** A job failed because the thread ended: it exceeded a limit, or failed completely. The message says why. */
export class ReadingEnded extends Error {
  /** With `isLate` (the time was exceeded) or `lacksRoom` (the heap was full), another try may succeed. */
  constructor(
    message: string,
    readonly isLate = false,
    readonly lacksRoom = false,
  ) {
    super(message);
  }
}

interface Waiting {
  readonly job: Job;
  /** Receives the result, and the port with the parts of a file. */
  readonly resolve: (result: never, parts: MessagePort) => void;
  readonly reject: (error: Error) => void;
}

/** The number of checks in a time limit. Counting checks leaves out time in which the process was stopped. */
const looks = 10;
/** The most checks, also while the thread gets no CPU time. */
const mostLooks = 100;

/** An idle thread whose heap is larger than this, in bytes, is replaced. */
const restingBytes = 128 * 2 ** 20;

/**
 * Reads files in a separate thread, so that no file can block the main thread or use up its memory. If the thread ends
 * during a job, the job is rejected with {@link ReadingEnded}, and a new thread does the next jobs. The thread keeps
 * the process running only while it has jobs.
 */
export class ReadingThread {
  /** The number of threads that were started. */
  starts = 0;
  private worker: Worker | undefined;
  /** The port that receives the parts of files. */
  private parts: MessagePort | undefined;
  /** Resolves when the parts of all files read so far were received. Parts come in the order of the files. */
  private taking: Promise<void> = Promise.resolve();
  /** The thread works on the first job. */
  private readonly jobs: Waiting[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Why the worker ends, if it does. */
  private why: string | undefined;
  private heapBytes = 0;
  private heapLimit: number;
  /** Whether the worker has started. */
  private isReady = false;
  private isClosed = false;

  constructor(
    private readonly limits: ReadingLimits,
    private readonly file: URL,
    private readonly cpuMs = processCpuMs,
  ) {
    this.heapLimit = limits.heapBytes;
  }

  /**
   * Reads a file. `take` receives all parts except the last, one in each turn of the event loop, unless `whyNoRoom`
   * returns why there is no room for the file.
   * @throws ReadingEnded
   */
  read(
    job: Omit<ReadJob, "kind" | "types">,
    take: (part: HandedPart) => void,
    whyNoRoom: (file: HandedFile) => Promise<string | undefined> = async () => undefined,
  ): Promise<HandedFile> {
    return new Promise((resolve, reject) => {
      const read = (file: HandedFile, parts: MessagePort) => {
        this.taking = this.taking.then(async () => {
          const why = await whyNoRoom(file);
          await this.takeParts(file.before, parts, why === undefined ? take : () => {});
          if (why !== undefined) throw new ReadingEnded(why, false, true);
        });
        this.taking = this.taking.then(() => resolve(file), reject);
      };
      this.add({ kind: "read", types: XdsApi.default.registeredTypes(), ...job }, read, reject);
    });
  }

  private async takeParts(count: number, parts: MessagePort, take: (part: HandedPart) => void): Promise<void> {
    for (let left = count; left > 0; left--) {
      await nextTurn();
      const part = this.isClosed ? undefined : receiveMessageOnPort(parts);
      if (!part) throw new ReadingEnded("reading was ended");
      take(part.message as HandedPart);
    }
  }

  locate(asked: LocateJob["asked"]): Promise<Place[]> {
    return new Promise((resolve, reject) => this.add({ kind: "locate", asked }, resolve, reject));
  }

  /** Keeps a thread with little memory ready. Call this when jobs are expected, and when they are done. */
  rest(): void {
    if (this.jobs.length > 0 || this.isClosed) return;
    if (this.heapBytes > restingBytes) this.leave();
    this.worker ??= this.start();
  }

  /** Ends the thread. Pending jobs are rejected. */
  async close(): Promise<void> {
    this.isClosed = true;
    const { worker } = this;
    this.leave();
    for (const { reject } of this.jobs.splice(0)) reject(new ReadingEnded("reading was ended"));
    await worker?.terminate();
  }

  private add<T>(job: Job, resolve: (result: T, parts: MessagePort) => void, reject: (error: Error) => void): void {
    if (this.isClosed) {
      reject(new ReadingEnded("reading was ended"));
      return;
    }
    this.worker ??= this.start();
    this.worker.postMessage(job); // throws if the job cannot be copied; then there is no job
    this.worker.ref();
    this.jobs.push({ job, resolve: resolve as Waiting["resolve"], reject });
    if (this.jobs.length === 1) this.watch();
  }

  private start(): Worker {
    const { port1, port2 } = new MessageChannel();
    this.parts = port1;
    const start: WorkerStart = { api: XdsApi.default.posted(), parts: port2 };
    const resourceLimits = { maxOldGenerationSizeMb: Math.ceil(this.limits.heapBytes / 2 ** 20) };
    const worker = new Worker(this.file, { workerData: start, transferList: [port2], resourceLimits });
    worker.unref();
    this.starts++;
    this.heapBytes = 0;
    this.isReady = false;
    this.why = undefined;
    const isCurrent = () => worker === this.worker;
    worker.on("message", (message: Greeting | Answer<unknown>) => isCurrent() && this.take(message));
    worker.on("error", (error: NodeJS.ErrnoException) => {
      if (isCurrent()) this.why = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? this.tooMuchMemory() : error.message;
    });
    worker.on("exit", (code) => isCurrent() && this.ended(this.why ?? `the reading thread ended with code ${code}`));
    return worker;
  }

  /** Forgets the worker. */
  private leave(): void {
    const { worker } = this;
    this.worker = undefined;
    this.heapBytes = 0;
    clearInterval(this.timer);
    void worker?.terminate();
  }

  private take(answer: Greeting | Answer<unknown>): void {
    if ("heapLimit" in answer) {
      this.heapLimit = answer.heapLimit;
      this.isReady = true;
      return;
    }
    const done = this.jobs.shift();
    this.heapBytes = answer.heapBytes;
    this.watch();
    if ("error" in answer) done?.reject(new Error(answer.error));
    else done?.resolve(answer.result as never, this.parts as MessagePort);
  }

  /** Starts the time limit of the first job. */
  private watch(): void {
    clearInterval(this.timer);
    if (this.jobs.length === 0) {
      this.worker?.unref();
      return;
    }
    const { timeMs } = this.limits;
    let left = timeMs;
    let looksLeft = mostLooks;
    let before = this.cpuMs();
    this.timer = setInterval(() => {
      const now = this.cpuMs();
      if (this.isReady) left -= Math.min(now - before, timeMs / looks);
      before = now;
      if (left <= 0 || --looksLeft === 0)
        this.ended(`reading the file takes longer than ${timeMs} ms, ${advice("--limits-file-time")}`, true);
    }, timeMs / looks);
  }

  /** The worker has ended, or must end, during the first job. */
  private ended(why: string, isLate = false): void {
    this.leave();
    this.jobs.shift()?.reject(new ReadingEnded(why, isLate));
    if (this.jobs.length === 0) return;
    const worker = this.start();
    this.worker = worker;
    worker.ref();
    for (const { job } of this.jobs) worker.postMessage(job);
    this.watch();
  }

  private tooMuchMemory(): string {
    const [asked, actual] = [this.limits.heapBytes, this.heapLimit].map((bytes) => Math.ceil(bytes / 2 ** 20));
    const setting = asked === actual ? "--limits-file-memory" : "Node's --max-old-space-size";
    return `reading the file takes more than ${actual} MiB of memory, ${advice(setting)}`;
  }
}

const advice = (setting: string) => `the limit ${setting}; simplify the file, split it, or raise the limit`;
