import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClientStatusRequestSchema, ClientStatusResponseSchema } from "../../gen/envoy/service/status/v3/csds_pb.js";
import {
  clusterType,
  envoyRegistry,
  extensionConfigType,
  Resource,
  Snapshot,
  SnapshotCache,
  XdsError,
} from "../../src/index.js";
import { allWays, TestServer } from "../protocol/harness.js";
import { cluster, extensionConfig } from "../protocol/resources.js";

const path = "/v3/discovery:client_status";
const [way] = allWays;

/** What comes back as JSON. */
interface Body {
  config: { genericXdsConfigs: object[] }[];
  message: string;
}

async function ask(test: TestServer, body: unknown, method = "POST") {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "content-type": "application/json" };
  const answer = await fetch(test.url(path), { method, headers, ...(method === "POST" && { body: text }) });
  return { status: answer.status, type: answer.headers.get("content-type"), body: (await answer.json()) as Body };
}

/** A server with two nodes that have taken what they are served. */
async function start(options: Parameters<typeof TestServer.start>[1] = {}, extra: Resource[] = []) {
  const cache = new SnapshotCache({ nodeGroup: () => "all" });
  cache.set("all", Snapshot.of([cluster("c"), ...extra]));
  const test = await TestServer.start(cache, { rest: true, ...options });
  for (const id of ["edge-1", "edge-2"]) {
    const stream = test.open(way as NonNullable<typeof way>, clusterType, id);
    stream.want();
    await stream.take(["c@1"]);
    for (const { type, name } of extra) {
      stream.of(type.typeUrl).want(name);
      stream.ack(await stream.next());
    }
  }
  await test.barrier();
  return test;
}

/** Makes a server ask another one, as processes that serve the same configuration do. */
function join(one: TestServer, other: TestServer): void {
  one.server.askOthers = async (question, signal) => [await other.server.clientsForPeer(question, signal)];
}

it("has the nodes of other processes too, over gRPC and REST", async () => {
  const [one, two, off] = [await start(), await start({}, [extensionConfig("x")]), await start({ csds: false })];
  join(one, two);
  const { body } = await ask(one, {});
  const ids = (nodes: readonly { node?: { id: string } | undefined }[]) => nodes.map(({ node }) => node?.id);
  expect(ids(body.config as never)).toEqual(["edge-1", "edge-2", "edge-1", "edge-2"]);
  expect(body.config.map(({ genericXdsConfigs }) => genericXdsConfigs.length)).toEqual([1, 1, 2, 2]);
  expect((await ask(two, {})).body.config).toEqual(body.config.slice(2));

  const matchPattern = { case: "exact", value: "edge-2" } as const;
  const request = create(ClientStatusRequestSchema, { nodeMatchers: [{ nodeId: { matchPattern } }] });
  const bytes = Buffer.from(toBinary(ClientStatusRequestSchema, request));
  const fetched = await one.unary("/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus", bytes);
  const { config } = fromBinary(ClientStatusResponseSchema, fetched);
  expect(ids(config)).toEqual(["edge-2", "edge-2"]);
  expect(config.map(({ genericXdsConfigs }) => genericXdsConfigs.length)).toEqual([1, 2]);
  // One that does not offer the service does not show its nodes here either.
  join(one, off);
  expect((await ask(one, {})).body.config).toHaveLength(2);
});

describe("client status over REST", () => {
  it("escapes texts of clients that could upset a terminal", async () => {
    const test = await start();
    const id = "a\u202eb\u009b31m\u2028c\u001b[2J";
    const stream = test.open(way as NonNullable<typeof way>, clusterType, id);
    stream.want();
    await stream.take(["c@1"]);
    await test.barrier();
    const answer = await fetch(test.url(path), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    const text = await answer.text();
    expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Bidi_Control}]/u);
    expect(JSON.parse(text)).toMatchObject({ config: [{}, {}, { node: { id } }] });
  });

  it("has the same answer as gRPC, as proto3 JSON", async () => {
    const test = await start({}, [extensionConfig("x")]);
    const answer = await ask(test, {});
    expect(answer).toMatchObject({ status: 200, type: "application/json" });
    const bytes = await test.unary(
      "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus",
      toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema)),
    );
    const response = fromBinary(ClientStatusResponseSchema, bytes);
    expect(response.config.map(({ node }) => node?.id)).toEqual(["edge-1", "edge-2"]);
    expect(answer.body).toEqual(toJson(ClientStatusResponseSchema, response, { registry: envoyRegistry() }));
  });

  it("is of the nodes that the request picks, in either spelling, and without contents if it says so", async () => {
    const test = await start();
    for (const request of [
      { node_matchers: [{ node_id: { suffix: "-2" } }], exclude_resource_contents: true },
      { nodeMatchers: [{ nodeId: { exact: "edge-2" } }], excludeResourceContents: true, fromTheFuture: 1 },
    ]) {
      const { body } = await ask(test, request);
      expect(body).toMatchObject({ config: [{ node: { id: "edge-2" }, genericXdsConfigs: [{ name: "c" }] }] });
      expect(body.config[0]?.genericXdsConfigs[0]).not.toHaveProperty("xdsConfig");
    }
    expect((await ask(test, { node_matchers: [{ node_id: { exact: "no one" } }] })).body).toEqual({ config: [] });
  });

  it("answers a bad request with the reason", async () => {
    const test = await start();
    for (const bad of ["", "{", "[]", { node_matchers: 7 }])
      expect(await ask(test, bad)).toMatchObject({
        status: 400,
        body: { code: "INVALID_JSON", message: expect.stringContaining("ClientStatusRequest") },
      });
    expect(await ask(test, { node_matchers: [{ node_id: {} }] })).toMatchObject({
      status: 400,
      body: { code: "INVALID_REQUEST", message: expect.stringContaining("string matcher") },
    });
    expect(await ask(test, {}, "PUT")).toMatchObject({ status: 405, body: { code: "METHOD_NOT_ALLOWED" } });
  });

  it("is refused by the callback that refuses gRPC's, and not there where the service is switched off", async () => {
    const callbacks = {
      onClientStatusRequest: (_caller: unknown, node: { id: string } | undefined) => {
        if (node?.id !== "friend") throw new XdsError("NO_CONFIGURATION", "not you");
      },
    };
    const guarded = await start({ callbacks });
    expect(await ask(guarded, { node: { id: "friend" } })).toMatchObject({ status: 200 });
    expect(await ask(guarded, {})).toMatchObject({ status: 404, body: { message: "not you" } });
    expect(await ask(await start({ csds: false }), {})).toMatchObject({ status: 404, body: { code: "UNKNOWN_PATH" } });
  });

  it("reports content that cannot be JSON as not shown, and shows everything else", async () => {
    const foreign = Resource.fromBytes(extensionConfigType, Buffer.of(0x12, 3, 0x0a, 1, 0x78), { name: "odd" }); // an Any of type "x"
    const test = await start({}, [foreign]);
    const { status, body } = await ask(test, {});
    const details = expect.stringMatching(/^its content cannot be shown here: .*"x"/) as string;
    const genericXdsConfigs = [
      { name: "c", xdsConfig: { name: "c" } },
      { name: "odd", clientStatus: "ACKED", errorState: { details } },
    ];
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { config: [1, 2].map(() => ({ genericXdsConfigs })) },
    });
    expect(body.config[0]?.genericXdsConfigs[1]).not.toHaveProperty("xdsConfig");
    const [bare] = (await ask(test, { exclude_resource_contents: true })).body.config;
    expect(bare?.genericXdsConfigs[1]).not.toHaveProperty("errorState");
  });
});
