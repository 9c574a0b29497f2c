import { expect, it } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { delta } from "../../src/protocol/delta.js";
import type { Response } from "../../src/protocol/response.js";
import { sotw } from "../../src/protocol/sotw.js";
import { Stream } from "../../src/protocol/stream.js";
import type { Subscription } from "../../src/protocol/subscription.js";
import type { Variant } from "../../src/protocol/variant.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import type { Resource } from "../../src/resource/resource.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { anonymousNode } from "../../src/schema/node.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request } from "../../src/wire/messages.js";
import { ManualQueue } from "./manual-queue.js";
import { cluster, endpoints, type Maker } from "./resources.js";
import { streamContext } from "./stream-context.js";

const count = 2_000;

/** A stream that has taken all of a linear cache, and whoever walks that cache's resources from then on is told. */
function synced(variant: "sotw" | "delta", typeUrl: string, make: Maker) {
  const cache = new LinearCache(typeUrl, { resources: Array.from({ length: count }, (_, i) => make(`n${i}`)) });
  const queue = new ManualQueue();
  const responses: Response[] = [];
  const transport = {
    peer: "test",
    send: (response: Response) => responses.push(response) > 0,
    end: (error: unknown) => {
      throw error;
    },
  };
  const protocol = (variant === "sotw" ? sotw : delta) as Variant<Request>;
  const stream = new Stream(protocol, streamContext(cache, variant, { queue }), transport, undefined);
  const request = (responseNonce: string): DiscoveryRequest & DeltaDiscoveryRequest => ({
    node: anonymousNode(envoyRegistry()),
    typeUrl,
    responseNonce,
    errorDetail: undefined,
    versionInfo: "",
    resourceNames: [],
    resourceNamesSubscribe: [],
    resourceNamesUnsubscribe: [],
    initialResourceVersions: new Map(),
  });
  const answer = () => void stream.receive(request(responses.at(-1)?.nonce ?? ""));
  void stream.open();
  answer();
  queue.runNow();
  answer();
  queue.runNow();

  const { entries } = (cache as unknown as { log: { entries: Map<string, unknown> } }).log;
  let walks = 0;
  for (const method of ["keys", "values", "entries", "forEach", Symbol.iterator] as const) {
    const original = entries[method] as () => unknown;
    Object.assign(entries, {
      [method]: (...args: []) => {
        walks++;
        return original.apply(entries, args);
      },
    });
  }
  const change = (set: Resource[], remove: string[] = []) => {
    cache.update({ set, delete: remove });
    queue.runNow();
    const response = responses.at(-1) as Response;
    answer();
    queue.runNow();
    return response;
  };
  const [subscription] = stream.subscriptions.values();
  return { change, subscription, walks: () => walks, walkAll: () => cache.resources() };
}

it.each([
  ["delta", clusterType, cluster],
  ["delta", endpointType, endpoints],
  ["sotw", endpointType, endpoints],
] as const)("%s: one change among many, to a wildcard of %s, walks nothing", (variant, typeUrl, make) => {
  const { change, walks, walkAll } = synced(variant, typeUrl, make);
  expect(change([make("n7", 2)]).resources.map(({ name }) => name)).toEqual(["n7"]);
  expect(change([make("new")]).resources.map(({ name }) => name)).toEqual(["new"]);
  if (variant === "delta") expect(change([], ["n8"]).removedResources).toEqual(["n8"]);
  expect(walks()).toBe(0);
  walkAll(); // and a walk would have been seen
  expect(walks()).toBeGreaterThan(0);
});

it.each(["sotw", "delta"] as const)("%s: a wildcard remembers nothing per resource", (variant) => {
  const { change, subscription } = synced(variant, clusterType, cluster);
  const size = () => {
    const { state, names, namesToAnswer, stale, waiting, spellings } = subscription as Subscription;
    return [state.exceptions, names, namesToAnswer, stale, waiting, spellings].map((set) => set.size);
  };
  expect(size()).toEqual([0, 0, 0, 0, 0, 0]);
  change([cluster("n7", 2), cluster("new")], ["n8"]);
  change([]); // the removal comes last (P54)
  expect(size()).toEqual([0, 0, 0, 0, 0, 0]);
});
