import { type AddHelpTextContext, Command } from "commander";
import { packageVersion } from "../../gen/built-in.js";
import { nearest } from "../nearest.js";
import { printableLines } from "../printable.js";
import { addCompletion } from "./commands/completion.js";
import type { Exit } from "./terminal/command.js";
import { complain } from "./terminal/output.js";

type Add = (program: Command, exit: Exit) => void;

/** The commands, in the order of the help. Each command's module is loaded when the command is called. */
const commands: ReadonlyMap<string, () => Promise<Add>> = new Map([
  ["serve", async () => (await import("./commands/serve.js")).addServe],
  ["publish", async () => (await import("./commands/publish.js")).addPublish],
  ["validate", async () => (await import("./commands/validate.js")).addValidate],
  ["bootstrap", async () => (await import("./commands/bootstrap.js")).addBootstrap],
  ["get", async () => (await import("./commands/get.js")).addGet],
  ["watch", async () => (await import("./commands/watch.js")).addWatch],
  ["status", async () => (await import("./commands/status.js")).addStatus],
  ["diff", async () => (await import("./commands/diff.js")).addDiff],
  ["history", async () => (await import("./commands/history.js")).addHistory],
  ["undo", async () => (await import("./commands/undo.js")).addUndo],
  ["rollout", async () => (await import("./commands/rollout.js")).addRollout],
  ["freeze", async () => (await import("./commands/freeze.js")).addFreeze],
  ["unfreeze", async () => (await import("./commands/freeze.js")).addUnfreeze],
  ["approve", async () => (await import("./commands/approve.js")).addApprove],
  ["audit", async () => (await import("./commands/audit.js")).addAudit],
  ["explain", async () => (await import("./commands/explain.js")).addExplain],
  ["schema", async () => (await import("./commands/schema.js")).addSchema],
  ["version", async () => (await import("./commands/version.js")).addVersion],
]);

/**
 * Creates the program `xds` with all its commands, or only with the command `called` if there is one of that name.
 * `exit` receives the exit code of the command that ran.
 */
export async function createProgram(exit: Exit, called = ""): Promise<Command> {
  const program = new Command("xds")
    .description("An xDS management server for Envoy and gRPC, and tools for any other.")
    .version(packageVersion)
    .configureHelp({ minWidthToWrap: 20 }) // the longest flags leave few of 80 columns for the text
    .showHelpAfterError("(xds --help, or xds <command> --help, shows the usage)")
    .configureOutput({
      outputError: (text, write) => write(printableLines(inOneSentence(text).replace(/^error: /, "xds: "))),
    })
    .addHelpText("beforeAll", checkHelp)
    .hook("preAction", warnOfVariables)
    .exitOverride();
  const one = commands.get(called);
  for (const add of await Promise.all(one ? [one()] : Array.from(commands.values(), (load) => load())))
    add(program, exit);
  addCompletion(program, exit);
  program.addHelpText(
    "after",
    "\n`xds <command> --help` shows the details, with examples. Start with: xds serve config/, or xds serve envoy.yaml",
  );
  return program;
}

/** Joins the two sentences of commander's error for an invalid value. The second one is ours, or lists the choices. */
const inOneSentence = (text: string) =>
  text.replace(/^(.* is invalid(?: for argument '[^']*')?)\. (.*?)\.?\n$/s, (_, what: string, why: string) => {
    const words = why.replace(/^Allowed choices are/, "expected one of");
    // Kubernetes sets <NAME>_PORT for each Service.
    const hint = / value 'tcp:.* from env/.test(what)
      ? '; Kubernetes set it for a Service named "xds": set enableServiceLinks: false in the pod'
      : "";
    return `${what}: ${words}${hint}${words.endsWith("?") ? "" : "."}\n`;
  });

/** Ends `xds help frob` and `xds frob --help` with an error. Commander would print the help of all commands. */
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
  const { ignoredVariables } = await import("./settings/ignored-variables.js"); // loads modules that most commands do not need
  for (const line of ignoredVariables(process.env)) complain(line);
}
