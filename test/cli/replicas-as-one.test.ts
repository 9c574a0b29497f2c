import { expect, it } from "vitest";
import type { StatusReport } from "../../src/admin/node-report.js";
import { selfSigned } from "../e2e/certificate.js";
import { describeWithEtcd, startEtcd } from "../etcd/etcd.js";
import { xdsHere } from "./in-process.js";
import { clusters, gradual, Scene, type Server, TestNode } from "./replica-scene.js";
import { until } from "./stateful-server.js";

const status = ({ admin }: Server, ...args: string[]) =>
  xdsHere("status", "--admin", `http://127.0.0.1:${admin}`, ...args);

async function statusOf(server: Server, ...args: string[]): Promise<StatusReport> {
  return JSON.parse((await status(server, ...args, "-o", "json")).stdout) as StatusReport;
}

/** Resolves when each server knows so many replicas, all of which answer. */
async function known(servers: readonly Server[], count = servers.length): Promise<void> {
  for (const server of servers)
    await until(async () => {
      const { replicas = [] } = await statusOf(server);
      expect(replicas.filter((one) => !("silent" in one))).toHaveLength(count);
      expect(replicas).toHaveLength(count);
    });
}

const at = ({ port }: Server) => `127.0.0.1:${port}`;

describeWithEtcd("replicas as one", () => {
  it("show the nodes of all of them at each of them, and name one that does not answer", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const [one, two] = [await scene.server(), await scene.server()];
    const nodes = [new TestNode(one, "n1"), new TestNode(two, "n2", "delta", 2)];
    for (const node of nodes) await node.has(1);
    await known([one, two]);
    for (const server of [one, two]) {
      const { replicas, nodes: all, nodeStates } = await statusOf(server);
      expect(replicas?.map(({ replica }) => replica)).toEqual([at(server), at(server === one ? two : one)]);
      expect(new Map(all.map(({ id, replica }) => [id, replica]))).toEqual(
        new Map([
          ["n1", at(one)],
          ["n2", at(two)],
        ]),
      );
      expect(nodeStates.SYNCED).toBe(2);
      const text = await status(server);
      expect(text).toMatchObject({ code: 0, stderr: "" });
      expect(text.stdout).toMatch(/^NODE .* REPLICA\n/);
      expect((await status(server, "n2")).stdout).toContain(`replica:   ${at(two)}`);
    }
    const own = await fetch(`http://127.0.0.1:${one.admin}/status?own=true`);
    expect(((await own.json()) as StatusReport).nodes.map(({ id }) => id)).toEqual(["n1"]);

    await scene.published(clusters(2));
    await until(async () => expect((await status(one)).code).toBe(1));
    expect((await status(one, "n2")).stdout).toContain("too long");

    two.program.signal("SIGSTOP");
    const asked = await status(one);
    expect(asked).toMatchObject({
      code: 1,
      stderr: `xds: replica ${at(two)} does not answer, and its nodes are missing: no answer within 3 s\n`,
    });
    expect(asked.stdout).toMatch(/^n1 /m);
    expect(asked.stdout).not.toMatch(/^n2 /m);
    two.program.signal("SIGCONT");
    await two.kill();
    await until(async () => expect((await status(one)).stderr).toMatch(/ECONNREFUSED/));
    await expect.poll(async () => (await status(one)).code, { timeout: 30_000, interval: 500 }).toBe(0);
    expect((await statusOf(one)).replicas).toHaveLength(1);
  });

  it("publish --wait waits for the nodes of all, and says which node refuses", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const [one, two] = [await scene.server(), await scene.server()];
    const nodes = [new TestNode(one, "n1"), new TestNode(two, "n2", "delta", 3)];
    for (const node of nodes) await node.has(1);
    expect(await scene.publish(clusters(2), "--wait", "--timeout", "30s")).toMatchObject({
      code: 0,
      stderr: "xds: @2 is served to all nodes: the nodes of 2 replicas have applied it\n",
    });
    for (const node of nodes) expect(node.seconds).toBe(2);
    expect(await scene.publish(clusters(3), "--wait", "--timeout", "30s")).toMatchObject({
      code: 1,
      stderr: `xds: @3 is not applied by all nodes of ${at(two)}: node "n2" refused clusters "c0": too long\n`,
    });
  });

  it("ask each other by TLS with clients' certificates, and trust only the certificates in the store", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const certificates = ["a", "b"].map((name) => selfSigned({ commonName: name, dnsNames: [`${name}.example`] }));
    const both = scene.folder.write("both.pem", certificates.map(({ cert }) => cert).join("\n"));
    const pairs = certificates.map((one, index) => scene.folder.pair(`s${index}`, one));
    const servers: Server[] = [];
    for (const { cert, key } of pairs)
      servers.push(await scene.server(undefined, "--tls-cert", cert, "--tls-key", key, "--tls-client-ca", both));
    await known(servers);
    // The token does not travel without TLS.
    const plain = await scene.server();
    await until(async () =>
      expect((await status(plain)).stderr).toContain("does not answer, and its nodes are missing"),
    );
    await until(async () =>
      expect((await status(servers[0] as Server)).stderr).toContain(
        `replica ${at(plain)} does not answer, and its nodes are missing: it has no TLS, and this replica has`,
      ),
    );
  });

  it("notice an address that leads to another process", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const one = await scene.server();
    const two = await scene.server(undefined, "--advertise", at(one));
    await two.program.logged({
      level: "warn",
      address: at(one),
      msg: expect.stringContaining("this replica does not reach itself at the address that it announces"),
    });
    await until(async () => {
      const { code, stderr } = await status(one);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`another process has the address ${at(one)}`)]);
    });
  });

  it("a rollout takes its first node at the other replica, and counts the nodes of both", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const leader = await scene.server(undefined, ...gradual);
    await leader.program.logged({ level: "info", msg: "this server leads the rollouts" });
    const other = await scene.server(undefined, ...gradual);
    await known([leader, other]);
    const nodes = ["a", "b", "c"].map((id) => new TestNode(other, id));
    for (const node of nodes) await node.has(1);
    const { code, stderr } = await scene.publish(
      clusters(2),
      ...["--rollout-strategy", "gradual", "--wait", "--timeout", "60s"],
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    for (const node of nodes) expect(node.seconds).toBe(2);
    expect(leader.program.log().filter(({ msg }) => msg === "this server leads the rollouts")).toHaveLength(1);
    expect(other.program.stderr).not.toContain("this server leads the rollouts");

    // A replica whose nodes are not known holds the rollout, and the report names it.
    other.program.signal("SIGSTOP");
    await scene.published(clusters(3), "--rollout-strategy", "gradual");
    const report = () =>
      xdsHere("rollout", "status", "--state-dir", scene.stateOf(leader)).then(({ stdout }) => stdout);
    await until(async () =>
      expect(await report()).toContain(`replica ${at(other)}: what its nodes have applied is not known`),
    );
    expect(await report()).toMatch(/state: +applying/);
    other.program.signal("SIGCONT");
    for (const node of nodes) await node.has(3);
    await until(async () => expect((await scene.rollout()).stable).toBe(3));
  });

  it("a node that moves to another replica during a rollout is not lost", { timeout: 200_000 }, async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1));
    const bake = ["--rollout-bake", "40s,300ms", "--rollout-applied-within", "60s"];
    const [one, two] = [await scene.server(undefined, ...bake), await scene.server(undefined, ...bake)];
    await known([one, two]);
    const node = new TestNode(one, "a");
    const rest = ["b", "c"].map((id) => new TestNode(two, id));
    for (const each of [node, ...rest]) await each.has(1);
    await scene.published(clusters(2), "--rollout-strategy", "gradual");
    await node.has(2);
    await until(async () => expect((await scene.rollout()).candidate).toMatchObject({ first: ["a"], state: "baking" }));
    await node.client.close();
    const moved = new TestNode(two, "a");
    await moved.has(2);
    // It is away from the first replica for longer than a node may be before it is lost.
    await expect.poll(async () => (await scene.rollout()).stable, { timeout: 90_000, interval: 500 }).toBe(2);
  });
});
