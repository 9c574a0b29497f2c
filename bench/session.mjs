import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuMicroseconds, residentBytes } from "./process.mjs";
import { clusterYaml, marker } from "./servers/resources.mjs";

/** @import { ChildProcess } from "node:child_process" */
/** @import { Socket } from "node:net" */
/**
 * What the load generator answers: times in milliseconds. See peer/load/commands.go.
 * @typedef {{
 *   ms: number[], p50: number, p99: number, bytes: number, responses: number,
 *   changes?: number, handshakes?: number, resumed?: number,
 * }} Answer
 * @typedef {"library" | "peer" | "floor" | "floor node:http2" | "floor grpc-js" | "program"} Target `program`:
 *   `xds serve` with the clusters in YAML files
 * @typedef {{
 *   type?: "cluster" | "endpoint", n: number, cache?: "snapshot" | "linear", all?: boolean, files?: number,
 *   sees?: number, bad?: boolean, moves?: boolean, tls?: boolean,
 * }} Setup `sees`: so many streams see a change; `bad`: one cluster's bytes contain "refuse-me"; `moves`: one cluster
 *   and a route to it, and each change replaces the cluster (both: the library only); `tls`: with TLS, and clients need
 *   certificates (the library and the peer only)
 */

const here = dirname(fileURLToPath(import.meta.url));
/** Where the Go programs are built to; ignored by git. */
export const binaries = join(here, "..", ".cache", "bench");

const floor = [process.execPath, join(here, "servers", "floor.mjs")];
/** @type {Record<Exclude<Target, "program">, string[]>} */
const commands = {
  library: [process.execPath, join(here, "servers", "library.mjs")],
  peer: [join(binaries, "server")],
  floor: [...floor, "--transport=own"],
  "floor node:http2": [...floor, "--transport=node-http2"],
  "floor grpc-js": [...floor, "--transport=grpc-js"],
};

/** The folder of this run's certificates. They are made when they are first needed. @type {string | undefined} */
let folder;
function certificates() {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), "xds-bench-tls-"));
    execFileSync(join(binaries, "certs"), [folder], { stdio: "inherit" });
  }
  return folder;
}

const program = join(here, "..", "dist", "cli", "main.js");
/** An answer that takes longer means that something hangs. */
const patienceMs = 180_000;

/** A server under test, in a process of its own, and its clients in another. */
export class Session {
  /** @type {LineProcess | undefined} */
  #clients;
  /** @type {Socket | undefined} */
  #admin;

  /** @param {LineProcess} server @param {{ port: number, admin?: number }} ports */
  constructor(server, ports) {
    this.server = server;
    this.ports = ports;
    /** From the process's start until it says that it serves. */
    this.readyMs = 0;
    /** @type {string | undefined} */
    this.directory = undefined;
    /** The folder of the certificates, with TLS. @type {string | undefined} */
    this.tls = undefined;
  }

  /** @param {Target} target @param {Setup} setup @param {string[]} [nodeOptions] for profiles */
  static async start(
    target,
    { type = "cluster", n, cache = "snapshot", all = false, files = 1, sees, bad = false, moves = false, tls = false },
    nodeOptions = [],
  ) {
    if (target === "program") return Session.#serve(n, files);
    const [program = "", ...rest] = commands[target];
    const args = [
      ...rest,
      `--type=${type}`,
      `--n=${n}`,
      `--cache=${cache}`,
      ...(all ? ["--all"] : []),
      ...(sees ? [`--sees=${sees}`] : []),
      ...(bad ? ["--bad"] : []),
      ...(moves ? ["--moves"] : []),
      ...(tls ? [`--tls=${certificates()}`] : []),
    ];
    const server = new LineProcess(program, target === "peer" ? args : [...nodeOptions, ...args]);
    const session = new Session(server, JSON.parse(await server.line()));
    if (tls) session.tls = certificates();
    return session;
  }

