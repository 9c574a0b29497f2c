import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const timeoutMs = 300_000;

describe("a build where no Python is, and so no Envoy's API", () => {
  let clone: string;
  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), "xds-older-"));
    for (const name of ["scripts", "src", "examples/quickstart", "package.json", "tsconfig.json"])
      await cp(join(root, name), join(clone, name), { recursive: true });
    await symlink(join(root, "node_modules"), join(clone, "node_modules"));
  });
  afterAll(() => rm(clone, { recursive: true }));

  /** Runs a script of the clone without any program beside Node. */
  const run = (...args: string[]) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      const env = { HOME: clone, PATH: "" };
      execFile(process.execPath, args, { cwd: clone, env, timeout: timeoutMs }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });

  it(
    "says so in one line, and makes a program with the older API of the npm protos",
    async () => {
      const built = await run("scripts/build.mjs");
      expect(built, JSON.stringify(built)).toMatchObject({ code: 0, stderr: "" });
      const lines = built.stdout.split("\n").filter((line) => line.includes("cannot be had"));
      expect(lines).toEqual([
        expect.stringMatching(
          /^ {2}the API of Envoy [\d.]+ cannot be had: there is no Python 3, .* @grpc\/grpc-js-xds [\d.]+$/,
        ),
      ]);
      const version = await run("dist/cli/main.js", "version", "-o", "json");
      expect(JSON.parse(version.stdout)).toMatchObject({ api: expect.stringMatching(/^@grpc\/grpc-js-xds [\d.]+$/) });
      expect(await run("dist/cli/main.js", "validate", "examples/quickstart")).toMatchObject({ code: 0 });
      const again = await run("scripts/build.mjs");
      expect(again.stdout).toMatch(/^gen\/ has the older API of @grpc\/grpc-js-xds [\d.]+; npm run generate .*\n$/);
    },
    timeoutMs,
  );

  it("fails where the newest is required, as for a package", async () => {
    const { code, stderr } = await run("scripts/build.mjs", "--require-envoy");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^build: the API of Envoy [\d.]+ cannot be had: there is no Python 3, .*\n$/);
  });
});
