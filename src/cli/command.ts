import { type Argument, type Command, InvalidArgumentError, Option } from "commander";
import { type OutputFormat, outputFormats } from "./output.js";

/** Takes the exit code of a command: 0 fine, 1 findings or a failure, 2 called in a way that cannot be. */
export type Exit = (code: number) => void;

/** The command was called in a way that cannot be: exit code 2. The message says what was expected, what came and what to do. */
export class UsageError extends Error {}

/** A configuration cannot be had: exit code 1. */
export class NoConfiguration extends Error {}

/** Adds to a command's help how it is called: each example with what it does. */
export function addExamples(command: Command, examples: readonly (readonly [call: string, does: string])[]): Command {
  const lines = examples.map(([call, does]) => `  ${call}\n      ${does}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

const completions = new WeakMap<Argument | Option, readonly string[]>();

/**
 * Has a shell complete these words, where more than they may be given, or the help says them otherwise; {@link unknownWords}: nothing,
 * not even files.
 */
export function completedWith<T extends Argument | Option>(of: T, words: readonly string[]): T {
  completions.set(of, words);
  return of;
}

export const unknownWords: readonly string[] = [" "];

/** What a shell completes for an argument or an option; nothing: names of files. */
export const completionsOf = (of: Argument | Option): readonly string[] => completions.get(of) ?? of.argChoices ?? [];

/** `-o table|json|yaml`, which every command has that prints data; `more` are formats of the command's own. */
export function outputOption(...more: readonly string[]): Option {
  return new Option("-o, --output <format>", "how to print").choices([...outputFormats, ...more]).default("table");
}

export interface OutputOptions {
  readonly output: OutputFormat;
}

/** A port from 0 to 65535. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a port from 0 to 65535.");
}

/** A whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError("Expected a whole number from 1.");
}

/** A whole number from 1 to 100. */
export function parsePercent(text: string): number {
  const percent = Number(text);
  if (/^\d{1,3}$/.test(text) && percent >= 1 && percent <= 100) return percent;
  throw new InvalidArgumentError("Expected a whole number from 1 to 100.");
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A time such as 500ms, 30s, 5m or 1.5h, in milliseconds; more than 0, and at most 20 days, for timers take no more. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * (durationUnits[unit ?? ""] ?? Number.NaN);
  if (ms > 0 && ms <= 480 * 3_600_000) return ms;
  throw new InvalidArgumentError("Expected a time such as 500ms, 30s, 5m or 1h, up to 480h.");
}

const byteUnits: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A size such as 4096, 512KiB or 16MiB, in bytes; from 1 to 2 GiB. */
export function parseBytes(text: string): number {
  const [, number, unit] = /^(\d+)(|KiB|MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(number) * (byteUnits[unit ?? "-"] ?? Number.NaN);
  if (bytes >= 1 && bytes <= 2 ** 31) return bytes;
  throw new InvalidArgumentError("Expected a size such as 4096, 512KiB or 16MiB, up to 2GiB.");
}
