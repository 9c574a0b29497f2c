import fc from "fast-check";
import { describe, it } from "vitest";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { type SubscriptionState, XdsClient } from "../../src/client/index.js";
import { resourceType } from "../../src/resource/default-api.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { XdsServer } from "../../src/server/xds-server.js";
import { freePort } from "../e2e/ports.js";
import { cluster, endpoints, modes } from "./modes.js";

const names = ["a", "b", "c", "d"];
const types = [
  { typeUrl: clusterType, make: cluster },
  { typeUrl: endpointType, make: endpoints },
];

type Step =
  | { readonly serve: number[] } // by name: its content, 0 for none
  | { readonly subscribe: string[]; readonly typeUrl: string }
  | { readonly unsubscribe: string[]; readonly typeUrl: string }
  | { readonly refuse: boolean }
  | { readonly restart: true }
  | { readonly pause: number };

const someNames = fc.subarray([...names, "*"], { minLength: 1, maxLength: 3 });
const typeUrl = fc.constantFrom(clusterType, endpointType);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ serve: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ subscribe: someNames, typeUrl }) },
  { weight: 4, arbitrary: fc.record({ unsubscribe: someNames, typeUrl }) },
  { weight: 2, arbitrary: fc.record({ refuse: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Step>({ restart: true }) },
  { weight: 6, arbitrary: fc.record({ pause: fc.nat(4) }) },
);

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe.each(modes)("a client and the server ($name)", ({ variant, service }) => {
  const canTellRemovals = (type: string) => variant === "delta" || resourceType(type).fullStateInSotw;

  it("agree in the end, whatever was served, wanted, refused and cut off", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const port = await freePort();
        const cache = new SnapshotCache();
        const listen = async () => {
          const server = new XdsServer(cache);
          await server.listen({ port });
          return server;
        };
        let refuse = false;
        let served = [1, 1, 0, 0];
        const serve = (contents: number[]) => {
          served = contents;
          const present = names.map((name, i) => [name, served[i] ?? 0] as const).filter(([, content]) => content > 0);
          cache.set(
            "n",
            Snapshot.of(types.flatMap(({ make }) => present.map(([name, content]) => make(name, content)))),
          );
        };
        serve(served);
        let server = await listen();
        const client = new XdsClient({
          address: `127.0.0.1:${port}`,
          variant,
          service,
          node: { id: "n" },
          reconnect: { initialMs: 1, maxMs: 10 },
          callbacks: { onResponse: () => (refuse ? "not now" : undefined) },
        });
        const agreed = async () => {
          for (const { typeUrl: type, make } of types)
            await client.synced(type, ({ resources, wildcard, names: named }: SubscriptionState) =>
              names.every((name, i) => {
                const isWanted = wildcard || named.has(name);
                const expected = isWanted ? served[i] : 0;
                const held = resources.get(name);
                if (expected) return held !== undefined && Buffer.compare(held.body, make(name, expected).body) === 0;
                return held === undefined || (isWanted && !canTellRemovals(type)); // gone, and SotW cannot say so
              }),
            );
        };
        try {
          for (const { typeUrl: type } of types) client.subscribe(type, []);
          for (const one of steps) {
            if ("serve" in one) serve(one.serve);
            else if ("subscribe" in one) client.subscribe(one.typeUrl, one.subscribe);
            else if ("unsubscribe" in one) client.unsubscribe(one.typeUrl, one.unsubscribe);
            else if ("refuse" in one) refuse = one.refuse;
            else if ("pause" in one) for (let i = 0; i < 2 ** one.pause; i++) await turn();
            else {
              await server.close();
              server = await listen();
            }
          }
          refuse = false;
          const last = served;
          serve(names.map(() => 20)); // what was refused, a removal too, comes again only when it is something else
          await agreed();
          serve(last);
          await agreed();
        } finally {
          await client.close();
          await server.close();
        }
      }),
      { numRuns: Number(process.env.RUNS ?? 15), interruptAfterTimeLimit: Number(process.env.LIMIT ?? 10_000) },
    );
  });
});
