import { expect, test } from "vitest";
import { defaultLimits, LimitCounts } from "../../server/admission/limits.js";
import { limitsOfWorker } from "./worker-limits.js";

test("what clients share is divided, and rounded up; what one client may do stays", () => {
  expect(limitsOfWorker({ streams: 5, connections: 8, names: 7, heapPercent: 75 }, 2)).toMatchObject({
    ...{ streams: 3, connections: 4, names: 7, heapPercent: 75 },
    streamsPerPeer: defaultLimits.streamsPerPeer / 2,
    newStreamsPerSecond: defaultLimits.newStreamsPerSecond / 2,
    responseBytes: Math.ceil(defaultLimits.responseBytes / 2),
    receivingBytes: Math.ceil(defaultLimits.receivingBytes / 2),
    connectionsPerPeer: Number.POSITIVE_INFINITY,
  });
});

test("the limits of a worker are valid, also with more workers than clients", () => {
  expect(new LimitCounts(limitsOfWorker({ connections: 1 }, 64)).limits.connections).toBe(1);
});
