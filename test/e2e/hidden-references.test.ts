import { create } from "@bufbuild/protobuf";
import { it } from "vitest";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { type Listener, ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { InternalListenerSchema } from "../../gen/envoy/extensions/bootstrap/internal_listener/v3/internal_listener_pb.js";
import { LuaConfigSchema } from "../../gen/envoy/extensions/router/cluster_specifiers/lua/v3/lua_pb.js";
import {
  aggregateCluster,
  edsCluster,
  endpoints,
  healthChecked,
  httpFilterChain,
  inlineHttpFilterChain,
  listener,
  pack,
  routeAll,
  routeBySpecifier,
} from "./edge.js";
import { describeWithEnvoy } from "./envoy.js";
import type { KeepAlive } from "./load.js";
import { adsDelta, adsSotw } from "./modes.js";
import { tcpFilterChain } from "./refused.js";
import { numberedClusters, type Scene, type Swap, swapUnderLoad } from "./swap-under-load.js";

const edge = "edge";
const edgeListener = ({ mode, port }: Scene) =>
  listener(edge, port, [httpFilterChain({ mode, statPrefix: edge, routeName: edge })]);

/** A listener without an address that proxies to a cluster. */
const internalListener = (name: string, cluster: string): Listener =>
  create(ListenerSchema, {
    name,
    listenerSpecifier: { case: "internalListener", value: {} },
    filterChains: [tcpFilterChain(name, cluster)],
  });

const toInternalListener = (clusterName: string, serverListenerName: string) => {
  const addressNameSpecifier = { case: "serverListenerName" as const, value: serverListenerName };
  const address = { address: { case: "envoyInternalAddress" as const, value: { addressNameSpecifier } } };
  const lbEndpoints = [{ hostIdentifier: { case: "endpoint" as const, value: { address } } }];
  return create(ClusterLoadAssignmentSchema, { clusterName, endpoints: [{ lbEndpoints }] });
};

const internalListeners = pack(InternalListenerSchema, {});
const lua = (code: string) =>
  pack(LuaConfigSchema, { sourceCode: { specifier: { case: "inlineString", value: code } } });

const inline: Swap = {
  name: "the cluster of a listener's own routes",
  resources: (scene, there, to) => [
    ...numberedClusters(scene, there),
    listener(edge, scene.port, [inlineHttpFilterChain({ statPrefix: edge, cluster: `svc-${to}` })]),
  ],
};

const swaps: { swap: Swap; statement: string; keepAlive?: KeepAlive }[] = [
  {
    statement: "P53, P54",
    swap: {
      name: "the only member of an aggregate cluster",
      resources: (scene, there, to) => [
        ...numberedClusters(scene, there),
        aggregateCluster("aggregate", `svc-${to}`),
        edgeListener(scene),
        routeAll(edge, "aggregate"),
      ],
    },
  },
  {
    statement: "P53, P54",
    swap: {
      name: "the internal listener of an endpoint",
      bootstrap: {
        bootstrap_extensions: [
          {
            name: "envoy.bootstrap.internal_listener",
            typed_config: { "@type": internalListeners.typeUrl },
          },
        ],
      },
      left: (count) => `inner-${count}`,
      resources: (scene, there, to) => [
        edsCluster("web", scene.mode),
        endpoints("web", scene.backend),
        edsCluster("to-inner", scene.mode),
        toInternalListener("to-inner", `inner-${to}`),
        ...there.map((i) => internalListener(`inner-${i}`, "web")),
        edgeListener(scene),
        routeAll(edge, "to-inner"),
      ],
    },
  },
  { statement: "P54: a listener that drains", swap: inline, keepAlive: "all" },
  { statement: "P54: a listener that drains", swap: inline, keepAlive: "none" },
  {
    statement: "P54: a reference that cannot be read",
    swap: {
      name: "the cluster that a Lua script picks",
      resources: (scene, there, to) => [
        ...numberedClusters(scene, there),
        edgeListener(scene),
        routeBySpecifier(edge, lua(`function envoy_on_route(handle) return "svc-${to}" end`)),
      ],
    },
  },
];

const [everyMs, count] = [300, 6];

for (const mode of [adsSotw, adsDelta]) {
  for (const { swap, statement, keepAlive } of swaps) {
    const connections = keepAlive ? `, connections kept: ${keepAlive}` : "";
    describeWithEnvoy(`Envoy, ${mode.name}: no request fails while ${swap.name} is swapped (${statement})`, () => {
      it(`${count} times, one every ${everyMs} ms${connections}`, () =>
        swapUnderLoad(swap, { mode, count, everyMs, keepAlive }));
    });
  }

  // The health check's first answer takes longer than one type waits for another.
  const [orderTimeoutMs, warmingMs, healthPath] = [1_000, 4_000, "/health"];
  const slow: Swap = {
    name: "a route's cluster for one that is warm late",
    answerTime: (path) => (path === healthPath ? warmingMs : 0),
    resources: (scene, there, to) => [
      ...there.map((i) => healthChecked(edsCluster(`svc-${i}`, mode), healthPath)),
      ...there.map((i) => endpoints(`svc-${i}`, scene.backend)),
      edgeListener(scene),
      routeAll(edge, `svc-${to}`),
    ],
  };
  describeWithEnvoy(`Envoy, ${mode.name}: no request fails while ${slow.name} is swapped (P53)`, () => {
    it(`once, warm after ${warmingMs} ms, where a type waits ${orderTimeoutMs} ms`, () =>
      swapUnderLoad(slow, { mode, count: 1, everyMs: 0, stepMs: warmingMs + 1_500, server: { orderTimeoutMs } }));
  });
}
