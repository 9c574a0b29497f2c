import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
setFlagsFromString("--no-expose-gc");

/** Collects garbage until nothing is left of what can go, also what a WeakRef holds until the end of a turn. */
export async function collect(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await turn();
    collectGarbage();
  }
}

/** Bytes that are alive on the heap, and outside of it for what is on it. */
export async function liveBytes(): Promise<number> {
  await collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
