import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  closeAll
} from "./chunk-HR4TENBB.js";
import {
  logWritten
} from "./chunk-Q7XJEDFK.js";
import {
  Argument,
  Command,
  CommanderError,
  NoConfiguration,
  UsageError,
  addExamples,
  completionsOf
} from "./chunk-J3J7LZXM.js";
import {
  complain
} from "./chunk-R2MMVVGI.js";
import "./chunk-JXEHVJSA.js";
import {
  nearest
} from "./chunk-QXKIQDKC.js";
import {
  printableLines
} from "./chunk-JESIV7YD.js";
import {
  packageVersion
} from "./chunk-5RCTYBO5.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/commands/completion.js
function addCompletion(program, exit) {
  const command = program.command("completion").summary("print a script that completes commands and options in a shell").description("Print a script that completes commands, options and their choices in bash or zsh.").addArgument(new Argument("<shell>").choices(["bash", "zsh"])).action((shell) => {
    process.stdout.write(completionScript(program, shell === "zsh"));
    exit(0);
  });
  addExamples(command, [
    ["source <(xds completion bash)", "completes in this shell; put the line into ~/.bashrc for all shells"],
    ["xds completion zsh > ~/.zsh/completions/_xds", "completes in each new zsh, if ~/.zsh/completions is in $fpath"]
  ]);
}
function completionScript(program, isZsh) {
  const name = program.name();
  const paths = commandPaths(program, "");
  const steps = paths.flatMap(({ path, command }) => command.commands.map((sub) => `      ${quoted(`${path}|${sub.name()}`)}) called=${quoted(joined(path, sub.name()))} place=0 ;;`));
  const valued = paths.flatMap(({ path, command }) => command.options.filter(({ required, optional }) => required || optional).map((option) => ({
    flags: [option.short, option.long].flatMap((flag) => flag ? [quoted(`${path}|${flag}`)] : []).join("|"),
    words: completionsOf(option)
  })));
  const choices = valued.map(({ flags, words: words2 }) => `    ${flags}) answers=${quotedList(words2)} ;;`);
  const answers = paths.flatMap(({ path, command: { commands: commands2, registeredArguments } }) => [
    ...commands2.length > 0 ? [`      ${quoted(`${path}|0`)}) answers=${quotedList(commands2.map((sub) => sub.name()))} ;;`] : [],
    ...registeredArguments.map((argument, place) => {
      const places = argument.variadic ? `${quoted(`${path}|`)}*` : quoted(`${path}|${place}`);
      return `      ${places}) answers=${quotedList(completionsOf(argument))} ;;`;
    })
  ]);
  const options = paths.map(({ path, command }) => `    ${quoted(path)}) options=${quotedList(optionsOf(command))} ;;`);
  const words = `# Arguments: the words before the one to complete. Sets answers (empty: complete files) and options.
_${name}_answers() {
  local word previous="" called="" place=0
  for word in "$@"; do
    case "$called|$word" in
${steps.join("\n")}
      *"|-"*) ;;
      *)
        case "$called|$previous" in
          ${valued.map(({ flags }) => flags).join("|\\\n          ")}) ;;
          *) place=$((place + 1)) ;;
        esac ;;
    esac
    previous="$word"
  done
  case "$called" in
${options.join("\n")}
  esac
  case "$called|$previous" in
${choices.join("\n")}
    *) case "$called|$place" in
${answers.join("\n")}
    esac ;;
  esac
}
`;
  return isZsh ? `#compdef ${name}
${words}${zshFunction(name)}` : words + bashFunction(name);
}
var bashFunction = (name) => `_${name}_complete() {
  local answers options word words=() before="" current="\${COMP_WORDS[COMP_CWORD]}" IFS=$' \\n'
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    # Bash splits --option=value, and host:port.
    if [[ "$word" == :* || "$before" == *: ]]; then words[\${#words[@]}-1]+="$word"
    elif [[ "$word" != = ]]; then words+=("$word")
    fi
    before="$word"
  done
  [[ "$current" == = ]] && current=""
  _${name}_answers "\${words[@]}"
  if [[ "$current" == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ "$answers" != "" ]]; then COMPREPLY=($(compgen -W "$answers" -- "$current"))
  else
    IFS=$'\\n' # names of files may have spaces
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _${name}_complete ${name}
`;
var zshFunction = (name) => `_${name}() {
  local answers options given=("\${(@)words[2,CURRENT-1]}")
  if [[ "$PREFIX" == --*=* ]]; then
    given+=("\${PREFIX%%=*}")
    compset -P '*='
  fi
  _${name}_answers "\${given[@]}"
  if [[ "$PREFIX" == -* ]]; then compadd -- \${=options}
  elif [[ "$answers" != "" ]]; then compadd -- \${=answers}
  else _files
  fi
}
if [[ "\${funcstack[1]}" == "_${name}" ]]; then _${name}; else compdef _${name} ${name}; fi
`;
function commandPaths(command, path) {
  const below = command.commands.flatMap((sub) => commandPaths(sub, joined(path, sub.name())));
  return [{ path, command }, ...below];
}
var joined = (path, name) => path === "" ? name : `${path} ${name}`;
var quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
var quotedList = (words) => quoted(words.join(" "));
var optionsOf = ({ options }) => [
  ...options.flatMap(({ long, hidden }) => long && !hidden ? [long] : []),
  "--help"
];

