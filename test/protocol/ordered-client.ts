import type { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, listenerType } from "../../src/resource/types.js";
import { cacheOf, TestServer, type TestServerOptions, type Way } from "./harness.js";

/** A client on an aggregated stream that has taken what is served: all clusters and listeners, and these by name. */
export async function synced(
  way: Way,
  options: TestServerOptions,
  names: Record<string, string[]>,
  ...resources: Resource[]
) {
  const cache = cacheOf(...resources);
  const server = await TestServer.start(cache, options);
  const stream = server.open(way, clusterType);
  const wanted = { [clusterType]: [], [listenerType]: [], ...names };
  for (const [typeUrl, list] of Object.entries(wanted)) {
    stream.of(typeUrl).want(...list);
    stream.ack(await stream.next());
  }
  await stream.quiet();
  return { cache, server, stream, serve: (...next: Resource[]) => serve(cache, next) };
}

export const serve = (cache: SnapshotCache, resources: Resource[]) => cache.set("n", Snapshot.of(resources));

/** What a response about clusters or listeners has: in SotW all of them, in delta what has changed. */
export const wholeOr =
  (variant: "sotw" | "delta") =>
  (whole: string[], changed: string[], removed: string[] = []): [string[], string[]] =>
    variant === "sotw" ? [whole, []] : [changed, removed];
