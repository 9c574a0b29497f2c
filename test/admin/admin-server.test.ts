import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { AdminServer } from "../../src/admin/index.js";
import { Snapshot, SnapshotCache, XdsServer } from "../../src/index.js";
import { cacheOf, until } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { ask, startBoth } from "./harness.js";

const paths = ["/", "/ready", "/healthz", "/metrics", "/config_dump", "/descriptors", "/status", "/clients"];

it("is ready when a configuration is loaded and served, and neither before nor while draining", async () => {
  const cache = new SnapshotCache();
  const server = new XdsServer(cache);
  const admin = await AdminServer.start(server, { port: 0, groups: cache });
  onTestFinished(() => admin.close());
  const told = async () => {
    const { status, body } = await ask(admin, "/ready");
    expect((await ask(admin, "/healthz")).status).toBe(200);
    return [status, body];
  };
  expect(await told()).toEqual([503, "STARTING\n"]);
  await server.listen({ port: 0 });
  expect(await told(), "nothing loaded").toEqual([503, "STARTING\n"]);
  cache.set("n", Snapshot.of([cluster("a")]));
  expect(await told()).toEqual([200, "LIVE\n"]);
  const drained = server.drain();
  expect(await told()).toEqual([503, "DRAINING\n"]);
  await drained;
  expect(await told()).toEqual([503, "DRAINING\n"]);
});

it("lists its paths, and answers GET and HEAD at each", async () => {
  const { admin } = await startBoth(cacheOf(cluster("a")), { group: "n" });
  const { body } = await ask(admin, "/");
  expect([...body.matchAll(/href="([^"]*)"/g)].map(([, path]) => path)).toEqual(paths);
  for (const path of paths) {
    const got = await ask(admin, path);
    expect(got, path).toMatchObject({ status: 200, body: expect.stringMatching(/./) });
    const head = await ask(admin, path, { method: "HEAD" });
    expect(head, path).toMatchObject({ status: 200, body: "" });
    expect(head.headers["content-type"], path).toBe(got.headers["content-type"]);
  }
});

it("refuses what it does not serve, and says what it serves", async () => {
  const { admin } = await startBoth(cacheOf(cluster("a")));
  const refused = async (path: string, method = "GET") => {
    const { status, body, headers } = await ask(admin, path, { method });
    const { code, message } = JSON.parse(body) as { code: string; message: string };
    return { status, code, message, allow: headers.allow };
  };
  expect(await refused("/stats")).toEqual({
    status: 404,
    code: "UNKNOWN_PATH",
    message: `unknown path /stats; the paths are ${paths.join(", ")}`,
    allow: undefined,
  });
  expect(await refused("/ready", "POST")).toMatchObject({ status: 405, allow: "GET, HEAD" });
  expect(await refused("/status?nod=n")).toMatchObject({
    status: 400,
    message: '/status has no parameter "nod"; it accepts node, own',
  });
  expect(await refused("/ready?x=1")).toMatchObject({ status: 400, message: expect.stringContaining("accepts none") });
});

it("refuses host names that are not this machine's, where it listens on loopback", async () => {
  const { admin } = await startBoth(cacheOf(cluster("a")));
  const asked = async (host: string) => (await ask(admin, "/status", { headers: { host } })).status;
  for (const host of ["127.0.0.1:18002", "localhost", "LOCALHOST:1", "[::1]:18002", "127.8.9.1"])
    expect(await asked(host), host).toBe(200);
  for (const host of ["evil.example", "127.0.0.1.evil.example:18002", "localhost.evil.example", "192.168.0.1"])
    expect(await asked(host), host).toBe(403);
  const page = { headers: { origin: "http://evil.example" } };
  expect(JSON.parse((await ask(admin, "/status", page)).body)).toMatchObject({ code: "FORBIDDEN_ORIGIN" });
  const image = { headers: { "sec-fetch-site": "cross-site" } };
  expect(JSON.parse((await ask(admin, "/config_dump", image)).body)).toMatchObject({ code: "FORBIDDEN_ORIGIN" });
  expect((await ask(admin, "/status", { headers: { expect: "nope", host: "evil.example" } })).status).toBe(403);
  const named = await startBoth(cacheOf(cluster("a")), { allowedHosts: ["xds.example"] });
  expect((await ask(named.admin, "/status", { headers: { host: "xds.example" } })).status).toBe(200);
  const everywhere = await startBoth(cacheOf(cluster("a")), { host: "0.0.0.0" });
  const { status } = await ask(everywhere.admin, "/status", { headers: { host: "xds.example" } });
  expect(status, "listening everywhere").toBe(200);
});

it("answers requests that come at once one by one, and refuses one whose body is still coming", async () => {
  const { admin } = await startBoth(cacheOf(cluster("a")));
  const { port } = admin.address;
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.on("data", (bytes) => (text += bytes));
  const paths = ["/healthz", "/ready", "/clients", "/nowhere"];
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(""));
  await until(() => text.includes("unknown path /nowhere"), "the last answer");
  expect(text).toMatch(/\r\nok\n[\s\S]*LIVE\n[\s\S]*\[\n\][\s\S]*UNKNOWN_PATH/);
  const body = Buffer.alloc(20 << 20); // more than sockets hold
  const answer = await fetch(`http://127.0.0.1:${port}/status`, { method: "POST", body });
  expect([answer.status, await answer.json()]).toEqual([
    405,
    { code: "METHOD_NOT_ALLOWED", message: "POST /status: only GET and HEAD are supported" },
  ]);
});

it("says what it cannot listen on", async () => {
  const { admin, test } = await startBoth(cacheOf(cluster("a")));
  const { port } = admin.address;
  await expect(AdminServer.start(test.server, { port })).rejects.toThrow(
    new RegExp(`cannot listen for the admin port on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
  );
});
