import { Agent as HttpAgent, request as http, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as https } from "node:https";
import { setTimeout as sleep, setImmediate as tick } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { expect, it, onTestFinished } from "vitest";
import {
  ScopedRouteConfiguration_Key_FragmentSchema as FragmentSchema,
  ScopedRouteConfigurationSchema,
} from "../../gen/envoy/config/route/v3/scoped_route_pb.js";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { DownstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { type ResourceInput, Snapshot, SnapshotCache, XdsServer } from "../../src/index.js";
import { type Certificate, selfSigned } from "./certificate.js";
import { edsCluster, endpoints, httpFilterChain, listener, pack, routeAll } from "./edge.js";
import { describeWithEnvoy, startEnvoy } from "./envoy.js";
import { eventually } from "./eventually.js";
import { startBackend } from "./http.js";
import { adsDelta, adsSotw, configSource, type Mode } from "./modes.js";
import { freePort } from "./ports.js";

// `npm run test:soak` sets this; without it the same is done in short.
const soak = process.env.XDS_SOAK === "1";

interface Scene {
  readonly mode: Mode;
  readonly port: number;
  readonly backend: number;
  readonly certificate: Certificate;
}

/** Something that one change replaces while requests go through it, the old one removed in the same change. */
interface Swap {
  readonly name: string;
  readonly tls?: boolean;
  resources(scene: Scene, i: number): ResourceInput[];
}

const edge = "edge";
const routed = (scene: Scene, i: number) => [edsCluster(`svc-${i}`, scene.mode), endpoints(`svc-${i}`, scene.backend)];
const plain = ({ mode, port }: Scene, routeName: string) =>
  listener(edge, port, [httpFilterChain({ mode, statPrefix: edge, routeName })]);

const swaps: Swap[] = [
  {
    name: "the cluster of a route",
    resources: (scene, i) => [...routed(scene, i), plain(scene, edge), routeAll(edge, `svc-${i}`)],
  },
  {
    name: "the route configuration of a listener, and its cluster",
    resources: (scene, i) => [...routed(scene, i), plain(scene, `route-${i}`), routeAll(`route-${i}`, `svc-${i}`)],
  },
  {
    // Between two route configurations that other scopes keep loaded: of one that is new, or of a scope with a new name, Envoy by
    // itself answers 404 for a moment, whatever it is sent.
    name: "the route configuration of a scope, and its cluster",
    resources: (scene, i) => [
      ...routed(scene, i),
      scopedListener(scene),
      scope("main", "all", i % 2 === 0 ? "blue" : "green"),
      scope("blue", "blue", "blue"),
      scope("green", "green", "green"),
      routeAll("blue", `svc-${i}`),
      routeAll("green", `svc-${i}`),
    ],
  },
  {
    name: "the secret of a TLS listener",
    tls: true,
    resources: (scene, i) => {
      const { certificate, mode, port } = scene;
      const inline = (inlineString: string) => ({ specifier: { case: "inlineString" as const, value: inlineString } });
      const chain = { certificateChain: inline(certificate.cert), privateKey: inline(certificate.key) };
      const tls = pack(DownstreamTlsContextSchema, {
        commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: `secret-${i}`, sdsConfig: configSource(mode) }] },
      });
      const transportSocket = { name: "tls", configType: { case: "typedConfig" as const, value: tls } };
      return [
        ...routed(scene, 0),
        listener(edge, port, [{ ...httpFilterChain({ mode, statPrefix: edge, routeName: edge }), transportSocket }]),
        routeAll(edge, "svc-0"),
        create(SecretSchema, { name: `secret-${i}`, type: { case: "tlsCertificate", value: chain } }),
      ];
    },
  },
];

const scope = (name: string, key: string, routeConfigurationName: string) =>
  create(ScopedRouteConfigurationSchema, {
    name,
    routeConfigurationName,
    key: { fragments: [create(FragmentSchema, { type: { case: "stringKey", value: key } })] },
  });

