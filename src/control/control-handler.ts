import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorCode, messageOf, XdsError } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import { printable } from "../printable.js";
import type { Control } from "./control.js";
import { readOrder } from "./request-body.js";
import { type Answer, type Caller, routeOf } from "./routes.js";

/** How long the body of an order can take to arrive, in milliseconds. */
const orderMs = 10_000;

/** HTTP statuses that differ from {@link XdsError.httpStatus}: here these errors are the caller's fault. */
const statuses: Partial<Record<ErrorCode, number>> = { INVALID_OPTION: 400, WRONG_STATE: 409, VERSION_IN_USE: 409 };

/** Answers requests below `/control/` in JSON. An error is `{error: {code, message}}`. */
export class ControlHandler {
  constructor(
    private readonly control: Control,
    private readonly logger: Logger = silentLogger,
    private readonly bodyMs = orderMs,
  ) {}

  /** Answers a request of this caller. It never throws. */
  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    try {
      const { method = "", url = "" } = request;
      const route = routeOf(this.control, method, url, caller);
      const body = route.needsBody ? await readOrder(request, this.bodyMs) : new Uint8Array();
      if (!route.needsBody) request.resume();
      await write(response, await route.answer(body));
    } catch (error) {
      if (!(error instanceof XdsError))
        this.logger.error({ url: request.url, error: messageOf(error) }, "an order could not be answered");
      sendControlError(response, error);
    }
  }
}

async function write(response: ServerResponse, answer: Answer): Promise<void> {
  const head = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  if ("bytes" in answer) {
    response.writeHead(200, { ...head, "content-type": "application/octet-stream" }).end(answer.bytes);
    return;
  }
  const json = { ...head, "content-type": "application/json" };
  if ("json" in answer) {
    response.writeHead(200, json).end(`${JSON.stringify(answer.json, undefined, 1)}\n`);
    return;
  }
  const items = answer.of[Symbol.asyncIterator]();
  try {
    let item = await items.next(); // before the headers, because most errors come here and need another status
    response.writeHead(200, json);
    let text = `{\n ${JSON.stringify(answer.list)}: [`;
    for (let separator = "\n  "; !item.done && !response.destroyed; item = await items.next(), separator = ",\n  ") {
      text += separator + JSON.stringify(item.value);
      if (text.length < writeSize) continue;
      if (!response.write(text)) await Promise.race([once(response, "drain"), once(response, "close")]);
      text = "";
    }
    response.end(`${text}\n ]\n}\n`);
  } finally {
    await items.return?.();
  }
}

/** The number of characters that are collected for one write. */
const writeSize = 1 << 16;

/** Answers with an error. If an answer has begun, the connection is closed. The rest of the request is dropped. */
export function sendControlError(response: ServerResponse, error: unknown, status?: number): void {
  const known = error instanceof XdsError ? error : new XdsError("INTERNAL", messageOf(error));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.req.resume();
  const body = controlErrorBody(known);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  response.writeHead(status ?? statuses[known.code] ?? known.httpStatus, headers).end(body);
}

export const controlErrorBody = ({ code, message }: XdsError): string =>
  `${printable(JSON.stringify({ error: { code, message } }))}\n`;
