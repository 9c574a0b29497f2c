#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { messageOf, XdsError } from "../errors.js";
import { addServe } from "./serve.js";

/** Exit codes: 0 done, 1 it failed, 2 it was called in a way that cannot be. */
async function main(args: readonly string[]): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const program = new Command("xds")
    .description("An xDS management server for Envoy and gRPC.")
    .version(version)
    .showHelpAfterError("(xds --help, or xds <command> --help, tells how it is called)")
    .exitOverride();
  let exitCode = 0;
  addServe(program, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    // What commander throws it has said already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const text =
      error instanceof XdsError || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
    process.stderr.write(`xds: ${text}\n`);
    return 1;
  }
}

// Whoever reads the output may have gone (`xds serve … | head`); that ends nothing.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
process.exit(await main(process.argv.slice(2)));
