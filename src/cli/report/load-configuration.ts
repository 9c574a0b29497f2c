import { DirectorySource, type DirectorySourceOptions } from "../../source/directory.js";
import type { Reading } from "../../source/reading/source.js";

/** How {@link loadConfiguration} reads. */
export type LoadOptions = Pick<
  DirectorySourceOptions,
  "except" | "groups" | "takesRedacted" | "resourceType" | "thread" | "heap" | "checks"
>;

/**
 * Reads once what `xds serve` would serve from these paths. With `takesRedacted`, also resources without their secrets
 * are read. `except` are files that are no configuration. `use` is called while the reading thread still runs.
 */
export async function useConfiguration<T>(
  paths: readonly string[],
  options: LoadOptions,
  use: (reading: Reading) => Promise<T>,
): Promise<T> {
  const source = new DirectorySource(paths, { useEvents: false, ...options });
  try {
    return await use(await source.open(() => {}));
  } finally {
    await source.close();
  }
}

/** Reads once, as {@link useConfiguration}. */
export const loadConfiguration = (paths: readonly string[], options: LoadOptions = {}): Promise<Reading> =>
  useConfiguration(paths, options, async (reading) => reading);

/** The help text for arguments that are paths. */
export const pathsHelp =
  "files, directories, or - for standard input; in directories, all .yaml, .yml and .json files are read, except hidden ones";
