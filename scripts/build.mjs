// Usage: node scripts/build.mjs [--require-envoy]
//
// Builds dist/ from src/, after gen/; compiles only when something changed since the last build that succeeded. With
// --require-envoy it fails where gen/ cannot be made from the newest API (see generate.mjs).
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "./generate.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const src = join(root, "src");
const dist = join(root, "dist");
const stampFile = join(dist, ".built"); // when the last build that succeeded began
const otherInputs = ["tsconfig.json", "package.json", "gen/stamp.json", "node_modules/.package-lock.json"];
const outputEndings = [".js", ".js.map", ".d.ts"];

try {
  await generate({ requireEnvoy: process.argv.includes("--require-envoy") });
  const began = Date.now();
  const sources = moduleNames(src, /(?<!\.test)\.ts$/);
  if (!isUpToDate(sources)) {
    rmSync(stampFile, { force: true });
    compile();
    for (const name of moduleNames(dist, /\.js$/)) {
      if (!sources.has(name)) for (const ending of outputEndings) rmSync(join(dist, name + ending), { force: true });
    }
    const program = join(dist, "cli", "main.js");
    chmodSync(program, 0o755);
    const { stderr, status } = run(
      "ignore",
      program,
      "schema",
      "json",
      "--out",
      join(dist, "configuration.schema.json"),
    );
    if (status !== 0) throw new Error(`the JSON Schema cannot be made: ${stderr}`);
    writeFileSync(stampFile, String(began));
  }
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}

/** Whether dist/ holds just the modules of src/, none older than what it is made from. */
function isUpToDate(sources) {
  if (!existsSync(stampFile)) return false;
  const outputs = moduleNames(dist, /\.js$/);
  if (outputs.size !== sources.size || [...sources].some((name) => !outputs.has(name))) return false;
  const built = Number(readFileSync(stampFile, "utf8"));
  const inputs = [...otherInputs, ...Array.from(sources, (name) => `src/${name}.ts`)].map((name) => join(root, name));
  return inputs.every((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < built);
}

/** The files of a tree that end so, without their ending. */
function moduleNames(directory, ending) {
  if (!existsSync(directory)) return new Set();
  const files = readdirSync(directory, { recursive: true }).filter((name) => ending.test(name));
  return new Set(files.map((name) => name.replace(ending, "")));
}

function compile() {
  const tsc = createRequire(import.meta.url).resolve("typescript/lib/tsc.js");
  const { status } = run("inherit", tsc, "-p", join(root, "tsconfig.json"));
  if (status !== 0) throw new Error("the compiler found errors, see above");
}

/** Runs a program of Node's. */
function run(stdio, program, ...args) {
  const options = { stdio: ["ignore", stdio, stdio === "inherit" ? stdio : "pipe"], cwd: root, encoding: "utf8" };
  const result = spawnSync(process.execPath, [program, ...args], options);
  if (result.error) throw result.error;
  return result;
}
