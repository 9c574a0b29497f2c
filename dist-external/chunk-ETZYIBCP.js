import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  openLogOutput
} from "./chunk-OTIELJGT.js";
import {
  silentLogger
} from "./chunk-MN2RV65N.js";
import {
  printable,
  printableLines
} from "./chunk-JESIV7YD.js";

// dist/cli/terminal/log.js
import { pino } from "pino";
function createLog(level, format) {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelName } };
  const isPretty = format === "pretty" || format === "auto" && process.stderr.isTTY;
  const output = openLogOutput((lines) => log.error({ lines }, "lines of the log were lost: they could not be written"));
  const write = (line) => void output.write(isPretty ? readableLine(line) : printableLines(line));
  const log = pino(options, { write });
  return log;
}
var levelName = (level) => ({ level });
function readableLine(line) {
  const { level, time, msg, ...fields } = JSON.parse(line);
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${withFields(String(msg), fields)}
`;
}
var tell = (fields, message) => {
  process.stderr.write(`xds: ${withFields(message, fields)}
`);
};
var plainLog = { ...silentLogger, warn: tell, error: tell };
function withFields(message, fields) {
  const values = Object.entries(fields).map(([name, value]) => ` ${name}=${readable(value)}`);
  return printable(message) + (values.length > 0 ? ` ${values.join("")}` : "");
}
function readable(value) {
  if (typeof value === "string" && /^[\w.:/@~+-]+$/.test(value))
    return value;
  return printable(JSON.stringify(value));
}

// dist/cli/settings/state-directory.js
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
function defaultStateDirectory(paths, environment = process.env) {
  const { XDG_STATE_HOME: given = "" } = environment;
  const base = isAbsolute(given) ? given : join(homedir(), ".local", "state");
  const absolute = paths.map((path) => resolve(path)).sort();
  const hash = createHash("sha256").update(JSON.stringify(absolute)).digest("hex");
  return join(base, "ts-control-plane", hash.slice(0, 12));
}

export {
  defaultStateDirectory,
  createLog,
  plainLog
};
