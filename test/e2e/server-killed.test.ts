import { expect, it } from "vitest";
import type { ResourceInput } from "../../src/index.js";
import { httpFilterChain, listener, routeAll } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { startBackend } from "./http.js";
import { Load } from "./load.js";
import { adsDelta } from "./modes.js";
import { freePort } from "./ports.js";
import { group, type Serving, startServing } from "./serving.js";
import { numberedClusters } from "./swap-under-load.js";

const mode = adsDelta; // SotW: test/cli/kill-9.test.ts
const edge = "edge";
const kills = 3;

const swaps = [
  { name: "the cluster of a route", routeName: () => edge },
  { name: "the route configuration of a listener, and its cluster", routeName: (i: number) => `route-${i}` },
];

describeWithEnvoy(
  `Envoy, ${mode.name}: no request fails when the server is killed and its successor has swapped`,
  () => {
    for (const { name, routeName } of swaps)
      it(`P49, P54 ${name}, ${kills} times`, async () => {
        const [port, backend] = [await freePort(), await startBackend("backend")];
        const resources = (i: number): ResourceInput[] => [
          ...numberedClusters({ mode, backend }, [i]),
          listener(edge, port, [httpFilterChain({ mode, statPrefix: edge, routeName: routeName(i) })]),
          routeAll(routeName(i), `svc-${i}`),
        ];
        let serving: Serving = await startServing(resources(0));
        const { xdsPort } = serving;
        const envoy = startEnvoy({ mode, xdsPort, id: group });
        await envoy.ready();
        const load = new Load({ port });
        for (let i = 1; i <= kills; i++) {
          await serving.server.close();
          await eventually(async () => expect(await envoy.stat("control_plane.connected_state")).toBe(0));
          serving = await startServing(resources(i), { port: xdsPort, drainTimeMs: 2_000 });
          await eventually(async () => {
            const clusters = (await envoy.admin("/clusters")).match(/^svc-\d+(?=::)/gm);
            expect([...new Set(clusters)]).toEqual([`svc-${i}`]);
          });
          await serving.server.applied(group);
        }
        await load.stop();
        console.log(`${name}, ${kills} kills: ${load.ok} requests`);
        expect(Object.fromEntries(load.failures)).toEqual({});
        expect(load.ok).toBeGreaterThan(100);
      });
  },
);
