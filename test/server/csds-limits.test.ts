import { request as httpRequest } from "node:http";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { ClientStatusRequestSchema, ClientStatusResponseSchema } from "../../gen/envoy/service/status/v3/csds_pb.js";
import { clusterType, loopbackOrSan, type Resource, Snapshot, SnapshotCache, sanMatchesNode } from "../../src/index.js";
import { cacheOf, streamPath, TestServer, type TestServerOptions, type Way } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { post } from "./post.js";

type Request = MessageInitShape<typeof ClientStatusRequestSchema>;
const encode = (request: Request) =>
  Buffer.from(toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, request)));
const service = "/envoy.service.status.v3.ClientStatusDiscoveryService";
const fetchPath = `${service}/FetchClientStatus`;
const restPath = "/v3/discovery:client_status";
const ads: Way = { variant: "sotw", kind: "ADS" };

/** A server with REST, and its node "n", which has taken these. */
async function start(resources: Resource[], options: TestServerOptions = {}) {
  const cache = new SnapshotCache({ nodeGroup: () => "all" });
  cache.set("all", Snapshot.of(resources));
  const test = await TestServer.start(cache, { rest: true, ...options });
  const stream = test.open(ads, clusterType);
  stream.want();
  stream.ack(await stream.next());
  await test.barrier();
  return test;
}

const fetch = async (test: TestServer, request: Request = {}) =>
  fromBinary(ClientStatusResponseSchema, await test.unary(fetchPath, encode(request))).config;
const ask = async (test: TestServer, request: object = {}) => {
  const answer = await post({ port: test.restPort }, restPath, request);
  const body = answer?.body as { config: { node: object; genericXdsConfigs?: object[] }[]; message: string };
  return { status: answer?.status, body };
};

const exact = (value: string) => ({ nodeId: { matchPattern: { case: "exact" as const, value } } });

describe("a request to the client status service", () => {
  it("may have 100 matchers of 1 KB; what is beyond is named", async () => {
    const test = await start([cluster("c")]);
    const most = Array.from({ length: 100 }, () => exact("x".repeat(1_000)));
    expect(await fetch(test, { nodeMatchers: [...most.slice(1), exact("n")] })).toHaveLength(1);
    const json = (count: number, size: number) => ({
      node_matchers: Array.from({ length: count }, () => ({ node_id: { exact: "x".repeat(size) } })),
    });
    expect((await ask(test, json(100, 990))).body).toEqual({ config: [] });

    const tooMany = "node_matchers has more than 100 matchers";
    const tooLarge = /node_matchers\[1\] has 10\d\d bytes; a matcher may have at most 1024/;
    const refused = (details: unknown) => ({ code: status.INVALID_ARGUMENT, details });
    await expect(fetch(test, { nodeMatchers: [...most, exact("n")] })).rejects.toMatchObject(refused(tooMany));
    const large = [exact("n"), exact("x".repeat(1_020))];
    await expect(fetch(test, { nodeMatchers: large })).rejects.toMatchObject(
      refused(expect.stringMatching(tooLarge) as unknown),
    );
    expect(await ask(test, json(101, 1))).toMatchObject({ status: 400, body: { message: tooMany } });
    expect(await ask(test, { node_matchers: [{}, ...json(1, 1_010).node_matchers] })).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(tooLarge) },
    });
  });

  it("is not read if it, or its node, is larger than the limit", async () => {
    const test = await start([cluster("c")], { limits: { nodeBytes: 1_000 } });
    const node = { id: "n".repeat(1_000) };
    const nodeTooLarge = /^a node of \d+ bytes; the server's limit nodeBytes is 1000$/;
    await expect(fetch(test, { node })).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: expect.stringMatching(nodeTooLarge),
    });
    expect(await ask(test, { node })).toMatchObject({
      status: 429,
      body: { message: expect.stringMatching(nodeTooLarge) },
    });
    const empty = Buffer.alloc(200_000, Buffer.of(0x18, 0)); // exclude_resource_contents, again and again
    await expect(test.unary(fetchPath, empty)).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: "a request of 200000 bytes; the client status service accepts at most 132072",
    });
  });
});

it("a request to the client status service is counted before it is read, in the way in which it is read", async () => {
  const test = await start([cluster("c")]);
  const inField = (field: number, bytes: Uint8Array) =>
    new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish();
  const entries = inField(2, inField(3, Buffer.alloc(60_000, Buffer.of(0x0a, 0)))); // the metadata of a node
  const refused = (details: unknown) => ({ code: status.INVALID_ARGUMENT, details });
  const tooMany = "a request with more than 20000 messages";
  await expect(test.unary(fetchPath, entries)).rejects.toMatchObject(refused(tooMany));
  // The decoder would take this number for the length of a matcher.
  const wireType = expect.stringMatching(/^not a ClientStatusRequest: field 1 in it has the wire type 0$/) as unknown;
  await expect(test.unary(fetchPath, Buffer.of(0x08, 0))).rejects.toMatchObject(refused(wireType));
});

/** A request for all clusters by a node that says this of itself besides. */
function requestOf(id: string, more: (node: BinaryWriter) => BinaryWriter): Buffer {
  const node = more(new BinaryWriter().tag(1, WireType.LengthDelimited).string(id)).finish();
  const request = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(node);
  return Buffer.from(request.tag(4, WireType.LengthDelimited).string(clusterType).finish());
}

