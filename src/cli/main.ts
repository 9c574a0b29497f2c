#!/usr/bin/env node
import { CommanderError } from "commander";
import { messageOf, XdsError } from "../errors.js";
import { NoConfiguration, UsageError } from "./command.js";
import { endOnSignals } from "./ending.js";
import { logOutput } from "./log-output.js";
import { complain } from "./output.js";
import { createProgram } from "./program.js";

/** Exit codes: 0 fine, 1 findings or a failure, 2 it was called in a way that cannot be. */
async function main(args: readonly string[]): Promise<number> {
  // What gRPC has to tell comes in the program's own words; Node's warnings of what gRPC uses no user can heed.
  process.env.GRPC_VERBOSITY ??= "NONE";
  process.noDeprecation = true;
  // An empty variable is one that is not set: it comes of `${NAME:-}` in the files of others.
  for (const name of Object.keys(process.env))
    if (name.startsWith("XDS_") && !process.env[name]) delete process.env[name];
  let exitCode = 0;
  const exit = (code: number) => {
    exitCode = code;
  };
  try {
    const program = await createProgram(exit, args[0]);
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    // What commander throws it has said already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isPlain =
      [XdsError, UsageError, NoConfiguration].some((kind) => error instanceof kind) || !(error instanceof Error);
    complain(isPlain ? messageOf(error) : (error.stack ?? error.message));
    return error instanceof UsageError ? 2 : 1;
  }
}

endOnSignals();
// Whoever reads the output may have gone (`xds serve … | head`); that ends only what was to print.
let isUnwritten = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE" || isUnwritten) return;
  isUnwritten = true;
  complain(`the output could not be written: ${error.message}`);
});
process.stderr.on("error", () => {});
const exitCode = await main(process.argv.slice(2));
// A pipe takes what was printed only later.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
await logOutput.written(1_000);
process.exit(isUnwritten ? exitCode || 1 : exitCode);
