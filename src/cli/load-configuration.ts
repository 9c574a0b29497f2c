import { DirectorySource } from "../source/directory.js";
import type { Reading } from "../source/source.js";

/** Reads once what `xds serve` would serve from these paths; with `takesRedacted`, also what is without its secrets. */
export async function loadConfiguration(paths: readonly string[], takesRedacted = false): Promise<Reading> {
  const source = new DirectorySource(paths, { useEvents: false, takesRedacted });
  try {
    return await source.open(() => {});
  } finally {
    await source.close();
  }
}
