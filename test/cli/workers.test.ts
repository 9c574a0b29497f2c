import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import type { StatusReport } from "../../src/admin/node-report.js";
import { XdsClient } from "../../src/client/index.js";
import type { RolloutReport } from "../../src/control/reports.js";
import { clusterType } from "../../src/resource/types.js";
import { get } from "../e2e/http.js";
import { post } from "../server/post.js";
import { xdsHere } from "./in-process.js";
import { type Program, xds } from "./program.js";
import { Folder, metric } from "./serving.js";
import { until } from "./stateful-server.js";

const clusters = (seconds: number, count = 3) =>
  `resources:\n${Array.from({ length: count }, (_, at) => `- { "@type": ${clusterType}, name: c${at}, connect_timeout: ${seconds}s }\n`).join("")}`;

/** `xds serve` with workers, and a folder that it serves. */
class Served {
  readonly folder = new Folder();
  readonly config = join(this.folder.path, "config");
  program!: Program;
  ports!: Awaited<ReturnType<Program["ports"]>>;

  constructor() {
    mkdirSync(this.config);
    this.write(clusters(1));
  }

  write(text: string): void {
    this.folder.write("config/a.yaml", text);
  }

  async start(...args: string[]): Promise<this> {
    this.program = xds.start("serve", this.config, "--port", "0", "--rest-port", "0", ...args);
    this.ports = await this.program.ports();
    return this;
  }

  /** The process ids of the workers that have served so far, oldest first. */
  get pids(): number[] {
    return this.program.log().flatMap(({ msg, pid }) => (/^a worker serves/.test(msg) ? [Number(pid)] : []));
  }

  /** The process id of the first worker that has this number. */
  pidOf(number: number): number {
    return Number(this.program.log().find(({ msg, worker }) => /^a worker serves/.test(msg) && worker === number)?.pid);
  }

  metric(series: string): Promise<number> {
    return metric(this.ports.admin, series);
  }

  async status(): Promise<StatusReport> {
    return JSON.parse((await get(`http://127.0.0.1:${this.ports.admin}/status`)).body) as StatusReport;
  }

  ready() {
    return get(`http://127.0.0.1:${this.ports.admin}/ready`);
  }
}

const served = (...args: string[]) => new Served().start("--workers", "2", ...args);

/** A node with a connection of its own, which connects again when it is lost. */
class TestNode {
  readonly client: XdsClient;

  /** It refuses timeouts of so many seconds. */
  constructor({ ports }: Served, id: string, variant: "sotw" | "delta" = "delta", refused = 0) {
    this.client = new XdsClient({
      address: `127.0.0.1:${ports.grpc}`,
      ...{ node: { id }, variant },
      reconnect: { initialMs: 50, maxMs: 200 },
      callbacks: {
        onResponse: ({ resources }) =>
          resources.some((one) => Number(one.as(ClusterSchema).connectTimeout?.seconds) === refused)
            ? "too long"
            : undefined,
      },
    });
    this.client.subscribe(clusterType);
    onTestFinished(() => this.client.close());
  }

  /** The timeout of the clusters in seconds, and how many there are. */
  get has(): unknown {
    const all = [...this.client.resources(clusterType).values()];
    return [Number(all[0]?.as(ClusterSchema).connectTimeout?.seconds), all.length];
  }
}

/** Nodes of both variants, each with a connection of its own. */
const nodesOf = (server: Served, count: number, refused?: number) =>
  Array.from({ length: count }, (_, at) => new TestNode(server, `n${at}`, at % 2 === 0 ? "delta" : "sotw", refused));
/** At least so many nodes, as {@link nodesOf}, and each worker has one of them. */
async function spreadNodes(server: Served, count: number, refused?: number): Promise<TestNode[]> {
  const nodes = nodesOf(server, count, refused);
  await until(async () => {
    const { workers = [], nodes: connected } = await server.status();
    expect(connected.length).toBeGreaterThanOrEqual(nodes.length);
    const hasAll = workers.every((worker) => (worker.nodes ?? 0) > 0);
    if (!hasAll) nodes.push(new TestNode(server, `n${nodes.length}`, "delta", refused));
    expect(hasAll).toBe(true);
  });
  return nodes;
}
const allHave = (nodes: readonly TestNode[], ...wanted: unknown[]) =>
  until(() => expect(nodes.map(({ has }) => has)).toEqual(nodes.map(() => wanted)));

