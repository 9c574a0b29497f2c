import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { edsCluster, endpoints, inlineHttpFilterChain, listener } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { startBackend } from "./http.js";
import { lateConfig, lateFilter } from "./late-filter.js";
import { Load } from "./load.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";
import { group, startServing } from "./serving.js";

const edge = "edge";
/** Longer than the Envoy's drain time of 1 s, and shorter than the time for which the listener warms. */
const [drainTimeMs, warmingMs] = [1_500, 3_000];

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: a listener that is ACKed and not warm yet (P54)`, () => {
    it("does not lose the cluster of the listener before it: no request fails", async () => {
      const [port, backend] = [await freePort(), await startBackend("backend")];
      const cluster = (name: string) => [edsCluster(name, mode), endpoints(name, backend)];
      const { server, serve, xdsPort } = await startServing(
        [...cluster("old"), listener(edge, port, [inlineHttpFilterChain({ statPrefix: "before", cluster: "old" })])],
        { drainTimeMs },
      );
      const envoy = startEnvoy({ mode, xdsPort, id: group });
      await envoy.ready();
      const load = new Load({ port });
      const chain = inlineHttpFilterChain({ statPrefix: "after", cluster: "new", filters: [lateFilter(mode)] });
      const next = [...cluster("new"), listener(edge, port, [chain])];

      serve(next);
      await eventually(async () => expect(await envoy.stat("listener_manager.total_listeners_warming")).toBe(1));
      await sleep(warmingMs);
      expect(await envoy.stat("listener_manager.total_listeners_warming")).toBe(1);

      serve([...next, lateConfig]);
      await eventually(async () => expect(await envoy.stat("http.after.downstream_rq_2xx")).toBeGreaterThan(0));
      await server.applied(group);
      await eventually(async () => {
        expect([...new Set((await envoy.admin("/clusters")).match(/^(?:old|new)(?=::)/gm))]).toEqual(["new"]);
      });
      await load.stop();
      expect(Object.fromEntries(load.failures)).toEqual({});
      expect(load.ok).toBeGreaterThan(100);
    });
  });
