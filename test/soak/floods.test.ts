import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { test } from "vitest";
import { clientPreface, flag, frame, frameType } from "../../src/http2/frames.js";
import { randomFrame } from "../http2/mutate.js";
import type { Random } from "../http2/random.js";
import { callFields, framed, headerBlock } from "../server/raw-http2.js";
import { paths, sotw } from "./requests.js";
import { Scene } from "./scene.js";
import { data, repeat, Sender } from "./sender.js";

const seconds = 12;
const all = Object.values(paths);
const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const randomHeaders = (random: Random): Record<string, string>[] => [
  { "x-big": "a".repeat(15_000) },
  Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, "v"])),
  { "grpc-timeout": random.pick(["1n", "99999999H", "-1S", "S", "1e9S", ""]) },
  { "grpc-encoding": random.pick(["gzip", "deflate", "br", "__proto__", "constructor", ""]) },
  { "x-bin": "!!!", connection: "close", "X-Upper": "v" },
  { "content-length": "18446744073709551616", "grpc-accept-encoding": "__proto__" },
];

/** Frames of one connection, again and again; `id` is a stream with a request. */
const frames: Record<string, (id: number, random: Random, sender: Sender, round: number) => Uint8Array[]> = {
  "frames of chance": (_, random) => Array.from({ length: 8 }, () => randomFrame(random)),
  "CONTINUATION without end": (_, random, sender, round) => {
    const { id, head } = sender.call(paths.sotw);
    head[4] = 0; // without END_HEADERS
    const part = headerBlock({ a: random.bytes(8).toString("hex") });
    return [...(round === 0 ? [head] : []), frame(frameType.CONTINUATION, 0, round === 0 ? id : 3, part)];
  },
  "streams that are reset at once": (_, random, sender) =>
    Array.from({ length: 25 }).flatMap(() => {
      const { id, head } = sender.call(random.pick(all));
      return [head, ...(random.chance(0.3) ? data(id, sotw()) : []), frame(frameType.RST_STREAM, 0, id, number(8))];
    }),
  SETTINGS: (_, random) =>
    Array.from({ length: 100 }, () =>
      frame(frameType.SETTINGS, 0, 0, Buffer.concat([Buffer.of(0, 4), number(random.below(1 << 20))])),
    ),
  PING: () => Array.from({ length: 100 }, () => frame(frameType.PING, 0, 0, Buffer.alloc(8))),
  "empty DATA": (id) => Array.from({ length: 100 }, () => frame(frameType.DATA, 0, id, Buffer.of())),
  PRIORITY: (_, random) =>
    Array.from({ length: 100 }, () =>
      frame(frameType.PRIORITY, 0, 2 * random.below(1 << 20) + 1, Buffer.concat([number(0), Buffer.of(1)])),
    ),
  "WINDOW_UPDATE of a byte": (id) => Array.from({ length: 100 }, () => frame(8, 0, id, number(1))),
  "windows beyond the largest": (id, random) => {
    const more = frame(frameType.WINDOW_UPDATE, 0, random.pick([0, id]), number(2 ** 31 - 1));
    return [more, more];
  },
  "odd headers": (_, random, sender) => {
    const paths = [...all, "", "*", "//", "/__proto__/constructor", "/\u0000", "/x".repeat(4_000)];
    return [sender.call(random.pick(paths), random.pick(randomHeaders(random))).head];
  },
  "messages that are framed wrong": (_, random, sender) => {
    const { id, head } = sender.call(random.pick(all), random.chance(0.3) ? { "grpc-encoding": "gzip" } : {});
    const good = sotw();
    const bad = random.pick([
      Buffer.of(0, 0xff, 0xff, 0xff, 0xff, 1, 2),
      framed(random.bytes(40), 1),
      Buffer.concat(Array.from({ length: 30 }, () => good)),
      good.subarray(0, random.below(good.length)),
      framed(good, 2 + random.below(250)),
      Buffer.concat(Array.from({ length: 60 }, () => framed(Buffer.of()))),
      random.bytes(random.below(200)),
    ]);
    const end = random.chance(0.3) ? [frame(frameType.RST_STREAM, 0, id, number(8))] : [];
    return [head, frame(frameType.DATA, random.below(2), id, bad), ...end];
  },
  "gzip that is damaged": (_, random, sender) => {
    const { id, head } = sender.call(paths.sotw, { "grpc-encoding": "gzip" });
    const zipped = gzipSync(sotw({ resourceNames: [random.bytes(20).toString("hex")] }).subarray(5));
    const at = random.below(zipped.length);
    zipped[at] = (zipped[at] as number) ^ 0x40;
    return [head, frame(frameType.DATA, 0, id, framed(zipped, 1))];
  },
};

for (const [name, make] of Object.entries(frames))
  test(name, async () => {
    const scene = await Scene.start();
    await repeat({ seconds }, async (random, isOver) => {
      const sender = await Sender.http2(scene.ports.grpc);
      if (!sender) return;
      const { id, head } = sender.call(paths.sotw);
      await sender.send(head, ...data(id, sotw()));
      for (let round = 0; round < 400 && !sender.isClosed && !isOver(); round++)
        await sender.send(...make(id, random, sender, round));
      sender.close();
    });
    await scene.isRight();
  });

test("bytes of chance, on each port", async () => {
  const scene = await Scene.start();
  const { grpc, rest, admin } = scene.ports;
  const block = headerBlock(callFields(paths.sotw));
  await repeat({ seconds, at: 8 }, async (random) => {
    const sender = await Sender.plain(random.pick([grpc, rest, admin]));
    const beginning = random.pick([
      Buffer.of(),
      clientPreface,
      clientPreface.subarray(0, random.below(clientPreface.length)),
      Buffer.from("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"),
      Buffer.from("POST /v3/discovery:clusters HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\r\n"),
      Buffer.from("160301020001", "hex"), // the beginning of TLS
      Buffer.concat([clientPreface, frame(frameType.HEADERS, flag.END_HEADERS, 1, block)]),
    ]);
    await sender?.send(beginning, randomBytes(1 + random.below(2_000)));
    sender?.socket.end();
    for (let i = 0; i < 300 && sender && !sender.isClosed; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    sender?.close();
  });
  await scene.isRight();
});
