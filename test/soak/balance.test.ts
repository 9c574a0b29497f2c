import { connect, createServer, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { XdsClient } from "../../src/client/index.js";
import { clusterType } from "../../src/resource/types.js";
import { clusters, Scene, type Server } from "../cli/replica-scene.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";
import { describeWithEtcd, startEtcd } from "../etcd/etcd.js";

/** How many nodes there are. */
const count = Number(process.env.XDS_NODES ?? 1_000);

/** Hands each connection to the next server that takes it, as a load balancer for TCP does. Returns its port. */
async function balancer(ports: readonly number[]): Promise<number> {
  let next = 0;
  const open = new Set<Socket>();
  const listener = createServer((client) => {
    open.add(client);
    client.on("error", () => client.destroy()).on("close", () => open.delete(client));
    const attempt = (left: number) => {
      const server = connect({ host: "127.0.0.1", port: ports[next++ % ports.length] as number });
      server.once("connect", () => {
        client.pipe(server).pipe(client);
        client.on("close", () => server.destroy());
        server.on("close", () => client.destroy());
      });
      server.on("error", () => {
        if (server.connecting || server.bytesRead + server.bytesWritten > 0 || left === 0) client.destroy();
        else attempt(left - 1);
      });
    };
    attempt(ports.length);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", 4_096, resolve));
  onTestFinished(() => {
    listener.close();
    for (const socket of open) socket.destroy();
  });
  return (listener.address() as { port: number }).port;
}

/** The streams of a server. */
async function streams({ admin }: Server): Promise<number> {
  const { body } = await get(`http://127.0.0.1:${admin}/metrics`);
  const lines = body.split("\n").filter((line) => line.startsWith("xds_streams{"));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

const seconds = (since: number) => Math.round((performance.now() - since) / 100) / 10;

describeWithEtcd(`${count} nodes at replicas behind a load balancer`, () => {
  it("are spread when one is added, go on when one dies or is rolled, and get nothing twice", async () => {
    const scene = new Scene(await startEtcd());
    await scene.published(clusters(1, 100));
    const servers = [await scene.server(), await scene.server()];
    const ports = servers.map(({ port }) => port);
    const port = await balancer(ports);
    let received = 0;
    const clients = Array.from({ length: count }, (_, at) => {
      const client = new XdsClient({
        ...{ address: `127.0.0.1:${port}`, node: { id: `n${at}` }, variant: "delta" },
        callbacks: {
          onResponse: ({ resources }) => {
            received += resources.length;
            return undefined;
          },
        },
      });
      client.subscribe(clusterType);
      return client;
    });
    onTestFinished(async () => {
      await Promise.all(clients.map((client) => client.close()));
    });
    const loads = () => Promise.all(servers.map(streams));
    const all = (least: number) => async () => {
      const found = await loads();
      expect(found.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0.98 * count); // a few are on their way
      expect(Math.min(...found)).toBeGreaterThanOrEqual(least);
    };
    await eventually(all(0.4 * count), 120_000);
    await eventually(() => expect(received).toBe(100 * count), 120_000);

    let start = performance.now();
    servers.push(await scene.server());
    ports.push((servers[2] as Server).port);
    await eventually(all(0.9 * (count / 3)), 120_000);
    console.log(`a third replica had its share after ${seconds(start)} s: ${await loads()}`);

    start = performance.now();
    const [killed] = servers.splice(1, 1) as [Server];
    await killed.kill();
    await eventually(all(0.25 * count), 30_000);
    console.log(`the nodes of one that died were taken after ${seconds(start)} s: ${await loads()}`);

    for (const server of servers) {
      start = performance.now();
      await server.roll();
      await eventually(all(0.9 * 0.4 * count), 120_000);
      console.log(`one was rolled, and had its share again after ${seconds(start)} s: ${await loads()}`);
    }
    expect(received).toBe(100 * count);
    await scene.published(clusters(2, 100));
    await eventually(() => expect(received).toBe(200 * count), 60_000);
  }, 900_000);
});
