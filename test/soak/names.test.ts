import { expect, test } from "vitest";
import { endpointType } from "../../src/index.js";
import { get } from "../e2e/http.js";
import { delta, paths, sotw } from "./requests.js";
import { clusters, Scene } from "./scene.js";
import { data, repeat, Sender } from "./sender.js";

const megabytes = 1_500;
const list = (prefix: string, count = 90_000) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

test("20 streams that name 90,000 others again and again", async () => {
  const scene = await Scene.start({ megabytes });
  const [a, b] = [list("a"), list("b")];
  const first = delta({ typeUrl: endpointType, resourceNamesSubscribe: a });
  const swap = (to: string[], from: string[]) =>
    delta({ typeUrl: endpointType, resourceNamesSubscribe: to, resourceNamesUnsubscribe: from });
  const swaps = [swap(b, a), swap(a, b)] as const;
  await repeat({ seconds: 20, at: 20 }, async (_, isOver) => {
    const sender = await Sender.http2(scene.ports.grpc);
    if (!sender) return;
    const { id, head } = sender.call(paths.delta);
    await sender.send(head, ...data(id, first));
    for (let i = 0; !sender.isClosed && !isOver(); i++) await sender.send(...data(id, swaps[i % 2] as Buffer));
    sender.close();
  });
  await scene.isRight();
});

test("a name of xdstp of nine megabytes", async () => {
  const scene = await Scene.start({ megabytes });
  const parameters = list("", 1_300_000).join("&");
  const request = sotw({ typeUrl: endpointType, resourceNames: [`xdstp://a/b/c?${parameters}`] });
  for (let i = 0; i < 5; i++) {
    const sender = await Sender.http2(scene.ports.grpc);
    const { id, head } = sender?.call(paths.sotw) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, request));
    expect((await get(`http://127.0.0.1:${scene.ports.admin}/healthz`)).status).toBe(200);
  }
  await scene.isRight();
});

test("400,000 versions that a client says to have", async () => {
  const scene = await Scene.start({ megabytes });
  const versions = Object.fromEntries(list("n", 400_000).map((name) => [name, "v"]));
  const request = delta({ initialResourceVersions: versions });
  for (let i = 0; i < 3; i++) {
    const sender = await Sender.http2(scene.ports.grpc);
    const { id, head } = sender?.call(paths.delta) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, request));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    sender?.close();
  }
  await scene.isRight();
});

test("900 streams of one node, while resources come and go", async () => {
  const scene = await Scene.start({ megabytes, files: { "many.yaml": clusters(300) } });
  const sender = await Sender.http2(scene.ports.grpc);
  for (let i = 0; i < 900; i++) {
    const { id, head } = sender?.call(paths.clusters) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, sotw({ node: { id: "same" } })));
  }
  for (let i = 1; i <= 10; i++) {
    scene.write("many.yaml", clusters(300 - i));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
  await scene.isRight();
});

test("type URLs of megabytes, which no error repeats", async () => {
  const scene = await Scene.start();
  for (const size of [10_000, 70_000, 1_000_000, 8_000_000]) {
    const sender = await Sender.http2(scene.ports.grpc);
    const { id, head } = sender?.call(paths.sotw) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, sotw({ typeUrl: "é".repeat(size / 2) })));
    await new Promise((resolve) => setTimeout(resolve, 500));
    sender?.close();
  }
  await scene.isRight();
});
