import { setTimeout as sleep } from "node:timers/promises";

const now = performance.now.bind(performance);

/**
 * Tries until an attempt succeeds, and returns its result. After 30 seconds it throws the error of the last attempt.
 *
 * The wait between two attempts is at least three times as long as an attempt takes. So waiting costs at most a quarter
 * of a core, and programs under test get on.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, timeoutMs = 30_000): Promise<T> {
  for (const limit = now() + timeoutMs; ; ) {
    const start = now();
    try {
      return await attempt();
    } catch (error) {
      if (now() >= limit) throw error;
    }
    await sleep(Math.max(20, 3 * (now() - start)));
  }
}