/** A listener whose routes depend on the header `scope`, looked up in scopes by SRDS. */
function scopedListener({ mode, port }: Scene) {
  const manager = pack(HttpConnectionManagerSchema, {
    statPrefix: edge,
    routeSpecifier: {
      case: "scopedRoutes",
      value: {
        name: "scopes",
        scopeKeyBuilder: {
          fragments: [
            {
              type: {
                case: "headerValueExtractor",
                value: { name: "scope", extractType: { case: "index", value: 0 } },
              },
            },
          ],
        },
        rdsConfigSource: configSource(mode),
        configSpecifier: { case: "scopedRds", value: { scopedRdsConfigSource: configSource(mode) } },
      },
    },
    httpFilters: [{ name: "router", configType: { case: "typedConfig", value: pack(RouterSchema, {}) } }],
  });
  return listener(edge, port, [{ filters: [{ name: "http", configType: { case: "typedConfig", value: manager } }] }]);
}

/** Eight clients without a pause, half of them on connections that they keep. */
class Load {
  ok = 0;
  readonly failures = new Map<string, number>();
  private running = true;
  private readonly workers: Promise<void>[];

  constructor(private readonly options: RequestOptions & { tls: boolean; ca: string }) {
    this.workers = Array.from({ length: 8 }, (_, i) => this.work(i % 2 === 0));
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  private async work(keepAlive: boolean): Promise<void> {
    const agent = new (this.options.tls ? HttpsAgent : HttpAgent)({ keepAlive, maxSockets: 1 });
    while (this.running) {
      const failure = await this.request(agent);
      if (failure === undefined) this.ok++;
      else this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1);
    }
    agent.destroy();
  }

  private request(agent: HttpAgent): Promise<string | undefined> {
    return new Promise((resolve) => {
      const send = this.options.tls ? https : http;
      const call = send({ ...this.options, host: "127.0.0.1", headers: { scope: "all" }, agent, timeout: 10_000 });
      call.on("response", (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode === 200 ? undefined : String(response.statusCode)));
      });
      call.on("timeout", () => call.destroy(new Error("no answer")));
      call.on("error", (error: NodeJS.ErrnoException) => {
        // Both sides may close an idle connection at the same moment; every HTTP client tries such a request again.
        if (call.reusedSocket && error.code === "ECONNRESET") resolve(this.request(agent));
        else resolve(error.message);
      });
      call.end();
    });
  }
}

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

for (const mode of [adsSotw, adsDelta])
  for (const swap of swaps)
    describeWithEnvoy(`Envoy, ${mode.name}: no request fails while ${swap.name} is swapped (P53, P54, P55)`, () => {
      for (const [everyMs = 0, count = 0] of swap === swaps[0] || !soak ? paces : paces.slice(1))
        it(`${count} times, one every ${everyMs} ms`, { timeout: 60_000 + count * (everyMs + 20) }, async () => {
          const scene: Scene = {
            mode,
            port: await freePort(),
            backend: await startBackend("backend"),
            certificate: selfSigned(),
          };
          const cache = new SnapshotCache();
          const serve = (i: number) => cache.set("test-node", Snapshot.of(swap.resources(scene, i)));
          serve(0);
          const server = new XdsServer(cache);
          const { grpc } = await server.listen({ port: 0 });
          onTestFinished(() => server.close());
          const envoy = startEnvoy({ mode, xdsPort: grpc.port, id: "test-node" });
          await envoy.ready();

          const { port, certificate } = scene;
          const load = new Load({
            port,
            tls: swap.tls ?? false,
            ca: certificate.cert,
            servername: "localhost",
          } as never);
          for (let i = 1; i <= count; i++) {
            serve(i);
            await (everyMs > 0 ? sleep(everyMs) : tick());
          }
          // The end state has only the last of each.
          const last = swap.tls ? "svc-0" : `svc-${count}`;
          await eventually(async () => {
            const clusters = new Set((await envoy.admin("/clusters")).match(/^svc-\d+/gm));
            expect([...clusters]).toEqual([last]);
            expect(server.status().flatMap(({ types }) => types.map(({ state }) => state))).not.toContain("STALE");
          });
          await load.stop();
          console.log(`${mode.name}, ${swap.name}, ${count} swaps, one every ${everyMs} ms: ${load.ok} requests`);
          expect(Object.fromEntries(load.failures)).toEqual({});
          expect(load.ok).toBeGreaterThan(count);
          expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
        });
    });
