// Writes docs/performance.md and its plots from bench/results/latest.json.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { barChart } from "./bar-chart.mjs";
import { judged, numeral, spread } from "./statistics.mjs";

/** @import { Result, Report } from "./run.mjs" */
/** @import { Goal, Metric, Workload } from "./workloads.mjs" */

/** @param {Report} report @param {readonly Workload[]} workloads @param {string} docs the directory */
export function writePage({ machine, results }, workloads, docs) {
  const plots = join(docs, "performance");
  rmSync(plots, { recursive: true, force: true });
  mkdirSync(plots, { recursive: true });
  const measured = workloads.flatMap((workload) => {
    const result = results[workload.id];
    return result ? [{ workload, result }] : [];
  });
  const rows = measured.flatMap(({ workload, result }) =>
    goalsOf(workload)
      .filter(({ key, goal }) => !Number.isNaN(judged(key, goal, result).median))
      .map(({ metric, key, goal }) => goalRow(workload, metric, key, goal, result)),
  );
  const sections = measured.map(({ workload, result }) => section(workload, result, plots));
  const { model, cpus, memoryGiB, kernel, node, go } = machine;
  writeFileSync(
    join(docs, "performance.md"),
    `# Performance

\`npm run bench\` made this page. It measures the built library side by side with **go-control-plane 0.14.0** (the peer) and with **floors**.
A floor is a server that writes ready bytes and drops what comes back: any server on its transport has to spend at least that. "floor" uses
this project's own HTTP/2. The others use Node's \`node:http2\` and grpc-js.

- One load generator, in Go, drives all of them over loopback.
- CPU is the time of the server process, from \`/proc\`, all threads. Memory is its resident memory.
- A ratio is the median over rounds in which the subjects take turns. The least and the greatest are in parentheses. They show the noise of
  a shared machine.

Machine: ${model}, ${cpus} CPUs, ${memoryGiB} GiB, Linux ${kernel}; Node ${node.slice(1)}, ${go.replace("go", "Go ")}. Run of ${dateOf(measured.map(({ result }) => result.at))}.

| workload | figure | library | peer | floor | ratio | goal | |
|---|---|---|---|---|---|---|---|
${rows.join("\n")}

${sections.join("\n\n")}
`,
  );
}

/** @param {Workload} workload */
function goalsOf({ metrics }) {
  return Object.entries(metrics).flatMap(([key, metric]) =>
    (metric.goals ?? []).map((goal) => ({ metric, key, goal })),
  );
}

/** @param {Workload} workload @param {Metric} metric @param {string} key @param {Goal} goal @param {Result} result */
function goalRow({ id, title }, metric, key, goal, result) {
  const { median, low, high, met } = judged(key, goal, result);
  const { of = "library", over, most } = goal;
  const figure = (/** @type {string} */ subject) => figureOf(result, subject, key, metric.unit);
  const ratio = `${numeral(median)} (${numeral(low)}–${numeral(high)})${over ? "" : ` ${metric.unit}`}`;
  const peer = over?.startsWith("peer") ? over : "peer";
  const against = over === "peer" ? "× peer" : over === "floor" ? "× floor" : over ? `× “${over}”` : metric.unit;
  const what = of === "library" ? metric.title : `${metric.title} (“${of}”)`;
  const bound = most === undefined ? `none (${against})` : `≤ ${most} ${against}`;
  const verdict = most === undefined ? "" : met ? "met" : "**missed**";
  return `| [${title}](#${id}) | ${what} | ${figure(of)} | ${figure(peer)} | ${figure("floor")} | ${ratio} | ${bound} | ${verdict} |`;
}

/** @param {Result} result @param {string} subject @param {string} key @param {string} unit */
function figureOf(result, subject, key, unit) {
  const values = valuesOf(result, subject, key);
  return values.length > 0 ? `${numeral(spread(values).median)} ${unit}` : "";
}

/** @param {Result} result @param {string} subject @param {string} key */
const valuesOf = (result, subject, key) => (result.rounds[subject] ?? []).flatMap((figures) => figures[key] ?? []);

/** @param {Workload} workload @param {Result} result @param {string} plots the directory */
function section(workload, result, plots) {
  const { id, title, meaning, metrics } = workload;
  const rows = Object.entries(metrics).map(([key, metric], at) => {
    const bars = Object.keys(result.rounds).flatMap((subject) => {
      const values = valuesOf(result, subject, key);
      return values.length > 0 ? [{ name: subject, ...spread(values) }] : [];
    });
    const file = `${id}-${key}.svg`;
    writeFileSync(join(plots, file), barChart(`${metric.title}, ${metric.unit}`, bars));
    const text = [
      at === 0 ? meaning : "",
      metric.meaning ?? "",
      inFleet(key, metric, result),
      ...(metric.goals ?? []).flatMap((goal) => shortfall(key, goal, result)),
    ];
    const words = text.filter(Boolean).join("<br><br>");
    return `| <img src="performance/${file}" width="460" alt="${metric.title}"> | ${words} |`;
  });
  const rounds = `${result.load.length} rounds; load of the machine ${Math.min(...result.load)} to ${Math.max(...result.load)}`;
  return `<a id="${id}"></a>\n\n## ${title}\n\n| | |\n|---|---|\n${rows.join("\n")}\n\n${rounds}.`;
}

/**
 * What the figures come to for who has many Envoys.
 * @param {string} key
 * @param {Metric} metric
 * @param {Result} result
 */
function inFleet(key, { fleet }, result) {
  const [library, peer] = ["library", "peer"].map((subject) => valuesOf(result, subject, key));
  if (!fleet || !library?.length || !peer?.length) return "";
  const { count, what } = fleet;
  return `${count(spread(library).median)} ${what}; the peer: ${count(spread(peer).median)}.`;
}

/** What is to be said of a goal that is missed. @param {string} key @param {Goal} goal @param {Result} result */
function shortfall(key, goal, result) {
  const { median, met } = judged(key, goal, result);
  const { over, most, why } = goal;
  if (met || most === undefined) return [];
  const floor = over === "peer" ? judged(key, { of: "floor", over: "peer", most }, result) : undefined;
  const beneath =
    floor && !Number.isNaN(floor.median)
      ? ` The floor is at ${numeral(floor.median)}${floor.met ? "" : ": out of reach for any server on this transport"}.`
      : "";
  return [`Missed: ${numeral(median)} where ${most} was the goal.${beneath}${why ? ` ${why}` : ""}`];
}

/** @param {string[]} times */
const dateOf = (times) => [...new Set(times.map((at) => at.slice(0, 10)))].sort().join(" to ");
