import type { IncomingMessage } from "node:http";
import { XdsError } from "../errors.js";

/** The longest body of an order, in bytes. */
export const mostBytes = 64 << 10;

/**
 * Reads the body of an order.
 * @throws XdsError REQUEST_TOO_LARGE above 64 KiB; REQUEST_TOO_SLOW after `ms` milliseconds; UNSUPPORTED_MEDIA_TYPE for
 * other types than JSON, which web pages of other sites could send; INVALID_REQUEST if the client disconnects
 */
export function readOrder(request: IncomingMessage, ms: number): Promise<Buffer> {
  const { "content-type": type = "", "content-length": length = "0" } = request.headers;
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new XdsError("UNSUPPORTED_MEDIA_TYPE", "an order must have content-type: application/json");
  if (Number(length) > mostBytes) throw tooLarge();
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const over = (error?: XdsError) => {
      clearTimeout(timer);
      request.off("data", take);
      if (error) reject(error);
      else resolve(Buffer.concat(pieces));
    };
    const late = () => over(new XdsError("REQUEST_TOO_SLOW", `the order did not arrive within ${ms} ms`));
    const timer = setTimeout(late, ms);
    const take = (piece: Buffer) => {
      size += piece.length;
      if (size > mostBytes) over(tooLarge());
      else pieces.push(piece);
    };
    request.on("data", take);
    request.once("end", () => over());
    request.once("close", () => over(new XdsError("INVALID_REQUEST", "the client has disconnected")));
  });
}

const tooLarge = () => new XdsError("REQUEST_TOO_LARGE", `an order can have at most ${mostBytes} bytes`);