test("workers share the ports, serve what one process would serve, and every edit reaches the clients of all", async () => {
  const server = await served();
  expect(await server.ready()).toMatchObject({ status: 200, body: "LIVE\n" });
  expect(server.pids).toHaveLength(2);
  const nodes = await spreadNodes(server, 8);
  await allHave(nodes, 1, 3);
  expect(await server.metric("xds_connections")).toBe(nodes.length);
  expect(await server.metric('xds_nodes{state="SYNCED"}')).toBe(nodes.length);
  server.write(clusters(2, 5));
  await allHave(nodes, 2, 5);

  const one = new Served();
  one.write(clusters(2, 5));
  await one.start();
  const fetched = ({ ports }: Served) => post({ port: ports.rest }, "/v3/discovery:clusters", { node: { id: "n" } });
  const wanted = await fetched(one);
  expect(wanted?.status).toBe(200);
  for (let time = 0; time < 8; time++) expect(await fetched(server)).toEqual(wanted); // each is asked a few times
  expect(await server.metric('xds_fetches_total{transport="rest",type="clusters",result="answered"}')).toBe(8);
});

test("the admin port knows the nodes of all workers, and names a worker that does not answer", async () => {
  const server = await served();
  const nodes = await spreadNodes(server, 6);
  await allHave(nodes, 1, 3);
  const admin = `http://127.0.0.1:${server.ports.admin}`;
  await until(async () => expect((await server.status()).nodeStates.SYNCED).toBe(nodes.length));
  const all = await server.status();
  expect(all.nodes.map(({ id }) => id).sort()).toEqual(nodes.map((_, at) => `n${at}`));
  const serving = { pid: expect.any(Number), state: "serving", nodes: expect.any(Number) };
  expect(all.workers).toEqual([
    { worker: 1, ...serving },
    { worker: 2, ...serving },
  ]);
  const [ofFirst = 0, ofSecond = 0] = (all.workers ?? []).map((worker) => worker.nodes ?? 0);
  expect(ofFirst + ofSecond).toBe(nodes.length);
  expect(all.counters.streams.reduce((sum, { open }) => sum + open, 0)).toBe(nodes.length);
  expect(JSON.parse((await get(`${admin}/clients`)).body)).toHaveLength(nodes.length);
  for (const { id } of all.nodes) {
    const { body } = await get(`${admin}/config_dump?node=${id}&resource=dynamic_active_clusters`);
    expect((JSON.parse(body) as { configs: unknown[] }).configs).toHaveLength(3);
    expect(await xdsHere("status", id, "--admin", admin)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(id),
    });
  }
  expect(await get(`${admin}/config_dump?node=unknown`)).toMatchObject({ status: 404 });
  for (let time = 0; time < 4; time++) {
    const shown = await post({ port: server.ports.rest }, "/v3/discovery:client_status", {});
    const body = shown?.body as { config: { node: { id: string } }[] } | undefined;
    expect(body?.config.map(({ node }) => node.id).sort()).toEqual(nodes.map((_, at) => `n${at}`));
  }

  const first = server.pidOf(1);
  process.kill(first, "SIGSTOP");
  let isReplaced = false;
  onTestFinished(() => {
    if (!isReplaced) process.kill(first, "SIGCONT"); // a stopped process does not notice the end of its parent
  });
  expect((await server.status()).nodes).toHaveLength(ofSecond);
  const { code, stdout } = await xdsHere("status", "--admin", admin);
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^worker 1 does not answer, and its nodes are missing: /)]);
  process.kill(first, "SIGCONT");
  await until(async () => expect((await server.status()).nodes).toHaveLength(nodes.length));

  process.kill(first, "SIGSTOP"); // for good: it is ended after 15 s
  await server.program.logged({ worker: 1, msg: "a worker serves in the place of the one that died" });
  isReplaced = true;
  expect(server.program.log()).toContainEqual(
    expect.objectContaining({ level: "error", worker: 1, msg: "a worker does not answer; it is ended" }),
  );
  await until(async () => expect((await server.status()).nodes).toHaveLength(nodes.length));
});

