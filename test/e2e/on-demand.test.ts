import { request } from "node:http";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it, onTestFinished } from "vitest";
import type { RouteSchema } from "../../gen/envoy/config/route/v3/route_components_pb.js";
import { VirtualHostSchema } from "../../gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.js";
import { OnDemandSchema } from "../../gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import {
  clusterType,
  endpointType,
  Resource,
  type ResourceInput,
  routeType,
  Snapshot,
  SnapshotCache,
  virtualHostType,
  XdsServer,
} from "../../src/index.js";
import type { Resolver } from "../../src/protocol/stream-context.js";
import { edgeName, edsCluster, endpoints, listener, pack } from "./edge.js";
import {
  bootstrap,
  describeWithEnvoy,
  type Envoy,
  type EnvoyChoice,
  initFetchTimeouts,
  startEnvoy,
  startEnvoyWith,
} from "./envoy.js";
import { eventually } from "./eventually.js";
import { startBackend } from "./http.js";
import { adsDelta, configSource, type Mode, ownDelta } from "./modes.js";
import { freePort } from "./ports.js";

const group = "test-node";
const mode = adsDelta; // neither VHDS nor on-demand clusters exist in state of the world

/** The status and body of a request. */
function ask(port: number, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, agent: false, timeout: 10_000, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error("no answer")));
    call.on("error", reject);
    call.end();
  });
}

/** HTTP with the on-demand filter before the router. */
function onDemandListener(port: number, onDemand: MessageInitShape<typeof OnDemandSchema>, name = edgeName) {
  const filter = (name: string, value: ReturnType<typeof pack>) => ({
    name,
    configType: { case: "typedConfig" as const, value },
  });
  const manager = pack(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier: { case: "rds", value: { configSource: configSource(mode), routeConfigName: name } },
    httpFilters: [
      filter("envoy.filters.http.on_demand", pack(OnDemandSchema, onDemand)),
      filter("router", pack(RouterSchema, {})),
    ],
  });
  return listener(name, port, [{ filters: [filter("http", manager)] }]);
}

type Action = NonNullable<MessageInitShape<typeof RouteSchema>["action"]>;
const everything = (action: Action) => ({ match: { pathSpecifier: { case: "prefix" as const, value: "/" } }, action });
const toCluster = (value: string): Action => ({
  case: "route",
  value: { clusterSpecifier: { case: "cluster", value } },
});
const byHeader: Action = {
  case: "route",
  value: { clusterSpecifier: { case: "clusterHeader", value: "x-cluster" } },
};

const virtualHostName = (host: string) => `${edgeName}/${host}`;

/**
 * A virtual host of one domain, all of it routed to a cluster. Envoy removes by name what it knows by the message's
 * name.
 */
function virtualHost(host: string, cluster: string): Resource {
  const name = virtualHostName(host);
  const message = create(VirtualHostSchema, { name, domains: [host], routes: [everything(toCluster(cluster))] });
  return Resource.of(message, { name });
}

/** A route configuration whose virtual hosts come one by one; with the mark it is another one, to the same effect. */
const vhdsRoutes = (vhds: Mode, { mark, name = edgeName }: { mark?: string; name?: string } = {}) =>
  create(RouteConfigurationSchema, {
    name,
    vhds: { configSource: configSource(vhds) },
    requestHeadersToRemove: mark === undefined ? [] : [mark],
  });

async function serve(resources: ResourceInput[], resolve: Resolver["resolve"]) {
  const cache = new SnapshotCache();
  cache.set(group, Snapshot.of(resources));
  const asked: string[] = [];
  const server = new XdsServer(cache, {
    onDemand: {
      resolve: (wanted) => {
        asked.push(wanted.name);
        return resolve(wanted);
      },
    },
  });
  const { grpc } = await server.listen({ port: 0 });
  onTestFinished(() => server.close());
  const change = (typeUrl: string, inputs: ResourceInput[]) =>
    cache.set(group, (cache.get(group) as Snapshot).with(typeUrl, inputs));
  /** Adds one to those of its type. */
  const add = (resource: Resource) => {
    const { typeUrl } = resource.type;
    const others = (cache.get(group) as Snapshot).resources(typeUrl).values();
    change(typeUrl, [...others, resource]);
  };
  return { asked, add, change, xdsPort: grpc.port };
}

