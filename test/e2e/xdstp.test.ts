import { create } from "@bufbuild/protobuf";
import { expect, it, onTestFinished } from "vitest";
import { Cluster_EdsClusterConfigSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { LbEndpointSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_components_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import {
  clusterType,
  endpointType,
  listenerType,
  localityEndpointType,
  Resource,
  type ResourceInput,
  Snapshot,
  SnapshotCache,
  XdsServer,
} from "../../src/index.js";
import { edgeName, edsCluster, endpoints, httpFilterChain, listener, routeAll } from "./edge.js";
import { bootstrap, describeWithEnvoy, type Envoy, initFetchTimeouts, startEnvoyWith } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend } from "./http.js";
import { adsDelta, adsSotw, configSource, type Mode } from "./modes.js";
import { freePort } from "./ports.js";

const group = "test-node";
/** The parameters as the server spells them; Envoy sorts them. */
const parameters = "?zone=b&env=test";
const otherParameters = "?zone=c&env=test";
const named = (typeUrl: string, id: string, context = parameters) =>
  `xdstp://authority.test/${typeUrl.slice(typeUrl.indexOf("/") + 1)}/${id}${context}`;

async function serve(resources: ResourceInput[]) {
  const cache = new SnapshotCache();
  cache.set(group, Snapshot.of(resources));
  const server = new XdsServer(cache);
  const { grpc } = await server.listen({ port: 0 });
  onTestFinished(() => server.close());
  const change = (typeUrl: string, inputs: ResourceInput[]) =>
    cache.set(group, (cache.get(group) as Snapshot).with(typeUrl, inputs));
  return { change, xdsPort: grpc.port };
}

async function startedAtOnce(envoy: Envoy): Promise<void> {
  await envoy.ready();
  expect(await envoy.total(initFetchTimeouts)).toBe(0);
}

const body = async (port: number) => (await get(`http://127.0.0.1:${port}/`)).body;
const clusterName = (id: string, context?: string) => named(clusterType, `clusters/${id}`, context);
const listenerName = (id: string, context?: string) => named(listenerType, `listeners/${id}`, context);

/** A cluster whose endpoints have a name of their own. */
function cluster(name: string, serviceName: string, mode: Mode) {
  const message = edsCluster(name, mode);
  message.edsClusterConfig = create(Cluster_EdsClusterConfigSchema, { edsConfig: configSource(mode), serviceName });
  return message;
}

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: xdstp names`, () => {
    it("P64 find endpoints whose context parameters the server spells in another order", async () => {
      const port = await freePort();
      const name = named(endpointType, "a");
      const sorted = named(endpointType, "a", "?env=test&zone=b");
      const load = (backend: number) => Resource.of(endpoints(sorted, backend), { name });
      const { change, xdsPort } = await serve([
        cluster("a", sorted, mode),
        load(await startBackend("one")),
        listener(edgeName, port, [httpFilterChain({ mode, statPrefix: edgeName, routeName: edgeName })]),
        routeAll(edgeName, "a"),
      ]);
      const envoy = startEnvoyWith(JSON.stringify(bootstrap({ mode, xdsPort, id: group })));
      await startedAtOnce(envoy);
      expect(await body(port)).toBe("one");
      change(endpointType, [load(await startBackend("two"))]);
      await eventually(async () => expect(await body(port)).toBe("two"));
      expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
    });
  });

describeWithEnvoy("Envoy, glob collections", () => {
  const mode = adsDelta;

  it("P63 has the clusters and listeners of two collections, as they come and go", async () => {
    const ports = { one: await freePort(), two: await freePort() };
    const backends = { one: await startBackend("one"), two: await startBackend("two") };
    type Id = keyof typeof ports;
    const clusters = (...ids: Id[]) => ids.map((id) => cluster(clusterName(id), id, mode));
    const listeners = (...ids: Id[]) =>
      ids.map((id) =>
        listener(listenerName(id), ports[id], [httpFilterChain({ mode, statPrefix: id, routeName: id })]),
      );
    // Members of another collection, for they have another parameter; and one that is none.
    const others = [edsCluster("none", mode), cluster(clusterName("other", otherParameters), "two", mode)];
    const { change, xdsPort } = await serve([
      ...clusters("one"),
      ...others,
      endpoints("one", backends.one),
      endpoints("two", backends.two),
      ...listeners("one"),
      routeAll("one", clusterName("one")),
      routeAll("two", clusterName("two")),
    ]);
    const config = bootstrap({ mode, xdsPort, id: group });
    const dynamic_resources = {
      ...(config.dynamic_resources as object),
      cds_resources_locator: clusterName("*"),
      lds_resources_locator: listenerName("*"),
    };
    const envoy = startEnvoyWith(JSON.stringify({ ...config, dynamic_resources }));
    await startedAtOnce(envoy);
    const has = async () =>
      [...new Set((await envoy.admin("/clusters")).match(/^(xdstp[^:]*:[^:]*|none)(?=::)/gm))].sort();
    expect(await body(ports.one)).toBe("one");
    expect(await has()).toEqual([clusterName("one")]);

    change(clusterType, [...clusters("one", "two"), ...others]);
    change(listenerType, listeners("one", "two"));
    await eventually(async () => expect(await body(ports.two)).toBe("two"));
    expect(await body(ports.one)).toBe("one");

    change(listenerType, listeners("two"));
    change(clusterType, [...clusters("two"), ...others]);
    await eventually(async () => {
      expect(await has()).toEqual([clusterName("two")]);
      await expect(body(ports.one)).rejects.toThrow();
    });
    expect(await body(ports.two)).toBe("two");

    change(listenerType, []);
    change(clusterType, others);
    await eventually(async () => expect(await has()).toEqual([]));
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  it("P63 does not wait for one that is empty, and takes its first member", async () => {
    const { change, xdsPort } = await serve([]);
    const config = bootstrap({ mode, xdsPort, id: group });
    const dynamic_resources = {
      ...(config.dynamic_resources as object),
      cds_resources_locator: clusterName("*"),
      lds_resources_locator: listenerName("*"),
    };
    const envoy = startEnvoyWith(JSON.stringify({ ...config, dynamic_resources }));
    await startedAtOnce(envoy);
    const port = await freePort();
    change(endpointType, [endpoints("late", await startBackend("late"))]);
    change(clusterType, [cluster(clusterName("late"), "late", mode)]);
    change(listenerType, [
      listener(listenerName("late"), port, [httpFilterChain({ mode, statPrefix: "late", routeName: "late" })]),
    ]);
    change("type.googleapis.com/envoy.config.route.v3.RouteConfiguration", [routeAll("late", clusterName("late"))]);
    await eventually(async () => expect(await body(port)).toBe("late"));
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });

  it("P63 has the endpoints of a locality as a collection (LEDS), as they come and go", async () => {
    const port = await freePort();
    const member = (id: string) => named(localityEndpointType, `a/${id}`);
    const endpoint = (id: string, backend: number) =>
      Resource.of(
        create(LbEndpointSchema, {
          hostIdentifier: {
            case: "endpoint",
            value: {
              address: {
                address: {
                  case: "socketAddress",
                  value: { address: "127.0.0.1", portSpecifier: { case: "portValue", value: backend } },
                },
              },
            },
          },
        }),
        { name: member(id) },
      );
    const locality = create(ClusterLoadAssignmentSchema, {
      clusterName: "a",
      endpoints: [
        {
          locality: { region: "here" },
          loadBalancingWeight: 1,
          lbConfig: {
            case: "ledsClusterLocalityConfig",
            value: { ledsConfig: configSource(mode), ledsCollectionName: member("*") },
          },
        },
      ],
    });
    const [one, two] = [await startBackend("one"), await startBackend("two")];
    const { change, xdsPort } = await serve([
      edsCluster("a", mode),
      locality,
      endpoint("one", one),
      listener(edgeName, port, [httpFilterChain({ mode, statPrefix: edgeName, routeName: edgeName })]),
      routeAll(edgeName, "a"),
    ]);
    const envoy = startEnvoyWith(JSON.stringify(bootstrap({ mode, xdsPort, id: group })));
    await startedAtOnce(envoy);
    const answers = async () => new Set(await Promise.all(Array.from({ length: 8 }, () => body(port))));
    expect(await answers()).toEqual(new Set(["one"]));
    change(localityEndpointType, [endpoint("one", one), endpoint("two", two)]);
    await eventually(async () => expect(await answers()).toEqual(new Set(["one", "two"])));
    change(localityEndpointType, [endpoint("two", two)]);
    await eventually(async () => expect(await answers()).toEqual(new Set(["two"])));
    expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
  });
});
