import { mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { describeWithEnvoy, startEnvoy, startEnvoyWith } from "../e2e/envoy.js";
import { get } from "../e2e/http.js";
import { adsDelta, adsSotw } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { streamPath } from "../protocol/harness.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { StatefulServer, until } from "./stateful-server.js";

/** A cluster with endpoints. Timeouts tell its contents apart; nodes that refuse take none of 66 s. */
const eds = (name: string, seconds: number) =>
  `- "@type": ${clusterType}\n  name: ${name}\n  type: EDS\n  connect_timeout: ${seconds}s\n  eds_cluster_config: { eds_config: { ads: {} } }\n`;
const plain = (name: string) => `- "@type": ${clusterType}\n  name: ${name}\n  connect_timeout: 1s\n`;
const endpoints = (port: number) =>
  `resources:\n- "@type": ${endpointType}\n  cluster_name: a\n  endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }]\n`;
const file = (...resources: string[]) => `resources:\n${resources.join("")}`;
const many = (count: number) => file(...Array.from({ length: count }, (_, index) => plain(`c${index}`)));

const upstream = (name: string, port: number) =>
  `- "@type": ${clusterType}\n  name: ${name}\n  connect_timeout: 1s\n  load_assignment: { cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] }\n`;
const routeTo = (cluster: string) =>
  `- "@type": ${routeType}\n  name: r\n  virtual_hosts: [{ name: v, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: ${cluster} } }] }]\n`;
const http = "type.googleapis.com/envoy.extensions.filters";
const listenerOn = (port: number) => `- "@type": ${listenerType}
  name: l
  address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
  filter_chains:
  - filters:
    - name: http
      typed_config:
        "@type": ${http}.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: l
        rds: { route_config_name: r, config_source: { ads: {}, resource_api_version: V3 } }
        http_filters: [{ name: router, typed_config: { "@type": ${http}.http.router.v3.Router } }]
`;

/** An HTTP server that answers everything with one status. Returns its port. */
async function startUpstream(status: number): Promise<number> {
  const server = createServer((_request, response) => response.writeHead(status).end());
  onTestFinished(() => void server.close().closeAllConnections());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/**
 * Asks a port again and again, and counts the statuses, and from the first answer on failed connections as 0. Returns
 * what ends that.
 */
function keepAsking(port: number, statuses: Map<number, number>): () => Promise<void> {
  let isOver = false;
  let hasAnswered = false;
  const asking = (async () => {
    while (!isOver) {
      const status = await get(`http://127.0.0.1:${port}/`).then(
        (answer) => answer.status,
        () => 0,
      );
      hasAnswered ||= status > 0;
      if (hasAnswered) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, hasAnswered ? 2 : 100));
    }
  })();
  return () => {
    isOver = true;
    return asking;
  };
}

interface NodeOptions {
  readonly refuses?: boolean;
  /** It answers nothing that has a cluster with a timeout of 66 s. */
  readonly isSilent?: boolean;
}

/** A node on a delta ADS stream: it ACKs all, or refuses each response that has a cluster with a timeout of 66 s. */
class TestNode {
  /** All that was sent, in order: `a 1s`, or `-a` for a removal. */
  readonly sent: string[] = [];
  /** The port of the endpoint of cluster a that came last. */
  port: number | undefined;
  private readonly client: Client;

