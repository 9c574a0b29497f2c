import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "@bufbuild/protobuf";
import { expect, it, onTestFinished } from "vitest";
import {
  type Callbacks,
  clusterType,
  endpointType,
  listenerType,
  Resource,
  routeType,
  Snapshot,
  SnapshotCache,
  XdsServer,
} from "../../src/index.js";
import { edgeName, edsCluster, endpoints, httpFilterChain, listener, routeAll } from "./edge.js";
import { bootstrap, describeWithEnvoy, startEnvoyWith } from "./envoy.js";
import { eventually } from "./eventually.js";
import { get, startBackend, Traffic } from "./http.js";
import { adsDelta, adsSotw, type Mode } from "./modes.js";
import { freePort } from "./ports.js";

const group = "test-node";
const ttlMs = 1_200;
/** Envoy 1.40 announces neither by itself, so its operator has to. */
const features = ["xds.config.supports-resource-ttl", "xds.config.resource-in-sotw"];

interface Options {
  readonly mode: Mode;
  /** Type URLs of what has a TTL. */
  readonly mortal: readonly string[];
  readonly clientFeatures?: readonly string[];
}

/** An Envoy and a server of its own, which say how many responses it was sent by now. */
async function start({ mode, mortal, clientFeatures = features }: Options) {
  const port = await freePort();
  const of = (message: Message) =>
    Resource.of(message, mortal.includes(`type.googleapis.com/${message.$typeName}`) ? { ttlMs } : {});
  const cache = new SnapshotCache();
  const chain = httpFilterChain({ mode, statPrefix: edgeName, routeName: edgeName });
  const snapshot = [
    edsCluster("a", mode),
    endpoints("a", await startBackend("a")),
    listener(edgeName, port, [chain]),
    routeAll(edgeName, "a"),
  ];
  // Another cluster, that never ends: a response that speaks of one only is not to take it away.
  const forEver = [Resource.of(edsCluster("b", mode)), Resource.of(endpoints("b"))];
  cache.set(group, Snapshot.of([...snapshot.map(of), ...forEver]));
  let responses = 0;
  const count = () => {
    responses++;
  };
  const callbacks: Callbacks = { onStreamResponse: count, onStreamDeltaResponse: count };
  const server = new XdsServer(cache, { callbacks });
  const { grpc } = await server.listen({ port: 0 });
  onTestFinished(() => server.close());
  const config = bootstrap({ mode, xdsPort: grpc.port, id: group });
  const node = { ...(config.node as object), client_features: clientFeatures };
  const envoy = startEnvoyWith(JSON.stringify({ ...config, node }));
  await envoy.ready();
  const url = `http://127.0.0.1:${port}/`;
  expect((await get(url)).status).toBe(200);
  return { envoy, server, url, responses: () => responses };
}

const changes =
  /cluster_manager\.cluster_(modified|updated|removed)|listener_manager\.listener_(modified|removed|in_place_updated)|cluster\..*\.(update_empty|update_rejected)|http\..*\.rds\.edge\.(config_reload|update_rejected)|.*\.update_rejected/;

for (const mode of [adsSotw, adsDelta])
  describeWithEnvoy(`Envoy, ${mode.name}: a TTL`, () => {
    async function outlives(mortal: string[]) {
      const started = await start({ mode, mortal });
      const { envoy, url, responses } = started;
      const before = { responses: responses(), changes: await envoy.total(changes) };
      const traffic = new Traffic(url);
      await sleep(2.5 * ttlMs); // lifetimes have to pass
      await traffic.stop();
      expect(traffic.failures).toEqual([]);
      expect(responses() - before.responses).toBeGreaterThanOrEqual(3 * mortal.length);
      // Nothing was taken for a change.
      expect(await envoy.total(changes)).toBe(before.changes);
      expect((await envoy.admin("/clusters")).match(/^\w::default_priority/gm)).toHaveLength(8);
      return started;
    }

    it("P58 does not end clusters and listeners while the server lives, and does when it is gone", async () => {
      const { envoy, server, url } = await outlives([clusterType, listenerType]);
      await server.close();
      await eventually(async () => {
        await expect(get(url)).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
        const clusters = await envoy.admin("/clusters");
        expect(clusters).not.toMatch(/^a::/m);
        expect(clusters).toMatch(/^b::/m); // what has no TTL stays
      });
    });

    // These do not end when the server is gone: Envoy 1.40 takes the removal of endpoints and of route configurations
    // for nothing in delta, and in state of the world crashes when the TTL of either is over (GrpcMuxImpl keeps a view
    // of a type URL that is gone). So a control plane that gives them TTLs has to keep them alive all the better.
    it("P58 does not end endpoints and route configurations while the server lives", async () => {
      await outlives([endpointType, routeType]);
    });

    it("P57 is not sent to an Envoy that announces nothing, which keeps all when the server is gone", async () => {
      const mortal = [clusterType, endpointType, listenerType, routeType];
      const { envoy, server, url, responses } = await start({ mode, mortal, clientFeatures: [] });
      const before = responses();
      await sleep(ttlMs);
      expect(responses()).toBe(before); // no heartbeats either
      await server.close();
      await sleep(0.5 * ttlMs);
      expect((await get(url)).status).toBe(200);
      expect(await envoy.total(/.*\.update_rejected/)).toBe(0);
    });
  });
