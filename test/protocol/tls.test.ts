import { once } from "node:events";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { clusterType } from "../../src/resource/types.js";
import { XdsServer } from "../../src/server/xds-server.js";
import { selfSigned } from "../e2e/certificate.js";
import { allWays, cacheOf, LogBook, on, TestServer, until } from "./harness.js";
import { cluster } from "./resources.js";

const [server, client, stranger] = [selfSigned(), selfSigned(), selfSigned()];

/** Credentials of a client that trusts the server, with a certificate of its own or none. */
const channel = (own?: typeof client) =>
  own
    ? credentials.createSsl(Buffer.from(server.cert), Buffer.from(own.key), Buffer.from(own.cert))
    : credentials.createSsl(Buffer.from(server.cert));
const start = (options: Parameters<typeof TestServer.start>[1]) =>
  TestServer.start(cacheOf(cluster("a")), { authority: "localhost", ...options });

/** The status of a REST request, or the reason why there is none. */
function poll(port: number | undefined, own?: typeof client): Promise<unknown> {
  return new Promise((resolve) => {
    const options = {
      host: "127.0.0.1",
      servername: "localhost",
      port,
      path: "/v3/discovery:clusters",
      method: "POST",
      headers: { "content-type": "application/json" },
    };
    request({ ...options, agent: false, ca: server.cert, ...(own && { cert: own.cert, key: own.key }) }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on("error", (error) => resolve(error.message))
      .end(JSON.stringify({ node: { id: "n" } }));
  });
}

const alpn = { servername: "localhost", ALPNProtocols: ["h2", "http/1.1"] };

/** Waits for the end of a connection; what is read is thrown away. */
function ended(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  return new Promise((resolve) => socket.once("close", () => resolve()).resume());
}

/** A connection in plain text, on which this is sent. */
function plainly(port: number, text: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.end(text);
  return ended(socket);
}

it("close() ends connections during their TLS handshake, and accepts none that finish it then", async () => {
  const { server: xds, port } = await start({ tls: server });
  const [silent, late] = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  await Promise.all([once(silent, "connect"), once(late, "connect")]);
  await xds.close();
  const secure = connectTls({ socket: late, ca: server.cert, ...alpn });
  await Promise.all([ended(silent), ended(secure)]);
});

describe("TLS", () => {
  on(allWays, (way) => {
    it("carries streams", async () => {
      const stream = (await start({ tls: server, channel: channel() })).open(way, clusterType);
      stream.want();
      await stream.take(["a@1"]);
      await stream.quiet();
    });

    it("with a clientCa takes only clients with a certificate from there", async () => {
      const tls = { ...server, clientCa: client.cert };
      const known = (await start({ tls, channel: channel(client) })).open(way, clusterType);
      known.want();
      await known.take(["a@1"]);
      for (const own of [undefined, stranger]) {
        const refused = (await start({ tls, channel: channel(own) })).open(way, clusterType);
        refused.want();
        expect((await refused.ended).code).toBe(status.UNAVAILABLE);
      }
    });
  });

  it("refuses plain connections; a server without TLS refuses those with TLS", async () => {
    const plain = (await start({ tls: server })).open({ variant: "sotw", kind: "ADS" }, clusterType);
    plain.want();
    expect((await plain.ended).code).toBe(status.UNAVAILABLE);
    const secure = (await start({ channel: channel() })).open({ variant: "sotw", kind: "ADS" }, clusterType);
    secure.want();
    expect((await secure.ended).code).toBe(status.UNAVAILABLE);
  });

  it("carries REST, with client certificates too", async () => {
    const { restPort: open } = await start({ rest: true, tls: server, channel: channel() });
    expect(await poll(open)).toBe(200);
    const { restPort: strict } = await start({
      rest: true,
      tls: { ...server, clientCa: client.cert },
      channel: channel(),
    });
    expect(await poll(strict, client)).toBe(200);
    expect(await poll(strict)).toEqual(expect.any(String));
    expect(await poll(strict, stranger)).toEqual(expect.any(String));
  });

  it.each(["port", "restPort"] as const)(
    "logs who does not get through the handshake and why (%s), and in debug who only looks whether the port is open",
    async (which) => {
      const logger = new LogBook();
      const tls = { ...server, clientCa: client.cert };
      const port = (await start({ rest: true, tls, channel: channel(client), logger }))[which] as number;
      const told = (level: string) => {
        const lines = logger.entries.filter((line) => line.level === level && line.message === "a TLS handshake fails");
        return lines.map(({ fields }) => fields);
      };
      const peer = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
      const shakesHands = (own?: typeof client) => ended(connectTls({ port, ca: server.cert, ...alpn, ...own }));
      await shakesHands();
      await shakesHands(stranger);
      await plainly(port, "GET / HTTP/1.1\r\n\r\n");
      await until(() => told("warn").length === 3, "the lines");
      expect(told("warn")).toEqual([
        { peer, error: "peer did not return a certificate" },
        { error: "the client's certificate is refused: DEPTH_ZERO_SELF_SIGNED_CERT" },
        { peer, error: "the client does not use TLS (http request)" },
      ]);
      expect(told("debug")).toEqual([]);
      await plainly(port, "");
      await until(() => told("debug").length === 1, "the line about a look");
      for (let i = 0; i < 30; i++) await shakesHands();
      // Ten of this address, and the one whose address Node has forgotten.
      expect(told("warn")).toHaveLength(11);
    },
  );

  it("closes a connection that never finishes its TLS handshake", { timeout: 60_000 }, async () => {
    const { port, restPort } = await start({
      rest: true,
      tls: server,
      channel: channel(),
      limits: { handshakeMs: 500 },
    });
    const beginnings = [Buffer.of(), Buffer.from("16030100a5010000a10303", "hex"), Buffer.from("no TLS at all\n")];
    const sockets = [port, restPort as number].flatMap((to) =>
      beginnings.map((beginning) => {
        const socket = connect({ port: to, host: "127.0.0.1", allowHalfOpen: true });
        socket.write(beginning);
        return socket;
      }),
    );
    await Promise.all(
      sockets.map((socket) => new Promise((resolve) => socket.on("error", resolve).on("end", resolve).resume())),
    );
    for (const socket of sockets) socket.destroy();
  });

  it("logs nothing about clients that finish the handshake", async () => {
    const logger = new LogBook();
    const tls = { ...server, clientCa: client.cert };
    const test = await start({ rest: true, tls, channel: channel(client), logger });
    expect(await poll(test.restPort, client)).toBe(200);
    await test.barrier();
    await test.server.close();
    expect(logger.entries.filter(({ message }) => message.includes("handshake"))).toEqual([]);
  });

  it("is taken down by a drain that waits for no idle connection", async () => {
    const test = await start({ tls: server, channel: channel() });
    const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType);
    stream.want();
    await stream.take(["a@1"]);
    const idle = connectTls({ port: test.port, ca: server.cert, servername: "localhost", ALPNProtocols: ["h2"] });
    await once(idle, "secureConnect");
    await test.barrier();
    const closed = ended(idle);
    await test.server.drain({ timeoutMs: 600_000 });
    expect((await stream.ended).code).toBe(status.UNAVAILABLE);
    await closed;
    await expect(once(connect(test.port, "127.0.0.1"), "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("that cannot be used is refused when the server listens", async () => {
    for (const tls of [
      { cert: "no certificate", key: server.key },
      { cert: server.cert, key: client.key },
    ])
      await expect(new XdsServer(cacheOf(), { tls }).listen({ port: 0, restPort: 0 })).rejects.toMatchObject({
        code: "INVALID_OPTION",
      });
  });
});