  constructor(
    port: number,
    readonly id: string,
    { refuses = false, isSilent = false }: NodeOptions = {},
  ) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    onTestFinished(() => this.client.close());
    const same = (bytes: Buffer) => bytes;
    const call = this.client.makeBidiStreamRequest(streamPath({ variant: "delta", kind: "ADS" }, ""), same, same);
    const send = (fields: object) => {
      const message = create(DeltaDiscoveryRequestSchema, { node: { id }, ...fields });
      call.write(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message)));
    };
    call.on("error", () => {});
    call.on("data", (bytes: Buffer) => {
      const { nonce, typeUrl, resources, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
      let isBad = false;
      for (const { resource } of resources) {
        if (!resource) continue;
        if (typeUrl === clusterType) {
          const { name, connectTimeout } = fromBinary(ClusterSchema, resource.value);
          this.sent.push(`${name} ${connectTimeout?.seconds}s`);
          isBad ||= connectTimeout?.seconds === 66n;
        } else {
          const address = fromBinary(ClusterLoadAssignmentSchema, resource.value).endpoints[0]?.lbEndpoints[0];
          const endpoint = address?.hostIdentifier.case === "endpoint" ? address.hostIdentifier.value : undefined;
          const socket = endpoint?.address?.address;
          if (socket?.case === "socketAddress") this.port = Number(socket.value.portSpecifier.value);
        }
      }
      if (typeUrl === clusterType) this.sent.push(...removedResources.map((name) => `-${name}`));
      if (isSilent && isBad) return;
      const errorDetail = refuses && isBad ? { errorDetail: { code: 3, message: "66 s is too long" } } : {};
      send({ typeUrl, responseNonce: nonce, ...errorDetail });
    });
    send({ typeUrl: clusterType });
    send({ typeUrl: endpointType, resourceNamesSubscribe: ["a"] });
  }

  /** What it was sent last of a cluster. */
  last(name: string): string | undefined {
    return this.sent.findLast((text) => text.startsWith(`${name} `));
  }

  close(): void {
    this.client.close();
  }
}

/** A server, and the nodes that connect to it. */
class Server extends StatefulServer {
  /** Connects nodes, and waits until each has its clusters. */
  async nodes(count: number, options: NodeOptions = {}): Promise<TestNode[]> {
    const nodes = Array.from({ length: count }, (_, index) => new TestNode(this.port, `n${index}`, options));
    await until(() => expect(nodes.filter(({ sent }) => sent.length === 0)).toEqual([]));
    await new Promise((resolve) => setTimeout(resolve, 300)); // their ACKs arrive
    return nodes;
  }
}

const gradual = ["--rollout-strategy", "gradual", "--rollout-bake", "300ms", "--rollout-applied-within", "3s"];
/** A first wave that lasts until somebody ends it. */
const slow = ["--rollout-strategy", "gradual", "--rollout-bake", "10m", "--rollout-applied-within", "30s"];
const rolledBack = "the rollout was rolled back; its content is barred";
const done = "the rollout is done: all nodes have the revision";
const having = (nodes: readonly TestNode[], content: string) => nodes.filter(({ sent }) => sent.includes(content));

