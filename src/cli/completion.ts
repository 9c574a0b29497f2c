import { Argument, type Command } from "commander";
import { addExamples, type Exit } from "./command.js";

/** `xds completion`. */
export function addCompletion(program: Command, exit: Exit): void {
  const command = program
    .command("completion")
    .summary("print a script that completes commands and options in a shell")
    .description("Print a script that completes commands, options and their choices in bash or zsh.")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh"]))
    .action((shell: string) => {
      process.stdout.write(completionScript(program, shell === "zsh"));
      exit(0);
    });
  addExamples(command, [
    ["source <(xds completion bash)", "completes in this shell; put it into ~/.bashrc for all"],
    [
      "xds completion zsh > ~/.zsh/completions/_xds",
      "where ~/.zsh/completions is in $fpath, completes in every new zsh",
    ],
  ]);
}

/** One script for both shells: zsh reads that of bash. */
function completionScript(program: Command, isZsh: boolean): string {
  const name = program.name();
  const paths = commandPaths(program, "");
  const words = paths.map(({ path, command }) => `    ${quoted(path)}) words=${quoted(wordsOf(command).join(" "))} ;;`);
  const choices = paths.flatMap(({ path, command }) =>
    command.options.flatMap(({ short, long, argChoices }) =>
      [short, long].flatMap((flag) =>
        flag && argChoices ? [`    ${quoted(`${path}|${flag}`)}) words=${quoted(argChoices.join(" "))} ;;`] : [],
      ),
    ),
  );
  const head = isZsh ? `#compdef ${name}\nautoload -U +X bashcompinit && bashcompinit\n` : "";
  return `${head}_${name}_complete() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path|$word" in
${paths.flatMap(({ path, command }) => command.commands.map((sub) => `      ${quoted(`${path}|${sub.name()}`)}) path="${joined(path, sub.name())}" ;;`)).join("\n")}
    esac
  done
  case "$path" in
${words.join("\n")}
  esac
  case "$path|$previous" in
${choices.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  # Whatever is no option may be a file.
  if [[ "$current" != -* && "$path" != "" ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _${name}_complete ${name}
`;
}

function commandPaths(command: Command, path: string): { path: string; command: Command }[] {
  const below = command.commands.flatMap((sub) => commandPaths(sub, joined(path, sub.name())));
  return [{ path, command }, ...below];
}

const joined = (path: string, name: string) => (path === "" ? name : `${path} ${name}`);
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function wordsOf(command: Command): string[] {
  const options = command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : []));
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return [...command.commands.map((sub) => sub.name()), ...choices, ...options, "--help"];
}
