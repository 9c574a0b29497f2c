import { expect, onTestFinished, test } from "vitest";
import { XdsClient } from "../../src/client/index.js";
import { clusterType } from "../../src/index.js";
import { xds } from "../cli/program.js";
import { Folder, openStream } from "../cli/serving.js";
import { eventually } from "../e2e/eventually.js";
import { freePort } from "../e2e/ports.js";
import { paths, sotw } from "./requests.js";
import { clusters, Scene } from "./scene.js";
import { data, Sender } from "./sender.js";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("100 kills, with edits before, after and while it is down: the client has the newest", {
  timeout: 900_000,
}, async () => {
  const folder = new Folder();
  const port = await freePort();
  let content = 0;
  const edit = () => folder.write("a.yaml", clusters(1, 0, ++content));
  edit();
  const client = new XdsClient({ address: `127.0.0.1:${port}`, node: { id: "n" } });
  onTestFinished(() => client.close());
  client.subscribe(clusterType);
  const has = () => {
    const [one] = client.resources(clusterType).values();
    return Number(
      (one?.message as { connectTimeout?: { seconds: bigint } } | undefined)?.connectTimeout?.seconds ?? 0n,
    );
  };
  for (let kill = 0; kill < 100; kill++) {
    if (kill % 4 === 3) folder.write("a.yaml", 'resources:\n- "@type": type.goo'); // and whole before the server reads it, or soon after
    const server = xds.start("serve", folder.path, "--port", String(port), "--rest-port", "0");
    setTimeout(edit, 50);
    await server.ports();
    edit();
    await eventually(() => expect(has()).toBe(content));
    edit();
    await wait(kill * 4);
    server.signal("SIGKILL");
    await server.end();
    edit();
  }
});

test("SIGTERM under load: 400 streams, 100 clients that read nothing, 100 that say nothing, 100 half requests", async () => {
  const scene = await Scene.start({ flags: ["--drain-time", "5s"] });
  for (let i = 0; i < 400; i++) openStream(scene.ports.grpc, `n${i}`).send({});
  for (let i = 0; i < 100; i++) {
    const unread = await Sender.http2(scene.ports.grpc, { reads: false, window: 0 });
    const { id, head } = unread?.call(paths.sotw) ?? {};
    await unread?.send(head as Buffer, ...data(id as number, sotw()));
    await Sender.plain(scene.ports.grpc);
    const half = await Sender.plain(scene.ports.rest);
    await half?.send(
      Buffer.from("POST /v3/discovery:clusters HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"),
    );
  }
  await wait(2_000);
  const at = Date.now();
  scene.server.signal("SIGTERM");
  expect(await scene.server.end()).toBe(0);
  expect(Date.now() - at).toBeLessThan(10_000);
});
