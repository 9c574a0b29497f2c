import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  complain
} from "./chunk-VMMSHLDO.js";

// dist/cli/terminal/service-option.js
import { Option } from "commander";
function serviceOption(description, choices) {
  const option = new Option("--service <service>", description).choices(choices).default("ads");
  const { parseArg } = option;
  return option.argParser((value, previous) => {
    if (value !== "own")
      return parseArg?.(value, previous);
    complain("--service own is now called --service separate");
    return "separate";
  });
}

export {
  serviceOption
};
