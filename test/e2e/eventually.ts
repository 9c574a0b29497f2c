import { vi } from "vitest";

/** Repeats until it no longer throws, and returns what it returns; after 15 seconds it fails with what was thrown last. */
export function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(attempt, { timeout: 15_000, interval: 20 });
}
