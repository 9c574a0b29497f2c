/** Where something stands in a file. */
export interface Place {
  /** As the user would name it: the path given to the program, and what lies below that. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units. */
  readonly column: number;
}

/** One thing that is wrong in the configuration, and where: an error. As a note, one thing that is good to know. */
export interface Problem {
  /** As the user would name it: the path given to the program, and what lies below that. */
  readonly file: string;
  /** Counted from 1; absent where the problem is the file's as a whole. */
  readonly line?: number;
  /** Counted from 1, in UTF-16 units; absent with `line`. */
  readonly column?: number;
  /** The field, such as `resources[0].connect_timeout`; empty where no field is at fault. */
  readonly path: string;
  /** What was expected, what came, and what to do. */
  readonly message: string;
}

/** One line: `file:line:column: path: message`, without the parts that the problem does not have. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return path === "" ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** Something wrong at an offset of a text: a problem whose line is not known yet. */
export interface Fault {
  readonly at: number;
  readonly path: string;
  readonly message: string;
}

/** The steps from a document to a value in it: names of fields and positions in lists. */
export type PathStep = string | number;

/** As the user would write it: `resources[0].typed_per_filter_config["envoy.filters.http.lua"]`. */
export function formatPath(steps: readonly PathStep[]): string {
  let path = "";
  for (const step of steps) {
    if (typeof step === "number") path += `[${step}]`;
    else if (!/^@?\w+$/.test(step)) path += `[${JSON.stringify(step)}]`;
    else path += path === "" ? step : `.${step}`;
  }
  return path;
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
