import { readFileSync } from "node:fs";
import { type AddHelpTextContext, Command } from "commander";
import { nearest } from "../source/nearest.js";
import type { Exit } from "./command.js";
import { addCompletion } from "./completion.js";
import { complain } from "./output.js";

type Add = (program: Command, exit: Exit) => void;

/** The commands, in the order of the help. What a command needs is loaded when it is called. */
const commands: ReadonlyMap<string, () => Promise<Add>> = new Map([
  ["serve", async () => (await import("./serve.js")).addServe],
  ["validate", async () => (await import("./validate.js")).addValidate],
  ["bootstrap", async () => (await import("./bootstrap.js")).addBootstrap],
  ["get", async () => (await import("./get.js")).addGet],
  ["watch", async () => (await import("./watch.js")).addWatch],
  ["status", async () => (await import("./status.js")).addStatus],
  ["diff", async () => (await import("./diff.js")).addDiff],
  ["explain", async () => (await import("./explain.js")).addExplain],
  ["schema", async () => (await import("./schema.js")).addSchema],
]);

/**
 * The program `xds` with all its commands; where `called` is one of them, that one is enough. `exit` is given the exit code of the
 * one that ran.
 */
export async function createProgram(exit: Exit, called = ""): Promise<Command> {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const program = new Command("xds")
    .description("An xDS management server for Envoy and gRPC, and tools for any other.")
    .version(version)
    .configureHelp({ minWidthToWrap: 20 }) // the longest flags leave little of 80 columns
    .showHelpAfterError("(xds --help, or xds <command> --help, tells how it is called)")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "xds: ")) })
    .addHelpText("beforeAll", checkHelp)
    .hook("preAction", warnOfVariables)
    .exitOverride();
  const one = commands.get(called);
  for (const add of await Promise.all(one ? [one()] : Array.from(commands.values(), (load) => load())))
    add(program, exit);
  addCompletion(program, exit);
  program.addHelpText(
    "after",
    "\n`xds <command> --help` tells more, with examples. To begin with: xds serve config/, or xds serve envoy.yaml",
  );
  return program;
}

/** Refuses `xds help frob` and `xds frob --help`, which commander answers with the help of all commands. */
function checkHelp({ command }: AddHelpTextContext): string {
  const [called = "", of] = command.args;
  const name = called === "help" ? of : called;
  const names = command.commands.map((known) => known.name());
  if (!name || name.startsWith("-") || name === "help" || names.length === 0 || names.includes(name)) return "";
  const meant = nearest(name, names);
  return command.error(`error: unknown command '${name}'${meant ? `\n(Did you mean ${meant}?)` : ""}`);
}

async function warnOfVariables(): Promise<void> {
  if (!Object.keys(process.env).some((name) => name.startsWith("XDS_"))) return;
  const { ignoredVariables } = await import("./ignored-variables.js"); // most commands do without what it needs
  for (const line of ignoredVariables(process.env)) complain(line);
}
