import fc from "fast-check";
import { describe, it } from "vitest";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { type Setting, type Step, World } from "./convergence-world.js";
import { cluster, endpoints } from "./resources.js";

const name = fc.constantFrom("a", "b", "c", "d");
const content = fc.integer({ min: 1, max: 3 });
const wanted = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "*"), { maxLength: 3 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ serve: fc.dictionary(name, fc.option(content, { nil: undefined }), { maxKeys: 3 }), own: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ replace: fc.dictionary(name, content), own: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Step>({ clear: true }) },
  { weight: 3, arbitrary: fc.record({ subscribe: wanted, unsubscribe: wanted }) },
  { weight: 4, arbitrary: fc.constant<Step>({ flush: true }) },
  { weight: 4, arbitrary: fc.constant<Step>({ arrive: true }) },
  { weight: 4, arbitrary: fc.record({ answer: fc.constantFrom("ack" as const, "nack" as const), taken: fc.nat(15) }) },
  { weight: 3, arbitrary: fc.constant<Step>({ settle: true }) },
  { weight: 1, arbitrary: fc.record({ reconnect: fc.constantFrom("clean" as const, "with the old nonce" as const) }) },
);

const types = [
  { type: "Cluster", typeUrl: clusterType, fullState: true, make: cluster },
  { type: "ClusterLoadAssignment", typeUrl: endpointType, fullState: false, make: endpoints },
];
const settings: (Setting & { type: string })[] = (["sotw", "delta"] as const).flatMap((variant) =>
  types.flatMap((type) =>
    (["linear", "snapshot"] as const).flatMap((cache) =>
      [false, true].map((takesParts) => ({ ...type, variant, cache, takesParts })),
    ),
  ),
);

const numRuns = Number(process.env["CONVERGENCE_RUNS"] ?? 400);

describe.each(settings)("$variant, $type, $cache cache, client takes parts of what it refuses: $takesParts", (setting) => {
  it("ends with the client holding exactly what its subscription covers, whatever the order of events", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50, size: "max" }), fc.boolean(), (steps, slow) => {
        const world = new World(setting, slow);
        for (const each of steps) world.do(each);
        world.finish();
        world.checkConverged();
        world.checkClosed();
      }),
      { numRuns },
    );
  });
});
