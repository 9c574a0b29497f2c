import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, inject, it, onTestFinished } from "vitest";
import { EtcdStore, type EtcdStoreOptions } from "../../src/store/etcd/index.js";
import { freePort } from "../e2e/ports.js";

const found = inject("etcd");
const startTimeoutMs = 40_000;

/** Tests that need an etcd. Without one they fail where XDS_REQUIRE_ETCD is 1, and are skipped elsewhere. */
export function describeWithEtcd(name: string, tests: () => void): void {
  if ("binary" in found) describe(name, tests);
  else if (process.env.XDS_REQUIRE_ETCD === "1")
    describe(name, () => {
      it("has an etcd", () => {
        throw new Error(found.missing);
      });
    });
  else describe.skip(`${name} (skipped: ${found.missing})`, tests);
}

interface Ports {
  readonly client: number;
  readonly peer: number;
}

/** A member of etcd on 127.0.0.1. */
export class Etcd {
  private readonly folder = mkdtempSync(join(tmpdir(), "etcd-"));
  private child: ChildProcess | undefined;
  private exit: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly name: string,
    private readonly ports: Ports,
    private readonly cluster: string,
    private readonly flags: readonly string[],
    private readonly scheme: "http" | "https",
  ) {}

  get endpoint(): string {
    return `127.0.0.1:${this.ports.client}`;
  }

  get port(): number {
    return this.ports.client;
  }

  /** Starts it, with the data that it had. It may take a while until it serves. */
  start(): void {
    if (!("binary" in found)) throw new Error(found.missing);
    const output = openSync(this.logPath, "a");
    const peer = `http://127.0.0.1:${this.ports.peer}`;
    const client = `${this.scheme}://${this.endpoint}`;
    const flags = [
      ...["--name", this.name, "--data-dir", join(this.folder, "data")],
      ...["--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", this.cluster],
      ...this.flags,
    ];
    const env = { ...process.env, ...(process.arch === "arm64" && { ETCD_UNSUPPORTED_ARCH: "arm64" }) };
    const child = spawn(found.binary, flags, { stdio: ["ignore", output, output], env });
    closeSync(output);
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    this.child = child;
    this.exit = once(child, "exit").finally(() => process.off("exit", kill));
  }

  /** Resolves when it serves, for the `times`th time. */
  async serves(times = 1): Promise<void> {
    const until = performance.now() + startTimeoutMs;
    while (this.log().split("ready to serve client requests").length <= times) {
      if (this.child?.exitCode != null || performance.now() > until) throw new Error(`no etcd:\n${this.log()}`);
      await sleep(20);
    }
  }

  /** It stands still, as a machine does that swaps. Resolves when all of its threads do. */
  async pause(): Promise<void> {
    this.child?.kill("SIGSTOP");
    const tasks = `/proc/${this.child?.pid}/task`;
    if (process.platform !== "linux") return void (await sleep(500));
    const isStopped = (task: string) => /\) T /.test(readFileSync(join(tasks, task, "stat"), "utf8"));
    while (!readdirSync(tasks).every(isStopped)) await sleep(5);
  }

  resume(): void {
    this.child?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    this.child?.kill("SIGKILL");
    await this.exit;
  }

  /** What etcd answers to one of its JSON calls. */
  async json(path: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.scheme}://${this.endpoint}/v3/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Removes all history. */
  async compact(): Promise<void> {
    const { header } = (await this.json("kv/range", { key: base64("x") })) as { header: { revision: string } };
    await this.json("kv/compaction", { revision: header.revision, physical: true });
  }

  async isLeader(): Promise<boolean> {
    const { header, leader } = (await this.json("maintenance/status", {})) as {
      header: { member_id: string };
      leader: string;
    };
    return header.member_id === leader;
  }

  /** Puts a value as `etcdctl put` does. */
  async put(key: string, value: string): Promise<void> {
    await this.json("kv/put", { key: base64(key), value: base64(value) });
  }

  async delete(key: string): Promise<void> {
    await this.json("kv/deleterange", { key: base64(key) });
  }

  /** The sizes of the values of all keys that begin with a prefix, and etcd's revision. */
  async sizes(prefix: string): Promise<{ sizes: Map<string, number>; revision: number }> {
    const end = `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
    const answer = await this.json("kv/range", { key: base64(prefix), range_end: base64(end) });
    const { kvs = [], header } = answer as {
      kvs?: { key: string; value?: string }[];
      header: { revision: string };
    };
    const sizes = kvs.map(({ key, value = "" }) => {
      return [Buffer.from(key, "base64").toString(), Buffer.from(value, "base64").length] as const;
    });
    return { sizes: new Map(sizes), revision: Number(header.revision) };
  }

  /** Loses all that it has kept. It must not run. */
  loseData(): void {
    rmSync(join(this.folder, "data"), { recursive: true, force: true });
  }

  log(): string {
    return readFileSync(this.logPath, "utf8");
  }

  async forget(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get logPath(): string {
    return join(this.folder, "log");
  }
}

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** How an etcd is run. */
interface EtcdOptions {
  readonly flags?: readonly string[];
  readonly scheme?: "http" | "https";
}

/** Starts members of one cluster, without waiting for them. */
export async function startMembers(count: number, { flags = [], scheme = "http" }: EtcdOptions = {}): Promise<Etcd[]> {
  const ports: Ports[] = [];
  for (let member = 0; member < count; member++) ports.push({ client: await freePort(), peer: await freePort() });
  const cluster = ports.map(({ peer }, member) => `m${member}=http://127.0.0.1:${peer}`).join(",");
  const members = ports.map((own, member) => new Etcd(`m${member}`, own, cluster, flags, scheme));
  for (const member of members) member.start();
  return members;
}

/** Starts an etcd for one test. */
export async function startEtcd(options?: EtcdOptions): Promise<Etcd> {
  const [etcd] = (await startMembers(1, options)) as [Etcd];
  onTestFinished(() => etcd.forget());
  await etcd.serves();
  return etcd;
}

let configurations = 0;
/** A name that no test has used. */
export const newConfiguration = (): string => `test-${process.pid}-${configurations++}`;

/** Opens a store for one test. */
export async function openStore(options: EtcdStoreOptions): Promise<EtcdStore> {
  const store = await EtcdStore.open(options);
  onTestFinished(() => store.close());
  return store;
}

/** Waits until something is so. */
export async function eventually(isSo: () => boolean | Promise<boolean>, what: string, timeoutMs = 30_000) {
  const until = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(10);
  }
}
