import fc from "fast-check";
import { afterAll, beforeAll, it, vi } from "vitest";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { type Setting, type Step, World } from "./convergence-world.js";
import { propertyRuns } from "./property-runs.js";
import { cluster, endpoints } from "./resources.js";

const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
const content = fc.integer({ min: 1, max: 3 });
const wanted = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f", "*"), { maxLength: 5 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      serve: fc.dictionary(name, fc.option(content, { nil: undefined }), { maxKeys: 6 }),
      own: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ overtake: true }) },
  { weight: 1, arbitrary: fc.record({ replace: fc.dictionary(name, content), own: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Step>({ clear: true }) },
  { weight: 3, arbitrary: fc.record({ subscribe: wanted, unsubscribe: wanted }) },
  { weight: 4, arbitrary: fc.constant<Step>({ flush: true }) },
  { weight: 4, arbitrary: fc.constant<Step>({ arrive: true }) },
  { weight: 4, arbitrary: fc.record({ answer: fc.constantFrom("ack" as const, "nack" as const), taken: fc.nat(15) }) },
  { weight: 3, arbitrary: fc.constant<Step>({ settle: true }) },
  { weight: 1, arbitrary: fc.record({ wait: fc.constantFrom(1_000, 6_000, 13_000, 1_000_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      reconnect: fc.constantFrom("clean" as const, "with the old nonce" as const, "as new" as const),
    }),
  },
);

const types = [
  { type: "Cluster", typeUrl: clusterType, fullState: true, make: cluster },
  { type: "ClusterLoadAssignment", typeUrl: endpointType, fullState: false, make: endpoints },
];
const settings: (Setting & { type: string })[] = (["sotw", "delta"] as const).flatMap((variant) =>
  types.flatMap((type) =>
    (["linear", "snapshot"] as const).flatMap((cache) =>
      [false, true].flatMap((takesParts) =>
        (variant === "delta" ? [undefined, 80] : [undefined]).map((maxResponseBytes) => ({
          ...type,
          variant,
          cache,
          takesParts,
          ...(maxResponseBytes === undefined ? {} : { maxResponseBytes }),
        })),
      ),
    ),
  ),
);

/** What went wrong once. */
const found: Step[][] = [
  // A part of a divided answer is not sent before its name is gone. Then the name comes back with the same content.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { replace: { a: 1, f: 3 }, own: false },
    { arrive: true },
    { flush: true },
    { clear: true },
    { settle: true },
    { serve: { f: 3 }, own: false },
  ],
  // A wildcard on a new stream, at a version of which the client had let go of a part.
  [
    { serve: { a: 1, b: 1 }, own: true },
    { subscribe: ["a", "b"], unsubscribe: [] },
    { settle: true },
    { subscribe: [], unsubscribe: ["b"] },
    { subscribe: ["*"], unsubscribe: ["a"] },
    { reconnect: "clean" },
  ],
  // Requests that crossed a response, which dropped a name and took it up again.
  [
    { serve: { b: 1 }, own: true },
    { subscribe: ["b"], unsubscribe: [] },
    { settle: true },
    { subscribe: ["*"], unsubscribe: [] },
    { subscribe: [], unsubscribe: ["b", "*"] },
    { subscribe: ["*"], unsubscribe: [] },
  ],
  // A name that gave way to a wildcard in one message, when it was gone already.
  [
    { serve: { c: 1 }, own: true },
    { subscribe: ["c"], unsubscribe: [] },
    { settle: true },
    { replace: {}, own: true },
    { subscribe: ["*"], unsubscribe: ["c"] },
    { arrive: true },
  ],
  // The wildcard in both lists of a message.
  [
    { serve: { a: 1 }, own: true },
    { subscribe: ["*"], unsubscribe: [] },
    { settle: true },
    { subscribe: ["*"], unsubscribe: ["*"] },
    { arrive: true },
    { replace: {}, own: true },
  ],
  // Refused, with a name that does not exist, of which SotW says nothing.
  [
    { subscribe: ["d", "a"], unsubscribe: [] },
    { arrive: true },
    { serve: { d: 1 }, own: true },
    { flush: true },
    { subscribe: [], unsubscribe: ["d"] },
    { answer: "nack", taken: 0 },
  ],
  // Asked for, and removed before its part of the divided answer was sent.
  [
    { serve: { b: 1 }, own: true },
    { subscribe: ["*"], unsubscribe: [] },
    { settle: true },
    { subscribe: ["a", "b"], unsubscribe: ["*"] },
    { serve: { a: 1 }, own: true },
    { arrive: true },
    { flush: true },
    { clear: true },
  ],
  // Removed while its response is unanswered; the removal waits for what replaces it.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { settle: true },
    { serve: { a: 1 }, own: true },
    { flush: true },
    { replace: { e: 1 }, own: true },
    { wait: 13_000 },
  ],
  // Refused, then sent once more because the client asked for everything, and taken.
  [
    { serve: { a: 1 }, own: true },
    { subscribe: ["a"], unsubscribe: [] },
    { settle: true },
    { serve: { a: 2 }, own: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { arrive: true },
    { subscribe: ["*"], unsubscribe: [] },
    { settle: true },
    { serve: { a: 1 }, own: true },
  ],
  // Refused, then repeated by the full state that answers for another name, and taken.
  [
    { subscribe: ["a"], unsubscribe: [] },
    { serve: { a: 1 }, own: true },
    { arrive: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { subscribe: ["c"], unsubscribe: [] },
    { settle: true },
    { serve: { a: undefined }, own: true },
  ],
  // Refused together with a name that does not exist, while the answer for the node went to another group and back.
  [
    { serve: { a: 1 }, own: false },
    { subscribe: ["c", "*"], unsubscribe: [] },
    { arrive: true },
    { flush: true },
    { replace: {}, own: true },
    { answer: "nack", taken: 0 },
    { clear: true },
  ],
  // A full state is answered after another group answers for the node.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { serve: { a: 1 }, own: false },
    { settle: true },
    { subscribe: ["b"], unsubscribe: [] },
    { arrive: true },
    { flush: true },
    { replace: {}, own: true },
  ],
  // Refused, replaced, and served again while the replacement is unanswered; then the wildcard goes.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { arrive: true },
    { serve: { d: 3 }, own: false },
    { flush: true },
    { answer: "nack", taken: 0 },
    { settle: true },
    { subscribe: ["d"], unsubscribe: [] },
    { serve: {}, own: true },
    { settle: true },
    { serve: { d: 1 }, own: true },
    { flush: true },
    { serve: { d: 3 }, own: true },
    { wait: 6_000 },
    { subscribe: [], unsubscribe: ["*"] },
  ],
  // A full state repeats a name as it was, and then it is served so again.
  [
    { serve: { c: 3 }, own: false },
    { subscribe: ["c", "a"], unsubscribe: [] },
    { settle: true },
    { serve: { c: 1 }, own: false },
    { serve: { a: 1 }, own: false },
    { flush: true },
    { wait: 1_000_000 },
    { replace: {}, own: false },
    { flush: true },
    { serve: { c: 3 }, own: false },
  ],
  // The next piece of a divided answer is on its way already, for the client asked for its name.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { arrive: true },
    { serve: { e: 1, a: 1 }, own: false },
    { flush: true },
    { answer: "ack", taken: 0 },
    { subscribe: ["c", "*"], unsubscribe: ["*"] },
    { subscribe: ["c"], unsubscribe: ["*"] },
    { arrive: true },
    { arrive: true },
    { flush: true },
    { arrive: true },
    { wait: 13_000 },
  ],
  // Refused together with a name that does not exist, and then removed; the removal waits.
  [
    { serve: { a: 1 }, own: false },
    { subscribe: ["a"], unsubscribe: [] },
    { settle: true },
    { reconnect: "clean" },
    { settle: true },
    { subscribe: ["*", "d"], unsubscribe: ["a"] },
    { arrive: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { clear: true },
  ],
  // A full state repeats what an older one brought; that is refused late, and this taken.
  [
    { subscribe: ["e"], unsubscribe: [] },
    { serve: { e: 1 }, own: false },
    { subscribe: ["a"], unsubscribe: [] },
    { arrive: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { wait: 1_000_000 },
    { serve: { a: 1 }, own: false },
    { settle: true },
    { serve: { e: undefined }, own: false },
  ],
  // Refused that a name does not exist, which the client has dropped meanwhile.
  [
    { subscribe: ["*", "a"], unsubscribe: [] },
    { arrive: true },
    { subscribe: [], unsubscribe: ["a"] },
    { flush: true },
    { answer: "nack", taken: 0 },
  ],
  // Sent, removed and in a piece once more: the first of the three is answered.
  [
    { serve: { d: 3 }, own: true },
    { subscribe: ["*"], unsubscribe: [] },
    { arrive: true },
    { flush: true },
    { replace: { a: 1, f: 1 }, own: true },
    { wait: 13_000 },
    { flush: true },
    { serve: { b: 1, d: 3 }, own: true },
  ],
  // Sent and unanswered, while the answer for the node goes to another group and back.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { arrive: true },
    { flush: true },
    { wait: 13_000 },
    { serve: { a: 1 }, own: false },
    { flush: true },
    { serve: {}, own: true },
    { clear: true },
  ],
  // A name takes the place of the wildcard, and the wildcard its place again; then its piece is not sent before it is
  // gone.
  [
    { serve: { d: 1 }, own: false },
    { subscribe: ["*"], unsubscribe: [] },
    { settle: true },
    { subscribe: ["a", "d"], unsubscribe: ["*"] },
    { subscribe: ["*"], unsubscribe: ["d"] },
    { serve: { a: 1 }, own: false },
    { arrive: true },
    { arrive: true },
    { flush: true },
    { serve: {}, own: true },
  ],
  // A name is dropped under the wildcard while its piece is not sent, and it is gone.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { settle: true },
    { serve: { a: 1, c: 1 }, own: true },
    { flush: true },
    { wait: 6_000 },
    { clear: true },
    { subscribe: [], unsubscribe: ["c"] },
    { flush: true },
    { arrive: true },
    { serve: { a: 1, c: 1 }, own: true },
  ],
  // The piece of a name that is on its way already is refused there.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { arrive: true },
    { serve: { e: 1, a: 1 }, own: true },
    { flush: true },
    { subscribe: ["a"], unsubscribe: [] },
    { arrive: true },
    { wait: 6_000 },
    { flush: true },
    { answer: "ack", taken: 0 },
    { arrive: true },
    { wait: 6_000 },
    { flush: true },
    { answer: "nack", taken: 0 },
    { arrive: true },
    { serve: { a: 2 }, own: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { arrive: true },
    { serve: { a: 1 }, own: true },
    { settle: true },
  ],
  // A removal is refused after a later response was taken.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { serve: { d: 1 }, own: true },
    { settle: true },
    { serve: { d: undefined }, own: true },
    { flush: true },
    { wait: 6_000 },
    { serve: { b: 1 }, own: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { answer: "ack", taken: 0 },
    { overtake: true },
    { arrive: true },
    { arrive: true },
    { flush: true },
  ],
  // Refused under the wildcard, and served again while its removal is unanswered.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { serve: { e: 2 }, own: true },
    { settle: true },
    { serve: { e: 1 }, own: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { arrive: true },
    { serve: { e: undefined }, own: true },
    { flush: true },
    { wait: 6_000 },
    { serve: { a: 1, e: 1 }, own: true },
  ],
  // Refused by name, and then the wildcard.
  [
    { subscribe: ["e"], unsubscribe: [] },
    { serve: { e: 1 }, own: true },
    { arrive: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { arrive: true },
    { subscribe: ["*"], unsubscribe: [] },
    { settle: true },
    { serve: { e: 2 }, own: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { arrive: true },
    { serve: { e: 1 }, own: true },
  ],
  // Refused, and then another group answers for the node.
  [
    { subscribe: ["*"], unsubscribe: [] },
    { serve: { a: 1 }, own: false },
    { arrive: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { arrive: true },
    { serve: { b: 1 }, own: true },
  ],
  // A name is left out of its piece, and is gone.
  [
    { subscribe: ["c", "a"], unsubscribe: [] },
    { serve: { a: 1, c: 1 }, own: true },
    { arrive: true },
    { flush: true },
    { replace: { a: 1 }, own: true },
    { wait: 6_000 },
    { flush: true },
    { answer: "nack", taken: 0 },
    { settle: true },
  ],
  // On a new stream it refuses what comes first, and that is removed; it has another one from the stream before.
  [
    { subscribe: ["c"], unsubscribe: [] },
    { replace: { c: 1 }, own: false },
    { settle: true },
    { replace: { c: 2 }, own: false },
    { reconnect: "clean" },
    { arrive: true },
    { flush: true },
    { answer: "nack", taken: 0 },
    { replace: {}, own: false },
  ],
];

beforeAll(() => void vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout", "setInterval"] }));
afterAll(() => void vi.useRealTimers());

const { timeoutMs, ...runs } = propertyRuns("convergence", 300, 60_000);
const parameters = {
  ...runs,
  examples: found.flatMap((steps): [Step[], boolean][] => [
    [steps, false],
    [steps, true],
  ]),
};

for (const setting of settings) {
  const { variant, type, cache, takesParts, maxResponseBytes } = setting;
  const client = takesParts
    ? "a client that takes parts of what it refuses"
    : "a client that takes nothing of what it refuses";
  const divided = maxResponseBytes === undefined ? "" : ", divided responses";
  it(`${variant}, ${type}, ${cache} cache${divided}: ${client} ends with exactly what its subscription covers`, {
    timeout: timeoutMs,
  }, () => {
    const events = fc.array(step, { maxLength: 50, size: "max" });
    fc.assert(
      fc.property(events, fc.boolean(), (steps, slow) => {
        const world = new World(setting, slow);
        for (const each of steps) world.do(each);
        world.finish();
        world.checkConverged();
        world.checkClosed();
      }),
      parameters,
    );
  });
}
