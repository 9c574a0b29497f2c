import { expect, test } from "vitest";
import { joinedStatus, type ServedStatus } from "./served-status.js";

const status = (synced: number, error: number, streams: ServedStatus["counters"]["streams"], ...nodes: string[]) => ({
  nodeStates: { ERROR: error, STALE: 0, NOT_SENT: 0, DRAINING: 0, SYNCED: synced },
  counters: { streams, traffic: [], fetches: [] },
  nodes,
});

test("the states and counters of several processes are added, and all nodes are there", () => {
  const ads = { variant: "delta", typeUrl: "" } as const;
  const joined = joinedStatus([
    status(2, 1, [{ ...ads, opened: 4, open: 3 }], "a", "b"),
    status(
      1,
      0,
      [
        { ...ads, opened: 2, open: 1 },
        { variant: "sotw", typeUrl: "", opened: 1, open: 0 },
      ],
      "c",
    ),
  ]);
  expect(joined.nodeStates).toEqual({ ERROR: 1, STALE: 0, NOT_SENT: 0, DRAINING: 0, SYNCED: 3 });
  expect(joined.counters.streams).toEqual([
    { ...ads, opened: 6, open: 4 },
    { variant: "sotw", typeUrl: "", opened: 1, open: 0 },
  ]);
  expect([...joined.nodes]).toEqual(["a", "b", "c"]);
  expect([...joined.nodes]).toEqual(["a", "b", "c"]);
});

test("without processes there are no nodes", () => {
  const { nodeStates, counters, nodes } = joinedStatus([]);
  expect([Object.values(nodeStates), counters, [...nodes]]).toEqual([
    [0, 0, 0, 0, 0],
    { streams: [], traffic: [], fetches: [] },
    [],
  ]);
});
