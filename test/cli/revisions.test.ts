import { mkdirSync, readdirSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { XdsClient } from "../../src/client/index.js";
import { clusterType, endpointType } from "../../src/index.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";
import { xdsHere } from "./in-process.js";
import { type Program, xds } from "./program.js";
import { Folder } from "./serving.js";

const gradual = ["--rollout-strategy", "gradual", "--rollout-bake", "300ms", "--rollout-applied-within", "5s"];
const cluster = (name: string, seconds = 1) =>
  `- {"@type": ${clusterType}, name: ${name}, connect_timeout: ${seconds}s}\n`;
const endpoints = (name: string) => `- {"@type": ${endpointType}, cluster_name: ${name}}\n`;
const many = (count: number) => Array.from({ length: count }, (_, at) => cluster(`c${at}`)).join("");

/** A server with its state in a directory, that can be started again. */
class World {
  readonly config = new Folder();
  readonly state = new Folder();
  server: Program | undefined;
  grpc = 0;
  admin = 0;
  /** `<node> <cluster> <version>` of all that was sent, in order. */
  readonly sent: string[] = [];
  private readonly clients: XdsClient[] = [];

  write(...resources: string[]): void {
    this.config.write("a.yaml", resources.length === 0 ? "resources: []\n" : `resources:\n${resources.join("")}`);
  }

  async start(...flags: string[]): Promise<void> {
    const ports = ["--port", String(this.grpc), "--rest-port", "off"];
    this.server = xds.start("serve", this.config.path, "--state-dir", this.state.path, ...ports, ...flags);
    const { grpc, admin } = await this.server.ports();
    this.grpc = grpc;
    this.admin = admin;
  }

  /** Ends the server without a chance to write anything. */
  async kill(): Promise<void> {
    this.server?.signal("SIGKILL");
    await this.server?.end();
  }

  /** A node that refuses clusters with a timeout of so many seconds. */
  node(id: string, refusedSeconds = 0): () => Record<string, string> {
    const secondsOf = (body: Uint8Array | undefined) => /"connect_timeout":"([\d.]+)s"/.exec(textOf(body))?.[1] ?? "";
    const client = new XdsClient({
      address: `127.0.0.1:${this.grpc}`,
      node: { id },
      reconnect: { initialMs: 50, maxMs: 200 } as never,
      callbacks: {
        onResponse: ({ resources }) => {
          for (const { name, body } of resources) this.sent.push(`${id} ${name} ${secondsOf(body)}`);
          const bad = resources.find(({ body }) => secondsOf(body) === String(refusedSeconds));
          return bad && `no ${bad.name} for me`;
        },
      },
    });
    client.subscribe(clusterType);
    client.subscribe(endpointType);
    this.clients.push(client);
    onTestFinished(() => client.close());
    return () =>
      Object.fromEntries(
        [clusterType, endpointType].flatMap((type) =>
          Array.from(client.resources(type), ([name, { body }]) => [
            name,
            type === clusterType ? secondsOf(body) : "endpoints",
          ]),
        ),
      );
  }

  /** Runs a command for this server. */
  async order(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await xdsHere(...args, "--state-dir", this.state.path);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  async history(): Promise<{
    revisions: { revision: number; state?: string }[];
    held?: { content: string; reasons: string[] };
  }> {
    return JSON.parse(await this.order("history", "-o", "json"));
  }

  async ready(): Promise<string> {
    const { status, body } = await get(`http://127.0.0.1:${this.admin}/ready`);
    expect(status).toBe(200);
    return body;
  }
}

/** Enough of a cluster's JSON to see its timeout: field 4 is a Duration whose field 1 is the seconds. */
function textOf(body: Uint8Array | undefined): string {
  const bytes = Buffer.from(body ?? []);
  for (let at = 0; at + 3 < bytes.length; at++)
    if (bytes[at] === 0x22 && bytes[at + 1] === 2 && bytes[at + 2] === 0x08)
      return `"connect_timeout":"${bytes[at + 3]}s"`;
  return "";
}

test("a change that a node refuses reaches that node alone, goes back, and is not served again until it is allowed", async () => {
  const world = new World();
  world.write(cluster("a", 1), cluster("b", 1));
  await world.start(...gradual);
  const nodes = ["n0", "n1", "n2"].map((id) => world.node(id, 2));
  const all = { a: "1", b: "1" };
  await eventually(() => expect(nodes.map((has) => has())).toEqual([all, all, all]));
  world.write(cluster("a", 2), cluster("b", 1));
  await world.server?.logged({ msg: "the rollout was rolled back; its content is barred" });
  const why = String(world.server?.log().find(({ why }) => why)?.why);
  expect(why).toMatch(/node "n\d" refuses clusters.*a.*no a for me/);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(new Set(world.sent.filter((line) => line.endsWith(" a 2")))).toHaveProperty("size", 1);
  expect(nodes.map((has) => has())).toEqual([all, all, all]);
  expect((await world.history()).revisions.map(({ revision }) => revision)).toEqual([2, 1]);
  const refused = world.sent.filter((line) => line.endsWith(" a 2"));
  // The same files are not served again, whatever happens to their time.
  world.write(cluster("a", 2), cluster("b", 1));
  world.write(cluster("b", 1), cluster("a", 2));
  await world.server?.logged({ msg: expect.stringMatching(/^this configuration is barred/) });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(world.sent.filter((line) => line.endsWith(" a 2"))).toEqual(refused);
  // What is right goes through all waves.
  world.write(cluster("a", 3), cluster("b", 1));
  const next = { a: "3", b: "1" };
  await eventually(() => expect(nodes.map((has) => has())).toEqual([next, next, next]));
  await world.server?.logged({ msg: "the rollout is done: all nodes have the revision" });
  const metrics = (await get(`http://127.0.0.1:${world.admin}/metrics`)).body;
  expect(metrics).toMatch(/xds_rollouts_total\{result="done"\} 1\n/);
  expect(metrics).toMatch(/xds_rollouts_total\{result="rolled_back"\} 1\n/);
});

test("endpoints flow during a rollout and survive an undo; a node that comes in the middle gets what is stable", async () => {
  const world = new World();
  world.write(cluster("a", 1), cluster("b", 1));
  await world.start("--rollout-strategy", "gradual", "--rollout-bake", "10m");
  const nodes = ["n0", "n1"].map((id) => world.node(id));
  const seconds = () => nodes.map((has) => has().a).sort();
  await eventually(() => expect(seconds()).toEqual(["1", "1"]));
  world.write(cluster("a", 2), cluster("b", 1));
  await eventually(() => expect(seconds()).toEqual(["1", "2"]));
  const late = world.node("late");
  await eventually(() => expect(late()).toMatchObject({ a: "1" }));
  world.write(cluster("a", 2), cluster("b", 1), endpoints("e"));
  await eventually(() => expect([...nodes, late].map((has) => has().e)).toEqual(new Array(3).fill("endpoints")));
  expect(seconds()).toEqual(["1", "2"]);
  // It goes on after a kill.
  await world.kill();
  await world.start("--rollout-strategy", "gradual", "--rollout-bake", "10m");
  await eventually(() => expect(seconds()).toEqual(["1", "2"]));
  expect(await world.order("rollout", "status")).toMatch(/candidate/);
  await world.order("rollout", "promote", "--why", "fine");
  await eventually(() => expect([seconds(), late().a]).toEqual([["2", "2"], "2"]));
  await world.order("undo", "--why", "not so fine");
  await eventually(() => expect([seconds(), late().a, late().e]).toEqual([["1", "1"], "1", "endpoints"]));
  expect(await world.order("audit")).toMatch(/undo[\s\S]*not so fine[\s\S]*promote/);
});

test("a change that removes too much is held until exactly it is approved", async () => {
  const world = new World();
  world.write(many(30));
  await world.start();
  const has = world.node("n");
  await eventually(() => expect(Object.keys(has())).toHaveLength(30));
  world.write(many(10));
  await eventually(async () =>
    expect((await world.history()).held?.reasons).toEqual(["20 of 30 clusters would be removed"]),
  );
  const first = (await world.history()).held?.content ?? "";
  expect(await world.ready()).toMatch(/^LIVE\na change is held since .*xds approve/);
  world.write(many(9));
  await eventually(async () =>
    expect((await world.history()).held?.reasons).toEqual(["21 of 30 clusters would be removed"]),
  );
  expect(await xdsHere("approve", first, "--state-dir", world.state.path)).toMatchObject({ code: 1 });
  expect(Object.keys(has())).toHaveLength(30);
  await world.order("approve", (await world.history()).held?.content.slice(0, 12) ?? "");
  await eventually(() => expect(Object.keys(has())).toHaveLength(9));
  expect(await world.ready()).toBe("LIVE\n");
});

test("a server that is killed, and finds broken files, serves the last good revision until they are mended", async () => {
  const world = new World();
  world.write(cluster("a", 1));
  await world.start();
  const has = world.node("n");
  await eventually(() => expect(has()).toEqual({ a: "1" }));
  await world.kill();
  world.config.write("a.yaml", "resources: [");
  await world.start();
  const other = world.node("other");
  await eventually(() => expect(other()).toEqual({ a: "1" }));
  expect(await world.ready()).toMatch(/^LIVE\nstill serving the last good configuration, since .*a\.yaml:1:13/);
  world.write(cluster("a", 2));
  await eventually(() => expect([has(), other()]).toEqual([{ a: "2" }, { a: "2" }]));
  expect(await world.ready()).toBe("LIVE\n");
});

test("after an undo the files are not served, which /ready and the metrics say; a start with too little says what is served", async () => {
  const world = new World();
  world.write(cluster("a", 1), cluster("b", 1));
  await world.start();
  const has = world.node("n");
  await eventually(() => expect(has()).toEqual({ a: "1", b: "1" }));
  world.write(cluster("a", 2), cluster("b", 1));
  await eventually(() => expect(has()).toEqual({ a: "2", b: "1" }));
  await world.order("undo", "--why", "503s");
  await eventually(() => expect(has()).toEqual({ a: "1", b: "1" }));
  expect(await world.ready()).toMatch(
    /^LIVE\nstill serving the last good configuration, .* in the files was served as @2/,
  );
  const metrics = async () => (await get(`http://127.0.0.1:${world.admin}/metrics`)).body;
  expect(await metrics()).toMatch(/xds_config_last_reload_successful 0\n/);
  await world.order("rollout", "again", "@2", "--why", "it was the load balancer");
  await eventually(() => expect(has()).toEqual({ a: "2", b: "1" }));
  expect(await world.ready()).toBe("LIVE\n");
  expect(await metrics()).toMatch(/xds_config_last_reload_successful 1\n/);
  await world.kill();
  world.write();
  await world.start();
  expect(world.server?.log()).toContainEqual(
    expect.objectContaining({ msg: "serving the last good revision", revision: 4 }),
  );
});

test("without a way to approve a change, none is held, and the log says so where memory was not asked for", async () => {
  const config = new Folder();
  config.write("a.yaml", `resources:\n${cluster("a")}`);
  config.write("no-directory", "");
  const environment = { XDS_STATE_DIR: undefined, XDG_STATE_HOME: join(config.path, "no-directory") };
  const server = xds.startWith(environment, "serve", config.path, "--port", "0", "--rest-port", "off");
  await server.ports();
  await server.logged({ level: "warn", msg: expect.stringMatching(/^changes that remove much are not held/) });
  config.write("a.yaml", "resources: []\n");
  await server.logged({ removed: 1, msg: "serving the changed configuration" });
});

test("a damaged default state directory is not used, and one that was given says what to do", async () => {
  const [config, home] = [new Folder(), new Folder()];
  config.write("a.yaml", `resources:\n${cluster("a")}`);
  const environment = { XDS_STATE_DIR: undefined, XDG_STATE_HOME: home.path };
  const args = ["serve", config.path, "--port", "0", "--rest-port", "off"];
  const first = xds.startWith(environment, ...args);
  await first.ports();
  first.signal("SIGKILL");
  await first.end();
  const [state = ""] = readdirSync(join(home.path, "ts-control-plane")).map((name) =>
    join(home.path, "ts-control-plane", name),
  );
  for (const part of readdirSync(join(state, "blob")))
    for (const name of readdirSync(join(state, "blob", part))) truncateSync(join(state, "blob", part, name), 5);
  const given = xds.startWith(environment, ...args, "--state-dir", state);
  expect(await given.end()).toBe(1);
  expect(given.stderr).toContain(`the state directory ${state} is damaged: `);
  const second = xds.startWith(environment, ...args);
  await second.ports();
  await second.logged({ level: "warn", msg: expect.stringMatching(/^revisions are kept in memory only/) });
});

test("a freeze holds changes, and their end lets them go; the same state directory has one server at a time", async () => {
  const world = new World();
  world.write(cluster("a", 1));
  await world.start();
  const has = world.node("n");
  await eventually(() => expect(has()).toEqual({ a: "1" }));
  await world.order("freeze", "--why", "black friday");
  world.write(cluster("a", 2));
  await world.server?.logged({ msg: expect.stringMatching(/has frozen changes: black friday/) });
  await world.server?.logged({ msg: "a change is held; it waits for the end of the freeze" });
  expect(await world.ready()).toMatch(/^LIVE\na change is held since .*; it waits for the end of the freeze$/m);
  expect(has()).toEqual({ a: "1" });
  await world.order("unfreeze", "--why", "over");
  await eventually(() => expect(has()).toEqual({ a: "2" }));
  const second = await xds(
    "serve",
    world.config.path,
    "--state-dir",
    world.state.path,
    "--port",
    "0",
    "--rest-port",
    "off",
  );
  expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(world.state.path) });
});

