import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** A line of the program's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The built program `xds`, running. */
export class Program {
  stdout = "";
  stderr = "";
  private readonly process: ChildProcess;
  private readonly exited: Promise<unknown[]>;

  constructor(...args: string[]) {
    this.process = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.process.stdout?.on("data", (chunk) => (this.stdout += String(chunk)));
    this.process.stderr?.on("data", (chunk) => (this.stderr += String(chunk)));
    this.exited = once(this.process, "close");
  }

  /** Resolves with the exit code, or with the signal that ended it. */
  async end(): Promise<number | NodeJS.Signals> {
    const [code, signal] = await this.exited;
    return (code ?? signal) as number | NodeJS.Signals;
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Closes our end of what it prints to. */
  closeStdout(): void {
    this.process.stdout?.destroy();
  }

  /** Resolves with the ports when it serves. */
  async ports(): Promise<{ grpc: number; rest: number }> {
    await this.until(() => expect(this.stdout).toMatch(/Point an Envoy at it:[\s\S]*\n\n$/));
    const [grpc, rest] = [/gRPC +127\.0\.0\.1:(\d+)/, /http:\/\/127\.0\.0\.1:(\d+)/].map((line) =>
      line.exec(this.stdout),
    );
    return { grpc: Number(grpc?.[1]), rest: Number(rest?.[1]) };
  }

  log(): LogLine[] {
    const lines = this.stderr.split("\n").filter((line) => line.startsWith("{"));
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  /** Resolves when the log has a line with these fields. */
  async logged(fields: object): Promise<void> {
    await this.until(() => expect(this.log()).toContainEqual(expect.objectContaining(fields)));
  }

  private async until(assertion: () => void): Promise<void> {
    await vi.waitFor(assertion, { timeout: 10_000, interval: 10 });
  }
}
