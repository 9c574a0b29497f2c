import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { credentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { clusterType } from "../../src/resource/types.js";
import { selfSigned } from "../e2e/certificate.js";
import { adsWays, cacheOf, on, TestServer } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";

/**
 * One connection that ended the process of every Node whose nghttp2 is older than 1.68.1: the preface; SETTINGS;
 * HEADERS of stream 1; GOAWAY; RST_STREAM of it, the last stream that was open; HEADERS of stream 3; SETTINGS of three
 * bytes.
 */
const attack = Buffer.from(
  "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a00000604000000000000040000ffff0000330104000000018386" +
    "4594626b2b22f394742675fb857c651d099d8e4349274101785f8b1d75d0620d263d4c4d656440027465864d833505b11f00" +
    "00310700000000000000000800000000b1808089f9bbf8dbbe07ebf398351d3614a5e34abdb1b1795d0010b8aad92f2cd89d" +
    "ba16255ad60688000004030000000001eb2670b4000035010400000003838645ae60b5773fa5d05b3b98855c945a8496c5fb" +
    "b2bdea2d424b65f32087ee5b3d6e2d9dcc42b1b9361474dea2d424b623c1c0bf00000304ac0000000786fe4a",
  "hex",
);

on(adsWays, (way) => {
  it.each(["plain text", "TLS"])("the bytes that made nghttp2 abort harm nobody: %s", async (form) => {
    const certificate = form === "TLS" ? selfSigned() : undefined;
    const test = await TestServer.start(
      cacheOf(cluster("a")),
      certificate && {
        authority: "localhost",
        tls: certificate,
        channel: credentials.createSsl(Buffer.from(certificate.cert)),
      },
    );
    const before = test.open(way, clusterType);
    before.want();
    await before.take(["a@1"]);
    for (let i = 0; i < 3; i++) {
      const socket = certificate
        ? connectTls({ port: test.port, ca: certificate.cert, servername: "localhost", ALPNProtocols: ["h2"] })
        : connect(test.port, "127.0.0.1");
      socket.on("error", () => {});
      await once(socket, certificate ? "secureConnect" : "connect");
      for (let at = 0; at < attack.length; at += i === 0 ? attack.length : 100 * i) {
        socket.write(attack.subarray(at, at + (i === 0 ? attack.length : 100 * i)));
        await sleep(1);
      }
      socket.resume();
      await once(socket, "close");
    }
    const after = test.connect().open(way, clusterType);
    after.want();
    await after.take(["a@1"]);
    expect(await test.health()).toBe(1);
  });
});
