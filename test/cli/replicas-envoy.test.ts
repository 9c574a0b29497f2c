import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Snapshot } from "../../src/index.js";
import { httpFilterChain, listener, routeAll } from "../e2e/edge.js";
import { describeWithEnvoy, startEnvoy } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { startBackend } from "../e2e/http.js";
import { Load } from "../e2e/load.js";
import { adsDelta, adsSotw } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { numberedClusters } from "../e2e/swap-under-load.js";
import { describeWithEtcd, newConfiguration, startEtcd } from "../etcd/etcd.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder, fileOf } from "./serving.js";
import { until } from "./stateful-server.js";

const edge = "edge";

describeWithEtcd("a replica, and an Envoy under load", () =>
  describeWithEnvoy("no request fails", () => {
    it.each([adsSotw, adsDelta])(
      "when the replica is killed between swaps, and starts from its copy while etcd is away, $name",
      { timeout: 120_000 },
      async (mode) => {
        const etcd = await startEtcd();
        const store = `etcd://${etcd.endpoint}/${newConfiguration()}`;
        const folder = new Folder();
        const [config, state] = [join(folder.path, "config"), join(folder.path, "state")];
        mkdirSync(config);
        const [port, xdsPort, backend] = [await freePort(), await freePort(), await startBackend("backend")];
        const publish = async (i: number) => {
          const resources = [
            ...numberedClusters({ mode, backend }, [i]),
            listener(edge, port, [httpFilterChain({ mode, statPrefix: edge, routeName: edge })]),
            routeAll(edge, `svc-${i}`),
          ];
          folder.write("config/all.json", fileOf(Snapshot.of(resources)));
          expect(await xdsHere("publish", config, "--store", store)).toMatchObject({ code: 0, stderr: "" });
        };
        const start = async () => {
          const flags = ["--state-dir", state, "--port", String(xdsPort), "--rest-port", "off"];
          const program = xds.start("serve", "--store", store, ...flags);
          await program.ports();
          return program;
        };
        await publish(0);
        let replica = await start();
        const envoy = startEnvoy({ mode, xdsPort, id: "edge-1" }, { drainTimeS: "default" });
        await envoy.ready();
        const arrived = (i: number) =>
          eventually(async () => {
            const clusters = (await envoy.admin("/clusters")).match(/^svc-\d+(?=::)/gm);
            expect([...new Set(clusters)]).toEqual([`svc-${i}`]);
          });
        await arrived(0);
        const load = new Load({ port, pauseMs: 3 });
        const restart = async (meanwhile: () => Promise<void>) => {
          replica.signal("SIGKILL");
          await replica.end();
          await meanwhile();
          replica = await start();
        };
        await publish(1);
        await restart(() => publish(2));
        await arrived(2);
        await until(() => expect(readFileSync(join(state, "head.json"), "utf8")).toContain('"stable":3'));
        await etcd.kill();
        await restart(async () => {});
        await eventually(async () => expect(await envoy.stat("control_plane.connected_state")).toBe(1));
        etcd.start();
        await etcd.serves(2);
        await publish(3);
        await arrived(3);
        await load.stop();
        console.log(`${mode.name}: ${load.ok} requests, ${load.failed.length} failed`);
        expect(Object.fromEntries(load.failures)).toEqual({});
        expect(load.ok).toBeGreaterThan(100);
      },
    );
  }),
);
