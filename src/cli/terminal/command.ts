import { type Argument, type Command, InvalidArgumentError, Option } from "commander";
import { type OutputFormat, outputFormats } from "./output.js";

/** Takes the exit code of a command: 0 fine, 1 findings or a failure, 2 wrong usage. */
export type Exit = (code: number) => void;

/** Wrong usage: exit code 2. The message says what was expected, what came and what to do. */
export class UsageError extends Error {}

/** A configuration cannot be read or fetched: exit code 1. */
export class NoConfiguration extends Error {}

/** Adds examples to a command's help: each call with what it does. */
export function addExamples(command: Command, examples: readonly (readonly [call: string, does: string])[]): Command {
  const lines = examples.map(([call, does]) => `  ${call}\n      ${does}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

const completions = new WeakMap<Argument | Option, readonly string[]>();

/**
 * Makes a shell complete these words. Use it where other words are allowed too, or where the help shows the words
 * differently. With {@link unknownWords} the shell completes nothing, not even files.
 */
export function completedWith<T extends Argument | Option>(of: T, words: readonly string[]): T {
  completions.set(of, words);
  return of;
}

export const unknownWords: readonly string[] = [" "];

/** The words that a shell completes for an argument or an option. If there are none, it completes names of files. */
export const completionsOf = (of: Argument | Option): readonly string[] => completions.get(of) ?? of.argChoices ?? [];

/** `-o table|json|yaml`, an option of every command that prints data. `more` are further formats of the command. */
export function outputOption(...more: readonly string[]): Option {
  return new Option("-o, --output <format>", "output format").choices([...outputFormats, ...more]).default("table");
}

export interface OutputOptions {
  readonly output: OutputFormat;
}

/** A port from 0 to 65535. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("expected 0 to 65535");
}

/** A whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError("expected a whole number from 1");
}

/** A whole number from 1 to 100. */
export function parsePercent(text: string): number {
  const percent = Number(text);
  if (/^\d{1,3}$/.test(text) && percent >= 1 && percent <= 100) return percent;
  throw new InvalidArgumentError("expected a whole number from 1 to 100");
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * A time such as 500ms, 30s, 5m or 1.5h, in milliseconds. It is more than 0, and at most 20 days, the limit of timers.
 */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * (durationUnits[unit ?? ""] ?? Number.NaN);
  if (ms > 0 && ms <= 480 * 3_600_000) return ms;
  throw new InvalidArgumentError("expected a time such as 500ms, 30s, 5m or 1h, up to 480h");
}

const byteUnits: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A size such as 4096, 512KiB or 16MiB, in bytes, from 1 to 2 GiB. */
export function parseBytes(text: string): number {
  const [, number, unit] = /^(\d+)(|KiB|MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(number) * (byteUnits[unit ?? "-"] ?? Number.NaN);
  if (bytes >= 1 && bytes <= 2 ** 31) return bytes;
  throw new InvalidArgumentError("expected a size such as 4096, 512KiB or 16MiB, up to 2GiB");
}
