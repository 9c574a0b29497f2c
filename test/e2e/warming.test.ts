import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, it, onTestFinished } from "vitest";
import { Snapshot, SnapshotCache, XdsServer } from "../../src/index.js";
import { edsCluster, endpoints, httpFilterChain, listener, routeAll } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: nothing stays warming (P55)`, () => {
    it("when a cluster or a listener changes, but not its endpoints or its routes", async () => {
      const [port, backend] = [await freePort(), await startBackend("a")];
      const serve = (edit: number) => {
        const cluster = edsCluster("a", mode);
        cluster.connectTimeout = durationFromMs(1_000 + edit);
        const edge = listener("edge", port, [httpFilterChain({ mode, statPrefix: `edge-${edit}`, routeName: "edge" })]);
        cache.set("test-node", Snapshot.of([cluster, endpoints("a", backend), edge, routeAll("edge", "a")]));
      };
      const cache = new SnapshotCache();
      serve(0);
      // No wait for another type ends by itself, so one that should not be shows.
      const server = new XdsServer(cache, { orderTimeoutMs: 600_000 });
      const { grpc } = await server.listen({ port: 0 });
      onTestFinished(() => server.close());
      const envoy = startEnvoy({ mode, xdsPort: grpc.port, id: "test-node" });
      await envoy.ready();
      for (const edit of [1, 2, 3]) {
        serve(edit);
        await server.applied("test-node", { timeoutMs: 10_000 });
        await eventually(async () => {
          expect(await envoy.stat("cluster_manager.warming_clusters")).toBe(0);
          expect(await envoy.stat("listener_manager.total_listeners_warming")).toBe(0);
          await get(`http://127.0.0.1:${port}/`);
          expect(await envoy.stat(`http.edge-${edit}.downstream_rq_2xx`)).toBeGreaterThan(0);
        });
      }
    });
  });
