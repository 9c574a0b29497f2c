// The side entrance of a server under test: changes come in, and nothing else.
import { createServer } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
/** @type {() => void} */
const collectGarbage = runInNewContext("gc");

/**
 * Takes one command a line, and answers with one JSON line: "change <number> <index>"; "changes <from> <count> <n>
 * <pause>", which n resources take turns to have, with so many ms after each; "gc", which tells how many bytes are
 * alive then; "delay", of the event loop since the last call, in ms. Prints the ports, for which the benchmark waits.
 *
 * @param {number} port of the server under test
 * @param {(k: number, i: number) => void} change makes change k to resource i
 */
export function administrate(port, change) {
  process.once("SIGTERM", () => process.exit()); // so that a profiler writes what it has
  const delay = monitorEventLoopDelay({ resolution: 1 });
  /** @type {Record<string, (a: number, b: number, c: number, d: number) => unknown>} */
  const commands = {
    change,
    async changes(from, count, n, pause) {
      for (let k = from; k < from + count; k++) {
        change(k, k % n);
        await (pause > 0 ? sleep(pause) : setImmediate());
      }
    },
    async gc() {
      for (let i = 0; i < 3; i++) {
        collectGarbage();
        await setImmediate();
      }
      const { heapUsed, external } = process.memoryUsage();
      return { live: heapUsed + external };
    },
    delay() {
      delay.enable();
      const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e6);
      delay.reset();
      return { p50, p99, max };
    },
  };
  const admin = createServer((socket) => {
    socket.setNoDelay();
    socket.on("error", () => {});
    socket.on("data", async (line) => {
      const [command = "", ...numbers] = line.toString().trim().split(" ");
      const [a = 0, b = 0, c = 0, d = 0] = numbers.map(Number);
      const answer = await commands[command]?.(a, b, c, d);
      socket.write(`${JSON.stringify(answer ?? {})}\n`);
    });
  });
  admin.listen(0, "127.0.0.1", () => {
    const address = /** @type {import("node:net").AddressInfo} */ (admin.address());
    process.stdout.write(`${JSON.stringify({ port, admin: address.port })}\n`);
  });
}
