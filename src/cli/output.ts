import { styleText } from "node:util";
import { dump } from "js-yaml";

export const outputFormats = ["table", "json", "yaml"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Prints data as it was asked for; `table` gives it as text for people. */
export function print(format: OutputFormat, data: unknown, table: () => string): void {
  process.stdout.write(rendered(format, data, table));
}

function rendered(format: OutputFormat, data: unknown, table: () => string): string {
  if (format === "json") return `${JSON.stringify(data, undefined, 2)}\n`;
  if (format === "yaml") return yamlOf(data);
  const text = table();
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Data as YAML, on lines of any length, without references. */
export function yamlOf(data: unknown): string {
  // Through JSON, so that both formats leave out and spell the same.
  return dump(JSON.parse(JSON.stringify(data)), { lineWidth: -1, noRefs: true });
}

/** What stands in a column; with a colour, one of {@link paint}. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

/** Columns under a header, as wide as their widest cell; without rows: what to say instead. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[], none: string): string {
  if (rows.length === 0) return `${none}\n`;
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

/** Colours, on a terminal only (and as NO_COLOR and FORCE_COLOR say). */
export const paint = {
  good: (text: string) => styleText("green", text),
  warn: (text: string) => styleText("yellow", text),
  bad: (text: string) => styleText("red", text),
  faint: (text: string) => styleText("dim", text),
  strong: (text: string) => styleText("bold", text),
};

/** Clients choose some of what is printed, and are not to move the terminal's cursor by it. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
