import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/cli/terminal/signals.js
import { isatty } from "node:tty";
var signals = [
  ["SIGINT", 2],
  ["SIGTERM", 15]
];
function endOnSignals() {
  if (process.pid !== 1)
    return;
  for (const [signal, number] of signals)
    process.on(signal, () => process.listenerCount(signal) > 1 || process.exit(128 + number));
}
var handled = /* @__PURE__ */ new Set();
var isHandled = (signal) => handled.has(signal);
function ending() {
  for (const [signal] of signals)
    handled.add(signal);
  return new Promise((resolve) => {
    let isEnding = false;
    for (const [signal, number] of signals)
      process.on(signal, () => {
        if (isEnding)
          process.exit(128 + number);
        isEnding = true;
        resolve(signal);
      });
  });
}
var act;
var isHeld = false;
function holdHangups() {
  handled.add("SIGHUP");
  const isTerminal = (fd) => isatty(fd);
  const terminals = [0, 1, 2].filter(isTerminal);
  process.on("SIGHUP", () => {
    if (terminals.every(isTerminal)) {
      if (act)
        act();
      else
        isHeld = true;
      return;
    }
    process.once("exit", () => {
      process.removeAllListeners("SIGHUP");
      process.kill(process.pid, "SIGHUP");
    });
    process.kill(process.pid, "SIGTERM");
  });
}
function onHangup(does) {
  act = does;
  if (isHeld)
    does();
}
function endOnHangup() {
  handled.delete("SIGHUP");
  process.removeAllListeners("SIGHUP");
  if (isHeld)
    process.kill(process.pid, "SIGHUP");
}

export {
  endOnSignals,
  isHandled,
  ending,
  holdHangups,
  onHangup,
  endOnHangup
};
