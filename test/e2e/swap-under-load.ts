import { setTimeout as sleep, setImmediate as tick } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "vitest";
import type { ResourceInput } from "../../src/index.js";
import { type Certificate, selfSigned } from "./certificate.js";
import { edsCluster, endpoints } from "./edge.js";
import { bootstrap, startEnvoyWith } from "./envoy.js";
import { eventually } from "./eventually.js";
import { type AnswerTime, startBackend } from "./http.js";
import { type KeepAlive, Load } from "./load.js";
import type { Mode } from "./modes.js";
import { freePort } from "./ports.js";
import { refusedByEnvoy } from "./refused.js";
import { group, type ServerOptions, startServing } from "./serving.js";

/** What the resources of a swap are made for. */
export interface Scene {
  readonly mode: Mode;
  /** Of the listener that the load goes to. */
  readonly port: number;
  readonly backend: number;
  readonly certificate: Certificate;
}

/** Something that one change replaces while requests go through it, the old one removed in the same change. */
export interface Swap {
  readonly name: string;
  /** Requests go over TLS. */
  readonly tls?: boolean;
  /** Parts of the Envoy's bootstrap. */
  readonly bootstrap?: JsonObject;
  /** How long the backend takes. */
  readonly answerTime?: AnswerTime;
  /** The resources in which the numbered ones of `there` exist and number `to` is in use. */
  resources(scene: Scene, there: readonly number[], to: number): ResourceInput[];
  /** The only numbered cluster or listener that is left after the last swap. Default `svc-<count>`. */
  left?(count: number): string;
}

export interface SwapOptions {
  readonly mode: Mode;
  readonly count: number;
  /** Milliseconds between two changes. 0: as fast as the process can. */
  readonly everyMs: number;
  readonly keepAlive?: KeepAlive | undefined;
  /** A cluster and a listener that Envoy refuses are in the set all the time. */
  readonly refused?: boolean;
  readonly server?: ServerOptions;
  /** How long each step takes when the swap is done by hand. Default 1,500: longer than the Envoy's drain time. */
  readonly stepMs?: number;
}

/** Clusters `svc-<i>`, each with the scene's backend. */
export const numberedClusters = (
  { mode, backend }: Pick<Scene, "mode" | "backend">,
  numbers: readonly number[],
): ResourceInput[] => numbers.flatMap((i) => [edsCluster(`svc-${i}`, mode), endpoints(`svc-${i}`, backend)]);

/**
 * With this set, the changes of a swap go out one by one, in an order that breaks nothing and slowly: proof that a swap
 * can be done without a failed request, whatever the server does by itself.
 */
const byHand = process.env.XDS_BY_HAND === "1";

/** Longer than the drain time of the Envoys here, which is 1 s. */
const drainTimeMs = 2_000;

const numbered = /^(?:svc-\d+|inner-\d+|refused)(?=::)/gm;

/**
 * Swaps again and again while requests go through an Envoy: no request fails, and the end state has only the last of
 * each.
 */
export async function swapUnderLoad(swap: Swap, options: SwapOptions): Promise<void> {
  const { mode, everyMs, keepAlive, refused = false, stepMs = 1_500 } = options;
  const count = byHand ? Math.min(options.count, 3) : options.count;
  const scene: Scene = {
    mode,
    port: await freePort(),
    backend: await startBackend("backend", swap.answerTime),
    certificate: selfSigned(),
  };
  const always = refused ? refusedByEnvoy(mode, await freePort()) : [];
  const resources = (there: readonly number[], to: number) => [...swap.resources(scene, there, to), ...always];
  const { server, xdsPort, serve } = await startServing(resources([0], 0), { drainTimeMs, ...options.server });
  const envoy = startEnvoyWith(JSON.stringify({ ...bootstrap({ mode, xdsPort, id: group }), ...swap.bootstrap }));
  await envoy.ready();
  const total = async (filter: RegExp) => envoy.total(filter);
  await eventually(async () => expect(await total(/listener_manager\.total_listeners_active/)).toBeGreaterThan(0));

  const load = new Load({
    port: scene.port,
    keepAlive,
    headers: { scope: "all" },
    ...(swap.tls && { ca: scene.certificate.cert }),
  });
  await eventually(() => expect(load.ok).toBeGreaterThan(0));
  for (let i = 1; i <= count; i++) {
    if (byHand)
      for (const [there, to] of [
        [[i - 1, i], i - 1],
        [[i - 1, i], i],
      ] as const) {
        serve(resources(there, to));
        await sleep(stepMs);
      }
    serve(resources([i], i));
    await (byHand ? sleep(stepMs) : everyMs > 0 ? sleep(everyMs) : tick());
  }
  const left = swap.left?.(count) ?? `svc-${count}`;
  await eventually(async () => {
    const there = `${await envoy.admin("/clusters")}\n${await envoy.admin("/listeners")}`;
    expect([...new Set(there.match(numbered))]).toEqual([left]);
    expect(server.report().streams.flatMap(({ types }) => types.map(({ state }) => state))).not.toContain("STALE");
  });
  await load.stop();
  console.log(`${mode.name}, ${swap.name}, ${count} swaps, one every ${everyMs} ms: ${load.ok} requests`);
  expect(Object.fromEntries(load.failures)).toEqual({});
  expect(load.ok).toBeGreaterThan(count);
  if (refused)
    for (const type of ["cluster_manager.cds", "listener_manager.lds"])
      expect(await envoy.stat(`${type}.update_rejected`), type).toBeGreaterThan(0);
  else expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
}
