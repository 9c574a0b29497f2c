import { DirectorySource } from "../source/directory.js";
import type { Reading } from "../source/source.js";

/** Reads once what `xds serve` would serve from these paths. */
export async function loadConfiguration(paths: readonly string[]): Promise<Reading> {
  const source = new DirectorySource(paths, { useEvents: false });
  try {
    return await source.open(() => {});
  } finally {
    await source.close();
  }
}
