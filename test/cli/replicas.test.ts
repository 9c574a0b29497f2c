import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { XdsClient } from "../../src/client/index.js";
import type { AuditReport, HistoryReport } from "../../src/control/reports.js";
import { clusterType } from "../../src/resource/types.js";
import { selfSigned } from "../e2e/certificate.js";
import { base64, describeWithEtcd, type Etcd, startEtcd } from "../etcd/etcd.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { clusters, endpoints, gradual, Scene, type Server, TestNode } from "./replica-scene.js";
import { Folder, metric } from "./serving.js";
import { until } from "./stateful-server.js";

describeWithEtcd("a replica", () => {
  it("serves what is published in etcd, and follows it: files, live resources, and orders", async () => {
    const scene = new Scene(await startEtcd());
    expect(await scene.published(clusters(1) + endpoints, "-m", "the first")).toMatch(
      /^@1 is published for all nodes \(1 cluster\)\n$/,
    );
    const [one, two] = [await scene.server(), await scene.server("memory")];
    expect(await one.ready()).toMatchObject({ status: 200, body: "LIVE\n" });
    expect(await metric(one.admin, "xds_store_away_seconds")).toBe(0);
    const nodes = [new TestNode(one, "n1"), new TestNode(two, "n2", "sotw")];
    for (const node of nodes) await node.has(1);
    await scene.published(clusters(2) + endpoints, "-m", "two seconds");
    for (const node of nodes) await node.has(2);
    const undone = await scene.run("undo", "--why", "too long");
    expect(undone).toMatchObject({
      code: 0,
      stdout: "@3, which has the content of @1, is served to all nodes (1 cluster)\n",
    });
    for (const node of nodes) await node.has(1);
    // Any replica takes orders too.
    const { program } = one;
    expect(program.log().filter(({ level }) => level === "error")).toEqual([]);
  });

  it("serves on while etcd is away, takes new clients, restarts from its state directory, and goes on after it", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    await scene.published(clusters(2));
    const server = await scene.server();
    const node = new TestNode(server, "n1", "sotw");
    await node.has(2);
    await scene.etcd.kill();
    const isAway = /^LIVE\nthe store is away since \S+, and revision 2 stays served: .*ECONNREFUSED.*\n$/;
    await until(async () =>
      expect(await server.ready()).toMatchObject({ status: 200, body: expect.stringMatching(isAway) }),
    );
    expect(await metric(server.admin, "xds_store_away_seconds")).toBeGreaterThan(0);
    await new TestNode(server, "n2").has(2);
    expect(await xdsHere("status", "--admin", `http://127.0.0.1:${server.admin}`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("the store is away since"),
    });
    const refused = await scene.publish(clusters(3));
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^xds: etcd at \S+ gave no answer within 10000 ms: .*ECONNREFUSED/),
    });

    await server.restart();
    expect((await server.ready()).status).toBe(200);
    await new TestNode(server, "n3").has(2);
    await server.program.logged({
      level: "warn",
      msg: expect.stringContaining("the local copy is served until it answers"),
    });

    scene.etcd.start();
    await scene.etcd.serves(2);
    await scene.published(clusters(3));
    await node.has(3);
    expect(await server.ready()).toMatchObject({ status: 200, body: "LIVE\n" });
  });

  it.each(["sotw", "delta"] as const)(
    "restarts from its copy, and resends nothing to a client that comes back, %s",
    async (variant) => {
      const scene = new Scene(await startEtcd());
      await scene.published(clusters(1, 3));
      const state = join(scene.folder.path, "state");
      const server = await scene.server(state);
      const client = new XdsClient({
        address: `127.0.0.1:${server.port}`,
        node: { id: "n1" },
        variant,
        reconnect: { initialMs: 50, maxMs: 200 },
      });
      onTestFinished(() => client.close());
      client.subscribe(clusterType);
      await until(() => expect(client.resources(clusterType).size).toBe(3));
      await scene.published(clusters(1, 3).replace("name: c1, connect_timeout: 1s", "name: c1, connect_timeout: 2s"));
      await until(() =>
        expect(client.resources(clusterType).get("c1")?.as(ClusterSchema).connectTimeout?.seconds).toBe(2n),
      );
      await until(() => expect(readFileSync(join(state, "head.json"), "utf8")).toContain('"stable":2'));
      await scene.etcd.kill();
      await server.restart();
      await until(async () =>
        expect(await metric(server.admin, `xds_requests_total{variant="${variant}",type="clusters"}`)).toBeGreaterThan(
          0,
        ),
      );
      await sleep(300); // for what must not happen
      expect(await metric(server.admin, `xds_resources_sent_total{variant="${variant}",type="clusters"}`)).toBe(0);
      expect(server.program.log().filter(({ level }) => level === "error")).toEqual([]);
    },
  );

  it("without a copy is not ready while etcd is away, says why, and is ready when it comes", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    await scene.etcd.kill();
    const server = await scene.server("memory");
    expect(await server.ready()).toMatchObject({
      status: 503,
      body: expect.stringMatching(
        /^STARTING\nthe store is away since \S+, and nothing is served until it answers: etcd at \S+ gave no answer .*\n$/,
      ),
    });
    const node = new TestNode(server, "n1");
    scene.etcd.start();
    await scene.etcd.serves(2);
    await until(async () => expect(await server.ready()).toMatchObject({ status: 200, body: "LIVE\n" }));
    await node.has(1);
  });

  it("is not ready before anything is published, and says so", async () => {
    const scene = new Scene(await startEtcd());
    const server = await scene.server();
    expect(await server.ready()).toMatchObject({
      status: 503,
      body: "STARTING\nnothing is published in the store yet; `xds publish` publishes files\n",
    });
    await scene.published(clusters(1));
    await until(async () => expect((await server.ready()).status).toBe(200));
  });

  it("does not serve groups that certificates do not prove", async () => {
    const scene = new Scene(await startEtcd());
    const { cert, key } = scene.folder.pair("server", selfSigned());
    await scene.published(clusters(1), "--node-group", "metadata.team");
    const tls = ["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", cert, "--tls-node-san", "spiffe://*/{id}"];
    const server = await scene.server("memory", ...tls);
    await server.program.logged({
      level: "error",
      error: expect.stringContaining(
        "groups are computed from more, which any client may claim: --node-group is metadata.team",
      ),
    });
    expect((await server.ready()).status).toBe(503);
  });

  it("does not take a state directory that has something else", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const state = join(scene.folder.path, "state");
    const server = await scene.server(state);
    await until(() => expect(existsSync(join(state, "head.json"))).toBe(true));
    await server.kill();
    expect(await xds("serve", scene.config, "--state-dir", state, "--port", "0", "--rest-port", "off")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is the copy of a store: give --store too, or use another directory"),
    });
    const other = `etcd://${scene.etcd.endpoint}/other`;
    expect(await xds("serve", "--store", other, "--state-dir", state)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`is a copy of the configuration ${scene.name}`),
    });
  });
});

