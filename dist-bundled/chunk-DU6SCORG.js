import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  printableCut
} from "./chunk-JESIV7YD.js";

// dist/network.js
var mapped = /^::ffff:(?=\d+\.)/i;
function networkOf(peer) {
  const address = peer.replace(/:\d+$/, "").replace(mapped, "");
  if (!address.includes(":"))
    return address;
  const [head = "", tail = ""] = address.replace(/%.*$/, "").split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === "" ? [] : tail.split(":");
  while (groups.length + last.length < 8)
    groups.push("0");
  return `${[...groups, ...last].slice(0, 4).join(":")}::/64`;
}

// dist/rationed-log.js
var windowMs = 1e4;
var linesPerPeer = 10;
var linesPerKind = 100;
var RationedLog = class {
  logger;
  kinds = /* @__PURE__ */ new Map();
  /** End of the current window, by `performance.now()`. */
  windowEnd = 0;
  /** Runs until the end of the window if lines were left out in it. */
  timer;
  isClosed = false;
  constructor(logger) {
    this.logger = logger;
  }
  debug(fields, message, kind = message) {
    this.put("debug", fields, message, kind);
  }
  info(fields, message, kind = message) {
    this.put("info", fields, message, kind);
  }
  warn(fields, message, kind = message) {
    this.put("warn", fields, message, kind);
  }
  error(fields, message, kind = message) {
    this.put("error", fields, message, kind);
  }
  /** Logs how many lines were left out so far. Later lines are still limited, but no longer counted. */
  close() {
    this.isClosed = true;
    this.reportLeftOut();
  }
  put(level, fields, message, kind) {
    if (this.isAllowed(level, fields, kind))
      this.logger[level](cutAll(fields), message);
  }
  isAllowed(level, fields, name) {
    const kind = this.kindOf(level, name);
    const address = addressOf(fields);
    const peerCounts = kind.peers.get(address);
    if (kind.written === linesPerKind || peerCounts?.written === linesPerPeer) {
      kind.leftOut++;
      if (peerCounts)
        peerCounts.leftOut++;
      this.reportLater();
      return false;
    }
    kind.written++;
    if (peerCounts)
      peerCounts.written++;
    else
      kind.peers.set(address, { written: 1, leftOut: 0 });
    return true;
  }
  kindOf(level, name) {
    const now = performance.now();
    if (now >= this.windowEnd) {
      this.reportLeftOut();
      this.windowEnd = now + windowMs;
    }
    let kind = this.kinds.get(name);
    if (!kind) {
      kind = { level, written: 0, leftOut: 0, peers: /* @__PURE__ */ new Map() };
      this.kinds.set(name, kind);
    }
    return kind;
  }
  reportLater() {
    if (this.timer || this.isClosed)
      return;
    this.timer = setTimeout(() => this.reportLeftOut(), this.windowEnd - performance.now());
    this.timer.unref();
  }
  /** Logs one line for each kind with left-out lines, with the known address that caused most of them. */
  reportLeftOut() {
    clearTimeout(this.timer);
    this.timer = void 0;
    const ended = [...this.kinds];
    this.kinds.clear();
    for (const [kind, { level, leftOut, peers }] of ended) {
      if (leftOut === 0)
        continue;
      const [address, most] = [...peers].reduce((a, b) => b[1].leftOut > a[1].leftOut ? b : a);
      const mostly = most.leftOut > 0 && address !== "" ? { address, ofAddress: most.leftOut } : {};
      this.logger[level]({ kind, leftOut, ...mostly }, "lines were left out of the log");
    }
  }
};
function addressOf(fields) {
  const { peer } = fields;
  return typeof peer === "string" ? networkOf(peer) : "";
}
function cutAll(value) {
  if (typeof value === "string")
    return printableCut(value);
  if (Array.isArray(value))
    return value.map(cutAll);
  if (typeof value !== "object" || value === null)
    return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, cutAll(of)]));
}

export {
  networkOf,
  RationedLog
};
