import { expect, test } from "vitest";
import { frame, frameType } from "../../src/http2/frames.js";
import { metric } from "../cli/serving.js";
import { eventually } from "../e2e/eventually.js";
import { delta, paths, sotw } from "./requests.js";
import { clusters, Scene } from "./scene.js";
import { data, repeat, Sender } from "./sender.js";

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const files = { "many.yaml": clusters(2_000, 100) };

/** Opens a connection whose client asks for all clusters, and never takes any. */
async function unread(port: number, streams: readonly ("sotw" | "delta")[], window = 0): Promise<void> {
  const sender = await Sender.http2(port, { reads: false, window });
  for (const variant of streams) {
    const { id, head } = sender?.call(paths[variant]) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, variant === "sotw" ? sotw() : delta()));
  }
}

test("20 clients that read nothing, on two streams each, while 200 changes are made", async () => {
  const scene = await Scene.start({ files });
  for (let i = 0; i < 20; i++) await unread(scene.ports.grpc, ["sotw", "delta"]);
  await wait(60);
  await scene.isRight();
});

test("50 clients that are stopped: their windows are large, and nothing is read", async () => {
  const scene = await Scene.start({ files });
  for (let i = 0; i < 50; i++) await unread(scene.ports.grpc, ["sotw"], 2 ** 30);
  await wait(60);
  await scene.isRight();
});

test("40 clients that read nothing until all room for responses is theirs, and come back when they are cut", async () => {
  const scene = await Scene.start({
    files: { "many.yaml": clusters(4_000, 200) },
    flags: ["--limits-response-bytes", "16MiB"],
  });
  await repeat({ seconds: 40, at: 40 }, async (_, isOver) => {
    const sender = await Sender.http2(scene.ports.grpc, { window: 0 });
    const { id, head } = sender?.call(paths.sotw) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, sotw()));
    while (sender && !sender.isClosed && !isOver()) await wait(0.02);
    sender?.close();
  });
  await scene.isRight();
});

test("streams that are cancelled with their response unsent", async () => {
  const scene = await Scene.start({ files: { "many.yaml": clusters(500, 100) } });
  for (let i = 0; i < 1_000; i++) await Sender.plain(scene.ports.grpc);
  await repeat({ seconds: 15 }, async (_, isOver) => {
    const sender = await Sender.http2(scene.ports.grpc, { window: 0 });
    while (sender && !sender.isClosed && !isOver()) {
      const calls = Array.from({ length: 20 }, () => sender.call(paths.sotw));
      await sender.send(...calls.flatMap(({ id, head }) => [head, ...data(id, sotw())]));
      await wait(0.02);
      await sender.send(...calls.map(({ id }) => frame(frameType.RST_STREAM, 0, id, Buffer.of(0, 0, 0, 8))));
    }
    sender?.close();
  });
  await eventually(async () => expect(await metric(scene.ports.admin, "xds_unsent_response_bytes")).toBe(0));
  await scene.isRight();
});

test("400 REST clients that send 900 requests at once, and read nothing", async () => {
  const scene = await Scene.start({ files: { "many.yaml": clusters(1_000, 100) } });
  const body = '{"node":{"id":"hog"}}';
  const head = "POST /v3/discovery:clusters HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
  const request = Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n${body}`.repeat(900));
  const senders: (Sender | undefined)[] = [];
  for (let i = 0; i < 400; i++) {
    const sender = await Sender.plain(scene.ports.rest, { reads: false });
    sender?.socket.write(request);
    senders.push(sender);
  }
  await wait(15);
  for (const sender of senders) sender?.close();
  await scene.isRight();
});

test("reflection asked for large files by clients that read nothing of them", async () => {
  const scene = await Scene.start();
  const request = Buffer.from("envoy.admin.v3.ConfigDump");
  const ask = Buffer.concat([Buffer.of(0, 0, 0, 0, request.length + 2, 0x22, request.length), request]);
  await repeat({ seconds: 12, at: 8 }, async (_, isOver) => {
    const sender = await Sender.http2(scene.ports.grpc);
    const { id, head } = sender?.call(paths.reflection) ?? {};
    await sender?.send(head as Buffer);
    while (sender && !sender.isClosed && !isOver()) await sender.send(...data(id as number, ask));
    sender?.close();
  });
  await scene.isRight();
});
