import { create, toBinary } from "@bufbuild/protobuf";
import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, it, vi } from "vitest";
import { LoadStatsRequestSchema } from "../../gen/envoy/service/load_stats/v3/lrs_pb.js";
import { ClientStatusRequestSchema } from "../../gen/envoy/service/status/v3/csds_pb.js";
import type { Caller } from "../../src/caller.js";
import {
  type Authorize,
  type ClientIdentity,
  clusterType,
  type LoadReport,
  sanMatchesNode,
  XdsError,
  type XdsServerOptions,
} from "../../src/index.js";
import { type Certificate, selfSigned } from "../e2e/certificate.js";
import { allWays, cacheOf, on, TestServer } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import { post } from "./post.js";

const own = selfSigned();
const spiffe = "spiffe://td/n";
const client = selfSigned({ uris: [spiffe], dnsNames: ["n.example"], commonName: "n" });
const names = [spiffe, "n.example"];
const tls = { ...own, clientCa: client.cert };

/** A server with mTLS, and a client that it trusts. */
const start = (options: XdsServerOptions, certificate: Certificate = client) =>
  TestServer.start(cacheOf(cluster("a")), {
    tls,
    authority: "localhost",
    channel: credentials.createSsl(Buffer.from(own.cert), Buffer.from(certificate.key), Buffer.from(certificate.cert)),
    rest: true,
    ...options,
  });

const poll = ({ restPort }: TestServer, id = "n") =>
  post({ port: restPort, ca: own.cert, ...client }, "/v3/discovery:clusters", { node: { id } });
const lrs = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";
const csds = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
const report = (id: string) =>
  Buffer.from(
    toBinary(
      LoadStatsRequestSchema,
      create(LoadStatsRequestSchema, { node: { id }, clusterStats: [{ clusterName: "a" }] }),
    ),
  );
const statusRequest = (id?: string) =>
  toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, id === undefined ? {} : { node: { id } }));
const fetchPath = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";

/** Sends one load report; resolves with how the stream ends, or with undefined when it is answered. */
function reportLoad(test: TestServer, id: string): Promise<unknown> {
  const call = test.call(lrs);
  const done = new Promise((resolve) => {
    call.on("status", ({ code, details }) => resolve({ code, details }));
    call.on("data", () => resolve(undefined));
  });
  call.on("error", () => {});
  call.write(report(id));
  return done.finally(() => call.cancel());
}

describe("the names in a client's certificate", () => {
  on(allWays, (way) => {
    it("are passed to callbacks of its streams", async () => {
      const opened: (readonly string[])[] = [];
      const open = ({ certificateNames }: Caller) => void opened.push(certificateNames);
      const test = await start({ callbacks: { onStreamOpen: open, onDeltaStreamOpen: open } });
      const stream = test.open(way, clusterType);
      stream.want();
      await stream.take(["a@1"]);
      expect(opened).toEqual([names]);
      expect(test.server.report().streams).toMatchObject([{ certificateNames: names }]);
    });
  });

  it("are passed to callbacks of its fetches, load reports and client status requests", async () => {
    const told: unknown[] = [];
    const tell =
      (what: string) =>
      ({ certificateNames, peer }: Caller) =>
        void told.push([what, certificateNames, peer.split(":")[0]]);
    const test = await start({
      callbacks: {
        onFetchRequest: (info) => tell(info.transport)(info),
        onClientStatusRequest: tell("csds"),
      },
      loadReporting: { onReport: (_, loads: LoadReport) => tell("lrs")(loads) },
    });
    await test.fetch(fetchPath, { node: { id: "n" } });
    expect(await poll(test)).toMatchObject({ status: 200 });
    await test.unary(csds, statusRequest());
    expect(await reportLoad(test, "n")).toBeUndefined();
    expect(told).toEqual(["grpc", "rest", "csds", "lrs"].map((what) => [what, names, "127.0.0.1"]));
  });

  it("are none without mTLS", async () => {
    const opened: (readonly string[])[] = [];
    const open = ({ certificateNames }: Caller) => void opened.push(certificateNames);
    for (const plain of [{ tls: own }, { tls: undefined, channel: credentials.createInsecure() }]) {
      const test = await start({ callbacks: { onStreamOpen: open }, ...plain } as XdsServerOptions);
      const stream = test.open({ variant: "sotw", kind: "ADS" }, clusterType);
      stream.want();
      await stream.take(["a@1"]);
    }
    expect(opened).toEqual([[], []]);
  });
});

