import { request as http } from "node:http";
import { request as https } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { DownstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { type ResourceInput, Snapshot } from "../../src/index.js";
import { failuresIn, loggingFailures } from "../e2e/access-log.js";
import { type Certificate, selfSigned } from "../e2e/certificate.js";
import {
  aggregateCluster,
  httpFilterChain,
  inlineHttpFilterChain,
  listener as makeListener,
  pack,
  routeAll,
} from "../e2e/edge.js";
import { type Envoy, startEnvoy } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { startBackend } from "../e2e/http.js";
import { type FailedRequest, Load } from "../e2e/load.js";
import { configSource, type Mode } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { tcpFilterChain } from "../e2e/refused.js";
import { scope, scopedHttpFilterChain } from "../e2e/scopes.js";
import { numberedClusters } from "../e2e/swap-under-load.js";
import { Random } from "../http2/random.js";
import { fileOf } from "./serving.js";
import { StatefulServer } from "./stateful-server.js";

/** What the resources of a shape are made for. */
interface Scene {
  readonly mode: Mode;
  readonly port: number;
  readonly certificate: Certificate;
}

/** A shape of configuration: which resources lead from a listener to the cluster `svc-<i>`. */
export interface Shape {
  readonly name: string;
  readonly tls?: boolean;
  /** A swap replaces the listener. The old one drains, and may use its clusters until Envoy's drain time is over. */
  readonly drains?: boolean;
  /** All resources but the cluster and its endpoints. */
  resources(scene: Scene, i: number): ResourceInput[];
}

type FilterChain = Parameters<typeof makeListener>[2][number];

const edge = "edge";
const listener = (port: number, chain: FilterChain) => loggingFailures(makeListener(edge, port, [chain]));
const rds = ({ mode, port }: Scene, routeName = edge) =>
  listener(port, httpFilterChain({ mode, statPrefix: edge, routeName }));

export const shapes = {
  rds: {
    name: "a route configuration",
    resources: (scene, i) => [rds(scene), routeAll(edge, `svc-${i}`)],
  },
  otherRds: {
    name: "another route configuration each time",
    drains: true,
    resources: (scene, i) => [rds(scene, `route-${i}`), routeAll(`route-${i}`, `svc-${i}`)],
  },
  inline: {
    name: "a listener with its routes in it",
    drains: true,
    resources: ({ port }, i) => [listener(port, inlineHttpFilterChain({ statPrefix: edge, cluster: `svc-${i}` }))],
  },
  scopes: {
    name: "scoped routes",
    // Between two route configurations that other scopes keep loaded; see swap.test.ts.
    resources: ({ mode, port }, i) => [
      listener(port, scopedHttpFilterChain({ mode, statPrefix: edge })),
      scope("main", "all", i % 2 === 0 ? "blue" : "green"),
      scope("blue", "blue", "blue"),
      scope("green", "green", "green"),
      routeAll("blue", `svc-${i}`),
      routeAll("green", `svc-${i}`),
    ],
  },
  tls: {
    name: "a TLS listener with another secret each time",
    tls: true,
    resources: ({ mode, port, certificate }, i) => {
      const inline = (inlineString: string) => ({ specifier: { case: "inlineString" as const, value: inlineString } });
      const chain = { certificateChain: inline(certificate.cert), privateKey: inline(certificate.key) };
      const tls = pack(DownstreamTlsContextSchema, {
        commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: `secret-${i}`, sdsConfig: configSource(mode) }] },
      });
      const transportSocket = { name: "tls", configType: { case: "typedConfig" as const, value: tls } };
      return [
        listener(port, { ...httpFilterChain({ mode, statPrefix: edge, routeName: edge }), transportSocket }),
        routeAll(edge, `svc-${i}`),
        create(SecretSchema, { name: `secret-${i}`, type: { case: "tlsCertificate", value: chain } }),
      ];
    },
  },
  tcp: {
    name: "a TCP proxy",
    drains: true,
    resources: ({ port }, i) => [listener(port, tcpFilterChain(edge, `svc-${i}`))],
  },
  aggregate: {
    name: "the only member of an aggregate cluster",
    resources: (scene, i) => [rds(scene), routeAll(edge, "aggregate"), aggregateCluster("aggregate", `svc-${i}`)],
  },
} satisfies Record<string, Shape>;

export interface KillOptions {
  readonly mode: Mode;
  readonly kills: number;
  readonly seed?: number;
  /** How many Envoys share the listener's port. Default 1. */
  readonly envoys?: number;
}

const headers = { scope: "all" };
const backendNames = ["b0", "b1", "b2"];

/**
 * Swaps the cluster that everything is routed to again and again while requests go through Envoys with the default
 * drain time. The server is killed in the middle of each swap, and started again, sometimes with yet another swap in
 * its files. No request fails, and the last swap arrives.
 */
