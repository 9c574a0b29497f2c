// Usage: npm run bench -- [--quick | --tiny] [--only id,…] [--at-once n] [--out directory] [--docs directory]
//
// Measures this library, built, side by side with go-control-plane and with floors (bare transports that write ready
// bytes). Needs Go.
// A full run writes results/latest.json and docs/performance.md; with --only, it replaces just those workloads'
// results. The others write quick.json or tiny.json, and the page only where --docs says.
// With --at-once, so many workloads run beside each other. That is quick, and disturbs the figures.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writePage } from "./page.mjs";
import { loadAverage } from "./process.mjs";
import { binaries, Session } from "./session.mjs";
import { judged, numeral, spread } from "./statistics.mjs";
import { workloads } from "./workloads.mjs";

/** @import { Figures, Round, Size, Workload } from "./workloads.mjs" */
/**
 * @typedef {object} Result of one workload
 * @property {string} at
 * @property {Record<string, unknown>} scale
 * @property {number[]} load the machine's load average before each round: above the number of its CPUs others were at
 * work too
 * @property {Record<string, Figures[]>} rounds by subject
 */

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    only: { type: "string" },
    "at-once": { type: "string", default: "1" },
    out: { type: "string" },
    docs: { type: "string" },
  },
});
/** @type {Size} */
const size = options.tiny ? "tiny" : options.quick ? "quick" : "full";
const chosen = options.only?.split(",");
const unknown = chosen?.find((id) => !workloads.some((workload) => workload.id === id));
if (unknown) {
  console.error(`bench: no workload "${unknown}"; there are ${workloads.map(({ id }) => id).join(", ")}`);
  process.exit(1);
}
const atOnce = Number(options["at-once"]);
if (!Number.isInteger(atOnce) || atOnce < 1) {
  console.error(`bench: --at-once is a number of workloads, such as 2, and not "${options["at-once"]}"`);
  process.exit(1);
}

buildGo();
const full = size === "full";
const out = options.out ?? (full ? join(here, "results") : binaries);
const docs = options.docs ?? (full ? join(here, "..", "docs") : undefined);
const file = join(out, full ? "latest.json" : `${size}.json`);
/** @typedef {{ machine: ReturnType<typeof machine>, results: Record<string, Result> }} Report results by workload */
/** @type {Report} */
const report = { machine: machine(), results: {} };
if (chosen && existsSync(file)) Object.assign(report.results, JSON.parse(readFileSync(file, "utf8")).results);
const waiting = workloads.filter(({ id }) => !chosen || chosen.includes(id));
await Promise.all(Array.from({ length: atOnce }, runWaiting));

if (docs) writePage(report, workloads, docs);

/** Runs workloads one after the other, until none is left. */
async function runWaiting() {
  for (let workload = waiting.shift(); workload; workload = waiting.shift()) {
    console.log(`\nmeasuring ${workload.id} …`);
    const start = Date.now();
    const result = await run(workload);
    report.results[workload.id] = result;
    console.log(`\n${workload.title}`);
    print(workload, result);
    console.log(
      `  (${result.load.length} rounds, ${((Date.now() - start) / 1000).toFixed(0)} s, load ${Math.min(...result.load)}–${Math.max(...result.load)})`,
    );
    mkdirSync(out, { recursive: true });
    writeFileSync(file, `${JSON.stringify(report, undefined, 1)}\n`);
  }
}

function buildGo() {
  try {
    execFileSync("go", ["build", "-o", `${binaries}/`, "./..."], { cwd: join(here, "peer"), stdio: "inherit" });
  } catch (error) {
    console.error(`bench: the peer and the load generator cannot be built, which needs Go 1.24 or newer: ${error}`);
    process.exit(1);
  }
}

function machine() {
  const go = execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" }).trim();
  const [cpu] = cpus();
  return {
    cpus: cpus().length,
    model: cpu?.model.trim(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    go,
  };
}

/** @param {Workload} workload @returns {Promise<Result>} */
async function run(workload) {
  const { rounds, ...scale } = workload.scale[size];
  const subjects = workload.subjects(scale);
  /** @type {Result} */
  const result = { at: new Date().toISOString(), scale, load: [], rounds: {} };
  for (const subject of Object.keys(subjects)) result.rounds[subject] = [];
  /** @type {Map<string, Round<any>>} */
  const standing = new Map();
  /** @param {string} subject */
  const open = async (subject) => {
    const { target, setup } = /** @type {import("./workloads.mjs").Subject} */ (subjects[subject]);
    const session = await Session.start(target, setup);
    // A forced collection makes V8 keep the heap small, and collect again and again in what follows.
    await sleep(300);
    const before = workload.weighs ? await session.memory() : session.resident;
    const cpuBefore = session.cpu;
    const clients = workload.clients?.(scale, subject);
    const opened = clients && (await session.clients({ op: "open", total: setup.n, timeoutMs: 120_000, ...clients }));
    let last = 0;
    const changes = (/** @type {number} */ count) => {
      const first = last + 1;
      last += count;
      return first;
    };
    return { session, scale, subject, before, cpuBefore, opened, changes };
  };
  try {
    for (let i = 0; i < rounds; i++) {
      result.load.push(loadAverage());
      const order = Object.keys(subjects);
      for (const subject of i % 2 === 0 ? order : order.reverse()) {
        const round = standing.get(subject) ?? (await open(subject));
        standing.set(subject, round);
        result.rounds[subject]?.push(await workload.measure(round));
        if (workload.standing) continue;
        standing.delete(subject);
        await round.session.stop();
      }
    }
  } finally {
    for (const { session } of standing.values()) await session.stop();
  }
  return result;
}

/** @param {Workload} workload @param {Result} result */
function print(workload, result) {
  for (const [metric, { title, unit, goals = [] }] of Object.entries(workload.metrics)) {
    for (const [subject, rounds] of Object.entries(result.rounds)) {
      const values = rounds.flatMap((figures) => figures[metric] ?? []);
      if (values.length === 0) continue;
      const { median, low, high } = spread(values);
      console.log(`  ${title}: ${subject} ${numeral(median)} ${unit} (${numeral(low)}–${numeral(high)})`);
    }
    for (const goal of goals) {
      const { of = "library", over, most } = goal;
      const { median, low, high, met } = judged(metric, goal, result);
      if (Number.isNaN(median)) continue;
      const what = over ? `${of} ÷ ${over}` : `${of}, ${unit}`;
      const verdict = most === undefined ? "no goal" : `goal ≤ ${most}: ${met ? "met" : "MISSED"}`;
      console.log(`  → ${what}: ${numeral(median)} (${numeral(low)}–${numeral(high)}), ${verdict}`);
    }
  }
}
