import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, inject, onTestFinished } from "vitest";
import { eventually } from "../e2e/eventually.js";

/** A line of the program's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The environment without what is set for the tests themselves, such as XDS_REQUIRE_ENVOY. */
export const outerEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("XDS_"))),
  XDS_STATE_DIR: "memory", // nothing of a test stays on the machine
});

/** The environment of a program: tests run beside each other, so none takes the usual admin port. */
export const environmentWith = (variables?: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...outerEnvironment(),
  XDS_ADMIN_PORT: "0",
  ...variables,
});

/** How a program is started, where not as all are. */
export interface Start {
  readonly cwd?: string;
  /** Of the environment, besides. */
  readonly variables?: NodeJS.ProcessEnv;
  /** Installed for this test. */
  readonly binary?: string;
}

/** The program `xds`, installed from the packed package, running. */
export class Program {
  stdout = "";
  stderr = "";
  private readonly process: ChildProcess;
  private readonly lines: LogLine[] = [];
  /** Until where stderr is in `lines`. */
  private readUntil = 0;
  private readonly exited: Promise<unknown[]>;

  constructor(args: readonly string[], { cwd, variables, binary = inject("xds") }: Start = {}) {
    const env = environmentWith(variables);
    this.process = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], env, ...(cwd && { cwd }) });
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

  /** Sends a signal in the moment in which this has been printed. */
  signalOncePrinted(pattern: RegExp, signal: NodeJS.Signals): void {
    const look = () => {
      if (!pattern.test(this.stdout)) return;
      this.process.stdout?.off("data", look);
      this.signal(signal);
    };
    this.process.stdout?.on("data", look);
  }

  /** Reads nothing of its log for now. */
  stallLog(): void {
    this.process.stderr?.pause();
  }

  readLog(): void {
    this.process.stderr?.resume();
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** Closes our end of what it prints to. */
  closeStdout(): void {
    this.process.stdout?.destroy();
  }

  /** Resolves when it has printed this. */
  async printed(pattern: RegExp): Promise<void> {
    await this.until(() => expect(this.stdout).toMatch(pattern));
  }

  /** Resolves with the ports when it serves. */
  async ports(): Promise<{ grpc: number; rest: number; admin: number }> {
    await this.until(() => expect(this.stdout, this.stderr).toMatch(/Point an Envoy at it:[\s\S]*\n\n$/));
    const lines = [/gRPC +\S+:(\d+)\n/, /REST +\S+:(\d+)\//, /Admin port +\S+:(\d+)\n/];
    const [grpc, rest, admin] = lines.map((line) => Number(line.exec(this.stdout)?.[1]));
    return { grpc: grpc as number, rest: rest as number, admin: admin as number };
  }

  log(): LogLine[] {
    for (
      let end = this.stderr.indexOf("\n", this.readUntil);
      end >= 0;
      end = this.stderr.indexOf("\n", this.readUntil)
    ) {
      const line = this.stderr.slice(this.readUntil, end);
      this.readUntil = end + 1;
      if (line.startsWith("{")) this.lines.push(JSON.parse(line) as LogLine);
    }
    return [...this.lines];
  }

  /** Resolves when the log has a line with these fields. */
  async logged(fields: object): Promise<void> {
    await this.until(() => expect(this.log()).toContainEqual(expect.objectContaining(fields)));
  }

  private async until(assertion: () => void): Promise<void> {
    await eventually(assertion); // on a busy machine a start takes ten seconds
  }
}

/** A command that has ended. */
export interface Ended {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(program: Program): Promise<Ended> {
  const code = await program.end();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/**
 * Runs a command to its end; `in`: in a folder; `with`: with variables; `start`, `startWith`: it is ended with the test
 * at the latest; `shell`: by a line of a shell in which it is `"$@"`.
 */
export const xds = Object.assign((...args: string[]) => ended(new Program(args)), {
  in: (cwd: string, ...args: string[]) => ended(new Program(args, { cwd })),
  with: (variables: NodeJS.ProcessEnv, ...args: string[]) => ended(new Program(args, { variables })),
  start: (...args: string[]) => endedWithTest(new Program(args)),
  startWith: (variables: NodeJS.ProcessEnv, ...args: string[]) => endedWithTest(new Program(args, { variables })),
  shell: (line: string, ...args: string[]) =>
    endedWithTest(new Program(["-c", line, "sh", inject("xds"), ...args], { binary: "sh" })),
});

function endedWithTest(program: Program): Program {
  onTestFinished(async () => {
    program.signal("SIGKILL");
    await program.end();
  });
  return program;
}
