// canary.mjs FOLDER PORT PID [CA]: a client that does nothing wrong, in a process of its own, so that an attack's
// process does not slow it. It edits a cluster in the folder several times a second, and measures how long each edit
// takes to reach it. It says "started" when edits arrive. At the message "measure" it begins anew; at "end" it edits no
// more, waits for the last edit, and says what it has measured.
//
// The attack runs on the same machine, and would run on others. So the time does not count in which other processes
// took the CPU from the server, whose process is PID. All the rest counts: what the server does, for the attack too,
// and what it waits for.
import { renameSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { XdsClient } from "../../dist/client/index.js";
import { clusterType } from "../../dist/index.js";
import { ownTime, reading } from "./own-time.mjs";

const [folder, port, pid, ca] = process.argv.slice(2);
const cpus = availableParallelism();
/** The reading when each edit was made that has not arrived yet, by its content. */
const edits = new Map();
let waits = [];
let content = 1;

function edit() {
  edits.set(++content, reading(pid));
  const text = `resources: [{ "@type": ${clusterType}, name: canary, type: STATIC, connect_timeout: ${content}s }]\n`;
  writeFileSync(`${folder}/.canary.new`, text);
  renameSync(`${folder}/.canary.new`, `${folder}/canary.yaml`);
}

function look() {
  const arrived = client.resources(clusterType).get("canary")?.message.connectTimeout.seconds ?? 0n;
  const now = reading(pid);
  for (const [made, before] of edits) {
    if (made > arrived) continue;
    waits.push(waited(before, now));
    edits.delete(made);
  }
  if (!isStarted && waits.length >= 3) {
    isStarted = true;
    process.send("started");
  }
  if (isEnding && edits.size === 0) end();
}

const waited = (before, now) => ({ own: ownTime(before, now, cpus), wall: now.at - before.at });

function end() {
  const now = reading(pid);
  // What has not arrived has taken so long, at least.
  const all = [...waits, ...[...edits.values()].map((before) => waited(before, now))];
  const worst = (of) => Math.round(Math.max(...all.map((wait) => wait[of])));
  process.send({ edits: all.length, lost: edits.size, worst: worst("own"), worstByTheClock: worst("wall") });
  process.disconnect();
  void client.close();
}

let isStarted = false;
let isEnding = false;
const client = new XdsClient({
  address: `127.0.0.1:${port}`,
  node: { id: "canary" },
  callbacks: { onChange: look },
  ...(ca && { tls: { ca, serverName: "localhost" } }),
});
client.subscribe(clusterType, ["canary"]);
const timer = setInterval(edit, 300);
process.on("message", (message) => {
  if (message === "measure") waits = [];
  if (message !== "end") return;
  isEnding = true;
  clearInterval(timer);
  if (edits.size === 0) end();
  else setTimeout(end, 60_000).unref();
});
process.on("disconnect", () => process.exit());
