import { expect, it } from "vitest";
import { envoyRegistry } from "../../resource/default-api.js";
import { anonymousNode } from "../../schema/node.js";
import { ConnectedNode } from "./connected-node.js";
import type { StreamOfNode } from "./status.js";

it("a node may have more streams than a call can have arguments", () => {
  const stream = (_: unknown, id: number) => ({ id, openedAt: 1_000 - (id % 7), subscriptions: new Map() });
  const streams = Array.from({ length: 150_000 }, stream) as unknown as StreamOfNode[];
  const { connectedAt, streams: ids } = ConnectedNode.of({
    node: anonymousNode(envoyRegistry()),
    caller: { peer: "", certificateNames: [] },
    streams,
  });
  expect([connectedAt, ids.length]).toEqual([994, 150_000]);
});
