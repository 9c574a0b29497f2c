import { constants, openSync, write } from "node:fs";
import { isatty } from "node:tty";

/** More bytes than these are not kept for a reader that does not read. */
const mostBytes = 1 << 20;
/** How long to wait, in milliseconds, where the system cannot take more at the moment. */
const busyMs = 50;

/**
 * Writes lines to a file descriptor, one write at a time, and never waits for whoever reads them: what cannot be written, for
 * the disk is full or the reader has gone, and what comes while too much is still to be written, is lost, and counted.
 */
export class LogOutput {
  /** Is told, once lines can be written again, how many were lost. */
  onLost: (lines: number) => void = () => {};
  private lines: string[] = [];
  /** Of lines that are not written yet; `inChunk`: of those that are being. */
  private bytes = 0;
  private inChunk = 0;
  private lost = 0;
  private fd: number | undefined;
  /** Written at the moment, up to `done`. */
  private chunk: Buffer | undefined;
  private done = 0;
  /** A line stands there that was begun, and could not be ended. */
  private isCut = false;
  private waiting: (() => void)[] = [];

  /** `open`: gives the file descriptor, when it is needed first. */
  constructor(private readonly open: () => number) {}

  /** Takes a line, with the line break at its end. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.bytes + bytes > mostBytes) {
      this.lost++;
      return;
    }
    this.bytes += bytes;
    this.lines.push(line);
    if (!this.chunk) this.next();
  }

  /** Resolves when all lines are written, or lost, at the latest after this time in milliseconds. */
  async written(timeoutMs: number): Promise<void> {
    if (!this.chunk) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
  }

  private next(): void {
    if (this.lines.length === 0) {
      this.chunk = undefined;
      for (const resolve of this.waiting.splice(0)) resolve();
      return;
    }
    this.chunk = Buffer.from(`${this.isCut ? "\n" : ""}${this.lines.join("")}`);
    this.inChunk = this.bytes;
    this.done = 0;
    this.lines = [];
    this.go();
  }

  private readonly go = (): void => {
    const chunk = this.chunk as Buffer;
    this.fd ??= this.open();
    write(this.fd, chunk, this.done, (error, written) => {
      if (error?.code === "EAGAIN") {
        setTimeout(this.go, busyMs);
        return;
      }
      this.done += written;
      if (!error && this.done < chunk.length) return this.go();
      this.bytes -= this.inChunk;
      if (error) this.lost += linesIn(chunk.subarray(Math.max(this.done, this.isCut ? 1 : 0)));
      if (this.done > 0) this.isCut = chunk[this.done - 1] !== newline;
      if (!error && this.lost > 0) this.tellLost();
      this.next();
    });
  };

  private tellLost(): void {
    const { lost } = this;
    this.lost = 0;
    this.onLost(lost);
  }
}

const newline = 10;
const linesIn = (bytes: Buffer) => bytes.reduce((count, byte) => count + (byte === newline ? 1 : 0), 0);

/**
 * Standard error. A terminal may be stopped by who looks at it, and Node waits for its writes before it ends; so it is opened anew, for
 * writes that do not wait.
 */
function standardError(): number {
  if (!isatty(2)) return 2;
  try {
    return openSync("/dev/fd/2", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return 2;
  }
}

/** The program's log goes to standard error. */
export const logOutput = new LogOutput(standardError);
