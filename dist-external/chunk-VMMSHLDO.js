import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  envoyScalar
} from "./chunk-M2ZGPBJF.js";
import {
  printable,
  printableLines
} from "./chunk-JESIV7YD.js";

// dist/cli/terminal/output.js
import { styleText } from "node:util";
import { dump, SCALAR_STYLE, visit } from "js-yaml";
var outputFormats = ["table", "json", "yaml"];
function print(format, data, table2) {
  process.stdout.write(rendered(format, data, table2));
}
function rendered(format, data, table2) {
  if (format === "json")
    return jsonOf(data);
  if (format === "yaml")
    return yamlOf(data);
  const text = table2();
  return text === "" || text.endsWith("\n") ? text : `${text}
`;
}
function jsonOf(data, indent = 2) {
  return `${printableLines(JSON.stringify(data, void 0, indent))}
`;
}
var textTag = "tag:yaml.org,2002:str";
function yamlOf(data) {
  const text = dump(JSON.parse(JSON.stringify(data)), {
    lineWidth: -1,
    noRefs: true,
    transform: (documents) => visit(documents, (node) => {
      if (node.kind !== "scalar")
        return;
      if (node.value !== printableLines(node.value))
        node.style = SCALAR_STYLE.DOUBLE_QUOTED;
      else if (node.tag === textTag && envoyScalar(node.value, true, "") !== node.value)
        node.style = SCALAR_STYLE.SINGLE_QUOTED;
    })
  });
  return printableLines(text);
}
function complain(message) {
  process.stderr.write(`xds: ${printableLines(message).replaceAll("\n", "\n  ")}
`);
}
function table(header, rows, none) {
  if (rows.length === 0)
    return `${printable(none)}
`;
  const lines = [header.map((title) => title.toUpperCase()), ...rows].map((line) => line.map((cell) => {
    const { text, paint: colour } = typeof cell === "string" ? { text: cell, paint: String } : cell;
    return { text: printable(text), colour };
  }));
  const widths = header.map((_, column) => lines.reduce((widest, line) => Math.max(widest, line[column]?.text.length ?? 0), 0));
  return lines.map((line) => {
    const cells = line.map(({ text, colour }, column) => {
      const gap = column === line.length - 1 ? 0 : (widths[column] ?? 0) - text.length + 2;
      return (text && colour(text)) + " ".repeat(gap);
    });
    return `${cells.join("").trimEnd()}
`;
  }).join("");
}
var paint = {
  good: (text) => styleText("green", text),
  warn: (text) => styleText("yellow", text),
  bad: (text) => styleText("red", text),
  faint: (text) => styleText("dim", text),
  strong: (text) => styleText("bold", text)
};

export {
  outputFormats,
  print,
  jsonOf,
  yamlOf,
  complain,
  table,
  paint
};
