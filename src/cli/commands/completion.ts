import { Argument, type Command } from "commander";
import { addExamples, completionsOf, type Exit } from "../terminal/command.js";

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
    ["source <(xds completion bash)", "completes in this shell; put the line into ~/.bashrc for all shells"],
    ["xds completion zsh > ~/.zsh/completions/_xds", "completes in each new zsh, if ~/.zsh/completions is in $fpath"],
  ]);
}

/** The script. One function, which both shells can run, finds the possible next words. Calling it differs by shell. */
function completionScript(program: Command, isZsh: boolean): string {
  const name = program.name();
  const paths = commandPaths(program, "");
  const steps = paths.flatMap(({ path, command }) =>
    command.commands.map(
      (sub) => `      ${quoted(`${path}|${sub.name()}`)}) called=${quoted(joined(path, sub.name()))} place=0 ;;`,
    ),
  );
  const valued = paths.flatMap(({ path, command }) =>
    command.options
      .filter(({ required, optional }) => required || optional)
      .map((option) => ({
        flags: [option.short, option.long].flatMap((flag) => (flag ? [quoted(`${path}|${flag}`)] : [])).join("|"),
        words: completionsOf(option),
      })),
  );
  const choices = valued.map(({ flags, words }) => `    ${flags}) answers=${quotedList(words)} ;;`);
  const answers = paths.flatMap(({ path, command: { commands, registeredArguments } }) => [
    ...(commands.length > 0
      ? [`      ${quoted(`${path}|0`)}) answers=${quotedList(commands.map((sub) => sub.name()))} ;;`]
      : []),
    ...registeredArguments.map((argument, place) => {
      const places = argument.variadic ? `${quoted(`${path}|`)}*` : quoted(`${path}|${place}`);
      return `      ${places}) answers=${quotedList(completionsOf(argument))} ;;`;
    }),
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
  return isZsh ? `#compdef ${name}\n${words}${zshFunction(name)}` : words + bashFunction(name);
}

const bashFunction = (name: string) => `_${name}_complete() {
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

/** Works both as a file in $fpath, which zsh runs at its first use, and as a sourced file. */
const zshFunction = (name: string) => `_${name}() {
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

function commandPaths(command: Command, path: string): { path: string; command: Command }[] {
  const below = command.commands.flatMap((sub) => commandPaths(sub, joined(path, sub.name())));
  return [{ path, command }, ...below];
}

const joined = (path: string, name: string) => (path === "" ? name : `${path} ${name}`);
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const quotedList = (words: readonly string[]) => quoted(words.join(" "));

const optionsOf = ({ options }: Command): string[] => [
  ...options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : [])),
  "--help",
];
