import type { IncomingMessage, ServerResponse } from "node:http";
import { XdsError } from "../../errors.js";
import type { Receiving } from "../../grpc/receiving.js";
import type { LimitCounts } from "../admission/limits.js";
import { timerMs } from "./http-connection.js";

/** The size of the first buffer for a body, in bytes. */
const firstRoom = 1_024;

/**
 * Reads a request's body. Its bytes count as being received until the response has left.
 * @throws XdsError REQUEST_TOO_LARGE, REQUEST_TOO_SLOW, LIMIT_EXCEEDED; INVALID_REQUEST if the client disconnects
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limits: LimitCounts,
  receiving: Receiving | undefined,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const announced = Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY);
    if (announced < Number.POSITIVE_INFINITY) limits.checkRequest(announced, "json");
    if (/^100-continue$/i.test(request.headers.expect ?? "")) response.writeContinue();
    let body = nothing;
    let size = 0;
    let counted = 0;
    let isOver = false;
    const over = (error?: XdsError) => {
      isOver = true;
      clearTimeout(timer);
      if (!error) resolve(body.subarray(0, size));
      else {
        body = nothing;
        reject(error);
      }
    };
    const late = () => over(limits.exceeded("messageMs", `only ${size} bytes of the request's body arrived in time`));
    const timer = setTimeout(late, timerMs(limits.limits.messageMs));
    // Pieces are copied into one buffer: many small pieces take far more memory than their bytes.
    const take = (piece: Buffer) => {
      const needed = size + piece.length;
      limits.checkRequest(needed, "json");
      if (needed > body.length) {
        const room = Math.max(needed, Math.min(announced, Math.max(firstRoom, 2 * body.length)));
        counted += room - body.length;
        receiving?.add(room - body.length);
        const before = body;
        body = Buffer.allocUnsafeSlow(room);
        before.copy(body);
      }
      piece.copy(body, size);
      size = needed;
    };
    request.on("data", (piece: Buffer) => {
      if (isOver) return;
      try {
        take(piece);
      } catch (error) {
        over(error as XdsError);
      }
    });
    request.on("end", () => over());
    response.once("close", () => {
      receiving?.add(-counted);
      if (!isOver) over(new XdsError("INVALID_REQUEST", "the client has disconnected"));
    });
  });
}

const nothing: Buffer = Buffer.alloc(0);
