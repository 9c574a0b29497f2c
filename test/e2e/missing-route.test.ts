import { expect, it } from "vitest";
import type { ResourceInput } from "../../src/index.js";
import { edsCluster, endpoints, httpFilterChain, listener, routeAll } from "./edge.js";
import { describeWithEnvoy, initFetchTimeouts, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, adsSotw, type Mode } from "./modes.js";
import { freePort } from "./ports.js";
import { scope, scopedHttpFilterChain } from "./scopes.js";
import { group, startServing } from "./serving.js";

/** Who names the route configuration that does not exist. */
const referrers: { name: string; resources(mode: Mode, port: number): ResourceInput[] }[] = [
  {
    name: "a listener",
    resources: (mode, port) => [
      listener("incomplete", port, [httpFilterChain({ mode, statPrefix: "incomplete", routeName: "missing" })]),
    ],
  },
  {
    name: "a scope",
    resources: (mode, port) => [
      listener("incomplete", port, [scopedHttpFilterChain({ mode, statPrefix: "incomplete" })]),
      scope("all", "all", "missing"),
    ],
  },
];

for (const mode of [adsSotw, adsDelta])
  for (const { name, resources } of referrers)
    describeWithEnvoy(`Envoy, ${mode.name}: ${name} names a route configuration that does not exist (P56)`, () => {
      it("does not hold up the Envoy's start; P32, P41 the routes are taken when they come", async () => {
        const [complete, incomplete, backend] = [await freePort(), await freePort(), await startBackend("backend")];
        const served = [
          edsCluster("web", mode),
          endpoints("web", backend),
          listener("complete", complete, [httpFilterChain({ mode, statPrefix: "complete", routeName: "complete" })]),
          routeAll("complete", "web"),
          ...resources(mode, incomplete),
        ];
        const { serve, xdsPort } = await startServing(served);
        const envoy = startEnvoy({ mode, xdsPort, id: group });
        await envoy.ready();
        expect(await envoy.total(initFetchTimeouts)).toBe(0);
        const status = async (port: number) => (await get(`http://127.0.0.1:${port}/`, "GET", { scope: "all" })).status;
        await eventually(async () => expect(await status(complete)).toBe(200));
        await eventually(async () => expect(await status(incomplete)).toBe(404));
        serve([...served, routeAll("missing", "web")]);
        await eventually(async () => expect(await status(incomplete)).toBe(200));
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });
    });
