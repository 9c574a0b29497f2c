import { create } from "@bufbuild/protobuf";
import { expect, it, onTestFinished } from "vitest";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { Snapshot, SnapshotCache, validate, XdsServer } from "../../src/index.js";
import { httpFilterChain, listener, pack, routeAll } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { adsDelta, adsSotw } from "./modes.js";
import { freePort } from "./ports.js";

/** A listener as gRPC clients take it; its connection manager lacks the stat_prefix that the API requires. */
const forGrpc = create(ListenerSchema, {
  name: "service.example",
  apiListener: { apiListener: pack(HttpConnectionManagerSchema, {}) },
});

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: a listener for gRPC clients`, () => {
    it("is ACKed and not used, whatever rules it breaks, so that it is only warned of", async () => {
      const edge = listener("edge", await freePort(), [
        httpFilterChain({ mode, statPrefix: "edge", routeName: "edge" }),
      ]);
      const snapshot = Snapshot.of([forGrpc, edge, routeAll("edge", "none")]);
      const cache = new SnapshotCache();
      cache.set("test-node", snapshot);
      const server = new XdsServer(cache);
      const { grpc } = await server.listen({ port: 0 });
      onTestFinished(() => server.close());
      const envoy = startEnvoy({ mode, xdsPort: grpc.port, id: "test-node" });
      await envoy.ready();
      await server.applied("test-node");
      expect(await envoy.admin("/listeners")).toMatch(/^edge::/);
      expect(await envoy.admin("/listeners")).not.toContain("service.example");
      expect(envoy.log()).toContain("can not be added because currently only one ApiListener is allowed");
      const findings = validate(snapshot).filter(({ resource }) => resource === "service.example");
      expect(findings.map(({ code, severity, path }) => `${severity} ${code} ${path}`)).toEqual([
        "warning UNENFORCED api_listener.api_listener<HttpConnectionManager>.route_specifier",
        "warning UNENFORCED api_listener.api_listener<HttpConnectionManager>.stat_prefix",
      ]);
    });
  });