test("a worker that is killed is replaced; its clients go on at the others, and get the next edit", async () => {
  const server = await served();
  const nodes = await spreadNodes(server, 6);
  await allHave(nodes, 1, 3);
  process.kill(server.pidOf(1), "SIGKILL");
  server.write(clusters(2));
  await allHave(nodes, 2, 3);
  await server.program.logged({ level: "info", worker: 1, msg: "a worker serves in the place of the one that died" });
  expect(server.pids).toHaveLength(3);
  expect(await server.metric("xds_worker_deaths_total")).toBe(1);
  expect(await server.metric('xds_workers{state="serving"}')).toBe(2);
  // The counters of the worker that died are not lost.
  expect(await server.metric('xds_streams_opened_total{variant="delta",type="ads"}')).toBeGreaterThanOrEqual(3);
  const more = nodesOf(server, 4);
  server.write(clusters(3));
  await allHave([...nodes, ...more], 3, 3);
  expect(server.program.log().filter(({ level }) => level === "error")).toEqual([]);
});

test("when all workers are killed at once, the ports stay the same, and clients come back", async () => {
  const server = await served();
  const nodes = await spreadNodes(server, 4);
  await allHave(nodes, 1, 3);
  for (const pid of server.pids) process.kill(pid, "SIGKILL");
  await until(() => expect(server.pids).toHaveLength(4));
  server.write(clusters(2));
  await allHave(nodes, 2, 3);
});

