import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A program that tests need, or why there is none. */
export type FoundProgram = { readonly binary: string; readonly version: string } | { readonly missing: string };

/** The program that a variable of the environment names, else the first of this name in PATH; undefined: neither. */
export async function programHere(variable: string, name: string): Promise<FoundProgram | undefined> {
  const named = process.env[variable];
  if (named) return tried(named, variable);
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const binary = join(directory, name);
    if (directory && isExecutable(binary)) return tried(binary, "PATH");
  }
  return undefined;
}

/** Runs a program for its version. `from` says where it was found. */
export async function tried(binary: string, from: string): Promise<FoundProgram> {
  try {
    const { stdout } = await run(binary, ["--version"], { timeout: 30_000 });
    return { binary, version: /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? stdout.trim() };
  } catch (error) {
    return { missing: `${binary} (from ${from}) does not run: ${(error as Error).message.trim()}` };
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