describe("authorize", () => {
  on(allWays, (way) => {
    it("a stream is no node's while it has not answered", async () => {
      let decide = (_: boolean) => {};
      const asked = vi.fn<Authorize>(() => new Promise((resolve) => (decide = resolve)));
      const test = await start({ authorize: asked });
      const stream = test.open(way, clusterType);
      stream.want();
      await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1));
      const { server } = test;
      expect([server.nodes(), server.nodes(({ id }) => id === "n")[0]?.resources("acked")]).toEqual([[], undefined]);
      expect(server.report().streams).toMatchObject([{ node: undefined }]);
      decide(true);
      await stream.take(["a@1"]);
      expect(server.nodes()).toMatchObject([{ node: { id: "n" } }]);
    });

    it("is called at a stream's first request, before any callback", async () => {
      const asked: ClientIdentity[] = [];
      const requests: string[] = [];
      const heard = () => void requests.push(`after ${asked.length}`);
      const authorize: Authorize = async (who) => {
        await new Promise((resolve) => setImmediate(resolve));
        return asked.push(who) > 0;
      };
      const test = await start({ authorize, callbacks: { onStreamRequest: heard, onStreamDeltaRequest: heard } });
      const stream = test.open(way, clusterType);
      stream.want();
      await stream.take(["a@1"]);
      stream.want("a", "b");
      await test.barrier();
      expect(asked).toMatchObject([{ service: "stream", certificateNames: names, node: { id: "n", cluster: "test" } }]);
      expect(new Set(requests)).toEqual(new Set(["after 1"]));
      expect(test.server.report().refusals.authorize).toBe(0);
    });

    it.each([
      [false, ""],
      ["not today", ": not today"],
    ])("refuses a stream with PERMISSION_DENIED when it gives %j", async (verdict, reason) => {
      const requests: unknown[] = [];
      const heard = (_: unknown, request: unknown) => void requests.push(request);
      const callbacks = { onStreamRequest: heard, onStreamDeltaRequest: heard };
      const test = await start({ authorize: () => verdict, callbacks });
      const stream = test.open(way, clusterType);
      stream.want();
      expect(await stream.ended).toMatchObject({
        code: status.PERMISSION_DENIED,
        details: `node "n" with a certificate of "${spiffe}", "n.example" is refused (stream)${reason}`,
      });
      expect(requests).toEqual([]);
      expect(test.server.report().refusals.authorize).toBe(1);
      expect(test.server.report().streams).toEqual([]);
    });
  });

  it("refuses fetches, REST, load reports and client status alike", async () => {
    const reports: unknown[] = [];
    const test = await start({
      authorize: ({ service, node }) => `no ${service} for ${node?.id}`,
      loadReporting: { onReport: (node) => void reports.push(node) },
    });
    const code = status.PERMISSION_DENIED;
    const details = (service: string) => expect.stringMatching(new RegExp(`no ${service} for n$`));
    await expect(test.fetch(fetchPath, { node: { id: "n" } })).rejects.toMatchObject({
      code,
      details: details("fetch"),
    });
    await expect(test.unary(csds, statusRequest("n"))).rejects.toMatchObject({ code, details: details("csds") });
    expect(await reportLoad(test, "n")).toMatchObject({ code, details: details("lrs") });
    expect(await poll(test)).toMatchObject({
      status: 403,
      body: { code: "PERMISSION_DENIED", message: details("rest") },
    });
    expect(test.server.report().refusals.authorize).toBe(4);
    expect(reports).toEqual([]);
  });

  it("that throws refuses, with the error's own status or INTERNAL", async () => {
    for (const [error, code] of [
      [new XdsError("NOT_READY", "later"), status.UNAVAILABLE],
      [new Error("oh"), status.INTERNAL],
    ] as const) {
      const test = await start({
        authorize: () => {
          throw error;
        },
      });
      const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType);
      stream.want();
      expect(await stream.ended).toMatchObject({ code, details: error.message });
    }
  });

  it("allows a stream only if it returns that it is allowed", async () => {
    const test = await start({ authorize: (() => undefined) as unknown as Authorize });
    expect(await poll(test)).toMatchObject({ status: 403 });
  });

  it("with sanMatchesNode() lets a client be only the node that its certificate names", async () => {
    const test = await start({ authorize: sanMatchesNode("spiffe://td/{id}"), loadReporting: {} });
    const stream = test.open({ variant: "delta", kind: "ADS" }, clusterType);
    stream.want();
    await stream.take(["a@1"]);
    expect(await poll(test)).toMatchObject({ status: 200 });
    expect(await reportLoad(test, "n")).toBeUndefined();

    const impostor = test.open({ variant: "delta", kind: "ADS" }, clusterType, "m");
    impostor.want();
    expect(await impostor.ended).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: expect.stringContaining('"m"'),
    });
    expect(await poll(test, "m")).toMatchObject({ status: 403 });
    expect(await reportLoad(test, "m")).toMatchObject({ code: status.PERMISSION_DENIED });
    await expect(test.unary(csds, statusRequest("n"))).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await stream.quiet();
  });
});
