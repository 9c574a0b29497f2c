import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { clusterType } from "../../src/index.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";
import { xds } from "./program.js";
import { Folder, metric, openStream } from "./serving.js";

async function start(...flags: string[]) {
  const config = new Folder().write("a.yaml", `resources: [{ "@type": "${clusterType}", name: a }]\n`);
  const server = xds.start("serve", config, "--port", "0", "--rest-port", "0", ...flags);
  const { grpc, admin } = await server.ports();
  return { server, grpc, admin, ready: () => get(`http://127.0.0.1:${admin}/ready`) };
}

test("xds serve drains 500 clients, and exits with 0", async () => {
  const { server, grpc } = await start("--drain-time", "3s");
  const streams = Array.from({ length: 500 }, (_, i) => openStream(grpc, `node-${i}`));
  for (const stream of streams) stream.send({});
  await eventually(() => expect(streams.every(({ responses }) => responses === 1)).toBe(true));
  server.signal("SIGTERM");
  const ends = await Promise.all(streams.map(({ ended }) => ended));
  expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([status.UNAVAILABLE]));
  expect(await server.end()).toBe(0);
  const lines = (msg: string) => server.log().filter((line) => line.msg.startsWith(msg));
  // Lines for the streams' ends, rationed and all counted, and none besides.
  const leftOut = server.log().find(({ kind }) => kind === "stream closed");
  expect(lines("stream closed").length + Number(leftOut?.leftOut)).toBe(500);
  expect(server.log().filter(({ level }) => level !== "info")).toEqual([]);
  expect(server.log().filter(({ msg }) => msg === "a stream is ended")).toEqual([]);
});

test("xds serve is not ready while it drains, takes no new streams, and a second SIGTERM ends it at once", async () => {
  const { server, grpc, admin, ready } = await start("--drain-time", "10m");
  expect(await ready()).toMatchObject({ status: 200, body: "LIVE\n" });
  // A stream that has asked for nothing yet is not ended before the time is up.
  const waiting = openStream(grpc, "waiting");
  await eventually(async () => expect(await metric(admin, 'xds_streams{variant="delta",type="ads"}')).toBe(1));
  server.signal("SIGTERM");
  await server.logged({ signal: "SIGTERM" });
  expect(await ready()).toMatchObject({ status: 503, body: "DRAINING\n" });
  expect((await openStream(grpc, "late").ended).code).toBe(status.UNAVAILABLE);
  expect(await ready()).toMatchObject({ status: 503 });
  server.signal("SIGTERM");
  expect(await server.end()).toBe(143);
  expect((await waiting.ended).code).toBe(status.UNAVAILABLE);
});

test("xds serve does not wait for the answer to a type that nobody knows when it drains", async () => {
  const { server, grpc } = await start("--drain-time", "10m");
  const stream = openStream(grpc, "n");
  stream.send({ typeUrl: "type.googleapis.com/not.Known" });
  await server.logged({ msg: "stream opened", node: "n" });
  server.signal("SIGTERM");
  expect((await stream.ended).code).toBe(status.UNAVAILABLE);
  expect(await server.end()).toBe(0);
});

test("xds serve drains at a SIGTERM that comes as soon as it says that it serves", async () => {
  for (let run = 0; run < 3; run++) {
    const server = xds.start(
      "serve",
      new Folder().write("a.yaml", "resources: []\n"),
      "--port",
      "0",
      "--rest-port",
      "0",
    );
    server.signalOncePrinted(/gRPC/, "SIGTERM");
    expect(await server.end()).toBe(0);
    await server.logged({ msg: "drained" });
  }
});
