import { styleText } from "node:util";
import { dump, SCALAR_STYLE, visit } from "js-yaml";
import { printable, printableLines } from "../../printable.js";
import { envoyScalar } from "../../source/yaml/scalar.js";

export const outputFormats = ["table", "json", "yaml"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Prints data in this format. `table` returns the text for people. */
export function print(format: OutputFormat, data: unknown, table: () => string): void {
  process.stdout.write(rendered(format, data, table));
}

function rendered(format: OutputFormat, data: unknown, table: () => string): string {
  if (format === "json") return jsonOf(data);
  if (format === "yaml") return yamlOf(data);
  const text = table();
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Data as JSON. With `indent` 0 it is one line. */
export function jsonOf(data: unknown, indent = 2): string {
  return `${printableLines(JSON.stringify(data, undefined, indent))}\n`;
}

const textTag = "tag:yaml.org,2002:str";

/** Data as YAML, on lines of any length, without references. */
export function yamlOf(data: unknown): string {
  // Through JSON, so that both formats have the same fields and spellings.
  const text = dump(JSON.parse(JSON.stringify(data)), {
    lineWidth: -1,
    noRefs: true,
    transform: (documents) =>
      visit(documents, (node) => {
        if (node.kind !== "scalar") return;
        // Only double quotes can have escapes.
        if (node.value !== printableLines(node.value)) node.style = SCALAR_STYLE.DOUBLE_QUOTED;
        // Envoy would read yes, on and similar words as something other than text.
        else if (node.tag === textTag && envoyScalar(node.value, true, "") !== node.value)
          node.style = SCALAR_STYLE.SINGLE_QUOTED;
      }),
  });
  return printableLines(text);
}

/** Prints a message on stderr. Further lines are indented, so that quoted text cannot look like a message. */
export function complain(message: string): void {
  process.stderr.write(`xds: ${printableLines(message).replaceAll("\n", "\n  ")}\n`);
}

/** The text of a cell, and optionally its colour, one of {@link paint}. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

/** Columns under a header, as wide as their widest cell. Without rows, it is the text `none`. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[], none: string): string {
  if (rows.length === 0) return `${printable(none)}\n`;
  const lines = [header.map((title) => title.toUpperCase()), ...rows].map((line) =>
    line.map((cell) => {
      const { text, paint: colour } = typeof cell === "string" ? { text: cell, paint: String } : cell;
      return { text: printable(text), colour };
    }),
  );
  const widths = header.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, line[column]?.text.length ?? 0), 0),
  );
  return lines
    .map((line) => {
      const cells = line.map(({ text, colour }, column) => {
        const gap = column === line.length - 1 ? 0 : (widths[column] ?? 0) - text.length + 2;
        return (text && colour(text)) + " ".repeat(gap);
      });
      return `${cells.join("").trimEnd()}\n`;
    })
    .join("");
}

/** Colours, only on a terminal. NO_COLOR and FORCE_COLOR change that. */
export const paint = {
  good: (text: string) => styleText("green", text),
  warn: (text: string) => styleText("yellow", text),
  bad: (text: string) => styleText("red", text),
  faint: (text: string) => styleText("dim", text),
  strong: (text: string) => styleText("bold", text),
};
