import { pino } from "pino";
import type { Logger } from "../logger.js";

export type Log = Logger;

/** The program's log, on stderr: lines for people on a terminal, else one JSON object a line. */
export function createLog(): Log {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelName } };
  // Written at once, so that nothing is lost when the process ends.
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  return pino(options, { write: (line) => process.stderr.write(readableLine(line)) });
}

const levelName = (level: string) => ({ level });

/** A line of the log for people: `12:00:00.000 info  serving  clusters=1 listeners=2`. */
export function readableLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const values = Object.entries(fields).map(([name, value]) => ` ${name}=${readable(value)}`);
  const end = values.length > 0 ? ` ${values.join("")}` : "";
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${printable(String(msg))}${end}\n`;
}

function readable(value: unknown): string {
  if (typeof value === "string" && /^[\w.:/@~+-]+$/.test(value)) return value;
  return printable(JSON.stringify(value));
}

/** Clients choose some of what is logged, and are not to move the terminal's cursor by it. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
