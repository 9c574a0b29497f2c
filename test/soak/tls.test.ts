import { connect } from "node:tls";
import { test } from "vitest";
import { Folder } from "../cli/serving.js";
import { selfSigned } from "../e2e/certificate.js";
import { randomFrame } from "../http2/mutate.js";
import { Scene } from "./scene.js";
import { repeat, Sender } from "./sender.js";

const hello = Buffer.from("160301020001", "hex");

async function start() {
  const certificate = selfSigned();
  const { cert, key } = new Folder().pair("server", certificate);
  return Scene.start({ ca: certificate.cert, flags: ["--tls-cert", cert, "--tls-key", key] });
}

const handshake = (port: number) =>
  new Promise<Sender | undefined>((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] });
    const sender = new Sender(socket);
    socket.resume();
    socket.once("secureConnect", () => resolve(sender));
    socket.once("close", () => resolve(undefined));
  });

test("1,500 connections: silent, with a byte of a handshake now and then, and silent after it", async () => {
  const scene = await start();
  const dribbling: Sender[] = [];
  for (let i = 0; i < 500; i++) {
    await Sender.plain(scene.ports.grpc);
    const sender = await Sender.plain(scene.ports.grpc);
    if (sender) dribbling.push(sender);
    await handshake(scene.ports.grpc);
  }
  for (let i = 0; i < 30; i++) {
    for (const sender of dribbling) if (!sender.isClosed) sender.socket.write(hello.subarray(i % 6, (i % 6) + 1));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await scene.isRight();
});

test("handshakes as fast as four can, some with frames of chance after them, some of no sense", async () => {
  const scene = await start();
  await repeat({ seconds: 12 }, async (random) => {
    const isPlain = random.chance(0.3);
    const sender = isPlain ? await Sender.plain(scene.ports.grpc) : await handshake(scene.ports.grpc);
    for (let i = 0; i < 20 && sender && !sender.isClosed; i++)
      await sender.send(isPlain ? random.bytes(100) : randomFrame(random));
    sender?.close();
  });
  await scene.isRight();
});