describeWithEtcd("xds publish", () => {
  it("checks as xds serve does, and its exit code says whether it is published", async () => {
    const scene = new Scene(await startEtcd());
    expect(await scene.publish("resources: 1\n")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/a\.yaml:1:12 .*\nxds: 1 problem; nothing is published\n$/),
    });
    await scene.published(clusters(1, 12));
    expect(await scene.published()).toBe("nothing has changed since @1\n");
    const held = await scene.publish(clusters(1, 1));
    expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining("11 of 12 clusters would be removed") });
    const hash = /--approve ([0-9a-f]{12})/.exec(held.stderr)?.[1] as string;
    expect(await scene.publish(undefined, "--approve", "00000000")).toMatchObject({ code: 1 });
    expect(await scene.published(undefined, "--approve", hash)).toMatch(/^@2 is published/);
    expect(await scene.publish(clusters(2), "--base", "@1")).toMatchObject({
      code: 1,
      stderr: "xds: @2 is the newest revision, and not @1: look at what it has changed, then publish again\n",
    });
    await scene.run("freeze", "--why", "sale");
    expect(await scene.publish()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("has frozen changes: sale"),
    });
    await scene.run("unfreeze", "--why", "over");
    await scene.published();
    await scene.run("undo", "--why", "slow");
    expect(await scene.publish()).toMatchObject({ code: 1, stderr: expect.stringContaining("this content is barred") });
    const { revisions } = await scene.asked<HistoryReport>("history");
    expect(revisions.map(({ revision, state }) => [revision, state])).toEqual([
      [4, "stable"],
      [3, "barred"],
      [2, undefined],
      [1, undefined],
    ]);
    const { entries } = await scene.asked<AuditReport>("audit");
    expect(entries.map(({ what }) => what)).toEqual(["undo", "publish", "unfreeze", "freeze", "publish", "publish"]);
    expect(entries[0]?.by).toMatch(/^claimed uid \d+/);
  });

  it("loses no edit of two publishers at once silently", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const folders = [1, 2, 3, 4].map((at) => {
      const folder = new Folder();
      folder.write("a.yaml", clusters(at + 10));
      return folder.path;
    });
    const ends = await Promise.all(
      folders.map((path, at) => xds("publish", path, "--store", scene.store, "-m", `publisher ${at}`)),
    );
    const { revisions } = await scene.asked<HistoryReport>("history");
    const done = ends.filter(({ code }) => code === 0);
    expect(revisions).toHaveLength(1 + done.length);
    for (const { code, stderr } of ends)
      if (code !== 0) expect(stderr).toMatch(/^xds: @\d was published meanwhile, by claimed uid .* \(publisher \d\)/);
  });

  it("acts on a store with each command", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    await scene.published(clusters(2));
    expect(await scene.run("diff", "@1", "@2")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('connect_timeout: "1s" → "2s"'),
    });
    expect(await scene.run("get", "clusters", "--at", "@1", "-o", "yaml")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("connect_timeout: 1s"),
    });
    expect(await scene.run("rollout abort", "--why", "x")).toMatchObject({
      code: 1,
      stderr: "xds: no rollout is going on\n",
    });
    expect(await scene.run("approve", "12345678")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("a store has no held changes"),
    });
    expect(await scene.run("history", "--state-dir", "x")).toMatchObject({
      code: 2,
      stderr: "xds: --store and --state-dir name two ways to the revisions; leave one of them out\n",
    });
    // The store can be named in xds.yaml.
    const folder = new Folder();
    folder.write("xds.yaml", `store: ${scene.store}\npaths: [${scene.config}]\n`);
    expect(await xdsHere.in(folder.path, "history")).toMatchObject({ code: 0, stdout: expect.stringContaining("@2") });
    expect(await xdsHere.in(folder.path, "publish")).toMatchObject({
      code: 0,
      stdout: "nothing has changed since @2\n",
    });
  });
});