test("SIGTERM drains all workers, and leaves no process", async () => {
  const server = await served();
  const nodes = await spreadNodes(server, 4);
  await allHave(nodes, 1, 3);
  server.program.signal("SIGTERM");
  expect(await server.program.end()).toBe(0);
  expect(server.program.stderr).toMatch(/"msg":"drained"/);
  for (const pid of server.pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("the workers end with a main process that is killed", async () => {
  const server = await served();
  server.program.signal("SIGKILL");
  await server.program.end();
  await until(() => {
    for (const pid of server.pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});

test("a worker that dies again and again ends the program, with an error", async () => {
  const server = await served();
  let last = 0;
  const killNext = () => {
    const { pids } = server;
    if (pids.length <= 2 && last === 0) last = pids[0] as number;
    else if (pids.length > 2 && pids.at(-1) !== last) last = pids.at(-1) as number;
    else return;
    process.kill(last, "SIGKILL");
  };
  const timer = setInterval(killNext, 20);
  onTestFinished(() => clearInterval(timer));
  expect(await server.program.end()).toBe(1);
  expect(server.program.stderr).toMatch(
    /\nxds: worker \d has died again and again, the last time because it ended with SIGKILL\n$/,
  );
  for (const pid of server.pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("limits are those of all workers together", async () => {
  const server = await served("--limits-connections", "4");
  const nodes = nodesOf(server, 6);
  await until(async () => {
    expect(nodes.filter(({ client }) => client.resources(clusterType).size > 0)).toHaveLength(4);
    expect(await server.metric('xds_refusals_total{reason="connections"}')).toBeGreaterThanOrEqual(2);
  });
  expect(await server.metric("xds_connections")).toBe(4);
});

test("SIGHUP reaches the workers: a new log level, for one", async () => {
  const server = new Served();
  const settings = (level: string) =>
    server.folder.write("xds.yaml", `paths: [${server.config}]\nworkers: 2\nlog: {level: ${level}}\n`);
  server.program = xds.start("serve", "--config", settings("warn"), "--port", "0", "--rest-port", "off");
  server.ports = await server.program.ports();
  const opened = () =>
    server.program.log().filter(({ msg, worker }) => msg === "stream opened" && worker !== undefined);
  await allHave(nodesOf(server, 2), 1, 3);
  expect(opened()).toEqual([]);
  settings("info");
  server.program.signal("SIGHUP");
  await server.program.logged({ msg: "these settings changed and are in use now" });
  await spreadNodes(server, 2);
  await until(() => expect(new Set(opened().map(({ worker }) => worker))).toEqual(new Set([1, 2])));
});

test("a port that is in use is an error of the start", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as { port: number };
  const { config } = new Served();
  const { code, stderr } = await xds("serve", config, "--workers", "2", "--port", String(port), "--rest-port", "off");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^xds: cannot listen for \S+ on 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n +choose other ports/);
});

test.each(["0", "-1", "two", "1000"])("--workers %s is refused", async (value) => {
  const { code, stderr } = await xds("serve", ".", "--workers", value);
  expect([code, stderr]).toEqual([2, expect.stringContaining("expected a whole number from 1 to 256, or auto")]);
});

test("--workers with --store is refused", async () => {
  const { code, stderr } = await xds("serve", "--workers", "2", "--store", "etcd://127.0.0.1:1");
  expect([code, stderr]).toEqual([2, expect.stringContaining("--workers cannot be used with --store yet")]);
});

/** A server with gradual rollouts, each wave of which waits for an order. */
async function gradual() {
  const server = new Served();
  const state = join(server.folder.path, "state");
  const flags = ["--rollout-strategy", "gradual", "--rollout-bake", "1h", "--rollout-applied-within", "1h"];
  await server.start("--workers", "2", "--state-dir", state, ...flags);
  const order = async (...args: string[]) => {
    const { code, stdout, stderr } = await xdsHere(...args, "--state-dir", state);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  };
  const rollout = async () => JSON.parse(await order("rollout", "status", "-o", "json")) as RolloutReport;
  return { server, order, rollout };
}

test("a gradual rollout sees the nodes of all workers: one has the change first, then all", async () => {
  const { server, order, rollout } = await gradual();
  const nodes = await spreadNodes(server, 6);
  await allHave(nodes, 1, 3);
  server.write(clusters(2));
  await until(async () => expect((await rollout()).candidate).toMatchObject({ wave: 0, state: "baking" }));
  const { candidate } = await rollout();
  expect(candidate?.evidence).toMatchObject({ affected: nodes.length, candidates: 1, pending: [] });
  expect(nodes.filter(({ has }) => (has as number[])[0] === 2)).toHaveLength(1);
  process.kill(server.pidOf(1), "SIGKILL"); // its nodes come back at the others, and have what they had
  await server.program.logged({ worker: 1, msg: "a worker serves in the place of the one that died" });
  await until(async () =>
    expect((await rollout()).candidate?.evidence).toMatchObject({ affected: nodes.length, candidates: 1 }),
  );
  expect(nodes.filter(({ has }) => (has as number[])[0] === 2)).toHaveLength(1);
  await order("rollout", "promote", "--why", "it works");
  await allHave(nodes, 2, 3);
  expect(await rollout()).toMatchObject({ stable: 2 });
});

test("a refusal at any worker takes a rollout back", async () => {
  const { server, rollout } = await gradual();
  const nodes = await spreadNodes(server, 4, 66);
  await allHave(nodes, 1, 3);
  server.write(clusters(66));
  await until(async () => {
    const { stable, candidate, barred } = await rollout();
    expect({ stable, candidate, barred }).toMatchObject({
      ...{ stable: 1, candidate: undefined },
      barred: [{ revision: 2, why: expect.stringMatching(/^node "n\d+" refuses clusters .*too long$/) }],
    });
  });
  await allHave(nodes, 1, 3);
});

test("the time until all nodes have a change is measured over all workers", async () => {
  const server = await served();
  const nodes = await spreadNodes(server, 4);
  await allHave(nodes, 1, 3);
  server.write(clusters(2));
  await allHave(nodes, 2, 3);
  await until(async () => expect(await server.metric("xds_convergence_seconds_count")).toBeGreaterThanOrEqual(1));
});
