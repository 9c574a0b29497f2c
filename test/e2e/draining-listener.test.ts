import { expect, it } from "vitest";
import { clusterType, endpointType, type SyncState } from "../../src/index.js";
import { edsCluster, endpoints, httpFilterChain, listener, routeAll } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";
import { group, startServing } from "./serving.js";

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: a removed listener that drains is no lag (P54)`, () => {
    for (const drainTimeS of ["default", 1] as const)
      it(`applied() resolves at once, and what the listener used is DRAINING, with a drain time of ${drainTimeS}`, async () => {
        const [one, two, backend] = [await freePort(), await freePort(), await startBackend("backend")];
        const service = (name: string, port: number) => [
          edsCluster(name, mode),
          endpoints(name, backend),
          listener(name, port, [httpFilterChain({ mode, statPrefix: name, routeName: name })]),
          routeAll(name, name),
        ];
        const { server, serve, xdsPort } = await startServing([...service("one", one), ...service("two", two)], {
          ...(drainTimeS !== "default" && { drainTimeMs: drainTimeS * 1_000 }),
        });
        const envoy = startEnvoy({ mode, xdsPort, id: group }, { drainTimeS });
        await envoy.ready();
        await eventually(async () => expect((await get(`http://127.0.0.1:${two}/`)).status).toBe(200));
        await server.applied(group, { timeoutMs: 10_000 });
        const states = (): Map<string, SyncState> =>
          new Map(
            server
              .report()
              .streams.flatMap(({ types }) => types.map(({ typeUrl, state }) => [typeUrl, state] as const)),
          );
        const clusters = async () => [...new Set((await envoy.admin("/clusters")).match(/^(?:one|two)(?=::)/gm))];

        serve(service("one", one));
        await server.applied(group, { timeoutMs: 2_000 });
        // Envoy answers before all of its threads have stopped listening.
        await eventually(() => expect(get(`http://127.0.0.1:${two}/`)).rejects.toThrow(/ECONNREFUSED/));
        expect([...states().values()]).not.toContain("STALE");
        if (drainTimeS === "default") {
          expect(states().get(clusterType)).toBe("DRAINING");
          expect(states().get(endpointType)).toBe("DRAINING");
          expect((await clusters()).sort()).toEqual(["one", "two"]);
        } else {
          await eventually(async () => expect(await clusters()).toEqual(["one"]));
          await eventually(() => expect(new Set(states().values())).toEqual(new Set(["SYNCED"])));
        }
      });
  });
