import { readFileSync } from "node:fs";

/** Expressions, and how many instructions Envoy 1.40 has for each. */
export const regexSizes = JSON.parse(readFileSync(new URL("regex-sizes.json", import.meta.url), "utf8")) as Readonly<
  Record<string, number>
>;