describe("a gradual rollout", () => {
  test("goes back when a node refuses the change; the others are sent nothing, and it is barred", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start(...gradual);
    const nodes = await server.nodes(8, { refuses: true });
    const before = nodes.map(({ sent }) => sent.length);
    server.write("a.yaml", file(plain("a").replace("1s", "66s")));
    await server.program.logged({ msg: rolledBack });
    const [refused, ...others] = having(nodes, "a 66s");
    expect(others).toEqual([]);
    expect(refused?.sent).toEqual(["a 1s", "a 66s"]); // it has refused the second, so it still has the first
    for (const [index, node] of nodes.entries())
      if (node !== refused) expect(node.sent).toHaveLength(before[index] ?? 0);
    const { stable, candidate, barred } = await server.rollout();
    expect({ stable, candidate }).toEqual({ stable: 1, candidate: undefined });
    expect(barred).toEqual([
      expect.objectContaining({ revision: 2, why: expect.stringContaining("66 s is too long") }),
    ]);
    expect(barred[0]?.why).toContain(refused?.id);
    expect(await server.order("history")).toMatch(/@2 +barred .*66 s is too long/);

    server.write("a.yaml", `# the same content\n${file(plain("a").replace("1s", "66s"))}`);
    server.program.signal("SIGHUP");
    await server.program.logged({ msg: expect.stringMatching(/^this configuration is barred/) });
    expect(refused?.sent.filter((text) => text === "a 66s")).toHaveLength(1);
    expect(having(nodes, "a 66s")).toEqual([refused]);

    await server.order("rollout", "again", "@2", "--why", "once more");
    await until(() => expect(nodes.flatMap(({ sent }) => sent.filter((text) => text === "a 66s"))).toHaveLength(2));
    await until(async () => expect((await server.rollout()).barred).toHaveLength(1));
    expect((await server.rollout()).stable).toBe(1);
  });

  test("brings a good change to all nodes, one node first", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start(...gradual);
    const nodes = await server.nodes(20);
    server.write("a.yaml", file(plain("a").replace("1s", "2s")));
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(1));
    await server.program.logged({ msg: done });
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(20));
    const waves = server.program.log().filter(({ msg }) => msg === "the next wave of the rollout begins");
    expect(waves.map(({ share }) => share)).toEqual([0.05, 0.25, 1]);
    expect((await server.rollout()).stable).toBe(2);
  });

  test("does not take `xds watch` for a node", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start(...slow);
    const watches = ["a-watch", "n0"].map((id) =>
      xds.start("watch", "clusters", "--server", `127.0.0.1:${server.port}`, "--node-id", id),
    );
    await until(() => expect(watches.map(({ stdout }) => stdout.includes("a"))).toEqual([true, true]));
    const nodes = await server.nodes(2);
    server.write("a.yaml", file(plain("a").replace("1s", "2s")));
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(1));
    expect((await server.rollout()).candidate).toMatchObject({ first: ["n0"], evidence: { affected: 2 } });
    for (const watch of watches) watch.signal("SIGINT");
  });

  test("lets endpoints flow to all nodes, and an undo leaves them as they are", async () => {
    const server = new Server();
    server.write("a.yaml", file(eds("a", 1)));
    server.write("endpoints.yaml", endpoints(1001));
    await server.start(...slow);
    const nodes = await server.nodes(6);
    await until(() => expect(nodes.map(({ port }) => port)).toEqual(Array(6).fill(1001)));
    server.write("a.yaml", file(eds("a", 2)));
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(1));
    server.write("endpoints.yaml", endpoints(1002));
    await until(() => expect(nodes.map(({ port }) => port)).toEqual(Array(6).fill(1002)));
    expect(having(nodes, "a 2s")).toHaveLength(1);
    await server.order("rollout", "promote", "--why", "fine");
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(6));
    await server.order("undo", "--why", "not fine");
    await until(() => expect(nodes.map((node) => node.last("a"))).toEqual(Array(6).fill("a 1s")));
    server.write("endpoints.yaml", endpoints(1003));
    await until(() => expect(nodes.map(({ port }) => port)).toEqual(Array(6).fill(1003)));
    expect(nodes.map((node) => node.last("a"))).toEqual(Array(6).fill("a 1s"));
  });

  test("gives a node that comes during the first wave what is stable, and goes on after kill -9", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start(...slow);
    const nodes = await server.nodes(4);
    server.write("a.yaml", file(plain("a").replace("1s", "2s")));
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(1));
    const first = having(nodes, "a 2s")[0]?.id;
    const late = new TestNode(server.port, "late");
    await until(() => expect(late.sent).toEqual(["a 1s"]));
    for (const node of [...nodes, late]) node.close();
    await server.kill();

    await server.start(...slow);
    expect(await server.rollout()).toMatchObject({ stable: 1, candidate: { revision: 2, wave: 0, first: [first] } });
    const again = await server.nodes(4);
    expect(having(again, "a 2s").map(({ id }) => id)).toEqual([first]);
    expect(having(again, "a 1s")).toHaveLength(3);
    await server.order("rollout", "abort", "--why", "enough");
    await until(() => expect(again.map((node) => node.last("a"))).toEqual(Array(4).fill("a 1s")));
  });
});

