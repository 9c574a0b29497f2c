import { pino } from "pino";
import { type Logger, silentLogger } from "../../logger.js";
import { printable, printableLines } from "../../printable.js";
import { openLogOutput } from "./log-output.js";

export type Log = Logger;
/** A log whose level can be changed. */
export type LeveledLog = Log & { level: string };

export type LogFormat = "auto" | "json" | "pretty";

/**
 * The program's log, on stderr: lines for people, or one JSON object a line. `auto` means lines for people on a
 * terminal. Each line has `fields`.
 */
export function createLog(level: string, format: LogFormat, fields: object | null = null): LeveledLog {
  const options = { level, base: fields, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelName } };
  const isPretty = format === "pretty" || (format === "auto" && process.stderr.isTTY);
  const output = openLogOutput((lines) =>
    log.error({ lines }, "lines of the log were lost: they could not be written"),
  );
  const write = (line: string) => void output.write(isPretty ? readableLine(line) : printableLines(line));
  const log = pino(options, { write });
  return log;
}

const levelName = (level: string) => ({ level });

/** A line of the log for people: `12:00:00.000 info  serving  clusters=1 listeners=2`. */
export function readableLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${withFields(String(msg), fields)}\n`;
}

const tell = (fields: object, message: string) => {
  process.stderr.write(`xds: ${withFields(message, fields)}\n`);
};

/** The log of commands that print findings and end: only warnings and errors, formatted like the program's messages. */
export const plainLog: Log = { ...silentLogger, warn: tell, error: tell };

function withFields(message: string, fields: object): string {
  const values = Object.entries(fields).map(([name, value]) => ` ${name}=${readable(value)}`);
  return printable(message) + (values.length > 0 ? ` ${values.join("")}` : "");
}

function readable(value: unknown): string {
  if (typeof value === "string" && /^[\w.:/@~+-]+$/.test(value)) return value;
  return printable(JSON.stringify(value));
}