  /** @param {number} n @param {number} files */
  static async #serve(n, files) {
    const directory = await mkdtemp(join(tmpdir(), "xds-bench-"));
    for (let file = 0; file < files; file++) await writeClusters(directory, file, n / files);
    const start = performance.now();
    const args = [
      "serve",
      directory,
      "--port",
      "0",
      "--rest-port",
      "off",
      "--admin-port",
      "off",
      "--log-level",
      "error",
      "--state-dir",
      join(directory, ".state"), // hidden names are no configuration
    ];
    const server = new LineProcess(process.execPath, [program, ...args]);
    const [, port] = /gRPC .*:(\d+)$/.exec(await server.line()) ?? [];
    const session = new Session(server, { port: Number(port) });
    session.readyMs = performance.now() - start;
    session.directory = directory;
    return session;
  }

  /**
   * Edits the first file that the program serves: change k to cluster 0.
   * @param {number} k
   * @param {number} clusters in a file
   */
  async edit(k, clusters) {
    await writeClusters(String(this.directory), 0, clusters, marker(k));
  }

  /**
   * Has the clients do something, and resolves with what they measured.
   * @param {Record<string, unknown>} command
   * @returns {Promise<Answer>}
   */
  async clients(command) {
    if (!this.#clients) {
      const { tls } = this;
      const { port, admin } = this.ports;
      const args = [
        `-addr=127.0.0.1:${port}`,
        ...(admin ? [`-admin=127.0.0.1:${admin}`] : []),
        ...(tls ? [`-tls=${tls}`] : []),
      ];
      this.#clients = new LineProcess(join(binaries, "load"), args);
    }
    return JSON.parse(await this.#clients.ask(JSON.stringify(command)));
  }

  /**
   * Has the server do something besides what the clients have it do.
   * @param {string} command
   * @returns {Promise<any>}
   */
  async order(command) {
    if (!this.#admin) {
      this.#admin = connect(Number(this.ports.admin), "127.0.0.1");
      await once(this.#admin, "connect");
    }
    this.#admin.write(`${command}\n`);
    const [answer] = await once(this.#admin, "data");
    return JSON.parse(String(answer));
  }

  get cpu() {
    return cpuMicroseconds(this.server.pid);
  }

  /** What is alive in the server after its garbage has been collected, in bytes. @returns {Promise<number>} */
  async live() {
    await sleep(300);
    return (await this.order("gc")).live;
  }

  /** Resident memory when nothing happens any more and garbage has been collected, in bytes. */
  async memory() {
    await sleep(300);
    if (this.ports.admin) await this.order("gc");
    await sleep(200);
    return residentBytes(this.server.pid);
  }

  /** Resident memory as it is. */
  get resident() {
    return residentBytes(this.server.pid);
  }

  async stop() {
    this.#admin?.destroy();
    await this.#clients?.stop();
    await this.server.stop();
    if (this.directory) await rm(this.directory, { recursive: true });
  }
}

/**
 * @param {string} directory
 * @param {number} file its number
 * @param {number} count how many clusters it has
 * @param {string} [mark] of the first
 */
async function writeClusters(directory, file, count, mark = "") {
  const clusters = Array.from({ length: count }, (_, i) => clusterYaml(file * count + i, i === 0 ? mark : ""));
  const path = join(directory, `clusters-${file}.yaml`);
  await writeFile(`${path}.new`, `resources:\n${clusters.join("")}`);
  await rename(`${path}.new`, path);
}

/** The children that run: none outlives the benchmark, whatever ends it. @type {Set<ChildProcess>} */
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  if (folder) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

/**
 * A child process that is talked to by lines. Its stderr is ours; that it ends too early is an error of whoever waits.
 */
export class LineProcess {
  /** @type {ChildProcess} */
  #process;
  /** @type {AsyncIterator<string>} */
  #lines;
  #exit;

  /** @param {string} program @param {string[]} args */
  constructor(program, args) {
    this.name = [program, ...args].join(" ");
    this.#process = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    running.add(this.#process);
    this.#exit = once(this.#process, "exit").then(() => running.delete(this.#process));
    const output = /** @type {import("node:stream").Readable} */ (this.#process.stdout);
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  get pid() {
    return Number(this.#process.pid);
  }

  /** The next line that it prints. */
  async line() {
    const late = new AbortController();
    const timeout = sleep(patienceMs, undefined, { signal: late.signal }).then(() => {
      throw new Error(`${this.name}: silent for ${patienceMs} ms`);
    });
    timeout.catch(() => {});
    try {
      const { value, done } = await Promise.race([this.#lines.next(), timeout]);
      if (done) throw new Error(`${this.name}: ended`);
      return value;
    } finally {
      late.abort();
    }
  }

  /** @param {string} line */
  ask(line) {
    this.#process.stdin?.write(`${line}\n`);
    return this.line();
  }

  async stop() {
    this.#process.kill("SIGKILL");
    await this.#exit;
  }
}
