import { type ErrorCode, messageOf, XdsError } from "../errors.js";
import type { Logger } from "../logger.js";

/** How many lines a minute may tell of errors with one code. */
const mostLines = 20;
const minute = 60_000;

/** What an operator should hear of. All else is told in debug: the client hears of it, and most of it heals by itself. */
const levels: Partial<Record<ErrorCode, "info" | "warn" | "error">> = {
  INTERNAL: "error",
  LIMIT_EXCEEDED: "warn",
  REQUEST_TOO_LARGE: "warn",
  PERMISSION_DENIED: "warn",
  INVALID_REQUEST: "info",
  NOT_READY: "info",
};

const refusals = { stream: "a stream is ended", request: "a request is refused" };

/**
 * Logs which streams and requests ended with an error. Clients that are refused come back at once, and may be thousands, so lines are
 * rationed: 20 a minute for each code. How many were left out meanwhile is in the next line, as `unlogged`.
 */
export class RefusalLog {
  private readonly rations = new Map<ErrorCode, { readonly since: number; lines: number; unlogged: number }>();

  constructor(private readonly logger: Logger) {}

  tell(what: "stream" | "request", error: unknown, fields: object, now = performance.now()): void {
    const code = error instanceof XdsError ? error.code : "INTERNAL";
    const level = levels[code] ?? "debug";
    const message = code === "INTERNAL" ? `a ${what} fails` : refusals[what];
    if (level === "debug") {
      this.logger.debug({ ...fields, error: messageOf(error) }, message);
      return;
    }
    const ration = this.ration(code, now);
    if (ration.lines === mostLines) {
      ration.unlogged++;
      return;
    }
    const { unlogged } = ration;
    ration.lines++;
    ration.unlogged = 0;
    this.logger[level]({ ...fields, error: messageOf(error), ...(unlogged > 0 && { unlogged }) }, message);
  }

  private ration(code: ErrorCode, now: number) {
    const last = this.rations.get(code);
    if (last && now - last.since < minute) return last;
    const next = { since: now, lines: 0, unlogged: last?.unlogged ?? 0 };
    this.rations.set(code, next);
    return next;
  }
}
