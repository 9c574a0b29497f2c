import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addBootstrap } from "./bootstrap.js";
import type { Exit } from "./command.js";
import { addCompletion } from "./completion.js";
import { addDiff } from "./diff.js";
import { addExplain } from "./explain.js";
import { addGet } from "./get.js";
import { addServe } from "./serve.js";
import { addStatus } from "./status.js";
import { addValidate } from "./validate.js";
import { addWatch } from "./watch.js";

/** The commands, in the order of the help. */
const commands: readonly ((program: Command, exit: Exit) => void)[] = [
  addServe,
  addValidate,
  addBootstrap,
  addGet,
  addWatch,
  addStatus,
  addDiff,
  addExplain,
  addCompletion,
];

/** The program `xds` with all its commands; `exit` is given the exit code of the one that ran. */
export function createProgram(exit: Exit): Command {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const program = new Command("xds")
    .description("An xDS management server for Envoy and gRPC, and tools for any other.")
    .version(version)
    .showHelpAfterError("(xds --help, or xds <command> --help, tells how it is called)")
    .exitOverride();
  for (const add of commands) add(program, exit);
  return program;
}
