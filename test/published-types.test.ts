import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";

const src = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => /(?<!\.test)\.ts$/.test(name));

/** The classes of a file, each with whether it declares a constructor. */
function classes(fileName: string, text: string): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (const statement of ts.createSourceFile(fileName, text, ts.ScriptTarget.ES2023).statements)
    if (ts.isClassDeclaration(statement) && statement.name)
      found.set(statement.name.text, statement.members.some(ts.isConstructorDeclaration));
  return found;
}

it("no class lacks its constructor in the published types, so that it could be made without arguments", () => {
  const lacking: string[] = [];
  let checked = 0;
  for (const name of files) {
    const text = readFileSync(src + name, "utf8");
    if (!text.includes("@internal")) continue; // nothing is left out of it
    const { outputText } = ts.transpileDeclaration(text, { fileName: name, compilerOptions: { stripInternal: true } });
    const published = classes(name, outputText);
    for (const [className, hasConstructor] of classes(name, text)) {
      if (!published.has(className) || !hasConstructor) continue;
      checked++;
      if (!published.get(className)) lacking.push(`${name} ${className}`);
    }
  }
  expect(lacking).toEqual([]);
  expect(checked).toBeGreaterThan(3);
});
