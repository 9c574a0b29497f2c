import { expect, it, onTestFinished } from "vitest";
import { type Callbacks, Snapshot, SnapshotCache, XdsServer } from "../../src/index.js";
import { edsCluster, endpoints } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { adsDelta, adsSotw } from "./modes.js";

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: a server that drains (P13)`, () => {
    it("answers what it has asked before, for it keeps its stream though it is told to open no more", async () => {
      let letGo = () => {};
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      let requests = 0;
      const hold = () => {
        requests++;
        return held;
      };
      const callbacks: Callbacks = { onStreamRequest: hold, onStreamDeltaRequest: hold };
      const cache = new SnapshotCache();
      cache.set("test-node", Snapshot.of([edsCluster("a", mode), endpoints("a")]));
      const server = new XdsServer(cache, { callbacks });
      const { grpc } = await server.listen({ port: 0 });
      onTestFinished(() => server.close());
      const envoy = startEnvoy({ mode, xdsPort: grpc.port, id: "test-node" });
      await eventually(() => expect(requests).toBeGreaterThan(0));

      const drained = server.drain({ timeoutMs: 600_000 });
      const goAways = () => envoy.stat("cluster.xds.upstream_cx_close_notify");
      await eventually(async () => expect(await goAways()).toBe(1));
      expect(await envoy.stat("cluster.xds.upstream_rq_active")).toBe(1);
      expect(await envoy.stat("control_plane.connected_state")).toBe(1);
      letGo();
      await drained;
      await eventually(async () => expect(await envoy.stat("cluster_manager.cds.update_success")).toBe(1));
      await eventually(async () => expect(await envoy.stat("control_plane.connected_state")).toBe(0));
    });
  });
