import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { ClientStatusRequestSchema } from "../../gen/envoy/service/status/v3/csds_pb.js";
import { post } from "../server/post.js";
import { paths, sotw } from "./requests.js";
import { Scene } from "./scene.js";
import { data, Sender } from "./sender.js";

const same = (bytes: Buffer) => bytes;
type Matcher = MessageInitShape<typeof ClientStatusRequestSchema>["nodeMatchers"];

/** Asks for the status of clients; how the call has ended. */
function ask(port: number, nodeMatchers: Matcher, times = 1): Promise<(number | undefined)[]> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  onTestFinished(() => client.close());
  const bytes = toBinary(
    ClientStatusRequestSchema,
    create(ClientStatusRequestSchema, { nodeMatchers: nodeMatchers ?? [] }),
  );
  const one = () =>
    new Promise<number | undefined>((resolve) => {
      const deadline = Date.now() + 60_000;
      const done = (error: { code: number } | null) => resolve(error?.code ?? 0);
      client.makeUnaryRequest(paths.fetchStatus, same, same, Buffer.from(bytes), { deadline } as never, done);
    });
  return Promise.all(Array.from({ length: times }, one));
}

async function nodes(scene: Scene, ...ids: string[]): Promise<void> {
  const sender = await Sender.http2(scene.ports.grpc);
  for (const id of ids) {
    const { id: stream, head } = sender?.call(paths.sotw) ?? {};
    await sender?.send(head as Buffer, ...data(stream as number, sotw({ node: { id } })));
  }
}

const contains = (value: string) => ({ nodeId: { matchPattern: { case: "contains" as const, value } } });
const exact = (value: string) => ({ nodeId: { matchPattern: { case: "exact" as const, value } } });
const matches = (regex: string) => ({ nodeId: { matchPattern: { case: "safeRegex" as const, value: { regex } } } });

test("3,000 texts to be looked for in an id of a megabyte", async () => {
  const scene = await Scene.start();
  await nodes(scene, "a".repeat(900_000));
  await ask(scene.ports.grpc, Array(3_000).fill(contains(`${"a".repeat(300)}b`)));
  await ask(scene.ports.grpc, Array(100).fill(contains(`${"a".repeat(300)}b`)), 100);
  await scene.isRight();
});

test("100 calls at once, each with an expression that backtracks", async () => {
  const scene = await Scene.start();
  await nodes(scene, `${"a".repeat(60)}!`);
  await ask(scene.ports.grpc, [matches("(a+)+")], 100);
  await scene.isRight();
});

test("expressions that take long to compile", async () => {
  const scene = await Scene.start();
  await nodes(scene, `${"a".repeat(60)}!`);
  const hard = [
    "((((a{1,100}){1,100}){1,100}){1,100})",
    "a|".repeat(500),
    "a|".repeat(400_000),
    "[a-z]?".repeat(160),
    "[a-z]?".repeat(300_000),
    `${"(".repeat(500)}${")".repeat(500)}`,
    `${"(?:".repeat(200)}a${")*".repeat(200)}`,
    `(?P<${"n".repeat(1_000_000)}>a)`,
    "\\Qx".repeat(200_000),
  ];
  for (const regex of hard) {
    const times = regex.length > 1_024 ? 1 : 100; // longer ones are refused
    await ask(scene.ports.grpc, Array(times).fill(matches(regex)), 10);
  }
  await scene.isRight();
});

test("200,000 matchers that match none of 900 nodes", async () => {
  const scene = await Scene.start();
  await nodes(scene, ...Array.from({ length: 900 }, (_, i) => `n${i}`));
  await ask(scene.ports.grpc, Array(200_000).fill(exact("x")));
  await ask(scene.ports.grpc, Array(100).fill(exact("x")), 100);
  await scene.isRight();
});

test("nodes that say of themselves what cannot be repeated", async () => {
  const scene = await Scene.start();
  const sender = await Sender.http2(scene.ports.grpc);
  const number = (numberValue: number) => ({ kind: { case: "numberValue" as const, value: numberValue } });
  const bad = [
    { metadata: { fields: { k: number(Number.NaN) } } },
    { metadata: { fields: { k: number(Number.POSITIVE_INFINITY) } } },
    { metadata: { fields: { k: {} } } },
    { metadata: { fields: { ["__proto__"]: number(1) } } },
    {
      userAgentVersionType: {
        case: "userAgentBuildVersion",
        value: { metadata: { fields: { k: number(Number.NaN) } } },
      },
    },
    {
      listeningAddresses: [
        { address: { case: "socketAddress", value: { portSpecifier: { case: "portValue", value: 99_999 } } } },
      ],
    },
  ];
  for (const more of bad) {
    const { id, head } = sender?.call(paths.sotw) ?? {};
    await sender?.send(head as Buffer, ...data(id as number, sotw({ node: { id: "bad", ...more } as never })));
    expect(await ask(scene.ports.grpc, [])).toEqual([0]);
    expect(await post({ port: scene.ports.rest }, "/v3/discovery:client_status", {})).toMatchObject({ status: 200 });
  }
  await scene.isRight();
});
