// Usage: node scripts/cold-start.mjs [--runs N] [--limit RATIO] [module...]
//
// How long it takes to import the library in a new process, against @bufbuild/protobuf and @grpc/grpc-js alone:
// medians, and their ratio. Further modules (paths from the root, or package names) are timed after those two are
// loaded. Fails when the ratio reaches the limit (default 2). Needs a build.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values: options, positionals } = parseArgs({
  options: { runs: { type: "string", default: "15" }, limit: { type: "string", default: "2" } },
  allowPositionals: true,
});
const base = ["@bufbuild/protobuf", "@grpc/grpc-js"];
const library = "dist/index.js";

if (!existsSync(join(root, library))) {
  console.error(`no ${library}: run "npm run build" first`);
  process.exit(1);
}
const cases = [
  { name: base.join(" + "), loaded: [], timed: base },
  { name: library, loaded: [], timed: [library] },
  ...positionals.map((name) => ({ name: `${name}, after those`, loaded: base, timed: [name] })),
];
for (const { times } of roundRobin(cases, Number(options.runs))) times.sort((a, b) => a - b);
for (const each of cases) console.log(`${median(each).toFixed(1).padStart(7)} ms  ${each.name}`);
const ratio = median(cases[1]) / median(cases[0]);
console.log(`${ratio.toFixed(2).padStart(7)} ×   (limit: under ${options.limit})`);
process.exitCode = ratio < Number(options.limit) ? 0 : 1;

/** Times each case in turn, so that a busy machine slows all of them; the first round only warms the disk cache. */
function roundRobin(all, runs) {
  for (const each of all) each.times = [];
  for (let run = -1; run < runs; run++) {
    for (const each of all) {
      const time = importTime(each);
      if (run >= 0) each.times.push(time);
    }
  }
  return all;
}

/** Milliseconds that a new process takes to import modules, one after the other. */
function importTime({ loaded, timed }) {
  const load = (names) => names.map((name) => `await import(${JSON.stringify(specifier(name))});`).join("");
  const script = `${load(loaded)} const start = performance.now(); ${load(timed)}
    process.stdout.write(String(performance.now() - start)); process.exit();`;
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", script], { cwd: root, encoding: "utf8" }));
}

function specifier(name) {
  const path = join(root, name);
  return existsSync(path) ? pathToFileURL(path).href : name;
}

function median({ times }) {
  return times[Math.floor(times.length / 2)];
}
