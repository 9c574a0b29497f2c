import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { envoyRegistry, resourceTypes } from "../../src/resource/default-api.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { XdsServer } from "../../src/server/xds-server.js";
import { adsWays, allWays, cacheOf, on, TestServer } from "./harness.js";
import { cluster, endpoints } from "./resources.js";

const aggregated = "envoy.service.discovery.v3.AggregatedDiscoveryService";
const [serving, notServing] = [1, 2];

it("is new until all ports are open, and listening from then on", async () => {
  const server = new XdsServer(cacheOf());
  onTestFinished(() => server.close());
  const listens = server.listen({ port: 0, restPort: 0 });
  expect(server.state).toBe("new");
  const { rest } = await listens;
  expect(server.state).toBe("listening");
  const { server: taken } = await TestServer.start(cacheOf());
  await expect(taken.listen({ port: 0 })).rejects.toMatchObject({ code: "WRONG_STATE" });
  const late = new XdsServer(cacheOf());
  await expect(late.listen({ port: 0, restPort: rest?.port as number })).rejects.toMatchObject({
    code: "CANNOT_LISTEN",
  });
  expect(late.state).toBe("closed");
});

describe("health", () => {
  it("is SERVING for the whole and for each service, and NOT_FOUND for any other", async () => {
    const server = await TestServer.start(cacheOf());
    const services = ["", aggregated, ...resourceTypes().flatMap(({ service }) => service?.name ?? [])];
    for (const service of services) expect([service, await server.health(service)]).toEqual([service, serving]);
    await expect(server.health("no.such.Service")).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it("is NOT_SERVING when a drain begins, before the streams end", async () => {
    const server = await TestServer.start(cacheOf(cluster("a")));
    const stream = server.open({ variant: "delta", kind: "ADS" }, clusterType);
    stream.want();
    await stream.take(["a@1"]);
    const said: (number | undefined)[] = [];
    let told = () => {};
    const watch = server.watchHealth((state) => {
      said.push(state);
      told();
    });
    await new Promise<void>((resolve) => {
      told = resolve;
    });
    expect(said).toEqual([serving]);
    const drained = server.server.drain({ timeoutMs: 1_000 });
    const ended = stream.ended.then(() => void said.push(undefined));
    await ended;
    expect(said).toEqual([serving, notServing, undefined]);
    watch.cancel();
    await drained;
    // No connection is taken any more.
    await expect(server.health()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });
});

// grpc.reflection.v1: field numbers of ServerReflectionRequest and ServerReflectionResponse.
const ask = { symbol: 4, list: 7 };
const told = { files: 4, services: 6, error: 7 };

describe("reflection", () => {
  for (const version of ["v1", "v1alpha"]) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;

    async function reflect(server: TestServer, field: number, value: string) {
      const call = server.call(path);
      call.on("error", () => {});
      const answer = new Promise<Buffer>((resolve) => call.once("data", resolve));
      call.write(Buffer.from(new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish()));
      const fields = fieldsOf(await answer);
      call.end();
      return fields;
    }

    it(`${version} answers the last of many questions only, and refuses a request of more than 16 KiB`, async () => {
      const server = await TestServer.start(cacheOf());
      const fileOf = vi.spyOn(envoyRegistry(), "fileOf");
      onTestFinished(() => fileOf.mockRestore());
      const question = (field: number, value: string) =>
        new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish();
      const ended = async (...parts: Uint8Array[]) => {
        const call = server.call(path);
        const answers: Buffer[] = [];
        call.on("data", (answer: Buffer) => answers.push(answer));
        call.on("error", () => {});
        const status = new Promise((resolve) => call.on("status", resolve));
        call.write(Buffer.concat(parts));
        call.end();
        return { status: await status, answers };
      };
      const many = Array<Uint8Array>(7_000).fill(question(ask.list, ""));
      const { answers } = await ended(...many, question(ask.symbol, clusterType.replace(/.*\//, "")));
      expect(fileOf).toHaveBeenCalledTimes(1);
      const [answer] = answers.map((bytes) => fieldsOf(bytes));
      expect([answer?.get(told.files)?.length, answer?.get(told.services)]).toEqual([1, undefined]);
      expect(await ended(question(ask.symbol, "x".repeat(16 << 10)))).toMatchObject({
        status: { code: status.RESOURCE_EXHAUSTED, details: expect.stringMatching(/^a request of \d+ bytes; 16384 /) },
        answers: [],
      });
    });

    it(`${version} lists the services, each of which it can describe`, async () => {
      const server = await TestServer.start(cacheOf(), { loadReporting: { onReport: () => {} } });
      const services = (await reflect(server, ask.list, "")).get(told.services)?.[0];
      const names = (fieldsOf(services).get(1) ?? []).map((service) => String(fieldsOf(service).get(1)?.[0]));
      const own = resourceTypes().flatMap(({ service }) => service?.name ?? []);
      const others = [
        aggregated,
        "grpc.health.v1.Health",
        "envoy.service.status.v3.ClientStatusDiscoveryService",
        "envoy.service.load_stats.v3.LoadReportingService",
      ];
      // The rate limit service's is served, but its descriptors are no package's.
      const known = [...own, ...others].filter((name) => !name.startsWith("ratelimit."));
      expect([...names].sort()).toEqual([...known].sort());
      for (const name of names) expect((await reflect(server, ask.symbol, name)).has(told.files), name).toBe(true);
    });

    it(`${version} has the file of a symbol, and all that it imports`, async () => {
      const server = await TestServer.start(cacheOf());
      for (const { symbol, file } of [
        { symbol: "envoy.config.cluster.v3.Cluster", file: "envoy/config/cluster/v3/cluster.proto" },
        { symbol: aggregated, file: "envoy/service/discovery/v3/ads.proto" },
      ]) {
        const answer = (await reflect(server, ask.symbol, symbol)).get(told.files)?.[0];
        const files = (fieldsOf(answer).get(1) ?? []).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
        expect(files.map(({ name }) => name)).toContain(file);
        for (const { dependency } of files)
          expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(dependency));
      }
    });

    it(`${version} does not know every symbol`, async () => {
      const answer = await reflect(await TestServer.start(cacheOf()), ask.symbol, "no.such.Symbol");
      expect(answer.has(told.error)).toBe(true);
    });
  }
});

describe("a request", () => {
  on(allWays, (way) => {
    it("larger than the limit ends only its stream, with RESOURCE_EXHAUSTED", async () => {
      const server = await TestServer.start(cacheOf(cluster("a")), { limits: { requestBytes: 1_000 } });
      const [good, bad] = [server.open(way, clusterType), server.open(way, clusterType)];
      good.want("a");
      await good.take(["a@1"]);
      bad.want("x".repeat(1_000));
      expect((await bad.ended).code).toBe(status.RESOURCE_EXHAUSTED);
      await good.quiet();
    });

    it("for more names than the limit ends its stream with RESOURCE_EXHAUSTED", async () => {
      const stream = (await TestServer.start(cacheOf(endpoints("a")), { limits: { names: 3 } })).open(
        way,
        endpointType,
      );
      stream.want("a", "b", "c");
      await stream.take(["a@1"], ["b", "c"]);
      stream.want("a", "b", "c", "d");
      expect((await stream.ended).code).toBe(status.RESOURCE_EXHAUSTED);
    });

    // A field without its content, a length beyond the end, a node that is none, group tags that do not match.
    for (const bytes of [
      [0x0a],
      [0x1a, 0x7f, 0x61],
      [way.variant === "sotw" ? 0x12 : 0x0a, 0x02, 0x0a, 0x7f],
      [0xff, 0xff, 0xff],
    ])
      it(`that is no message (${Buffer.from(bytes).toString("hex")}) ends its stream with INVALID_ARGUMENT`, async () => {
        const server = await TestServer.start(cacheOf(cluster("a")));
        const stream = server.open(way, clusterType);
        stream.want();
        await stream.take(["a@1"]);
        stream.sendBytes(Buffer.from(bytes));
        expect((await stream.ended).code).toBe(status.INVALID_ARGUMENT);
        expect(server.server.report().streams).toEqual([]);
      });

    it("may have fields that this version of the API does not know", async () => {
      const stream = (await TestServer.start(cacheOf(cluster("a")))).open(way, clusterType);
      stream.want();
      await stream.take(["a@1"]);
      stream.sendBytes(
        new BinaryWriter()
          .tag(way.variant === "sotw" ? 4 : 2, WireType.LengthDelimited)
          .string(clusterType)
          .tag(1_000, WireType.Varint)
          .int32(1)
          .tag(1_001, WireType.LengthDelimited)
          .string("news")
          .finish(),
      );
      await stream.quiet();
    });
  });

  on(adsWays, (way) => {
    it("may name resources by resource_locators", async () => {
      const stream = (await TestServer.start(cacheOf(endpoints("a"), endpoints("b")))).open(way, endpointType);
      const locators = [{ name: "b" }];
      stream.request(
        endpointType,
        way.variant === "sotw" ? { resourceLocators: locators } : { resourceLocatorsSubscribe: locators },
      );
      await stream.take(["b@1"]);
      if (way.variant === "delta") stream.request(endpointType, { resourceLocatorsUnsubscribe: locators });
      await stream.quiet();
    });
  });
});

describe("listening", () => {
  it("fails with the number of a port that is in use, and can be done only once", async () => {
    const { port, restPort } = await TestServer.start(cacheOf(), { rest: true });
    await expect(new XdsServer(cacheOf()).listen({ port })).rejects.toMatchObject({ code: "CANNOT_LISTEN" });
    const half = new XdsServer(cacheOf());
    await expect(half.listen({ port: 0, restPort: restPort as number })).rejects.toMatchObject({
      code: "CANNOT_LISTEN",
    });
    await expect(half.listen({ port: 0 })).rejects.toMatchObject({ code: "WRONG_STATE" });
  });
});

/** The length-delimited fields of a message, by number. */
function fieldsOf(bytes: Uint8Array | undefined): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  const reader = new BinaryReader(bytes ?? new Uint8Array());
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, field);
    else fields.set(field, [...(fields.get(field) ?? []), Buffer.from(reader.bytes())]);
  }
  return fields;
}
