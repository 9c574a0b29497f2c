import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { clusterType } from "../../src/resource/types.js";
import { deltaWays, on, sotwWays, TestServer } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";
import type { Fields } from "../protocol/scripted-stream.js";

const limit = 100;
const names = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);
const refusal = { code: status.RESOURCE_EXHAUSTED, details: expect.stringMatching(/limit names is 100/) };

const versions = (count: number): Fields => ({
  initialResourceVersions: Object.fromEntries(names(count).map((name) => [name, "1"])),
});
/** The lists of a request, each with so many entries. */
const deltaLists: Record<string, (count: number) => Fields> = {
  resource_names_subscribe: (count) => ({ resourceNamesSubscribe: names(count) }),
  "resource_names_subscribe that repeats one name": (count) => ({ resourceNamesSubscribe: names(count).fill("c1") }),
  resource_names_unsubscribe: (count) => ({ resourceNamesUnsubscribe: names(count) }),
  "resource_names_unsubscribe beside a wildcard": (count) => ({
    resourceNamesSubscribe: ["*"],
    resourceNamesUnsubscribe: names(count),
  }),
  initial_resource_versions: versions,
  "initial_resource_versions beside a wildcard": (count) => ({ ...versions(count), resourceNamesSubscribe: ["*"] }),
};
const sotwLists: Record<string, (count: number) => Fields> = {
  resource_names: (count) => ({ resourceNames: names(count) }),
  "resource_names that repeats one name": (count) => ({ resourceNames: names(count).fill("c1") }),
};

for (const [ways, lists] of [
  [deltaWays, deltaLists],
  [sotwWays, sotwLists],
] as const)
  describe("the limit names counts every list of a request:", () =>
    on(ways, (way) => {
      const start = () =>
        TestServer.start(new LinearCache(clusterType, { resources: [cluster("c1")] }), { limits: { names: limit } });
      for (const [list, fields] of Object.entries(lists)) {
        it(`${list}, in a stream's first request`, async () => {
          const server = await start();
          const within = server.open(way, clusterType);
          within.request(clusterType, fields(limit));
          const beyond = server.open(way, clusterType);
          beyond.request(clusterType, fields(limit + 1));
          await server.barrier();
          expect(await Promise.race([beyond.ended, server.barrier()])).toMatchObject(refusal);
          expect(server.server.report().refusals).toMatchObject({ names: 1 });
          expect(server.server.report().streams).toHaveLength(1);
          await within.cancel();
        });

        it(`${list}, in a later request`, async () => {
          const server = await start();
          const stream = server.open(way, clusterType);
          stream.want("c1");
          const { nonce } = await stream.take(["c1@1"]);
          stream.request(clusterType, { ...fields(limit + 1), responseNonce: way.variant === "sotw" ? nonce : "" });
          await server.barrier();
          expect(await Promise.race([stream.ended, server.barrier()])).toMatchObject(refusal);
        });
      }
    }));
