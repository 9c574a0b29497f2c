import type { ServerResponse } from "node:http";
import { inOneStep, sliceMs } from "../in-turns.js";
import { printableLines } from "../printable.js";
import type { Account } from "../protocol/account.js";
import type { FlushQueue } from "../protocol/flush-queue.js";

/** How many characters are collected for one write. */
const writeSize = 1 << 16;

/**
 * Writes an answer that is made piece by piece, in turns of the client's account. Waits for a client that reads slowly,
 * and stops when the client has disconnected.
 */
export async function writePieces(
  response: ServerResponse,
  pieces: Iterable<string>,
  account: Account,
  queue: FlushQueue,
): Promise<void> {
  const iterator = pieces[Symbol.iterator]();
  for (;;) {
    const { gathered, isLast } = await queue.finish(
      account,
      inOneStep(() => gather(iterator)),
    );
    if (response.destroyed) return;
    if (isLast) {
      response.end(gathered);
      return;
    }
    if (!response.write(gathered)) await drained(response);
  }
}

/** Collects pieces for one slice of time, or until there are enough characters for a write. */
function gather(pieces: Iterator<string>): { gathered: string; isLast: boolean } {
  const from = performance.now();
  let gathered = "";
  while (gathered.length < writeSize && performance.now() - from < sliceMs) {
    const { done, value } = pieces.next();
    if (done) return { gathered, isLast: true };
    gathered += printableLines(value);
  }
  return { gathered, isLast: false };
}

/** Resolves when a response accepts more, or has ended. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