async function startedAtOnce(envoy: Envoy): Promise<void> {
  await envoy.ready();
  expect(await envoy.total(initFetchTimeouts)).toBe(0);
}

/**
 * Where virtual hosts come from, beside ADS for all else; Envoys before 1.37 take them on a stream of their own only.
 */
const vhdsWays: { name: string; vhds: Mode; which: EnvoyChoice }[] = [
  { name: "on the aggregated stream", vhds: adsDelta, which: "envoy" },
  { name: "on a stream of their own beside ADS", vhds: ownDelta, which: "envoy" },
  { name: "on a stream of their own beside ADS, an older Envoy", vhds: ownDelta, which: "olderEnvoy" },
];

for (const { name, vhds, which } of vhdsWays)
  describeWithEnvoy(
    `Envoy, virtual hosts on demand, ${name}`,
    () => {
      async function start() {
        const port = await freePort();
        const [a, b] = [await startBackend("a"), await startBackend("b")];
        const known = new Set(["one.example", "two.example"]);
        const served = await serve(
          [
            edsCluster("a", mode),
            edsCluster("b", mode),
            endpoints("a", a),
            endpoints("b", b),
            onDemandListener(port, {}),
            vhdsRoutes(vhds),
          ],
          ({ type, name }) => {
            const host = name.slice(edgeName.length + 1);
            if (type.typeUrl === virtualHostType && known.has(host)) served.add(virtualHost(host, "a"));
          },
        );
        const envoy = startEnvoy({ mode, xdsPort: served.xdsPort, id: group }, { which });
        await startedAtOnce(envoy);
        return { ...served, known, envoy, host: (host: string) => ask(port, { host }) };
      }

      it("P56 does not hold up its start, P62 answers the first request to a host that the resolver knows", async () => {
        const { asked, envoy, host } = await start();
        expect(await host("one.example")).toMatchObject({ status: 200, body: "a" });
        expect(await host("one.example")).toMatchObject({ status: 200, body: "a" });
        expect(await host("two.example")).toMatchObject({ status: 200, body: "a" });
        expect(asked.filter((name) => name.startsWith(edgeName))).toEqual(
          ["one.example", "two.example"].map(virtualHostName),
        );
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });

      it("P60 says that there is no such host; another request may find it", async () => {
        const { add, envoy, host } = await start();
        expect(await host("unknown.example")).toMatchObject({ status: 404 });
        expect(await host("one.example")).toMatchObject({ status: 200 });
        add(virtualHost("unknown.example", "b"));
        await eventually(async () => expect(await host("unknown.example")).toMatchObject({ status: 200, body: "b" }));
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });

      it("P61 keeps them when the route configuration is updated", async () => {
        const { change, envoy, host } = await start();
        expect(await host("one.example")).toMatchObject({ status: 200 });
        for (let round = 1; round <= 3; round++) {
          change(routeType, [vhdsRoutes(vhds, { mark: `x-mark-${round}` })]);
          await eventually(async () =>
            expect(await envoy.admin("/config_dump?resource=dynamic_route_configs")).toContain(`x-mark-${round}`),
          );
          // From the first moment on: if the host were gone, it would be asked for anew.
          expect(await host("one.example")).toMatchObject({ status: 200, body: "a" });
          expect(await host("two.example")).toMatchObject({ status: 200, body: "a" });
        }
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });

      it("P56 does not hold up a listener that comes later, with routes of its own", async () => {
        const { add, asked, envoy, host } = await start();
        expect(await host("one.example")).toMatchObject({ status: 200 });
        const port = await freePort();
        add(Resource.of(vhdsRoutes(vhds, { name: "second" })));
        add(Resource.of(onDemandListener(port, {}, "second")));
        await eventually(async () => expect(await ask(port, { host: "one.example" })).toMatchObject({ status: 404 }));
        expect(asked).toContain("second/one.example");
        expect(await envoy.total(initFetchTimeouts)).toBe(0);
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });

      it("P59 finds one by its alias", async () => {
        const { add, envoy, host } = await start();
        const name = virtualHostName("alias.example");
        const hosts = ["alias.example", "www.alias.example"];
        const message = create(VirtualHostSchema, { name, domains: hosts, routes: [everything(toCluster("b"))] });
        add(Resource.of(message, { name, aliases: [virtualHostName("www.alias.example")] }));
        for (const name of [...hosts].reverse()) expect(await host(name)).toMatchObject({ status: 200, body: "b" });
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });

      it("takes one that has changed, and loses one that is removed", async () => {
        const { change, known, envoy, host } = await start();
        expect(await host("one.example")).toMatchObject({ body: "a" });
        change(virtualHostType, [virtualHost("one.example", "b")]);
        await eventually(async () => expect(await host("one.example")).toMatchObject({ status: 200, body: "b" }));
        known.delete("one.example"); // an older Envoy asks for it again
        change(virtualHostType, []);
        await eventually(async () => expect(await host("one.example")).toMatchObject({ status: 404 }));
        change(virtualHostType, [virtualHost("one.example", "b")]);
        await eventually(async () => expect(await host("one.example")).toMatchObject({ status: 200, body: "b" }));
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });
    },
    which,
  );

