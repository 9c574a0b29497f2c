import { Option } from "commander";
import { complain } from "./output.js";

/** `--service`, "ads" by default. Its former value "own" is still accepted for "separate", with a warning. */
export function serviceOption(description: string, choices: readonly string[]): Option {
  const option = new Option("--service <service>", description).choices(choices).default("ads");
  const { parseArg } = option;
  return option.argParser((value, previous: unknown) => {
    if (value !== "own") return parseArg?.(value, previous);
    complain("--service own is now called --service separate");
    return "separate";
  });
}
