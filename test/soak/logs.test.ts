import { create, toBinary } from "@bufbuild/protobuf";
import { test } from "vitest";
import { ClusterStatsSchema } from "../../gen/envoy/config/endpoint/v3/load_report_pb.js";
import { LoadStatsRequestSchema } from "../../gen/envoy/service/load_stats/v3/lrs_pb.js";
import { openStream } from "../cli/serving.js";
import { framed } from "../server/raw-http2.js";
import { paths, sotw } from "./requests.js";
import { Scene } from "./scene.js";
import { data, repeat, Sender } from "./sender.js";

const seconds = 10;

test("streams of nodes with ids of 450 KB, opened and closed", async () => {
  const scene = await Scene.start();
  const request = sotw({ node: { id: "i".repeat(450_000), cluster: "i".repeat(450_000) } });
  await repeat({ seconds }, async () => {
    const sender = await Sender.http2(scene.ports.grpc);
    const { id, head } = sender?.call(paths.sotw) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, request));
    sender?.socket.end();
  });
  await scene.isRight();
});

test("a client that refuses everything with 32 KB of words, and asks again", async () => {
  const scene = await Scene.start();
  const stream = openStream(scene.ports.grpc, "refuses", "w".repeat(32 << 10));
  const end = Date.now() + seconds * 1_000;
  while (Date.now() < end) {
    stream.send({ resourceNamesUnsubscribe: ["canary"] });
    stream.send({ resourceNamesSubscribe: ["canary"] });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await scene.isRight();
});

test("load reports of clusters without a name", async () => {
  const scene = await Scene.start();
  const report = (node: string) => {
    const clusterStats = [create(ClusterStatsSchema, {})];
    const message = create(LoadStatsRequestSchema, { node: { id: node, cluster: "c" }, clusterStats });
    return framed(toBinary(LoadStatsRequestSchema, message));
  };
  await repeat({ seconds, at: 2 }, async (_, isOver) => {
    const sender = await Sender.http2(scene.ports.grpc);
    const { id, head } = sender?.call(paths.loads) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, report("l".repeat(100_000))));
    while (sender && !sender.isClosed && !isOver()) await sender.send(...data(id as number, report("")));
    sender?.close();
  });
  await scene.isRight();
});

test("short streams that each ask for 16 types that nobody knows", async () => {
  const scene = await Scene.start();
  await repeat({ seconds, at: 8 }, async () => {
    const sender = await Sender.http2(scene.ports.grpc);
    for (let call = 0; call < 50 && sender && !sender.isClosed; call++) {
      const { id, head } = sender.call(paths.sotw);
      const ask = (type: number) => sotw({ typeUrl: `type.googleapis.com/${"t".repeat(200)}${type}` });
      await sender.send(head, ...data(id, Buffer.concat(Array.from({ length: 16 }, (_, type) => ask(type)))));
    }
    sender?.close();
  });
  await scene.isRight();
});
