import { messageOf, XdsError } from "../../errors.js";
import { readWholeFile } from "../../source/files/whole-file.js";

/**
 * A text, or a file or environment variable that has it. A file or variable is read each time the text is needed. A
 * line break at the end of a file does not count.
 */
export type TextSource = string | { readonly file: string } | { readonly variable: string };

/** The most bytes of a file. */
const maxBytes = 1 << 20;

/**
 * Reads a text. `what` names it in an error.
 * @throws XdsError STORE_FAILED if there is none, or it cannot be read
 */
export async function readText(source: TextSource, what: string): Promise<string> {
  if (typeof source === "string") return source;
  if ("variable" in source) {
    const value = process.env[source.variable];
    if (value === undefined)
      throw new XdsError("STORE_FAILED", `${what} is the variable ${source.variable}, which is not set`);
    return value;
  }
  try {
    return (await readWholeFile(source.file, { maxBytes })).toString().replace(/\r?\n$/, "");
  } catch (cause) {
    throw new XdsError("STORE_FAILED", `${what} cannot be read from ${source.file}: ${messageOf(cause)}`, { cause });
  }
}
