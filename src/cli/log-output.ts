import { write } from "node:fs";

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
  private bytes = 0;
  private lost = 0;
  /** Written at the moment, up to `done`. */
  private chunk: Buffer | undefined;
  private done = 0;
  private waiting: (() => void)[] = [];

  constructor(private readonly fd: number) {}

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
    this.chunk = Buffer.from(this.lines.join(""));
    this.done = 0;
    this.lines = [];
    this.go();
  }

  private readonly go = (): void => {
    const chunk = this.chunk as Buffer;
    write(this.fd, chunk, this.done, (error, written) => {
      if (error?.code === "EAGAIN") {
        setTimeout(this.go, busyMs);
        return;
      }
      this.done += written;
      if (!error && this.done < chunk.length) return this.go();
      this.bytes -= chunk.length;
      if (error) this.lost += chunk.subarray(this.done).toString().split("\n").length - 1;
      else if (this.lost > 0) this.tellLost();
      this.next();
    });
  };

  private tellLost(): void {
    const { lost } = this;
    this.lost = 0;
    this.onLost(lost);
  }
}

/** The program's log goes to standard error. */
export const logOutput = new LogOutput(2);
