import { connect } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { test } from "vitest";
import { ClientStatusRequestSchema } from "../../gen/envoy/service/status/v3/csds_pb.js";
import type { Random } from "../http2/random.js";
import { framed } from "../server/raw-http2.js";
import { delta, paths, sotw } from "./requests.js";
import { Scene } from "./scene.js";
import { data, repeat, Sender } from "./sender.js";

const seconds = 20;
const metadata = { k: { a: [1, "x", null, true] }, l: 1.5 };
const node = { id: "n", cluster: "c", metadata, locality: { region: "r" }, userAgentName: "x", clientFeatures: ["a"] };
const names = Array.from({ length: 40 }, (_, i) => `name-${i}`);
const byId = { nodeId: { matchPattern: { case: "contains" as const, value: "n" } }, nodeMetadatas: [] };
const seeds = [
  sotw({ node, resourceNames: names }),
  sotw({ node, responseNonce: "1", versionInfo: "v", errorDetail: { code: 3, message: "no" } }),
  delta({ node, resourceNamesSubscribe: names, resourceNamesUnsubscribe: names }),
  delta({ initialResourceVersions: { a: "1", b: "2" }, responseNonce: "1" }),
  framed(toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, { node, nodeMatchers: [byId] }))),
].map((message) => message.subarray(5));

/** A message of which some bytes are others, more or fewer; another message may go on in it. */
function damaged(random: Random): Buffer {
  let bytes = Buffer.from(random.pick(seeds));
  for (let i = 1 + random.below(4); i > 0; i--) {
    const at = random.below(bytes.length + 1);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    bytes = random
      .pick([
        () => before,
        () => Buffer.concat([before, random.bytes(3), after]),
        () => Buffer.concat([before, random.bytes(1), after.subarray(1)]),
        () => Buffer.concat([before, Buffer.alloc(9, 255), after]),
        () => Buffer.concat([before, random.pick(seeds).subarray(random.below(20))]),
        () => Buffer.concat([bytes, after]),
      ])()
      .subarray(0, 4_096);
  }
  return bytes;
}

const calls = Object.values(paths).filter((path) => path !== paths.unknown);

test("messages that are damaged, on streams and in calls of every method", async () => {
  const scene = await Scene.start();
  const times = await repeat({ seconds, at: 6 }, async (random) => {
    const sender = await Sender.http2(scene.ports.grpc);
    for (let call = 0; call < 40 && sender && !sender.isClosed; call++) {
      const { id, head } = sender.call(random.pick(calls));
      const first = random.chance(0.75) ? [framed(random.pick(seeds))] : []; // so that others are looked at
      const messages = [...first, ...Array.from({ length: 20 }, () => framed(damaged(random)))];
      await sender.send(head, ...data(id, Buffer.concat(messages)));
    }
    sender?.close();
  });
  console.log(`${times} connections of 40 calls`);
  await scene.isRight();
});

const lines = [
  "Host: 127.0.0.1",
  "Host: evil.example",
  "Origin: http://evil.example",
  "Content-Type: application/json",
  "Content-Type: text/plain",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Content-Length: 5",
  "Content-Length: 99999999999999999999",
  "Content-Length: -1",
  "Expect: 100-continue",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `X: ${"x".repeat(20_000)}`,
  "No colon",
  " folded: 1",
];
const targets = [
  "/v3/discovery:clusters",
  "/v3/discovery:secrets",
  "/v3/discovery:client_status",
  "/v3/discovery:__proto__",
  "/metrics",
  "/status",
  "/clients",
  "/config_dump?node=%ff&state=x",
  "/config_dump?group=../..",
  "//",
  "/%2e%2e/x",
  `/${"x".repeat(9_000)}`,
];
const bodies = [
  `{"node":{"id":"n"}}`,
  `{"node":{"id":"n"},"node":{"id":"m"}}`,
  "[".repeat(5_000),
  `{"node":{"metadata":${'{"a":'.repeat(500)}1${"}".repeat(500)}}}`,
  `{"nodeMatchers":[{"nodeId":{"safeRegex":{"regex":"(a+)+"}}}]}`,
  `{"typeUrl":"${"t".repeat(5_000)}"}`,
  '{"node":{"id":"\\ud800"}}',
  "5\r\nhello\r\n0\r\n\r\n",
  "\u0000",
];

test("HTTP requests that are damaged, to REST and to the admin port", async () => {
  const scene = await Scene.start();
  const { rest, admin } = scene.ports;
  const requestOf = (random: Random) => {
    const method = random.pick(["POST", "POST", "GET", "PUT", "OPTIONS", "CONNECT", "TRACE", "post", "\u0001"]);
    const headers = Array.from({ length: random.below(6) }, () => random.pick(lines));
    const body = random.pick(bodies);
    if (random.chance(0.7)) headers.push("Host: 127.0.0.1", "Content-Type: application/json");
    if (random.chance(0.7)) headers.push(`Content-Length: ${Buffer.byteLength(body) + random.pick([0, 0, 0, 1, -1])}`);
    return `${method} ${random.pick(targets)} HTTP/1.${random.pick([0, 1, 1, 1, 2])}\r\n${headers.join("\r\n")}\r\n\r\n${body}`;
  };
  const times = await repeat({ seconds, at: 8 }, async (random) => {
    const socket = connect({ port: random.pick([rest, admin]), host: "127.0.0.1" }).resume();
    const closed = new Promise((resolve) => socket.on("error", () => {}).once("close", resolve));
    socket.setTimeout(4_000, () => socket.destroy());
    socket.end(Array.from({ length: 1 + random.below(4) }, () => requestOf(random)).join(""));
    await closed;
  });
  console.log(`${times} connections of up to four requests`);
  await scene.isRight();
});
