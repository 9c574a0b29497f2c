import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, onTestFinished, test } from "vitest";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { XdsClient } from "../../src/client/index.js";
import { clusterType } from "../../src/index.js";
import { Random } from "../http2/random.js";
import { liveBytes } from "../protocol/live-heap.js";
import { cluster } from "../protocol/resources.js";
import { framed } from "../server/raw-http2.js";

const fields = { typeUrl: clusterType, nonce: "1" };
const any = { typeUrl: clusterType, value: cluster("a").body };
const resource = { name: "a", version: "1", resource: any };
const answers = {
  sotw: toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { ...fields, resources: [any] })),
  delta: toBinary(
    DeltaDiscoveryResponseSchema,
    create(DeltaDiscoveryResponseSchema, { ...fields, resources: [resource] }),
  ),
};

test("the client of a server whose responses are damaged throws nothing past its caller, and keeps nothing", async () => {
  const random = new Random(1);
  const damaged = (good: Uint8Array) => {
    let bytes = Buffer.from(good);
    for (let i = random.below(4); i > 0; i--) {
      const at = random.below(bytes.length + 1);
      const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + random.below(3))];
      bytes = random.chance(0.5) ? Buffer.concat([before, random.bytes(1), after]) : Buffer.concat([bytes, after]);
    }
    const message = framed(bytes.subarray(0, 2_000), random.chance(0.01) ? 1 : 0);
    if (random.chance(0.01)) message.writeUInt32BE(random.below(2 ** 32), 1);
    return message;
  };
  let sent = 0;
  const server = createServer();
  server.on("sessionError", () => {});
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    const good = String(headers[":path"]).includes("Delta") ? answers.delta : answers.sotw;
    const grpc = { "content-type": "application/grpc", "grpc-encoding": random.chance(0.1) ? "gzip" : "identity" };
    stream.respond({ ":status": random.chance(0.05) ? 503 : 200, ...grpc });
    const go = (left: number) => {
      for (let i = 0; i < 20 && !stream.destroyed; i++, sent++) stream.write(damaged(good));
      if (left > 0 && !stream.destroyed) setImmediate(go, left - 1);
      else if (random.chance(0.5)) stream.close(random.below(14));
      else stream.end();
    };
    go(10);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;

  const before = await liveBytes();
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    const client = new XdsClient({
      address: `127.0.0.1:${port}`,
      node: { id: "n" },
      variant: random.pick(["delta", "sotw"]),
    });
    client.subscribe(clusterType, random.pick([undefined, ["a", "b"]]));
    await client.synced(clusterType, undefined, { timeoutMs: 400 }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    await client.close();
  }
  console.log(`${sent} responses`);
  expect((await liveBytes()) - before).toBeLessThan(20 << 20);
});
