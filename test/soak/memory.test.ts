import { gzipSync } from "node:zlib";
import { test } from "vitest";
import { framed } from "../server/raw-http2.js";
import { paths } from "./requests.js";
import { Scene } from "./scene.js";
import { data, Sender } from "./sender.js";

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const half = framed(Buffer.alloc(16 << 20)).subarray(0, 69);

test.each([
  ["unary calls that never end", paths.fetch, undefined],
  ["health that is watched", paths.watchHealth, framed(Buffer.of())],
  ["methods that do not exist", paths.unknown, undefined],
  ["ADS streams that never ask", paths.sotw, undefined],
  ["messages of which 64 bytes of 16 MiB come", paths.fetch, half],
] as const)("60,000 calls on one connection after the other: %s", async (_, path, message) => {
  const scene = await Scene.start({ megabytes: 400 });
  const senders: Sender[] = [];
  for (let calls = 0; calls < 60_000; ) {
    const sender = await Sender.http2(scene.ports.grpc);
    if (!sender || senders.length === 100) break; // the server takes no more
    senders.push(sender);
    for (let i = 0; i < 10_000 && !sender.isClosed; i++, calls++) {
      const { id, head } = sender.call(path);
      await sender.send(head, ...(message ? data(id, message) : []));
    }
  }
  await wait(2);
  for (const sender of senders) sender.close();
  await scene.isRight();
});

test("gzipped messages of 30 MiB, on 40 connections at once, six times", async () => {
  const scene = await Scene.start();
  const bomb = framed(gzipSync(Buffer.alloc(30 << 20), { level: 9 }), 1);
  for (let round = 0; round < 6; round++) {
    const senders: (Sender | undefined)[] = [];
    for (let i = 0; i < 40; i++) {
      const sender = await Sender.http2(scene.ports.grpc);
      const { id, head } = sender?.call(paths.sotw, { "grpc-encoding": "gzip" }) ?? {};
      await sender?.send(head as Buffer, ...data(id as number, bomb));
      senders.push(sender);
    }
    await wait(2);
    for (const sender of senders) sender?.close();
  }
  await scene.isRight();
});

test("120 REST bodies of 9 MiB that never end", async () => {
  const scene = await Scene.start();
  const head = "POST /v3/discovery:clusters HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
  const body = Buffer.alloc(9 << 20, " ");
  const senders: (Sender | undefined)[] = [];
  for (let i = 0; i < 120; i++) {
    const sender = await Sender.plain(scene.ports.rest);
    await sender?.send(Buffer.from(`${head}Content-Length: ${body.length + 1}\r\n\r\n`));
    for (let at = 0; at < body.length && sender && !sender.isClosed; at += 1 << 20)
      await sender.send(body.subarray(at, at + (1 << 20)));
    senders.push(sender);
  }
  await wait(15); // a slow body is ended after ten
  for (const sender of senders) if (sender && !sender.isClosed) throw new Error("a body is still waited for");
  await scene.isRight();
});

test("3,000 connections that say nothing", async () => {
  const scene = await Scene.start();
  for (let i = 0; i < 3_000; i++) await Sender.plain(scene.ports.grpc);
  await wait(45);
  await scene.isRight();
});
