import { CommanderError } from "commander";
import { messageOf, XdsError } from "../errors.js";
import { createProgram } from "./program.js";
import { closeAll } from "./terminal/at-end.js";
import { NoConfiguration, UsageError } from "./terminal/command.js";
import { logWritten } from "./terminal/log-output.js";
import { complain } from "./terminal/output.js";

/** Exit codes: 0 fine, 1 findings or a failure, 2 wrong usage. */
async function main(args: readonly string[]): Promise<number> {
  // The program reports gRPC's errors in its own words. Users can do nothing about Node's deprecation warnings.
  process.env.GRPC_VERBOSITY ??= "NONE";
  process.noDeprecation = true;
  // An empty variable counts as not set. Files of other programs make one with `${NAME:-}`.
  for (const name of Object.keys(process.env))
    if (name.startsWith("XDS_") && !process.env[name]) {
      if (name.startsWith("XDS_TLS_")) complain(`${name} in the environment is empty, so it has no effect`);
      delete process.env[name];
    }
  // Commander reads variables before it prints help, and would refuse a wrong one.
  const ended = args.indexOf("--");
  if (args.slice(0, ended < 0 ? undefined : ended).some((arg) => arg === "--help" || arg === "-h"))
    for (const name of Object.keys(process.env)) if (name.startsWith("XDS_")) delete process.env[name];
  let exitCode = 0;
  const exit = (code: number) => {
    exitCode = code;
  };
  try {
    const program = await createProgram(exit, args[0]);
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has already printed the errors that it throws.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isPlain =
      [XdsError, UsageError, NoConfiguration].some((kind) => error instanceof kind) || !(error instanceof Error);
    complain(isPlain ? messageOf(error) : (error.stack ?? error.message));
    return error instanceof UsageError ? 2 : 1;
  } finally {
    await closeAll();
  }
}

/** Runs the program `xds`. Resolves with its exit code when all output is written. */
export async function run(args: readonly string[]): Promise<number> {
  // If the reader of the output has gone (`xds serve … | head`), the program goes on without printing.
  let isUnwritten = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || isUnwritten) return;
    isUnwritten = true;
    complain(`the output could not be written: ${error.message}`);
  });
  process.stderr.on("error", () => {});
  const exitCode = await main(args);
  // A pipe can take the output later than it was printed.
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
  await logWritten(1_000);
  return isUnwritten ? exitCode || 1 : exitCode;
}
