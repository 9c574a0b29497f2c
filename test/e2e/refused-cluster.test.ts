import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { clusterType, listenerType, routeType, Snapshot, SnapshotCache, XdsServer } from "../../src/index.js";
import { edgeName, edsCluster, endpoints, httpFilterChain, listener, routeAll } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { startBackend, Traffic } from "./http.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";
import { refusedCluster } from "./refused.js";

/** What one change moves to the new cluster. */
const moves = [
  { name: "a route", routeName: () => edgeName, moved: routeType },
  { name: "a listener", routeName: (cluster: string) => `to-${cluster}`, moved: listenerType },
];

for (const mode of [adsSotw, adsDelta])
  for (const { name, routeName, moved } of moves)
    describeWithEnvoy(`Envoy, ${mode.name}: ${name} that moves to a new cluster which is refused (P53, P54)`, () => {
      it("stays on the old one without a failed request, and moves when the new one is mended", async () => {
        const [port, backend] = [await freePort(), await startBackend("backend")];
        const cache = new SnapshotCache();
        const serve = (cluster: string, make = edsCluster) => {
          const chain = httpFilterChain({ mode, statPrefix: edgeName, routeName: routeName(cluster) });
          const routed = [listener(edgeName, port, [chain]), routeAll(routeName(cluster), cluster)];
          cache.set("test-node", Snapshot.of([make(cluster, mode), endpoints(cluster, backend), ...routed]));
        };
        serve("old");
        const server = new XdsServer(cache);
        const { grpc } = await server.listen({ port: 0 });
        onTestFinished(() => server.close());
        const envoy = startEnvoy({ mode, xdsPort: grpc.port, id: "test-node" });
        await envoy.ready();
        const clusters = async () => [
          ...new Set((await envoy.admin("/clusters")).match(/^(old|new)(?=::)/gm)?.map(String)),
        ];
        const stateOf = (typeUrl: string) =>
          server
            .report()
            .streams.flatMap(({ types }) => types)
            .find((type) => type.typeUrl === typeUrl)?.state;

        const traffic = new Traffic(`http://127.0.0.1:${port}/`);
        serve("new", refusedCluster);
        await eventually(() => expect(stateOf(clusterType)).toBe("ERROR"));
        await sleep(500); // for what would come after the NACK
        expect(await clusters()).toEqual(["old"]);
        expect(stateOf(moved)).toBe("STALE");
        await expect(server.applied("test-node")).rejects.toThrow(/refused clusters "new"/);

        serve("new");
        await server.applied("test-node");
        await eventually(async () => expect(await clusters()).toEqual(["new"]));
        await sleep(100);
        await eventually(() => expect(traffic.sent).toBeGreaterThan(50)); // on a busy machine they take longer
        await traffic.stop();
        expect(traffic.failures).toEqual([]);
        expect(await envoy.total(/.*\.update_rejected/)).toBe(1);
      });
    });
