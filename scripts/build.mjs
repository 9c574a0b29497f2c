// Usage: node scripts/build.mjs [--require-envoy]
//
// Builds dist/ from src/, after gen/; compiles only when something changed since the last build that succeeded. With
// --require-envoy it fails where gen/ cannot be made from the newest API (see generate.mjs).
//
// dist/cli/ is the program, bundled into few files: Node takes about 0.5 ms of CPU time for each file of a start.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { generate } from "./generate.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const src = join(root, "src");
const dist = join(root, "dist");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const program = join(dist, "cli", "main.js");
/** What is started or imported by its name. */
const entryPoints = ["cli/main.ts", "cli/run.ts", "cli/workers/worker-main.ts", "source/thread/reading-worker.ts"];
const stampFile = join(dist, ".built"); // when the last build that succeeded began
const otherInputs = [
  "scripts/build.mjs",
  "tsconfig.json",
  "package.json",
  "gen/stamp.json",
  "node_modules/.package-lock.json",
];
const outputEndings = [".js", ".js.map", ".d.ts"];

try {
  await generate({ requireEnvoy: process.argv.includes("--require-envoy") });
  const began = Date.now();
  const sources = moduleNames(src, /(?<!\.test)\.ts$/);
  if (!isUpToDate(sources)) {
    rmSync(stampFile, { force: true });
    rmSync(join(dist, "cli"), { recursive: true, force: true });
    compile();
    for (const name of moduleNames(dist, /\.js$/)) {
      if (!sources.has(name)) for (const ending of outputEndings) rmSync(join(dist, name + ending), { force: true });
    }
    await bundleProgram();
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
  const isLibrary = (name) => !name.startsWith("cli/");
  const wanted = [...sources].filter(isLibrary);
  if ([...outputs].filter(isLibrary).length !== wanted.length) return false;
  if (wanted.some((name) => !outputs.has(name)) || !existsSync(program)) return false;
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
  const known = join(dist, ".tsbuildinfo"); // with it, a later build takes a fifth of the time
  const { status } = run(
    "inherit",
    tsc,
    "-p",
    join(root, "tsconfig.json"),
    "--incremental",
    "--tsBuildInfoFile",
    known,
  );
  if (status !== 0) throw new Error("the compiler found errors, see above");
}

/**
 * Replaces the modules of dist/cli/ by bundles that contain the modules that they import. Of other packages they
 * contain only @bufbuild/protobuf, of which a start needs more than 100 files. NOTICE has its copyright.
 */
async function bundleProgram() {
  const cli = join(dist, "cli");
  const packages = (range) => Object.keys(range).filter((name) => name !== "@bufbuild/protobuf");
  const outdir = join(dist, "bundled");
  rmSync(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: entryPoints.map((name) => join(src, name)),
    ...{ outdir, entryNames: "[name]", chunkNames: "[name]-[hash]" },
    ...{ bundle: true, splitting: true, platform: "node", format: "esm", target: "node20" },
    ...{ sourcemap: true, metafile: true, absWorkingDir: root, logLevel: "warning" },
    external: [...packages(manifest.dependencies), ...packages(manifest.peerDependencies)],
  });
  const foreign = Object.keys(metafile.inputs).filter((path) => path.includes("node_modules/"));
  const headers = foreign.map((path) => /^(?:\/\/.*\n)*/.exec(readFileSync(join(root, path), "utf8"))[0]);
  const { version, license } = JSON.parse(readFileSync(join(root, "node_modules/@bufbuild/protobuf/package.json")));
  const title = `The files in this folder contain @bufbuild/protobuf ${version}, ${license}:\n`;
  writeFileSync(join(outdir, "NOTICE"), [title, ...new Set(headers)].join("\n"));
  rmSync(cli, { recursive: true, force: true });
  renameSync(outdir, cli);
  chmodSync(program, 0o755);
}

/** Runs a program of Node's. */
function run(stdio, program, ...args) {
  const options = { stdio: ["ignore", stdio, stdio === "inherit" ? stdio : "pipe"], cwd: root, encoding: "utf8" };
  const result = spawnSync(process.execPath, [program, ...args], options);
  if (result.error) throw result.error;
  return result;
}
