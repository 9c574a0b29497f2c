import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

test("changesets move to CHANGELOG.md and set the version, without a network", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "changesets-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ["package.json", "CHANGELOG.md", ".changeset"])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const before = readFileSync(join(folder, "CHANGELOG.md"), "utf8");
  writeFileSync(
    join(folder, ".changeset/a-test.md"),
    '---\n"ts-control-plane": minor\n---\n\nA change of this test.\n',
  );
  execFileSync("git", ["init", "-q"], { cwd: folder });
  const program = join(root, "node_modules/@changesets/cli/bin.js");
  // A proxy that nobody answers: a request would fail.
  const env = { ...process.env, HTTPS_PROXY: "http://127.0.0.1:9", HTTP_PROXY: "http://127.0.0.1:9" };
  execFileSync(process.execPath, [program, "version"], { cwd: folder, env, stdio: "pipe" });
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const after = readFileSync(join(folder, "CHANGELOG.md"), "utf8");
  expect(after).toContain(`## ${version}`);
  expect(after).toContain("A change of this test.");
  for (const line of before.split("\n")) expect(after).toContain(line);
});
