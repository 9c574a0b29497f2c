import { describe, expect, it } from "vitest";
import { cluster, endpoints } from "../../test/protocol/resources.js";
import { envoyRegistry } from "../resource/default-api.js";
import { Snapshot } from "../resource/snapshot.js";
import { endpointType } from "../resource/types.js";
import { anonymousNode } from "../schema/node.js";
import { affectedNodes } from "./change-guards.js";

describe("affectedNodes", () => {
  const node = Object.assign(anonymousNode(envoyRegistry()), { id: "n0" });
  const status = { node, caller: undefined, group: "a", typeUrls: [], lastRequestAt: 0, lastResponseAt: 0 };
  const [ofA, ofB] = [
    [cluster("x"), endpoints("x")],
    [cluster("x"), endpoints("x", 2)],
  ] as const;
  const affected = (to: string, view = ofA, servesOthers = true) =>
    affectedNodes({
      nodes: [status],
      served: new Map([
        ["a", Snapshot.of(ofA)],
        ["b", Snapshot.of(ofB)],
      ]),
      views: new Map([
        ["a", view],
        ["b", ofB],
        ["new", [cluster("y"), endpoints("y")]],
      ]),
      servesOthers,
      groupOf: () => to,
      liveTypes: new Set([endpointType]),
    }).map(({ id }) => id);

  it("does not count live resources of a node that stays in its group", () => {
    expect(affected("a")).toEqual([]);
    expect(affected("a", ofB)).toEqual([]);
  });

  it("counts live resources of a node that moves to another group", () => {
    expect(affected("b")).toEqual(["n0"]);
  });

  it("counts a node that moves to a new group only if the nodes of unknown groups are served something", () => {
    expect(affected("new")).toEqual(["n0"]);
    expect(affected("new", ofA, false)).toEqual([]);
    expect(affected("b", ofA, false)).toEqual(["n0"]);
  });
});
