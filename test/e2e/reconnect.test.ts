import { expect, it, vi } from "vitest";
import { edsCluster, endpoints, httpFilterChain, listener, routeAll } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";
import { group, startServing } from "./serving.js";

const edge = "edge";

/**
 * Repeats until it no longer throws, for less time than an Envoy waits for endpoints or routes that do not come (15 s).
 */
const atOnce = (attempt: () => Promise<void>) => vi.waitFor(attempt, { timeout: 5_000, interval: 20 });

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(
    `Envoy, ${mode.name}: it connects to a new server, and what it has has changed meanwhile (P55)`,
    () => {
      const start = async () => {
        const [port, backend] = [await freePort(), await startBackend("backend")];
        const resources = ({ limit = 100_000, statPrefix = "before" }) => [
          { ...edsCluster("web", mode), perConnectionBufferLimitBytes: limit },
          endpoints("web", backend),
          listener(edge, port, [httpFilterChain({ mode, statPrefix, routeName: edge })]),
          routeAll(edge, "web"),
        ];
        const first = await startServing(resources({}));
        const envoy = startEnvoy({ mode, xdsPort: first.xdsPort, id: group });
        await envoy.ready();
        const status = async () => (await get(`http://127.0.0.1:${port}/`)).status;
        await eventually(async () => expect(await status()).toBe(200));
        await first.server.applied(group);
        /** Returns when the Envoy is connected to the new server. */
        const restart = async (changes: Parameters<typeof resources>[0]) => {
          await first.server.close();
          await eventually(async () => expect(await envoy.stat("control_plane.connected_state")).toBe(0));
          const { server } = await startServing(resources(changes), { port: first.xdsPort });
          await eventually(async () => expect(await envoy.stat("control_plane.connected_state")).toBe(1));
          return server;
        };
        return { envoy, restart, status };
      };

      it("a cluster, and not its endpoints: it is in use at once", async () => {
        const { envoy, restart } = await start();
        await restart({ limit: 100_001 });
        await atOnce(async () =>
          expect(await envoy.admin("/config_dump?resource=dynamic_active_clusters")).toContain("100001"),
        );
        expect(await envoy.stat("cluster_manager.warming_clusters")).toBe(0);
      });

      it("a listener, and not its routes: it is in use at once", async () => {
        const { envoy, restart, status } = await start();
        await restart({ statPrefix: "after" });
        await atOnce(async () => {
          expect(await status()).toBe(200);
          expect(await envoy.stat("http.after.downstream_rq_2xx")).toBeGreaterThan(0);
        });
        expect(await envoy.stat("listener_manager.total_listeners_warming")).toBe(0);
      });
    },
  );
