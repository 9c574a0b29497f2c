import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClientResourceStatus } from "../../gen/envoy/admin/v3/config_dump_shared_pb.js";
import {
  type ClientConfig,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
} from "../../gen/envoy/service/status/v3/csds_pb.js";
import { clusterType, endpointType, Snapshot, SnapshotCache } from "../../src/index.js";
import { allWays, on, TestServer } from "../protocol/harness.js";
import { cluster, endpoints, labelOf } from "../protocol/resources.js";

// What `grpcdebug <address> xds status` and `xds config` print is made of these fields, and of exactly one
// ClientConfig. That the program itself prints them as they are here was tried by hand (docs/client-status.md).

async function fetch(test: TestServer): Promise<ClientConfig | undefined> {
  const path = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
  const bytes = await test.unary(path, toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema)));
  const { config } = fromBinary(ClientStatusResponseSchema, bytes);
  expect(config.length).toBeLessThan(2);
  return config[0];
}

/** The lines of `xds status`: name, status, version, when, and the last part of the type. */
async function status(test: TestServer): Promise<string[]> {
  const [acked, nacked] = ["acked", "nacked"] as const;
  const at = (key: "acked" | "nacked") => test.server.nodes()[0]?.types[0]?.[key]?.at;
  return ((await fetch(test))?.genericXdsConfigs ?? []).map((row) => {
    const { seconds, nanos } = row.lastUpdated ?? { seconds: 0n, nanos: 0 };
    const ms = Number(seconds) * 1_000 + nanos / 1e6;
    const when = ms === 0 ? "never" : ms === at(nacked) ? nacked : ms === at(acked) ? acked : `${ms}`;
    return [row.name, ClientResourceStatus[row.clientStatus], row.versionInfo, when].join(" ").replace("  ", " - ");
  });
}

/** What was refused: name, content, version, and the client's words. */
async function failures(test: TestServer): Promise<unknown[]> {
  const rows = (await fetch(test))?.genericXdsConfigs ?? [];
  return rows.flatMap(({ name, errorState: error }) =>
    error
      ? [[name, error.failedConfiguration && labelOf(error.failedConfiguration), error.versionInfo, error.details]]
      : [],
  );
}

on(allWays, (way) => {
  const isDelta = way.variant === "delta";

  it("shows what the client has answered: version and time are those of its ACK, or of its later NACK", async () => {
    const cache = new SnapshotCache();
    const serve = (a: number, b: number, version: string) =>
      cache.set("n", Snapshot.of([endpoints("a", a), endpoints("b", b)], { version }));
    const of = (name: string, content: number, version: string) =>
      isDelta ? endpoints(name, content).version : version;
    serve(1, 1, "v1");
    const test = await TestServer.start(cache);
    expect(await fetch(test)).toBeUndefined();
    const stream = test.open(way, endpointType);
    stream.want("a", "b", "none");
    const first = await stream.expect(["a@1", "b@1"], ["none"]);
    expect(await status(test)).toEqual(["a REQUESTED - never", "b REQUESTED - never", "none REQUESTED - never"]);
    stream.ack(first);
    await test.barrier();
    const none = isDelta ? "none DOES_NOT_EXIST - acked" : "none REQUESTED - never";
    expect(await status(test)).toEqual([
      `a ACKED ${of("a", 1, "v1")} acked`,
      `b ACKED ${of("b", 1, "v1")} acked`,
      none,
    ]);

    serve(2, 1, "v2");
    const second = await stream.expect(["a@2"]);
    expect((await status(test))[0], "on its way").toBe(`a ACKED ${of("a", 1, "v1")} acked`);
    stream.nack(second, "bad a");
    await test.barrier();
    expect((await status(test)).slice(0, 2)).toEqual([
      `a NACKED ${of("a", 2, "v2")} nacked`,
      `b ACKED ${of("b", 1, "v1")} acked`,
    ]);

    serve(2, 2, "v3");
    stream.nack(await stream.expect(["b@2"]), "bad b");
    await test.barrier();
    const refusals = [
      ["a", "a@2", of("a", 2, "v2"), "bad a"],
      ["b", "b@2", of("b", 2, "v3"), "bad b"],
    ];
    expect(await failures(test), "each its own words").toEqual(refusals);

    serve(3, 2, "v4");
    const third = await stream.expect(["a@3"]);
    expect(await failures(test), "not what has come since").toEqual(refusals);
    stream.ack(third);
    await test.barrier();
    expect((await status(test)).map((line) => line.split(" ").slice(0, 3))).toEqual([
      ["a", "ACKED", of("a", 3, "v4")],
      ["b", "NACKED", of("b", 2, "v3")],
      none.split(" ").slice(0, 3),
    ]);
  });

  it("shows a removal until the client has taken it", async () => {
    const cache = new SnapshotCache();
    cache.set("n", Snapshot.of([cluster("old"), cluster("same")]));
    const test = await TestServer.start(cache);
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.take(["old@1", "same@1"]);
    cache.set("n", Snapshot.of([cluster("same")]));
    const removal = await stream.next();
    const names = async () => (await status(test)).map((line) => line.split(" ").slice(0, 2).join(" "));
    expect(await names()).toEqual(["same ACKED", "old ACKED"]);
    stream.ack(removal);
    await test.barrier();
    expect(await names()).toEqual(["same ACKED"]);
  });

  it("shows the version that a client brings from an earlier stream", async () => {
    const cache = new SnapshotCache();
    const snapshot = Snapshot.of([cluster("c")]);
    cache.set("n", snapshot);
    const test = await TestServer.start(cache);
    const first = test.open(way, clusterType);
    first.want();
    const { version } = await first.take(["c@1"]);
    await first.cancel();
    const own = cluster("c").version;
    const again = test.open(way, clusterType);
    if (isDelta) again.of(clusterType).wantWith({ initialResourceVersions: { c: own } });
    else again.of(clusterType).wantWith({ versionInfo: version });
    if (isDelta) again.ack(await again.expect([]));
    await test.barrier();
    expect(await status(test)).toEqual([isDelta ? `c ACKED ${own} acked` : `c ACKED ${version} never`]);
  });
});
