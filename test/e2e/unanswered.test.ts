import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { clusterType } from "../../src/index.js";
import { edsCluster, endpoints, healthChecked, httpFilterChain, listener, routeAll } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { startBackend } from "./http.js";
import { Load } from "./load.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";
import { group, startServing } from "./serving.js";

const edge = "edge";
const silentPath = "/silent";
/** A little more than the time for which a response holds back the next one (P25). */
const unansweredMs = 5_500;

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: clusters that it does not ACK, for one never becomes warm (P25)`, () => {
    it("are followed by their correction, and by a rollback; no request fails", async () => {
      const port = await freePort();
      const backend = await startBackend("backend", (path) => (path === silentPath ? Number.POSITIVE_INFINITY : 0));
      const to = (name: string, cluster = edsCluster(name, mode)) => [
        cluster,
        endpoints(name, backend),
        listener(edge, port, [httpFilterChain({ mode, statPrefix: edge, routeName: edge })]),
        routeAll(edge, name),
      ];
      const { server, serve, xdsPort } = await startServing(to("first"));
      const envoy = startEnvoy({ mode, xdsPort, id: group });
      await envoy.ready();
      const load = new Load({ port });
      const clusters = async () => [
        ...new Set((await envoy.admin("/clusters")).match(/^(?:first|second|third)(?=::)/gm)),
      ];
      const warming = () => envoy.stat("cluster_manager.warming_clusters");
      const stateOfClusters = () =>
        server
          .report()
          .streams.flatMap(({ types }) => types)
          .find(({ typeUrl }) => typeUrl === clusterType)?.state;
      /** Serves a cluster that never becomes warm, for so long that its response no longer holds back others. */
      const stuckOn = async (name: string) => {
        serve(to(name, healthChecked(edsCluster(name, mode), silentPath)));
        await eventually(async () => expect(await warming()).toBe(1));
        await sleep(unansweredMs);
        expect(await warming()).toBe(1);
        expect(stateOfClusters()).not.toBe("SYNCED");
      };

      await stuckOn("second");
      serve(to("second"));
      await server.applied(group, { timeoutMs: 5_000 });
      await eventually(async () => expect(await clusters()).toEqual(["second"]));

      await stuckOn("third");
      serve(to("second"));
      await server.applied(group, { timeoutMs: 5_000 });
      await eventually(async () => expect(await clusters()).toEqual(["second"]));
      expect(await warming()).toBe(0);

      await load.stop();
      expect(Object.fromEntries(load.failures)).toEqual({});
      expect(load.ok).toBeGreaterThan(100);
    });
  });
