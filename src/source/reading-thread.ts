import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { registeredTypes } from "../resource/types.js";
import { apiInUse } from "../schema/registry.js";
import type { Answer, Greeting, HandedFile, Job, LocateJob, ReadJob, WorkerStart } from "./handed-over.js";
import type { Place } from "./problem.js";

export interface ReadingLimits {
  /** What the thread's heap may take, in bytes. Node's own `--max-old-space-size` goes before it. */
  readonly heapBytes: number;
  /** How long the thread may be at one job, in milliseconds. */
  readonly timeMs: number;
}

/** The thread was ended at a job, for it exceeded a limit, or failed altogether. The message says why. */
export class ReadingEnded extends Error {}

interface Waiting {
  readonly job: Job;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** A time limit is counted in so many looks, so that a process that was stopped for a while has not used it up. */
const looks = 10;
/** A thread whose heap has taken more than these bytes does not wait for the next job: another one takes its place. */
const restingBytes = 128 * 2 ** 20;

/**
 * Where the thread's program is: beside this file, or beside the file that this one was bundled into; undefined: it
 * is not there.
 */
export function workerFile(): URL | undefined {
  const url = new URL("./reading-worker.js", import.meta.url);
  return url.protocol === "file:" && existsSync(fileURLToPath(url)) ? url : undefined;
}

/**
 * Reads files in a thread of its own, so that nothing in them can stop this one or take its memory. A job at which
 * the thread ends is rejected with {@link ReadingEnded}; the jobs behind it are done by a new thread. It keeps the
 * process running only while it has jobs.
 */
export class ReadingThread {
  /** How many threads were started. */
  starts = 0;
  private worker: Worker | undefined;
  /** The first one is at work. */
  private readonly jobs: Waiting[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Why the worker ends. */
  private why: string | undefined;
  private heapBytes = 0;
  private heapLimit: number;
  private isClosed = false;

  constructor(
    private readonly limits: ReadingLimits,
    private readonly file: URL,
  ) {
    this.heapLimit = limits.heapBytes;
  }

  read(job: Omit<ReadJob, "kind" | "types">): Promise<HandedFile> {
    return this.add({ kind: "read", types: registeredTypes(), ...job });
  }

  locate(asked: LocateJob["asked"]): Promise<Place[]> {
    return this.add({ kind: "locate", asked });
  }

  /** Has a thread ready that takes little memory. To be called when jobs are expected, and when they are done. */
  rest(): void {
    if (this.jobs.length > 0 || this.isClosed) return;
    if (this.heapBytes > restingBytes) this.leave();
    this.worker ??= this.start();
  }

  /** Ends the thread; what it was asked is rejected. */
  async close(): Promise<void> {
    this.isClosed = true;
    const { worker } = this;
    this.leave();
    for (const { reject } of this.jobs.splice(0)) reject(new ReadingEnded("reading was ended"));
    await worker?.terminate();
  }

  private add<T>(job: Job): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.isClosed) return reject(new ReadingEnded("reading was ended"));
      this.jobs.push({ job, resolve: resolve as Waiting["resolve"], reject });
      this.worker ??= this.start();
      this.worker.ref();
      this.worker.postMessage(job);
      if (this.jobs.length === 1) this.watch();
    });
  }

  private start(): Worker {
    const start: WorkerStart = { api: apiInUse() };
    const resourceLimits = { maxOldGenerationSizeMb: Math.ceil(this.limits.heapBytes / 2 ** 20) };
    const worker = new Worker(this.file, { workerData: start, resourceLimits });
    worker.unref();
    this.starts++;
    this.heapBytes = 0;
    this.why = undefined;
    const isCurrent = () => worker === this.worker;
    worker.on("message", (message: Greeting | Answer<unknown>) => isCurrent() && this.take(message));
    worker.on("error", (error: NodeJS.ErrnoException) => {
      if (isCurrent()) this.why = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? this.tooMuchMemory() : error.message;
    });
    worker.on(
      "exit",
      (code) => isCurrent() && this.ended(this.why ?? `the thread that read it ended with code ${code}`),
    );
    return worker;
  }

  /** Has nothing more to do with the worker. */
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
      return;
    }
    const done = this.jobs.shift();
    this.heapBytes = answer.heapBytes;
    this.watch();
    if ("error" in answer) done?.reject(new Error(answer.error));
    else done?.resolve(answer.result as never);
  }

  /** Gives the first job its time. */
  private watch(): void {
    clearInterval(this.timer);
    if (this.jobs.length === 0) {
      this.worker?.unref();
      return;
    }
    let left = looks;
    this.timer = setInterval(() => {
      if (--left === 0) this.ended(`reading it takes longer than ${this.limits.timeMs} ms${advice}`);
    }, this.limits.timeMs / looks);
  }

  /** The worker ends, or is to end, at the first job. */
  private ended(why: string): void {
    this.leave();
    this.jobs.shift()?.reject(new ReadingEnded(why));
    if (this.jobs.length === 0) return;
    const worker = this.start();
    this.worker = worker;
    worker.ref();
    for (const { job } of this.jobs) worker.postMessage(job);
    this.watch();
  }

  private tooMuchMemory(): string {
    return `reading it takes more than ${Math.round(this.heapLimit / 2 ** 20)} MiB of memory${advice}`;
  }
}

const advice = "; make it simpler, or split it into several files";
