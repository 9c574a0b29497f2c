import { isUtf8 } from "node:buffer";
import type { Fault as MessageFault } from "../../json/fault.js";

export { formatPath, type PathStep } from "../../json/fault.js";

/** A problem at an offset of a text. Its line is not known yet. */
export interface Fault extends MessageFault {
  /** Set if the note is about something that is not served. */
  readonly leftOut?: LeftOut;
}

/** A place in a file. */
export interface Place {
  /** As the user would name it: the path given to the program, and what lies below that. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units. */
  readonly column: number;
}

/** One thing that is wrong in the configuration, and its place. A note has the same form, and is no error. */
export interface Problem {
  /** As the user would name it: the path given to the program, and what lies below that. */
  readonly file: string;
  /** Counted from 1. Absent if the problem is about the whole file. */
  readonly line?: number;
  /** Counted from 1, in UTF-16 units. Absent if `line` is. */
  readonly column?: number;
  /** The field, such as `resources[0].connect_timeout`. Empty if the problem is not about a field. */
  readonly path: string;
  /** What was expected, what came, and what to do. */
  readonly message: string;
  /** Set if an unserved part of an Envoy's own bootstrap breaks a rule. Absent for all other notes. */
  readonly code?: "BOOTSTRAP";
  /** @internal Set if the note is about something that is not served. */
  readonly leftOut?: LeftOut;
}

/** A part of a file that is not served. */
export interface LeftOut {
  /** The resource. Absent for other parts, which {@link Problem.path} names. */
  readonly resource?: { readonly typeUrl: string; readonly name: string };
  readonly why: string;
  /** A hash of the content. */
  readonly content: string;
}

/** One line: `file:line:column: path: message`, without the parts that the problem does not have. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return path === "" ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** A problem if a file's bytes are no UTF-8 text. */
export function notUtf8(file: string, bytes: Uint8Array): Problem {
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    const text = bytes.subarray(start, end);
    if (!isUtf8(text) || newline === -1) {
      const column = new TextDecoder().decode(text).indexOf("\u{fffd}") + 1;
      return { file, line, column, path: "", message: "not UTF-8 text; save the file as UTF-8" };
    }
    start = end + 1;
  }
}

/** Finds the line and the column of an offset in a text. */
export class LineIndex {
  private readonly starts: number[] = [0];

  constructor(text: string) {
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) this.starts.push(end + 1);
  }

  /** Both counted from 1. */
  place(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.starts[low] ?? 0) + 1 };
  }
}
