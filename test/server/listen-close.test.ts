import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { LinearCache, XdsServer } from "../../src/index.js";
import { clusterType } from "../../src/resource/types.js";
import { connect } from "../client/modes.js";
import { type Certificate, selfSigned } from "../e2e/certificate.js";
import { cluster } from "../protocol/resources.js";

/** Ports that were free a moment ago. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports as [number, number];
}

/** Whether a port can be listened on, on each of these addresses: nobody else does then. */
async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

const cacheOf = () => new LinearCache(clusterType, { resources: [cluster("a")] });

/** How many turns of the event loop pass before the call. Listening takes some ten; the last are after it. */
const turns = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50];

it.each(["close", "drain"] as const)("%s() while listen() is under way leaves nothing that listens", async (end) => {
  let ended = 0;
  for (const host of ["127.0.0.1", "localhost"])
    for (const wait of turns) {
      const [port, restPort] = await freePorts();
      const server = new XdsServer(cacheOf());
      const listening = server.listen({ host, port, restPort }).then(
        () => "open",
        (error: Error) => error,
      );
      for (let turn = 0; turn < wait; turn++) await new Promise((resolve) => setImmediate(resolve));
      const { state } = server;
      await server[end]();
      const outcome = await listening;
      if (state === "new") {
        ended++;
        expect(outcome).toMatchObject({
          code: "WRONG_STATE",
          message: expect.stringContaining("the server was closed"),
        });
      } else expect(outcome).toBe("open");
      expect(server.state).toBe("closed");
      expect([await isFree(port, "127.0.0.1"), await isFree(restPort, "127.0.0.1")]).toEqual([true, true]);
    }
  expect(ended).toBeGreaterThan(0); // how many turns listening takes depends on the machine
});

it("listen() of a server that is closed is refused", async () => {
  const server = new XdsServer(cacheOf());
  await server.close();
  await expect(server.listen({ port: 0 })).rejects.toMatchObject({ code: "WRONG_STATE" });
});

it("a server whose port was taken is closed, and may be closed again", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const server = new XdsServer(cacheOf());
  await expect(server.listen({ port })).rejects.toMatchObject({ code: "CANNOT_LISTEN" });
  await server.close();
  await server.close();
  expect(server.state).toBe("closed");
});

it("clients see the certificate that setTls() has put in place while listen() was under way", async () => {
  const [first, second]: Certificate[] = [selfSigned(), selfSigned()];
  const server = new XdsServer(cacheOf(), { tls: first as Certificate });
  onTestFinished(() => server.close());
  const listening = server.listen({ host: "localhost", port: 0 });
  server.setTls(second as Certificate);
  const { grpc } = await listening;
  const client = connect({
    address: `localhost:${grpc.port}`,
    reconnect: false,
    tls: { ca: (second as Certificate).cert },
  });
  client.subscribe(clusterType);
  expect((await client.synced(clusterType)).resources.size).toBe(1);
});