describe("a rollout that is disturbed", () => {
  test("goes back when a node does not apply the change in time, also while it is frozen", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start(...gradual);
    const nodes = await server.nodes(4, { isSilent: true });
    server.write("a.yaml", file(plain("a").replace("1s", "66s")));
    await until(() => expect(having(nodes, "a 66s")).toHaveLength(1));
    await server.order("freeze", "--why", "sale");
    await server.program.logged({ msg: rolledBack });
    const [silent, ...others] = having(nodes, "a 66s");
    expect(others).toEqual([]);
    const { stable, barred } = await server.rollout();
    expect([stable, barred[0]?.why]).toEqual([1, expect.stringContaining(silent?.id ?? "?")]);
  });

  test("starts again with the same node at another edit, and ends at an edit back", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start(...slow);
    const nodes = await server.nodes(6);
    server.write("a.yaml", file(plain("a").replace("1s", "2s")));
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(1));
    server.write("a.yaml", file(plain("a").replace("1s", "3s")));
    await until(() => expect(having(nodes, "a 3s")).toHaveLength(1));
    expect(having(nodes, "a 3s")).toEqual(having(nodes, "a 2s"));
    server.write("a.yaml", file(plain("a")));
    await until(() => expect(having(nodes, "a 2s")[0]?.last("a")).toBe("a 1s"));
    expect(await server.rollout()).toMatchObject({ stable: 1, barred: [] });
    expect((await server.rollout()).candidate).toBeUndefined();
  });

  test("stays paused over kill -9, and then goes on", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start(...slow);
    const before = await server.nodes(4);
    server.write("a.yaml", file(plain("a").replace("1s", "2s")));
    await until(() => expect(having(before, "a 2s")).toHaveLength(1));
    await server.order("rollout", "pause", "--why", "lunch");
    for (const node of before) node.close();
    await server.kill();
    await server.start(...gradual);
    const nodes = await server.nodes(4);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await server.rollout()).candidate?.paused?.why).toBe("lunch");
    expect(having(nodes, "a 2s")).toHaveLength(1);
    await server.order("rollout", "resume", "--why", "back");
    // After a restart, nodes have 30 s to come back before it goes forward.
    await vi.waitFor(() => expect(server.program.log()).toContainEqual(expect.objectContaining({ msg: done })), 80_000);
    await until(() => expect(nodes.map((node) => node.last("a"))).toEqual(Array(4).fill("a 2s")));
  });

  test("ends at an undo; endpoints that changed meanwhile stay", async () => {
    const server = new Server();
    server.write("a.yaml", file(eds("a", 1)));
    server.write("endpoints.yaml", endpoints(1001));
    await server.start(...slow);
    const nodes = await server.nodes(4);
    server.write("a.yaml", file(eds("a", 2)));
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(1));
    await server.order("rollout", "promote", "--why", "fine");
    await until(() => expect(having(nodes, "a 2s")).toHaveLength(4));
    server.write("a.yaml", file(eds("a", 3)));
    await until(() => expect(having(nodes, "a 3s")).toHaveLength(1));
    server.write("endpoints.yaml", endpoints(1002));
    await until(() => expect(nodes.map(({ port }) => port)).toEqual(Array(4).fill(1002)));
    await server.order("undo", "--to", "@1", "--why", "all of it");
    await until(() => expect(nodes.map((node) => node.last("a"))).toEqual(Array(4).fill("a 1s")));
    expect(nodes.map(({ port }) => port)).toEqual(Array(4).fill(1002));
    expect((await server.rollout()).candidate).toBeUndefined();
  });
});

