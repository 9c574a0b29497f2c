import { coreScalar, envoyScalar, jsonScalar, type ScalarRules } from "./scalar.js";
import { jsonStarts } from "./syntax.js";

/** The rules for reading a kind of text. */
export interface YamlFormat {
  readonly scalar: ScalarRules;
  readonly key: ScalarRules;
  /** Whether a text in quotes may continue on the next line. */
  readonly takesLineBreaks: boolean;
  /** Whether a list or an object may have any tag. */
  readonly takesTags: boolean;
  /** Which keys may be repeated in an object. The last one counts. */
  readonly repeatedKeys: "all" | "of scalars" | "none";
}

/** YAML, as Envoy reads it. */
export const envoyYaml: YamlFormat = {
  scalar: envoyScalar,
  key: envoyScalar,
  takesLineBreaks: true,
  takesTags: true,
  repeatedKeys: "all",
};
/** JSON, as Envoy reads it. Envoy would merge an object or a list that is given twice. */
export const envoyJson: YamlFormat = {
  scalar: jsonScalar,
  key: (text) => text,
  takesLineBreaks: false,
  takesTags: false,
  repeatedKeys: "of scalars",
};
/** YAML 1.2 as specified. */
export const coreYaml: YamlFormat = {
  scalar: coreScalar,
  key: coreScalar,
  takesLineBreaks: true,
  takesTags: false,
  repeatedKeys: "none",
};

/**
 * The format of a file. Envoy reads a file as YAML if its name ends in .yaml or .yml, and as JSON otherwise. Here,
 * files with other names and standard input can be YAML too. They count as JSON if their text is JSON.
 */
export function envoyFormat(file: string, text: string): YamlFormat {
  if (/\.ya?ml$/i.test(file)) return envoyYaml;
  return /\.json$/i.test(file) || isJson(text) ? envoyJson : envoyYaml;
}

/** Whether a text is JSON: one or more objects or lists. */
function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  const starts = jsonStarts(text);
  try {
    for (const [index, start] of starts.entries()) JSON.parse(text.slice(start, starts[index + 1]));
    return true;
  } catch {
    return false;
  }
}
