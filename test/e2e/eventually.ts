import { vi } from "vitest";

/**
 * Repeats until it no longer throws, and returns what it returns; after 30 seconds it fails with what was thrown last.
 */
export function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(attempt, { timeout: 30_000, interval: 20 });
}
