import { create } from "@bufbuild/protobuf";
import { it } from "vitest";
import { SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { DownstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { httpFilterChain, listener, pack, routeAll } from "./edge.js";
import { describeWithEnvoy } from "./envoy.js";
import { adsDelta, adsSotw, configSource } from "./modes.js";
import { scope, scopedHttpFilterChain } from "./scopes.js";
import { numberedClusters, type Scene, type Swap, swapUnderLoad } from "./swap-under-load.js";

// `npm run test:soak` sets this; without it the same is done in short.
const soak = process.env.XDS_SOAK === "1";

const edge = "edge";
const plain = ({ mode, port }: Scene, routeName: string) =>
  listener(edge, port, [httpFilterChain({ mode, statPrefix: edge, routeName })]);

const swaps: Swap[] = [
  {
    name: "the cluster of a route",
    resources: (scene, there, to) => [
      ...numberedClusters(scene, there),
      plain(scene, edge),
      routeAll(edge, `svc-${to}`),
    ],
  },
  {
    name: "the route configuration of a listener, and its cluster",
    resources: (scene, there, to) => [
      ...numberedClusters(scene, there),
      plain(scene, `route-${to}`),
      ...there.map((i) => routeAll(`route-${i}`, `svc-${i}`)),
    ],
  },
  {
    // Between two route configurations that other scopes keep loaded: of one that is new, or of a scope with a new
    // name, Envoy by itself answers 404 for a moment, whatever it is sent.
    name: "the route configuration of a scope, and its cluster",
    resources: (scene, there, to) => [
      ...numberedClusters(scene, there),
      listener(edge, scene.port, [scopedHttpFilterChain({ mode: scene.mode, statPrefix: edge })]),
      scope("main", "all", to % 2 === 0 ? "blue" : "green"),
      scope("blue", "blue", "blue"),
      scope("green", "green", "green"),
      routeAll("blue", `svc-${to}`),
      routeAll("green", `svc-${to}`),
    ],
  },
  {
    name: "the secret of a TLS listener",
    tls: true,
    left: () => "svc-0",
    resources: (scene, there, to) => {
      const { certificate, mode, port } = scene;
      const inline = (inlineString: string) => ({ specifier: { case: "inlineString" as const, value: inlineString } });
      const chain = { certificateChain: inline(certificate.cert), privateKey: inline(certificate.key) };
      const tls = pack(DownstreamTlsContextSchema, {
        commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: `secret-${to}`, sdsConfig: configSource(mode) }] },
      });
      const transportSocket = { name: "tls", configType: { case: "typedConfig" as const, value: tls } };
      return [
        ...numberedClusters(scene, [0]),
        listener(edge, port, [{ ...httpFilterChain({ mode, statPrefix: edge, routeName: edge }), transportSocket }]),
        routeAll(edge, "svc-0"),
        ...there.map((i) =>
          create(SecretSchema, { name: `secret-${i}`, type: { case: "tlsCertificate", value: chain } }),
        ),
      ];
    },
  },
];

/** Milliseconds between two changes, and how many. 0: as fast as the process can. */
const paces = soak
  ? [
      [300, 1_000],
      [30, 1_000],
      [0, 1_000],
    ]
  : [
      [300, 6],
      [30, 40],
      [0, 100],
    ];
const timeout = (count: number, everyMs: number) => 60_000 + count * (everyMs + 20);

for (const mode of [adsSotw, adsDelta])
  for (const swap of swaps)
    describeWithEnvoy(`Envoy, ${mode.name}: no request fails while ${swap.name} is swapped (P53, P54, P55)`, () => {
      for (const [everyMs = 0, count = 0] of swap === swaps[0] || !soak ? paces : paces.slice(1))
        it(`${count} times, one every ${everyMs} ms`, { timeout: timeout(count, everyMs) }, () =>
          swapUnderLoad(swap, { mode, count, everyMs }),
        );

      const [everyMs = 0, count = 0] = paces[1] ?? [];
      it(
        `${count} times, one every ${everyMs} ms, with a cluster and a listener in the set that are always refused`,
        {
          timeout: timeout(count, everyMs),
        },
        () => swapUnderLoad(swap, { mode, count, everyMs, refused: true }),
      );
    });
