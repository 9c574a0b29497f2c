import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  outputFormats
} from "./chunk-VMMSHLDO.js";

// dist/cli/terminal/command.js
import { InvalidArgumentError, Option } from "commander";
var UsageError = class extends Error {
};
var NoConfiguration = class extends Error {
};
function addExamples(command, examples) {
  const lines = examples.map(([call, does]) => `  ${call}
      ${does}`);
  return command.addHelpText("after", `
Examples:
${lines.join("\n")}`);
}
var completions = /* @__PURE__ */ new WeakMap();
function completedWith(of, words) {
  completions.set(of, words);
  return of;
}
var unknownWords = [" "];
var completionsOf = (of) => completions.get(of) ?? of.argChoices ?? [];
function outputOption(...more) {
  return new Option("-o, --output <format>", "output format").choices([...outputFormats, ...more]).default("table");
}
function parsePort(text) {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65535)
    return port;
  throw new InvalidArgumentError("expected 0 to 65535");
}
function parseCount(text) {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count))
    return count;
  throw new InvalidArgumentError("expected a whole number from 1");
}
function parsePercent(text) {
  const percent = Number(text);
  if (/^\d{1,3}$/.test(text) && percent >= 1 && percent <= 100)
    return percent;
  throw new InvalidArgumentError("expected a whole number from 1 to 100");
}
var durationUnits = { ms: 1, s: 1e3, m: 6e4, h: 36e5 };
function parseDuration(text) {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * (durationUnits[unit ?? ""] ?? Number.NaN);
  if (ms > 0 && ms <= 480 * 36e5)
    return ms;
  throw new InvalidArgumentError("expected a time such as 500ms, 30s, 5m or 1h, up to 480h");
}
var byteUnits = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
function parseBytes(text) {
  const [, number, unit] = /^(\d+)(|KiB|MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(number) * (byteUnits[unit ?? "-"] ?? Number.NaN);
  if (bytes >= 1 && bytes <= 2 ** 31)
    return bytes;
  throw new InvalidArgumentError("expected a size such as 4096, 512KiB or 16MiB, up to 2GiB");
}

export {
  UsageError,
  NoConfiguration,
  addExamples,
  completedWith,
  unknownWords,
  completionsOf,
  outputOption,
  parsePort,
  parseCount,
  parsePercent,
  parseDuration,
  parseBytes
};
