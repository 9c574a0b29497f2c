import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.js";
import { AdminServer } from "./admin/admin-server.js";
import { LinearCache } from "./cache/linear-cache.js";
import { MuxCache } from "./cache/mux-cache.js";
import { SnapshotCache } from "./cache/snapshot-cache.js";
import { XdsClient } from "./client/xds-client.js";
import { Resource } from "./resource/resource.js";
import { Snapshot } from "./resource/snapshot.js";
import { clusterType } from "./resource/types.js";
import { XdsServer } from "./server/xds-server.js";
import { SourceServer } from "./serving/source-server.js";
import { DirectorySource } from "./source/directory.js";
import { TlsFiles } from "./source/secrets/tls-files.js";

const cache = new SnapshotCache();
const source = new DirectorySource([]);
const cluster = create(ClusterSchema, { name: "web" });
const paths = { certFile: "cert.pem", keyFile: "key.pem" };
const address = "127.0.0.1:18000";
const tls = { crt: "" } as never;

const wrong: [call: string, run: () => unknown, message: string][] = [
  ["XdsServer", () => new XdsServer(cache, { drainTime: 1 } as never), "did you mean drainTimeMs?"],
  [
    "XdsServer",
    () => new XdsServer(cache, { xyz: 1 } as never),
    "its options: callbacks, logger, .*keepaliveTimeoutMs",
  ],
  ["limits", () => new XdsServer(cache, { limits: { stream: 1 } as never }), "did you mean streams?"],
  ["onDemand", () => new XdsServer(cache, { onDemand: { resolver: () => {} } as never }), "did you mean resolve?"],
  [
    "loadReporting",
    () => new XdsServer(cache, { loadReporting: { interval: 1 } as never }),
    "did you mean intervalMs?",
  ],
  ["tls", () => new XdsServer(cache).setTls(tls), "did you mean cert?"],
  ["SnapshotCache", () => new SnapshotCache({ nodeGrup: String } as never), "did you mean nodeGroup?"],
  ["LinearCache", () => new LinearCache(clusterType, { resource: [] } as never), "did you mean resources?"],
  ["TlsFiles", () => new TlsFiles({ ...paths, clientCaFiles: "" } as never), "did you mean clientCaFile?"],
  ["TlsFiles", () => new TlsFiles(paths, { poll: 1 } as never), "did you mean pollMs?"],
  ["DirectorySource", () => new DirectorySource([], { exept: [] } as never), "did you mean except?"],
  ["XdsClient", () => new XdsClient({ address, nodes: {} } as never), "did you mean node?"],
  ["tls", () => new XdsClient({ address, tls: { servername: "" } as never }), "did you mean serverName?"],
  ["reconnect", () => new XdsClient({ address, reconnect: { max: 1 } as never }), "did you mean maxMs?"],
  ["Resource", () => Resource.of(cluster, { ttl: 1 } as never), "did you mean ttlMs?"],
  [
    "callbacks",
    () => new XdsServer(cache, { callbacks: { onStreamNak: () => {} } as never }),
    "did you mean onStreamNack?",
  ],
  ["SourceServer", () => new SourceServer(source, { nodeGrup: String } as never), "did you mean nodeGroup?"],
  ["Snapshot", () => Snapshot.of([], { versions: "1" } as never), "did you mean version?"],
];

it.each(wrong)("%s refuses an option that it does not have, and names the nearest", (what, run, remedy) => {
  expect(run).toThrow(
    expect.objectContaining({
      code: "INVALID_OPTION",
      message: expect.stringMatching(new RegExp(`^${what} has no option "\\w+"; ${remedy.replace("?", "\\?")}$`)),
    }),
  );
});

it.each<[what: string, run: () => unknown, message: RegExp]>([
  [
    "options that are no object",
    () => new SnapshotCache((() => "all") as never),
    /^the options of SnapshotCache must be an/,
  ],
  ["a server without a cache", () => new XdsServer(undefined as never), /^XdsServer takes a cache first/],
  [
    "a group function that is none",
    () => new SnapshotCache({ nodeGroup: "all" as never }),
    /^nodeGroup must be a function/,
  ],
  ["a mux without its function", () => new MuxCache({} as never), /^MuxCache takes a function/],
  [
    "another level of validation",
    () => new SourceServer(source, { validation: "strct" as never }),
    /^validation must be one of on, strict, off, is "strct"$/,
  ],
])("%s: the error says what is right", (_, run, message) => {
  expect(run).toThrow(expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringMatching(message) }));
});

it("callbacks may be an object of a class, with fields of its own", () => {
  class Mine {
    readonly names = new Set<string>();
    onStreamOpen() {}
  }
  expect(() => new XdsServer(cache, { callbacks: new Mine() })).not.toThrow();
});

it.each([
  ["AdminServer", () => AdminServer.start(new XdsServer(cache), { hosts: [] } as never), "did you mean host?"],
  ["listen()", () => new XdsServer(cache).listen({ restport: 0 } as never), "did you mean restPort?"],
  ["applied()", () => new XdsServer(cache).applied(() => true, { timeout: 1 } as never), "did you mean timeoutMs?"],
  ["drain()", () => new XdsServer(cache).drain({ pace: 1 } as never), "did you mean paceMs?"],
] as const)("%s refuses an option that it does not have, as a rejection", async (what, run, remedy) => {
  const error: unknown = await run().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "INVALID_OPTION", message: expect.stringContaining(`${what} has no option`) });
  expect(error).toMatchObject({ message: expect.stringContaining(remedy) });
});