describe("what keeps a change back", () => {
  test("deleting more than half of the clusters is held until exactly this change is approved", async () => {
    const server = new Server();
    server.write("a.yaml", many(24));
    await server.start();
    const [node] = (await server.nodes(1)) as [TestNode];
    server.write("a.yaml", many(4));
    await until(async () => expect((await server.history()).held).toBeDefined());
    const first = (await server.history()).held;
    expect(first?.reasons).toEqual([expect.stringContaining("20 of 24 clusters")]);
    expect((await get(`http://127.0.0.1:${server.admin}/ready`)).status).toBe(200);

    server.write("a.yaml", many(5));
    await until(async () => expect((await server.history()).held?.content).not.toBe(first?.content));
    const second = (await server.history()).held?.content ?? "";
    const { code, stderr } = await xdsHere("approve", first?.content ?? "", "--state-dir", server.state);
    expect(code).toBe(1);
    expect(stderr).toContain("held");
    expect(node.sent.filter((text) => text.startsWith("-"))).toEqual([]);

    await server.order("approve", second.slice(0, 12));
    await until(() => expect(node.sent.filter((text) => text.startsWith("-"))).toHaveLength(19));
    expect((await server.history()).held).toBeUndefined();
    expect(await server.order("audit")).toContain("19 of 24 clusters");
  });

  test("a freeze holds edits, and ending it has them served", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start();
    const [node] = (await server.nodes(1)) as [TestNode];
    await server.order("freeze", "--why", "sale");
    server.write("a.yaml", file(plain("a").replace("1s", "2s")));
    await until(async () => expect((await server.history()).held?.reasons[0]).toContain("sale"));
    expect(node.sent).toEqual(["a 1s"]);
    await server.order("unfreeze", "--why", "over");
    await until(() => expect(node.sent).toEqual(["a 1s", "a 2s"]));
  });

  test("a server that starts with broken files serves the last good revision until they are mended", async () => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start();
    server.write("a.yaml", file(plain("a").replace("1s", "2s")));
    await until(async () => expect((await server.rollout()).stable).toBe(2));
    await server.kill();
    server.write("a.yaml", "resources: [");
    await server.start();
    const [node] = (await server.nodes(1)) as [TestNode];
    expect(node.sent).toEqual(["a 2s"]);
    const ready = await get(`http://127.0.0.1:${server.admin}/ready`);
    expect([ready.status, ready.body]).toEqual([200, expect.stringContaining("a.yaml")]);
    server.write("a.yaml", file(plain("a").replace("1s", "3s")));
    await until(() => expect(node.last("a")).toBe("a 3s"));
    await server.kill();
    rmSync(server.config, { recursive: true });
    await server.start();
    expect((await server.nodes(1))[0]?.sent).toEqual(["a 3s"]);
  });
});

test("layers replace and remove by group, and rules change at SIGHUP", async () => {
  const server = new Server();
  for (const layer of ["base", "canary"]) mkdirSync(join(server.config, layer));
  server.write("base/a.yaml", file(plain("a"), plain("old")));
  server.write("canary/a.yaml", `${file(plain("a").replace("1s", "2s"))}remove: [{ type: clusters, name: old }]\n`);
  const settings = (id: string) =>
    `paths: [config/base]\ngroups:\n- { name: canary, match: { id: ${id} }, layers: [config/base, config/canary] }\n`;
  const config = server.folder.write("xds.yaml", settings("n0"));
  await server.start("--config", config);
  const [first, second] = (await server.nodes(2)) as [TestNode, TestNode];
  expect(first.sent).toEqual(["a 2s"]);
  expect(second.sent.sort()).toEqual(["a 1s", "old 1s"]);
  server.folder.write("xds.yaml", settings("n1"));
  server.program.signal("SIGHUP");
  await until(() => expect(first.sent).toEqual(expect.arrayContaining(["a 1s", "old 1s"])));
  await until(() => expect(second.sent).toEqual(expect.arrayContaining(["a 2s", "-old"])));
});

