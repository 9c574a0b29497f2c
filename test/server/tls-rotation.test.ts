import { connect as connectTls } from "node:tls";
import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType } from "../../src/resource/types.js";
import { XdsServer } from "../../src/server/xds-server.js";
import type { XdsServerOptions } from "../../src/server/xds-server-options.js";
import { connect } from "../client/modes.js";
import { type Certificate, selfSigned } from "../e2e/certificate.js";
import { allWays, cacheOf, on, TestServer } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { post } from "./post.js";

const [first, second, client, other] = [selfSigned(), selfSigned(), selfSigned(), selfSigned()];

/** Credentials of a client that trusts a server's certificate, with one of its own or none. */
const channel = (trusted: Certificate, own?: Certificate) =>
  own
    ? credentials.createSsl(Buffer.from(trusted.cert), Buffer.from(own.key), Buffer.from(own.cert))
    : credentials.createSsl(Buffer.from(trusted.cert));

async function start(options: XdsServerOptions, trusted = first, own?: Certificate) {
  const cache = cacheOf(cluster("a"));
  const test = await TestServer.start(cache, {
    authority: "localhost",
    channel: channel(trusted, own),
    rest: true,
    ...options,
  });
  const set = (content: number) => cache.set("n", Snapshot.of([cluster("a", content)]));
  /** What becomes of a client that connects now. */
  const asked = async (by: Certificate, own?: Certificate) => {
    const late = connect({
      address: `localhost:${test.port}`,
      reconnect: false,
      tls: { ca: by.cert, ...own },
    });
    late.subscribe(clusterType);
    return late.synced(clusterType).then(
      ({ resources }) => resources.size,
      (error: { code: string }) => error.code,
    );
  };
  return { test, set, asked };
}

/** The status of a REST request on a new connection; undefined: there is no answer. */
const poll = async (port: number | undefined, by: Certificate, own?: Certificate) =>
  (await post({ port, ca: by.cert, ...own }, "/v3/discovery:clusters", { node: { id: "n" } }))?.status;

describe("a server whose certificate is replaced", () => {
  on(allWays, (way) => {
    it("goes on with the open streams, and shows new clients the new certificate", async () => {
      const { test, set, asked } = await start({ tls: first });
      const stream = test.open(way, clusterType);
      stream.want();
      await stream.take(["a@1"]);
      test.server.setTls(second);
      expect(await asked(second)).toBe(1);
      expect(await asked(first)).toBe("STREAM_ENDED");
      set(2);
      await stream.take(["a@2"]);
      await stream.quiet();
    });
  });

  it("shows it to REST clients too", async () => {
    const { test } = await start({ tls: first });
    expect(await poll(test.restPort, first)).toBe(200);
    test.server.setTls(second);
    expect(await poll(test.restPort, second)).toBe(200);
    expect(await poll(test.restPort, first)).toBeUndefined();
  });

  it("keeps the one it has when the new one cannot be used", async () => {
    const { test, asked } = await start({ tls: { ...first, clientCa: client.cert } }, first, client);
    for (const bad of [
      { cert: second.cert, key: first.key },
      { cert: "", key: second.key },
      { cert: second.cert, key: "" },
      { cert: "no certificate", key: second.key },
      { ...second, clientCa: "" },
      { ...second, clientCa: "no certificate" },
      { cert: second.cert.slice(0, 200), key: second.key, clientCa: client.cert },
      second, // without a clientCa
    ])
      expect(() => test.server.setTls(bad)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    expect(await asked(first, client)).toBe(1);
    expect(await poll(test.restPort, first, client)).toBe(200);
    expect(await asked(first)).toBe("STREAM_ENDED");
  });

  it("accepts clients of the new authority, and no new connection with the old one", async () => {
    const { test, asked } = await start({ tls: { ...first, clientCa: client.cert } }, first, client);
    const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType);
    stream.want();
    await stream.take(["a@1"]);
    expect(await asked(first, other)).toBe("STREAM_ENDED");
    test.server.setTls({ ...first, clientCa: other.cert });
    expect(await asked(first, other)).toBe(1);
    expect(await asked(first, client)).toBe("STREAM_ENDED");
    expect(await poll(test.restPort, first, other)).toBe(200);
    expect(await poll(test.restPort, first, client)).toBeUndefined();
    await stream.quiet();
  });

  it("takes up no session of a client that it no longer trusts", async () => {
    const { test } = await start({ tls: { ...first, clientCa: client.cert } }, first, client);
    /** One HTTPS request, with a session of before; resolves with the answer and the session of this connection. */
    const ask = (session?: Buffer) =>
      new Promise<{ answer: string; session: Buffer | undefined; isReused: boolean }>((resolve) => {
        let latest: Buffer | undefined;
        let answer = "";
        let isReused = false;
        const own = { cert: client.cert, key: client.key, ...(session && { session }) };
        const socket = connectTls({
          port: test.restPort,
          host: "127.0.0.1",
          servername: "localhost",
          ca: first.cert,
          ...own,
        });
        socket.on("session", (ticket) => {
          latest = ticket;
        });
        socket.on("secureConnect", () => {
          isReused = socket.isSessionReused();
          const body = JSON.stringify({ node: { id: "n" } });
          const head = `POST /v3/discovery:clusters HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
          socket.write(`${head}\r\n\r\n${body}`);
        });
        socket.on("data", (bytes) => {
          answer += bytes;
        });
        socket.on("error", () => {});
        socket.on("close", () => resolve({ answer, session: latest, isReused }));
      });
    const { answer, session } = await ask();
    expect(answer).toMatch(/^HTTP\/1.1 200/);
    const again = await ask(session);
    expect(again).toMatchObject({ answer: expect.stringMatching(/^HTTP\/1.1 200/), isReused: true });
    test.server.setTls({ ...first, clientCa: other.cert });
    expect((await ask(again.session)).answer).toBe("");
    expect((await ask()).answer).toBe("");
  });

  it("may get it before it listens; TLS or a clientCa cannot be added later", async () => {
    const server = new XdsServer(cacheOf(cluster("a")));
    server.setTls(first);
    const { grpc } = await server.listen({ port: 0 });
    const late = connect({ address: `localhost:${grpc.port}`, reconnect: false, tls: { ca: first.cert } });
    late.subscribe(clusterType);
    expect((await late.synced(clusterType)).resources.size).toBe(1);
    expect(() => server.setTls({ ...first, clientCa: client.cert })).toThrow(/without a clientCa/);
    await server.close();

    const { test } = await start({ channel: credentials.createInsecure() } as XdsServerOptions);
    expect(() => test.server.setTls(first)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    const plain = test.open({ variant: "sotw", kind: "ADS" }, clusterType);
    plain.want();
    await plain.take(["a@1"]);
    await plain.cancel();
    expect((await plain.ended).code).toBe(status.CANCELLED);
  });
});
