import { expect, it, onTestFinished } from "vitest";
import { SnapshotCache, XdsServer } from "../../src/index.js";
import { edge } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoys grouped by their node's cluster, ${mode.name}`, () => {
    it("are served their group's snapshot", async () => {
      const cache = new SnapshotCache({ nodeGroup: (node) => node.cluster });
      const server = new XdsServer(cache);
      const { grpc } = await server.listen({ port: 0 });
      onTestFinished(() => server.close());

      const backends = { a: await startBackend("a"), b: await startBackend("b") };
      const ports = { front: await freePort(), inner: await freePort() };
      const snapshot = (group: "front" | "inner", routeTo: string) =>
        edge({ mode, port: ports[group], backends, routeTo });
      cache.set("front", snapshot("front", "a"));
      cache.set("inner", snapshot("inner", "b"));
      for (const cluster of ["front", "inner"])
        startEnvoy({ mode, xdsPort: grpc.port, id: `one of ${cluster}`, cluster });

      const answers = (group: "front" | "inner", backend: string) =>
        eventually(async () => expect((await get(`http://127.0.0.1:${ports[group]}/`)).body).toBe(backend));
      await Promise.all([answers("front", "a"), answers("inner", "b")]);
      expect(cache.status("inner").map(({ node }) => node.id)).toEqual(["one of inner"]);

      cache.set("front", snapshot("front", "b"));
      await answers("front", "b");
      cache.set("inner", snapshot("inner", "a"));
      await answers("inner", "a");
      const states = () => server.report().streams.flatMap(({ types }) => types.map(({ state }) => state));
      await eventually(() => expect(new Set(states())).toEqual(new Set(["SYNCED"])));
    });
  });