describeWithEnvoy("a gradual rollout to Envoys", () => {
  test("goes back when requests fail that did not before, as load reports tell; only the first Envoy's fail", async () => {
    const [good, bad] = [await startUpstream(200), await startUpstream(503)];
    const names = ["e1", "e2", "e3"];
    const server = new Server();
    server.write("clusters.yaml", file(upstream("good", good), upstream("bad", bad)));
    server.write("routes.yaml", file(routeTo("good")));
    const listeners = await Promise.all(names.map(() => freePort()));
    for (const [at, name] of names.entries()) {
      mkdirSync(join(server.config, "groups", name), { recursive: true });
      server.write(`groups/${name}/listener.yaml`, file(listenerOn(listeners[at] as number)));
    }
    const times = ["--rollout-bake", "60s", "--load-reports", "1s"];
    await server.start("--rollout-strategy", "gradual", ...times);
    for (const name of names) {
      const address = `127.0.0.1:${server.port}`;
      const flags = ["--server", address, "--node-id", name, "--admin-port", "0", "--load-reports"];
      startEnvoyWith((await xdsHere("bootstrap", ...flags)).stdout);
    }
    const statuses = names.map(() => new Map<number, number>());
    const ends = listeners.map((port, at) => keepAsking(port, statuses[at] as Map<number, number>));
    onTestFinished(() => Promise.all(ends.map((end) => end())).then(() => {}));
    await until(() => expect(statuses.map((one) => (one.get(200) ?? 0) > 300)).toEqual([true, true, true]));
    await new Promise((resolve) => setTimeout(resolve, 2_000)); // they have reported it
    for (const one of statuses) one.clear();

    server.write("routes.yaml", file(routeTo("bad")));
    await server.program.logged({ msg: rolledBack });
    const [why] = (await server.rollout()).barred.map((one) => one.why);
    expect(why).toMatch(/^gate load reports: \d+\.\d\d % of \d+ requests failed on the candidate, 0\.00 % of/);
    await until(() => expect(statuses.map((one) => [...one.keys()].includes(200))).toEqual([true, true, true]));
    const failed = statuses.map((one) => [...one].some(([status]) => status !== 200));
    expect(failed.filter(Boolean)).toHaveLength(1);
    // It is over for the first one, too.
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const one of statuses) one.clear();
    await until(() => expect(statuses.map((one) => (one.get(200) ?? 0) > 100)).toEqual([true, true, true]));
    expect(statuses.map((one) => [...one.keys()])).toEqual([[200], [200], [200]]);
  }, 90_000);

  test.each([adsDelta, adsSotw])("goes back when an Envoy refuses the change: $name", async (mode) => {
    const server = new Server();
    server.write("a.yaml", file(plain("a")));
    await server.start(...gradual, "--validation", "off"); // otherwise the server itself refuses the change
    const envoys = ["e1", "e2", "e3"].map((id) => startEnvoy({ mode, xdsPort: server.port, id }));
    await Promise.all(envoys.map((envoy) => envoy.ready()));
    const rejected = () => Promise.all(envoys.map((envoy) => envoy.stat("cluster_manager.cds.update_rejected")));
    const timeouts = async () => {
      const dumps = await Promise.all(
        envoys.map((envoy) => envoy.admin("/config_dump?resource=dynamic_active_clusters")),
      );
      return dumps.map((dump) => /"connect_timeout": "(\w+)"/.exec(dump)?.[1]);
    };
    expect(await rejected()).toEqual([0, 0, 0]);
    server.write(
      "a.yaml",
      file(plain("a").replace("1s", "2s\n  type: STATIC\n  eds_cluster_config: { eds_config: { ads: {} } }")),
    );
    await server.program.logged({ msg: rolledBack });
    const [why] = (await server.rollout()).barred.map((one) => one.why);
    expect((await rejected()).sort()).toEqual([0, 0, 1]);
    expect(await timeouts()).toEqual(["1s", "1s", "1s"]);
    const first = (await rejected()).indexOf(1);
    expect(why).toContain(`e${first + 1}`);
    expect(why).toMatch(/EDS/i);

    server.write("a.yaml", file(plain("a").replace("1s", "3s")));
    await server.program.logged({ msg: done });
    await until(async () => expect(await timeouts()).toEqual(["3s", "3s", "3s"]));
  });
});