export async function killsUnderLoad(shape: Shape, options: KillOptions): Promise<void> {
  const { mode, kills, envoys: envoyCount = 1 } = options;
  const seed = options.seed ?? (Number(process.env.XDS_SEED) || Math.floor(Math.random() * 0x3fff_ffff));
  const random = new Random(seed);
  const certificate = selfSigned();
  const port = await freePort();
  // Some requests are under way when a swap comes.
  const answerTime = (path: string) => (path.endsWith("0") ? 50 : 0);
  const backends = await Promise.all(backendNames.map((name) => startBackend(name, answerTime)));
  const server = new StatefulServer();
  const events: Event[] = [];
  const note = (what: string) => events.push({ at: Date.now(), what });
  let i = 0;
  const put = (to: number) => {
    i = to;
    const backend = backends[to % backends.length] as number;
    const resources = [
      ...numberedClusters({ mode, backend }, [to]),
      ...shape.resources({ mode, port, certificate }, to),
    ];
    server.write("all.json", fileOf(Snapshot.of(resources)));
    note(`swap ${to}`);
  };
  put(0);
  await server.start();
  const envoys = Array.from({ length: envoyCount }, (_, at) =>
    startEnvoy({ mode, xdsPort: server.port, id: `edge-${at}` }, { drainTimeS: "default" }),
  );
  const ca = shape.tls ? certificate.cert : undefined;
  const clustersOf = async (envoy: Envoy) => [...new Set((await envoy.admin("/clusters")).match(/^svc-\d+(?=::)/gm))];
  const arrived = async () => {
    await eventually(async () => {
      for (const envoy of envoys) {
        const clusters = await clustersOf(envoy);
        if (shape.drains) expect(clusters).toContain(`svc-${i}`);
        else expect(clusters).toEqual([`svc-${i}`]);
      }
      expect(await bodyOf(port, ca)).toBe(backendNames[i % backendNames.length]);
    });
    note(`swap ${i} has arrived`);
  };
  await Promise.all(envoys.map((envoy) => envoy.ready()));
  await arrived();
  const load = new Load({ port, ca, headers, pauseMs: 3 });
  await eventually(() => expect(load.ok).toBeGreaterThan(50));
  for (let kill = 1; kill <= kills; kill++) {
    put(i + 1);
    await sleep(random.below(300));
    await server.kill();
    note(`kill ${kill}`);
    if (random.chance(0.4)) put(i + 1);
    if (random.chance(0.3)) await sleep(random.below(1_000));
    await server.start();
    note(`start ${kill}`);
    // Now and then the next swap comes while Envoy comes back.
    if (kill === kills || random.chance(0.7)) await arrived();
  }
  await load.stop();
  await sleep(300); // Envoy writes its access log
  const report = reportOf(load.failed, envoys, events);
  const left = (await clustersOf(envoys[0] as Envoy)).length;
  const results = `${load.ok} requests, ${load.failed.length} failed, ${left} clusters left`;
  console.log(`${mode.name}, ${shape.name}, ${kills} kills, seed ${seed}: ${results}`);
  expect(Object.fromEntries(load.failures), report).toEqual({});
  expect(load.ok).toBeGreaterThan(kills * 20);
  for (const envoy of envoys) expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
}

interface Event {
  readonly at: number;
  readonly what: string;
}

const mostGroups = 30;

/** The failed requests, in groups: after the same event, with the same words of Envoy. Each group has an example. */
function reportOf(failed: readonly FailedRequest[], envoys: readonly Envoy[], events: readonly Event[]): string {
  const lines = envoys.flatMap((envoy) => failuresIn(envoy.log()));
  const keyOf = (line: string) => line.split(" ").find((word) => word.startsWith("/")) ?? line;
  const byPath = new Map(lines.map((line) => [keyOf(line), line]));
  const groups = new Map<string, { count: number; example: string }>();
  const add = (key: string, example: string) => {
    const group = groups.get(key) ?? { count: 0, example };
    groups.set(key, { ...group, count: group.count + 1 });
  };
  for (const { path, at, failure } of failed) {
    const before = events.filter((event) => event.at <= at).slice(-3);
    const line = byPath.get(path) ?? "not in the access log";
    byPath.delete(path);
    const words = line.split(` ${path} `)[1]?.replace(/ connection=.*/, "") ?? line;
    const happened = before.map(({ at: then, what }) => `${what} ${at - then} ms before`).join(", ");
    add(`${failure} after ${before.at(-1)?.what}: ${words}`, `${line}; ${happened}`);
  }
  // Such as those of a TCP proxy, which have no path.
  for (const line of byPath.values()) add("only in the access log", line);
  const shown = Array.from(groups, ([key, { count, example }]) => `${count} × ${key}\n    ${example}`);
  return shown.slice(0, mostGroups).join("\n");
}

/** The answer to a request on a connection of its own. */
function bodyOf(port: number, ca: string | undefined): Promise<string> {
  const options = { host: "127.0.0.1", port, agent: false as const, headers, timeout: 10_000 };
  return new Promise((resolve, reject) => {
    const call = ca === undefined ? http(options) : https({ ...options, ca, servername: "localhost" });
    call.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve(body));
    });
    call.on("timeout", () => call.destroy(new Error("no answer")));
    call.on("error", reject);
    call.end();
  });
}