describeWithEtcd("a rollout to several replicas", () => {
  it("reaches all nodes wave by wave, and xds publish --wait waits for that", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const servers = [await scene.server(undefined, ...gradual), await scene.server(undefined, ...gradual)] as const;
    const nodes = ["a", "b", "c", "d"].map((id, at) => new TestNode(servers[at % 2] as Server, id));
    for (const node of nodes) await node.has(1);
    const { code, stdout, stderr } = await scene.publish(
      clusters(2),
      ...["--rollout-strategy", "gradual", "--wait", "--timeout", "60s"],
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toBe("@2 is published, and its rollout begins (1 cluster)\n");
    expect(stderr).toMatch(
      /@2: wave 0, [\s\S]*xds: @2 is served to all nodes: the nodes of 2 replicas have applied it\n$/,
    );
    for (const node of nodes) await node.has(2);
    const leaders = servers.filter(({ program }) => program.stderr.includes("this server leads the rollouts"));
    expect(leaders.length).toBeGreaterThan(0);
  });

  it("goes back when a node refuses, whichever replica it is connected to, and xds publish --wait says why", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const servers = [await scene.server(undefined, ...gradual), await scene.server(undefined, ...gradual)] as const;
    // Each replica has a node that refuses.
    const nodes = servers.map((server, at) => new TestNode(server, `n${at}`, "delta", 2));
    for (const node of nodes) await node.has(1);
    const { code, stderr } = await scene.publish(
      clusters(2),
      ...["--rollout-strategy", "gradual", "--wait", "--timeout", "60s"],
    );
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/xds: @2 was rolled back: node "n\d" refuses clusters "c0": too long\n$/),
    });
    expect(await scene.rollout()).toMatchObject({ stable: 1, barred: [{ revision: 2 }] });
    for (const node of nodes) expect(node.seconds).toBe(1);
  });

  it("goes on when the leader is killed", { timeout: 200_000 }, async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const bake = ["--rollout-bake", "2s", "--rollout-applied-within", "60s"];
    const servers = [await scene.server(undefined, ...bake), await scene.server(undefined, ...bake)];
    const nodes = servers.map((server, at) => new TestNode(server, `n${at}`));
    for (const node of nodes) await node.has(1);
    await scene.published(clusters(2), "--rollout-strategy", "gradual");
    await until(async () => expect((await scene.rollout()).candidate).toMatchObject({ state: "baking", wave: 0 }));
    const leads = ({ program }: Server) =>
      program.log().findLast(({ msg }) => /^this server (leads|does not lead)/.test(msg))?.msg;
    const leader = servers.find((server) => leads(server) === "this server leads the rollouts") as Server;
    const other = servers.find((server) => server !== leader) as Server;
    expect(leads(other)).not.toBe("this server leads the rollouts");
    await leader.kill();
    // Its node connects to the other one. If it did not, it would be lost, and the rollout would go back.
    const moved = new TestNode(other, `n${servers.indexOf(leader)}`);
    await until(() => expect(leads(other)).toBe("this server leads the rollouts"));
    // For 30 s the new leader does not go forward, so that nodes can come back.
    await expect.poll(async () => (await scene.rollout()).stable, { timeout: 90_000, interval: 200 }).toBe(2);
    for (const node of [nodes[servers.indexOf(other)] as TestNode, moved]) await node.has(2);
  });
});