// dist/cli/program.js
var commands = /* @__PURE__ */ new Map([
  ["serve", async () => (await import("./serve-LR5O7IX2.js")).addServe],
  ["publish", async () => (await import("./publish-IUZNSN7H.js")).addPublish],
  ["validate", async () => (await import("./validate-OFRMAIC6.js")).addValidate],
  ["bootstrap", async () => (await import("./bootstrap-DYHPYEQP.js")).addBootstrap],
  ["get", async () => (await import("./get-LDBWU2ZD.js")).addGet],
  ["watch", async () => (await import("./watch-AB5FOXB6.js")).addWatch],
  ["status", async () => (await import("./status-EWF66YJU.js")).addStatus],
  ["diff", async () => (await import("./diff-RR4E3TF7.js")).addDiff],
  ["history", async () => (await import("./history-LKU5QD5I.js")).addHistory],
  ["undo", async () => (await import("./undo-N6ZZ6JOY.js")).addUndo],
  ["rollout", async () => (await import("./rollout-IDLAU4WQ.js")).addRollout],
  ["freeze", async () => (await import("./freeze-XKEK5X3C.js")).addFreeze],
  ["unfreeze", async () => (await import("./freeze-XKEK5X3C.js")).addUnfreeze],
  ["approve", async () => (await import("./approve-WUDPFBNK.js")).addApprove],
  ["audit", async () => (await import("./audit-QSB6T57T.js")).addAudit],
  ["explain", async () => (await import("./explain-BFIUBHS6.js")).addExplain],
  ["schema", async () => (await import("./schema-W36LV6HY.js")).addSchema],
  ["version", async () => (await import("./version-TNZLPSD4.js")).addVersion]
]);
async function createProgram(exit, called = "") {
  const program = new Command("xds").description("An xDS management server for Envoy and gRPC, and tools for any other.").version(packageVersion).configureHelp({ minWidthToWrap: 20 }).showHelpAfterError("(xds --help, or xds <command> --help, shows the usage)").configureOutput({
    outputError: (text, write) => write(printableLines(inOneSentence(text).replace(/^error: /, "xds: ")))
  }).addHelpText("beforeAll", checkHelp).hook("preAction", warnOfVariables).exitOverride();
  const one = commands.get(called);
  for (const add of await Promise.all(one ? [one()] : Array.from(commands.values(), (load) => load())))
    add(program, exit);
  addCompletion(program, exit);
  program.addHelpText("after", "\n`xds <command> --help` shows the details, with examples. Start with: xds serve config/, or xds serve envoy.yaml");
  return program;
}
var inOneSentence = (text) => text.replace(/^(.* is invalid(?: for argument '[^']*')?)\. (.*?)\.?\n$/s, (_, what, why) => {
  const words = why.replace(/^Allowed choices are/, "expected one of");
  const hint = / value 'tcp:.* from env/.test(what) ? '; Kubernetes set it for a Service named "xds": set enableServiceLinks: false in the pod' : "";
  return `${what}: ${words}${hint}${words.endsWith("?") ? "" : "."}
`;
});
function checkHelp({ command }) {
  const [called = "", of] = command.args;
  const name = called === "help" ? of : called;
  const names = command.commands.map((known) => known.name());
  if (!name || name.startsWith("-") || name === "help" || names.length === 0 || names.includes(name))
    return "";
  const meant = nearest(name, names);
  return command.error(`error: unknown command '${name}'${meant ? `
(Did you mean ${meant}?)` : ""}`);
}
async function warnOfVariables() {
  if (!Object.keys(process.env).some((name) => name.startsWith("XDS_")))
    return;
  const { ignoredVariables } = await import("./ignored-variables-LGNLH2GM.js");
  for (const line of ignoredVariables(process.env))
    complain(line);
}

// dist/cli/run.js
async function main(args) {
  process.env.GRPC_VERBOSITY ??= "NONE";
  process.noDeprecation = true;
  for (const name of Object.keys(process.env))
    if (name.startsWith("XDS_") && !process.env[name]) {
      if (name.startsWith("XDS_TLS_"))
        complain(`${name} in the environment is empty, so it has no effect`);
      delete process.env[name];
    }
  const ended = args.indexOf("--");
  if (args.slice(0, ended < 0 ? void 0 : ended).some((arg) => arg === "--help" || arg === "-h")) {
    for (const name of Object.keys(process.env))
      if (name.startsWith("XDS_"))
        delete process.env[name];
  }
  let exitCode = 0;
  const exit = (code) => {
    exitCode = code;
  };
  try {
    const program = await createProgram(exit, args[0]);
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? 0 : 2;
    const isPlain = [XdsError, UsageError, NoConfiguration].some((kind) => error instanceof kind) || !(error instanceof Error);
    complain(isPlain ? messageOf(error) : error.stack ?? error.message);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    await closeAll();
  }
}
async function run(args) {
  let isUnwritten = false;
  process.stdout.on("error", (error) => {
    if (error.code === "EPIPE" || isUnwritten)
      return;
    isUnwritten = true;
    complain(`the output could not be written: ${error.message}`);
  });
  process.stderr.on("error", () => {
  });
  const exitCode = await main(args);
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
  await logWritten(1e3);
  return isUnwritten ? exitCode || 1 : exitCode;
}
export {
  run
};
