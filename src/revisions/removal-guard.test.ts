import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { Resource } from "../resource/resource.js";
import { removalsIn, removalText } from "./removal-guard.js";

const some = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => Resource.of(create(ClusterSchema, { name: `c${from + at}` })));
const listener = Resource.of(create(ListenerSchema, { name: "l" }));
const counted = (groups: ReadonlyMap<string, readonly Resource[]>) =>
  new Map(
    Array.from(groups, ([group, resources]) => {
      const counts = new Map<string, number>();
      for (const { type } of resources) counts.set(type.typeUrl, (counts.get(type.typeUrl) ?? 0) + 1);
      return [group, counts] as const;
    }),
  );
const texts = (
  served: ReadonlyMap<string, readonly Resource[]>,
  wanted: ReadonlyMap<string, readonly Resource[]>,
  share?: number,
) => removalsIn(counted(served), counted(wanted), share).map((removal) => removalText(removal));

describe("the removal guard", () => {
  it.each([
    ["half", 20, 10, []],
    ["more than half", 20, 9, ["11 of 20 clusters would be removed"]],
    ["more than half, but fewer than ten", 15, 6, []],
    ["more than half, ten of them", 15, 5, ["10 of 15 clusters would be removed"]],
    ["all, which is one resource", 1, 0, ["1 of 1 clusters would be removed, and none would be left"]],
    ["none", 5, 5, []],
  ])("judges a removal of %s", (_, before, after, expected) => {
    expect(texts(new Map([["", some(before)]]), new Map([["", some(after)]]))).toEqual(expected);
  });

  it("counts added resources against removed ones: a rename is not a removal", () => {
    expect(texts(new Map([["", some(30)]]), new Map([["", some(30, 100)]]))).toEqual([]);
    expect(texts(new Map([["", some(1)]]), new Map([["", some(1, 100)]]))).toEqual([]);
    expect(texts(new Map([["", some(30)]]), new Map([["", some(12, 100)]]))).toEqual([
      "18 of 30 clusters would be removed",
    ]);
  });

  it("looks at each type of each group, even of a group that no longer exists", () => {
    const served = new Map([
      ["", [...some(2), listener]],
      ["edge", some(3)],
      ["gone", [listener]],
    ]);
    const wanted = new Map([
      ["", some(2)],
      ["edge", some(3)],
      ["new", some(9)],
    ]);
    expect(texts(served, wanted)).toEqual([
      "1 of 1 listeners would be removed, and none would be left",
      "group gone: 1 of 1 listeners would be removed, and none would be left",
    ]);
  });

  it("accepts another share", () => {
    const [served, wanted] = [new Map([["", some(100)]]), new Map([["", some(70)]])];
    expect(texts(served, wanted)).toEqual([]);
    expect(texts(served, wanted, 0.25)).toEqual(["30 of 100 clusters would be removed"]);
  });
});