const metadata = (number: number) => (node: BinaryWriter) => {
  const value = new BinaryWriter().tag(2, WireType.Bit64).double(number).finish();
  const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string("k");
  const field = entry.tag(2, WireType.LengthDelimited).bytes(value).finish();
  const struct = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(field).finish();
  return node.tag(3, WireType.LengthDelimited).bytes(struct);
};

describe("a node whose description cannot be written", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "such as %s in its metadata, is shown without that, and the others whole",
    async (number) => {
      const test = await start([cluster("c")]);
      const call = test.call(streamPath(ads, clusterType));
      call.on("error", () => {});
      call.write(requestOf("bad", metadata(number)));
      await new Promise((resolve) => call.once("data", resolve));
      const { status: code, body } = await ask(test);
      expect(code).toBe(200);
      const rows = [{ name: "c", xdsConfig: { name: "c" } }];
      expect(body.config).toMatchObject([
        { node: { id: "n", cluster: "test" }, genericXdsConfigs: rows },
        { node: { id: "bad" }, genericXdsConfigs: rows },
      ]);
      expect(body.config[1]?.node).not.toHaveProperty("metadata");
      const [, bad] = await fetch(test);
      expect(bad?.node?.metadata, "gRPC has a word for it").toEqual({ k: number });
    },
  );
});

describe("the permission to ask for the status of clients", () => {
  const permission = (details: RegExp) => ({
    code: status.PERMISSION_DENIED,
    details: expect.stringMatching(details),
  });

  it("is given by default to clients on this machine, if authorize allows it", async () => {
    expect(await fetch(await start([cluster("c")]))).toHaveLength(1);
    const test = await start([cluster("c")], { authorize: ({ service: called }) => called !== "csds" });
    await expect(fetch(test)).rejects.toMatchObject(permission(/refused \(csds\)$/));
    expect(await ask(test)).toMatchObject({ status: 403 });
    expect(test.server.report().refusals.authorize).toBe(2);
  });

  it("is decided by the option csds, and not by authorize", async () => {
    const asked: unknown[] = [];
    const test = await start([cluster("c")], {
      authorize: ({ service: called }) => called !== "csds",
      csds: ({ service: called, node }) => {
        asked.push([called, node?.id]);
        return node?.id === "friend" || "not a friend";
      },
    });
    expect(await fetch(test, { node: { id: "friend" } })).toHaveLength(1);
    await expect(fetch(test)).rejects.toMatchObject(permission(/refused \(csds\): not a friend$/));
    expect(asked).toEqual([
      ["csds", "friend"],
      ["csds", undefined],
    ]);
    const local = await TestServer.start(cacheOf(cluster("c")), { authorize: sanMatchesNode(), csds: loopbackOrSan() });
    expect(await fetch(local)).toEqual([]);
  });

  it("is given with csds: true to every client that authorize accepts", async () => {
    expect(await fetch(await start([cluster("c")], { csds: true }))).toHaveLength(1);
    const test = await TestServer.start(cacheOf(cluster("c")), { csds: true, authorize: sanMatchesNode() });
    await expect(fetch(test)).rejects.toMatchObject(permission(/the option csds sets who may$/));
  });
});

describe("the answers of the client status service", () => {
  const many = Array.from({ length: 20_000 }, (_, at) => cluster(`c${at}`));

  it("are made in slices, and others are served meanwhile", async () => {
    const test = await start(many);
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const { body } = await ask(test);
    isDone = true;
    expect(body.config[0]?.genericXdsConfigs).toHaveLength(20_000);
    expect(turns).toBeGreaterThan(40);
  });

  /** Asks, and gives back how to go away. */
  const asks: [string, (test: TestServer) => () => void][] = [
    [
      "FetchClientStatus",
      (test) => {
        const call = test.call(fetchPath);
        call.on("error", () => {});
        call.write(Buffer.of());
        call.end();
        return () => call.cancel();
      },
    ],
    [
      "StreamClientStatus",
      (test) => {
        const call = test.call(`${service}/StreamClientStatus`);
        call.on("error", () => {});
        call.write(Buffer.of());
        return () => call.cancel();
      },
    ],
    [
      "REST",
      (test) => {
        const headers = { "content-type": "application/json" };
        const options = {
          host: "127.0.0.1",
          port: test.restPort,
          path: restPath,
          method: "POST",
          headers,
          agent: false,
        };
        const call = httpRequest(options).on("error", () => {});
        call.end("{}");
        return () => call.destroy();
      },
    ],
  ];

  it.each(asks)("are made for some at once, others are refused, until those go away: %s", async (_, begin) => {
    let asked = 0;
    const onClientStatusRequest = () => void asked++;
    const test = await start(many, { callbacks: { onClientStatusRequest } });
    const none = { nodeMatchers: [exact("nobody")] };
    const leave = Array.from({ length: 17 }, () => begin(test));
    while (asked < 17) await test.barrier();
    await expect(fetch(test, none)).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: "the client status service already has 16 requests waiting; try again later",
    });
    for (const one of leave) one();
    await test.barrier();
    await test.barrier();
    expect(await fetch(test, none)).toEqual([]);
  });
});

it("a JSON request cannot have more matchers under the field's two names", async () => {
  const test = await start([cluster("c")]);
  const some = Array.from({ length: 60 }, () => ({ nodeId: { exact: "n" } }));
  expect(await ask(test, { nodeMatchers: some })).toMatchObject({ status: 200 });
  expect(await ask(test, { nodeMatchers: some, node_matchers: some })).toMatchObject({ status: 400 });
});
