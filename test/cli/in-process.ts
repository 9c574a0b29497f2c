import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { inject } from "vitest";
import { type Ended, environmentWith, type Start } from "./program.js";

/**
 * Runs a command of the installed program to its end in the process of the test, which takes a tenth of the time of a
 * process of its own. For commands whose output a test is about. What needs a process, takes {@link Program}: `serve`
 * and `watch`, signals, pipes, and all that goes by another API than the built-in one, as that holds for a whole
 * process.
 */
export const xdsHere = Object.assign((...args: string[]) => inTurn(args, {}), {
  in: (cwd: string, ...args: string[]) => inTurn(args, { cwd }),
  with: (variables: NodeJS.ProcessEnv, ...args: string[]) => inTurn(args, { variables }),
});

let last: Promise<unknown> = Promise.resolve();

/** Commands share the output, the environment and the folder of the process, so they run one after the other. */
function inTurn(args: readonly string[], start: Start): Promise<Ended> {
  const ended = last.then(() => runHere(args, start));
  last = ended.catch(() => {});
  return ended;
}

async function runHere(args: readonly string[], { cwd = process.cwd(), variables }: Start): Promise<Ended> {
  const main = await realpath(inject("xds"));
  const { run } = (await import(pathToFileURL(join(dirname(main), "run.js")).href)) as {
    run(args: readonly string[]): Promise<number>;
  };
  const outputs = [new Output(process.stdout), new Output(process.stderr)] as const;
  const before = { env: process.env, cwd: process.cwd() };
  process.env = environmentWith(variables);
  process.chdir(cwd);
  try {
    const code = await run(args);
    const [stdout, stderr] = outputs;
    return { code, stdout: stdout.text, stderr: stderr.text };
  } finally {
    process.chdir(before.cwd);
    process.env = before.env;
    for (const output of outputs) output.restore();
  }
}

/** Takes what is written to a stream of the process. */
class Output {
  text = "";
  private readonly write;
  private readonly listeners;

  constructor(private readonly stream: NodeJS.WriteStream) {
    this.write = stream.write;
    this.listeners = stream.listeners("error") as (() => void)[];
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      this.text += String(chunk);
      const done = rest.at(-1);
      if (typeof done === "function") queueMicrotask(() => done());
      return true;
    };
  }

  restore(): void {
    this.stream.write = this.write;
    this.stream.removeAllListeners("error");
    for (const listener of this.listeners) this.stream.on("error", listener);
  }
}