test("a reference that a change breaks keeps it from being served", async () => {
  const world = new World();
  world.config.write("r.yaml", route("a"));
  world.write(cluster("a", 1));
  await world.start();
  world.config.write("r.yaml", route("typo"));
  await world.server?.logged({
    level: "error",
    code: "MISSING_TARGET",
    msg: expect.stringMatching(/refers to "typo"/),
  });
  await world.server?.logged({ level: "error", msg: "still serving the last good configuration" });
  expect(await world.ready()).toMatch(/still serving the last good configuration/);
  world.config.write("r.yaml", route("a").replace("prefix: /", "prefix: /b"));
  await world.server?.logged({ changed: 1, msg: "serving the changed configuration" });
});

const route = (to: string) => `resources:
- "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
  name: r
  virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: ${to}}}]}]
`;

test("a removal in a layer that ends is a difference of revisions, and counts in the log", async () => {
  const [config, state] = [new Folder(), new Folder()];
  for (const layer of ["base", "edge"]) mkdirSync(join(config.path, layer));
  config.write("base/a.yaml", `resources:\n${cluster("a")}${cluster("old")}`);
  config.write("edge/e.yaml", `remove: [{ type: clusters, name: old }]\nresources:\n${cluster("x")}`);
  const settings = config.write(
    "xds.yaml",
    `paths: [${join(config.path, "base")}]\nport: 0\nrest_port: 0\nstate_dir: ${state.path}\ngroups:\n- {name: edge, match: {id: "e*"}, layers: [${["base", "edge"].map((layer) => join(config.path, layer)).join(", ")}]}\n`,
  );
  const server = xds.startWith({ XDS_STATE_DIR: state.path }, "serve", "--config", settings);
  await server.ports();
  config.write("edge/e.yaml", `resources:\n${cluster("x")}`);
  await server.logged({ added: 1, changed: 0, removed: 0, revision: 2, msg: "serving the changed configuration" });
  const order = (...args: string[]) => xdsHere(...args, "--config", settings, "--state-dir", state.path);
  const expected = { code: 1, stdout: "group edge: + clusters old\n", stderr: "" };
  expect(await order("diff", "@1", "@2")).toMatchObject(expected);
  expect(await order("diff", "@1")).toMatchObject(expected);
  expect(await order("diff", "@2")).toMatchObject({ code: 0, stdout: "no difference\n" });
});
