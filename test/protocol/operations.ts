import { type Profiler, Session } from "node:inspector";

/** V8 counts for the whole process. */
const session = new Session();

/** Within one thread the inspector answers before the call returns. */
function post(method: string, parameters = {}): object {
  let answer = {};
  session.post(method, parameters, (error, result) => {
    if (error) throw error;
    if (result) answer = result;
  });
  return answer;
}

/**
 * Starts to count. Call it before the code that counts has run for the first time: V8 adds its counters when it
 * compiles.
 */
export function startCounting(): void {
  session.connect();
  post("Profiler.enable");
  post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
}

/** Ends it, so that what runs later is compiled as usual. */
export function stopCounting(): void {
  post("Profiler.stopPreciseCoverage");
  post("Profiler.disable");
  session.disconnect();
}

/**
 * How many operations of the library's own code `run` takes: each function that is called and each branch or loop body
 * that is entered counts once per time. It is the same number on every machine. Loops inside V8, for example to copy an
 * array, are not counted.
 */
export function operations(run: () => void): number {
  post("Profiler.takePreciseCoverage"); // resets the counters
  run();
  const { result } = post("Profiler.takePreciseCoverage") as Profiler.TakePreciseCoverageReturnType;
  let sum = 0;
  for (const { url, functions } of result) {
    if (!/\/src\/[^?]*\.ts/.test(url)) continue;
    for (const { ranges } of functions) for (const { count } of ranges) sum += count;
  }
  return sum;
}