describeWithEtcd("servers with files and a store", () => {
  it("publish their files, serve what others publish, and wait for the store while it is away", async () => {
    const scene = new Scene(await startEtcd());
    scene.write(clusters(1));
    const server = await scene.server(undefined, scene.config);
    const replica = await scene.server();
    const nodes = [new TestNode(server, "n1"), new TestNode(replica, "n2")];
    for (const node of nodes) await node.has(1);
    scene.write(clusters(2));
    for (const node of nodes) await node.has(2);
    const copy = join(scene.stateOf(server), "head.json");
    await until(() => expect(readFileSync(copy, "utf8")).toContain('"stable":2'));
    await scene.etcd.kill();
    scene.write(clusters(3));
    await server.program.logged({
      level: "error",
      msg: expect.stringMatching(/cannot be published, because the store is away/),
    });
    await server.restart();
    expect(await server.ready()).toMatchObject({
      status: 200,
      body: expect.stringContaining("revision 2 stays served"),
    });
    scene.etcd.start();
    await scene.etcd.serves(2);
    for (const node of nodes) await node.has(3);
  });
});

describeWithEtcd("an etcd that does not let in", () => {
  /** Switches users on: `publisher` with all permissions on a configuration, `replica` with some. */
  async function withUsers(etcd: Etcd, name: string): Promise<void> {
    const prefix = `/xds/v1/${name}/`;
    const range = (path: string) => {
      const key = prefix + path;
      return {
        key: base64(key),
        range_end: base64(key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1)),
      };
    };
    const grants = {
      publisher: [{ permType: "READWRITE", ...range("") }],
      reader: [{ permType: "READ", ...range("") }],
      // As docs/replicas.md has it.
      replica: [
        { permType: "READ", ...range("") },
        { permType: "READWRITE", key: base64(`${prefix}head`) },
        { permType: "READWRITE", ...range("audit/") },
        { permType: "READWRITE", ...range("lease/") },
        { permType: "READWRITE", ...range("replica/") },
      ],
    };
    await etcd.json("auth/user/add", { name: "root", password: "root" });
    await etcd.json("auth/user/grant", { user: "root", role: "root" });
    for (const [role, perms] of Object.entries(grants)) {
      await etcd.json("auth/role/add", { name: role });
      for (const perm of perms) await etcd.json("auth/role/grant", { name: role, perm });
      await etcd.json("auth/user/add", { name: role, password: `of ${role}` });
      await etcd.json("auth/user/grant", { user: role, role });
    }
    await etcd.json("auth/enable", {});
  }

  it("has roles for publishers and for replicas, and errors that say what is wrong", async () => {
    const scene = new Scene(await startEtcd());
    scene.write(clusters(1));
    await withUsers(scene.etcd, scene.name);
    const password = (of: string) => ({ XDS_STORE_PASSWORD: of });
    const publish = ["publish", scene.config, "--store", scene.store];
    expect(await xdsHere(...publish)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("it requires a user and a password (login, --store-user)"),
    });
    const as = (user: string, of: string, ...args: string[]) =>
      xdsHere.with(password(of), ...args, "--store-user", user);
    expect(await as("publisher", "wrong", ...publish)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("correct the user or the password (login, --store-user)"),
    });
    expect(await as("publisher", "of publisher", ...publish)).toMatchObject({ code: 0 });
    scene.write(clusters(2));
    expect(await as("reader", "of reader", ...publish)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/permission denied; grant a role of the user access to the keys/),
    });
    const file = scene.folder.write("password", "of reader\n");
    const server = await scene.server(undefined, "--store-user", "reader", "--store-password-file", file);
    await new TestNode(server, "n1").has(1);
    await server.program.logged({
      level: "warn",
      msg: "this server cannot lead rollouts now; it still takes them back",
    });
    const ofReplica = scene.folder.write("replica", "of replica\n");
    const leader = await scene.server(undefined, "--store-user", "replica", "--store-password-file", ofReplica);
    await leader.program.logged({ level: "info", msg: "this server leads the rollouts" });
    const nodes = ["n2", "n3"].map((id) => new TestNode(leader, id, "delta", 2));
    for (const node of nodes) await node.has(1);
    const rolled = await as("publisher", "of publisher", ...publish, "--rollout-strategy", "gradual", "--wait");
    expect(rolled).toMatchObject({ code: 1, stderr: expect.stringMatching(/@2 was rolled back: node "n\d" refuses/) });
    const wrong = scene.folder.write("wrong", "wrong\n");
    const start = ["serve", "--store", scene.store, "--state-dir", "memory", "--rest-port", "off", "--port", "0"];
    expect(await xds(...start, "--store-user", "reader", "--store-password-file", wrong)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("invalid user ID or password"),
    });
    expect(await xds(...start, "--store-user", "reader", "--store-password-file", "/nowhere")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("(login.password, --store-password-file) cannot be read from /nowhere"),
    });
  });

  it("names the authority that is missing, and what has no TLS", async () => {
    const folder = new Folder();
    const { cert, key } = folder.pair("etcd", selfSigned());
    const etcd = await startEtcd({ scheme: "https", flags: ["--cert-file", cert, "--key-file", key] });
    folder.write("a.yaml", clusters(1));
    const publish = (url: string, ...args: string[]) => xdsHere("publish", folder.path, "--store", url, ...args);
    const { port } = etcd;
    expect(await publish(`etcds://localhost:${port}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("(--store-tls-ca)"),
    });
    expect(await publish(`etcds://localhost:${port}`, "--store-tls-ca", cert)).toMatchObject({ code: 0 });
    expect(await publish(`etcds://127.0.0.1:${port}`, "--store-tls-ca", cert)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("(--store-tls-server-name)"),
    });
    const named = ["--store-tls-ca", cert, "--store-tls-server-name", "localhost"];
    expect(await publish(`etcds://127.0.0.1:${port}`, ...named)).toMatchObject({ code: 0 });
    expect(await publish(`etcd://localhost:${port}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("(etcds://)"),
    });
  });
});

it("says what is wrong with the settings of a store", async () => {
  const folder = new Folder();
  folder.write("a.yaml", clusters(1));
  const wrong = async (...args: string[]) => {
    const { code, stderr } = await xdsHere("publish", folder.path, ...args);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await wrong()).toContain("publish to which store? Name it with --store, XDS_STORE or `store:` in xds.yaml");
  expect(await wrong("--store", "http://x")).toContain("expected etcd://host:2379[,host:2379…][/configuration]");
  expect(await wrong("--store", "etcd://me:secret@x")).toContain("are not part of the URL");
  expect(await wrong("--store", "etcd://x:y")).toContain('"x:y:2379" is not host:port');
  expect(await wrong("--store", "etcd://x/a b")).toContain("the name of the configuration");
  expect(await wrong("--store", "etcd://x", "--store-user", "me")).toContain("--store-user needs a password");
  expect(await wrong("--store", "etcd://x", "--store-tls-cert", "c")).toContain("go together; give both");
  expect(await wrong("--store-user", "me")).toContain("name it with --store");
});
