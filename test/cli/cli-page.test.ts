import { expect, test } from "vitest";
import { createProgram } from "../../src/cli/program.js";
import { cliPage } from "./cli-page.js";

test("docs/cli.md says what the commands' own help says", async () => {
  await expect(cliPage(await createProgram(() => {}))).toMatchFileSnapshot("../../docs/cli.md");
});

test("every command has an example", async () => {
  const page = cliPage(await createProgram(() => {}));
  const commands = page.split("\n## ").slice(2); // the first is the program's own
  expect(commands.length).toBeGreaterThan(1);
  for (const command of commands) {
    const isGroup = /^Usage: .* \[command\]/m.test(command);
    expect(isGroup || command.includes("Examples:\n"), command.slice(0, 40)).toBe(true);
  }
});
