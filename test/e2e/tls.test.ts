import { expect, it, onTestFinished } from "vitest";
import { SnapshotCache, XdsServer } from "../../src/index.js";
import { selfSigned } from "./certificate.js";
import { edge } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, rest } from "./modes.js";
import { freePort } from "./ports.js";

for (const mode of [adsDelta, rest])
  describeWithEnvoy(`an Envoy and a server that know each other by certificates, ${mode.name}`, () => {
    it("serves the Envoy, and no other", async () => {
      const [own, client, stranger] = [selfSigned(), selfSigned(), selfSigned()];
      const cache = new SnapshotCache({ nodeGroup: () => "all" });
      const port = await freePort();
      cache.set("all", edge({ mode, port, backends: { a: await startBackend("a") }, routeTo: "a" }));
      const server = new XdsServer(cache, { tls: { ...own, clientCa: client.cert } });
      const addresses = await server.listen({ port: 0, restPort: 0 });
      onTestFinished(() => server.close());
      const xdsPort = (mode === rest ? addresses.rest : addresses.grpc)?.port ?? 0;

      const refused = startEnvoy({ mode, xdsPort, tls: { trusted: own.cert, own: stranger } });
      await eventually(async () => expect(await refused.stat("cluster_manager.cds.update_failure")).toBeGreaterThan(0));
      expect(await refused.stat("cluster_manager.cds.update_success")).toBe(0);

      startEnvoy({ mode, xdsPort, tls: { trusted: own.cert, own: client } });
      await eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe("a"));
    });
  });
