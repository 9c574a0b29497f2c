import { type Command, InvalidArgumentError, Option } from "commander";
import { completedWith, UsageError } from "../terminal/command.js";
import {
  flagOf,
  type Setting,
  type SettingName,
  type Settings,
  settingNames,
  settings,
  variableOf,
} from "./settings.js";

/** Adds an option for each setting of these names, with its variable of the environment and its default. */
export function addSettings(command: Command, names: readonly SettingName[] = settingNames): void {
  for (const name of names) {
    const row: Setting<unknown> = settings[name];
    const option = optionOf(row).env(variableOf(row));
    if (row.default !== undefined) option.default(row.parse(row.default), row.default);
    completedWith(option, row.parse.choices ?? []);
    command.addOption(row.argument === undefined ? option : option.argParser(row.parse));
  }
}

const optionOf = (row: Setting<unknown>) =>
  new Option(row.argument === undefined ? flagOf(row) : `${flagOf(row)} ${row.argument}`, row.help);

/**
 * The settings of these names. A flag overrides the environment, then come the settings file and the default; commander
 * knows a value's source. `file` has parsed values by key. A setting for which the command has no option has no flag.
 * @throws UsageError, CommanderError for a variable of the environment that cannot be used
 */
export function resolveSettings<Name extends SettingName = SettingName>(
  command: Command,
  file: ReadonlyMap<string, unknown>,
  names: readonly Name[] = settingNames as readonly SettingName[] as readonly Name[],
): Pick<Settings, Name> {
  const flagless = names.filter((name) => !command.options.some((option) => option.long === flagOf(settings[name])));
  const others = command.createCommand().copyInheritedSettings(command);
  addSettings(others, flagless);
  others.parse([], { from: "user" });
  const values = names.map((name) => [
    name,
    settingValue(settings[name], flagless.includes(name) ? others : command, file),
  ]);
  return Object.fromEntries(values) as Pick<Settings, Name>;
}

function settingValue(row: Setting<unknown>, command: Command, file: ReadonlyMap<string, unknown>): unknown {
  const attribute = optionOf(row).attributeName();
  const source = command.getOptionValueSource(attribute);
  // To commander, an option without a value is on, whatever the variable's value is.
  if (source === "env" && row.argument === undefined) return ofVariable(row);
  const isGiven = source === "cli" || source === "env";
  return !isGiven && file.has(row.key) ? file.get(row.key) : command.getOptionValue(attribute);
}

function ofVariable(row: Setting<unknown>): unknown {
  const value = process.env[variableOf(row)] ?? "";
  try {
    return row.parse(value);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new UsageError(
      `option '${flagOf(row)}' value '${value}' from env '${variableOf(row)}' is invalid: ${error.message}`,
    );
  }
}