describeWithEnvoy("Envoy, clusters on demand", () => {
  const routes = create(RouteConfigurationSchema, {
    name: edgeName,
    virtualHosts: [{ name: "all", domains: ["*"], routes: [everything(byHeader)] }],
  });

  async function start(cds: boolean) {
    const port = await freePort();
    const backend = await startBackend("late");
    const odcds = { source: configSource(mode), timeout: durationFromMs(60_000) }; // longer than a request waits
    const served = await serve([onDemandListener(port, { odcds }), routes], ({ type, name }) => {
      if (type.typeUrl !== clusterType || !name.startsWith("late")) return;
      served.add(Resource.of(endpoints(name, backend)));
      served.add(Resource.of(edsCluster(name, mode)));
    });
    const config = bootstrap({ mode, xdsPort: served.xdsPort, id: group });
    const { cds_config, ...others } = config.dynamic_resources as Record<string, never>;
    const dynamic_resources = cds ? { cds_config, ...others } : others;
    const envoy = startEnvoyWith(JSON.stringify({ ...config, dynamic_resources }));
    await startedAtOnce(envoy);
    return { ...served, envoy, cluster: (name: string) => ask(port, { "x-cluster": name }) };
  }

  for (const cds of [false, true])
    describe(cds ? "beside all that are served" : "and no others", () => {
      it("P62 answers the first request to a cluster that the resolver makes", async () => {
        const { asked, envoy, cluster } = await start(cds);
        expect(await cluster("late-1")).toMatchObject({ status: 200, body: "late" });
        expect(await cluster("late-1")).toMatchObject({ status: 200, body: "late" });
        expect(await cluster("late-2")).toMatchObject({ status: 200, body: "late" });
        expect(asked).toEqual(expect.arrayContaining(["late-1", "late-2"]));
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });

      it("P40 says that there is no such cluster; P41 it may come", async () => {
        const { add, envoy, cluster } = await start(cds);
        expect(await cluster("missing")).toMatchObject({ status: 503 });
        add(Resource.of(endpoints("missing", await startBackend("here"))));
        add(Resource.of(edsCluster("missing", mode)));
        await eventually(async () => expect(await cluster("missing")).toMatchObject({ status: 200, body: "here" }));
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });

      it("takes one that is changed, and forgets one that is removed", async () => {
        const { change, envoy, cluster } = await start(cds);
        expect(await cluster("late-1")).toMatchObject({ status: 200 });
        change(endpointType, [endpoints("late-1", await startBackend("moved"))]);
        await eventually(async () => expect(await cluster("late-1")).toMatchObject({ status: 200, body: "moved" }));
        change(clusterType, []);
        await eventually(async () => expect(await envoy.admin("/clusters")).not.toContain("late-1"));
        expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
      });
    });
});
