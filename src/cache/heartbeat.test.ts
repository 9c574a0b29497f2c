import { create } from "@bufbuild/protobuf";
import { afterEach, expect, it, vi } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { Reader } from "../../test/contract/cache.js";
import { Resource } from "../resource/resource.js";
import { clusterType } from "../resource/types.js";
import { LinearCache } from "./linear-cache.js";

afterEach(() => void vi.useRealTimers());

it("heartbeats go on when the machine's clock is set back", async () => {
  const mortal = Resource.of(create(ClusterSchema, { name: "a" }), { ttlMs: 100 });
  const cache = new LinearCache(clusterType, { resources: [mortal] });
  const reader = new Reader();
  const watch = cache.watch({ node: reader.node, type: cache.type }, reader);
  watch?.view.followAll(reader);
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.waitFor(() => expect(reader.beats).toBeGreaterThan(1), { timeout: 5_000 });
  watch?.view.unfollowAll(reader);
});
