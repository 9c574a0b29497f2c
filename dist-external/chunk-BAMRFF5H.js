import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/source/files/problem.js
import { isUtf8 } from "node:buffer";
function formatProblem({ file, line, column, path, message }) {
  const place = line === void 0 ? file : `${file}:${line}:${column ?? 1}`;
  return path === "" ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}
function notUtf8(file, bytes) {
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline === -1 ? bytes.length : newline;
    const text = bytes.subarray(start, end);
    if (!isUtf8(text) || newline === -1) {
      const column = new TextDecoder().decode(text).indexOf("\uFFFD") + 1;
      return { file, line, column, path: "", message: "not UTF-8 text; save the file as UTF-8" };
    }
    start = end + 1;
  }
}
var LineIndex = class {
  starts = [0];
  constructor(text) {
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1))
      this.starts.push(end + 1);
  }
  /** Both counted from 1. */
  place(offset) {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = low + high + 1 >> 1;
      if ((this.starts[middle] ?? 0) <= offset)
        low = middle;
      else
        high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.starts[low] ?? 0) + 1 };
  }
};

export {
  formatProblem,
  notUtf8,
  LineIndex
};
