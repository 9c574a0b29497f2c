import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { expect, it, onTestFinished } from "vitest";
import {
  type ClientConfig,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
} from "../../gen/envoy/service/status/v3/csds_pb.js";
import { type LoadReport, listenerType, NotAppliedError, SnapshotCache, XdsServer } from "../../src/index.js";
import { type EdgeOptions, edge, edgeName } from "./edge.js";
import { bootstrap, describeWithEnvoy, startEnvoyWith } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsSotw, grpcModes, type Mode, xdsCluster } from "./modes.js";
import { freePort } from "./ports.js";

const group = "test-node";

/** A server with an Envoy of it that routes to backend "a"; `serve` changes that. */
async function start(mode: Mode, loads: LoadReport[] = []) {
  const cache = new SnapshotCache();
  const onReport = (_node: unknown, report: LoadReport) => void loads.push(report);
  const server = new XdsServer(cache, { loadReporting: { intervalMs: 100, onReport } });
  const { grpc } = await server.listen({ port: 0 });
  onTestFinished(() => server.close());
  const backends = { a: await startBackend("a"), b: await startBackend("b") };
  let options: EdgeOptions = { mode, port: await freePort(), backends, routeTo: "a" };
  const serve = (change: Partial<EdgeOptions>) => {
    options = { ...options, ...change };
    cache.set(group, edge(options));
  };
  serve({});
  const loadStatsConfig = {
    api_type: "GRPC",
    transport_api_version: "V3",
    grpc_services: [{ envoy_grpc: { cluster_name: xdsCluster } }],
  };
  const config = bootstrap({ mode, xdsPort: grpc.port, id: group });
  const envoy = startEnvoyWith(JSON.stringify({ ...config, cluster_manager: { load_stats_config: loadStatsConfig } }));
  const url = `http://127.0.0.1:${options.port}/`;
  await eventually(async () => expect(await get(url)).toMatchObject({ status: 200, body: "a" }));
  return { server, envoy, serve, url, port: grpc.port };
}

/** What the client status service says of the only node. */
async function clientStatus(port: number): Promise<ClientConfig | undefined> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const request = Buffer.from(toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema)));
  const path = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus";
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, request, (error, answer) =>
      error ? reject(error) : resolve(answer as Buffer),
    );
  });
  client.close();
  const { config } = fromBinary(ClientStatusResponseSchema, bytes);
  expect(config).toHaveLength(1);
  return config[0];
}

describeWithEnvoy("a server that knows what an Envoy has applied", () => {
  for (const mode of grpcModes)
    it(`waits for an Envoy, tells its refusals, and shows both by CSDS (${mode.name})`, async () => {
      const { server, envoy, serve, port } = await start(mode);
      serve({ routeTo: "b" });
      await server.applied(group);
      expect(await envoy.admin("/config_dump?resource=dynamic_route_configs"), "no waiting").toContain(
        '"cluster": "b"',
      );
      expect(server.nodes(group)).toMatchObject([{ state: "SYNCED", node: { id: group } }]);
      const synced = await clientStatus(port);
      expect(synced?.genericXdsConfigs.map(({ name }) => name).sort()).toEqual([
        "a",
        "a",
        "b",
        "b",
        edgeName,
        edgeName,
      ]);
      expect(new Set(synced?.genericXdsConfigs.map(({ configStatus }) => configStatus))).toEqual(
        new Set([ConfigStatus.SYNCED]),
      );

      serve({ bad: true });
      const error = await server.applied(group).then(
        () => undefined,
        (refusal: unknown) => refusal,
      );
      expect(error).toBeInstanceOf(NotAppliedError);
      const [refusal] = (error as NotAppliedError).lacking;
      expect(refusal).toMatchObject({
        typeUrl: listenerType,
        refused: [edgeName],
        node: { id: group },
        state: "ERROR",
      });
      expect((error as NotAppliedError).message).toMatch(/node "test-node" refused listeners "edge": .*filter chain/s);
      const refused = (await clientStatus(port))?.genericXdsConfigs.find(({ typeUrl }) => typeUrl === listenerType);
      expect(refused).toMatchObject({
        configStatus: ConfigStatus.ERROR,
        errorState: { details: refusal?.nack?.error.message },
      });

      serve({ bad: false });
      await server.applied(group);
    });

  it("takes its load reports", async () => {
    const loads: LoadReport[] = [];
    const { server, url } = await start(adsSotw, loads);
    // Envoy counts from the moment when it has read what it is asked for, which only its reports show.
    await eventually(async () => {
      await get(url);
      expect(server.report().loads?.issued).toBeGreaterThan(0);
    });
    expect(server.report().loads).toMatchObject({ streams: 1, invalid: 0, failed: 0 });
    const clusters = loads.flatMap((report) => report.clusters);
    expect(clusters.map(({ clusterName }) => clusterName)).toContain("a");
    expect(clusters.find(({ clusterName }) => clusterName === "a")?.upstreamLocalityStats[0]?.locality?.region).toBe(
      "here",
    );
  });
});
