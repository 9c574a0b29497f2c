import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { TypedExtensionConfigSchema } from "../../gen/envoy/config/core/v3/extension_pb.js";
import { LuaSchema } from "../../gen/envoy/extensions/filters/http/lua/v3/lua_pb.js";
import { edsCluster, endpoints, inlineHttpFilterChain, listener, pack } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { startBackend } from "./http.js";
import { Load } from "./load.js";
import { adsDelta, adsSotw, configSource, type Mode } from "./modes.js";
import { freePort } from "./ports.js";
import { group, startServing } from "./serving.js";

const edge = "edge";
/** Longer than the Envoy's drain time of 1 s, and shorter than the time for which the listener warms. */
const [drainTimeMs, warmingMs] = [1_500, 3_000];

const lua = pack(LuaSchema, {
  defaultSourceCode: { specifier: { case: "inlineString", value: "function envoy_on_request(handle) end" } },
});
const lateConfig = create(TypedExtensionConfigSchema, { name: "late", typedConfig: lua });

/** A filter whose configuration comes by ECDS. */
const lateFilter = (mode: Mode) => ({
  name: lateConfig.name,
  configType: {
    case: "configDiscovery" as const,
    value: { configSource: configSource(mode), typeUrls: [lua.typeUrl] },
  },
});

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
