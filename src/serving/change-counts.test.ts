import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { allAtOnce } from "../in-turns.js";
import { Resource } from "../resource/resource.js";
import { clusterType } from "../resource/types.js";
import type { Configuration } from "../source/reading/layers.js";
import { comparing } from "./change-counts.js";

const cluster = (name: string, bytes = 1) =>
  Resource.of(create(ClusterSchema, { name, perConnectionBufferLimitBytes: bytes }));
const [a, b, own] = [cluster("a"), cluster("b"), cluster("a", 2)];
/** Each layer has resources, and the names of the clusters that it removes. */
type Layers = Readonly<Record<string, readonly [resources: readonly Resource[], removes?: readonly string[]]>>;
const configuration = (layers: Layers, groups: Readonly<Record<string, readonly string[]>>): Configuration => ({
  layers: new Map(
    Object.entries(layers).map(([name, [resources, removes = []]]) => [
      name,
      {
        resources,
        removes: removes.map((key) => ({ typeUrl: clusterType, key, file: "", line: 1, column: 1 })),
      },
    ]),
  ),
  groups: new Map(Object.entries(groups)),
});
const two = { edge: ["/", "edge"], canary: ["/", "edge"] };

it.each([
  ["a removal ends", [{ "/": [[a, b]], edge: [[], ["b"]] }, two], [{ "/": [[a, b]], edge: [[]] }, two], [1, 0, 0]],
  ["a removal comes", [{ "/": [[a, b]], edge: [[]] }, two], [{ "/": [[a, b]], edge: [[], ["b"]] }, two], [0, 0, 1]],
  [
    "a removal of nothing comes",
    [{ "/": [[a]], edge: [[]] }, two],
    [{ "/": [[a]], edge: [[], ["x"]] }, two],
    [0, 0, 0],
  ],
  ["a replacement ends", [{ "/": [[a]], edge: [[own]] }, two], [{ "/": [[a]], edge: [[]] }, two], [0, 1, 0]],
  ["a common resource comes", [{ "/": [[a]], edge: [[]] }, two], [{ "/": [[a, b]], edge: [[]] }, two], [1, 0, 0]],
  ["a group comes", [{ "/": [[a]] }, {}], [{ "/": [[a]], edge: [[b]] }, { edge: ["edge"] }], [1, 0, 0]],
  ["a group goes", [{ "/": [[a]], edge: [[b]] }, { edge: ["edge"] }], [{ "/": [[a]] }, {}], [0, 0, 1]],
  [
    "a group gets a layer",
    [{ "/": [[a]], edge: [[b]] }, { g: ["/"] }],
    [{ "/": [[a]], edge: [[b]] }, { g: ["/", "edge"] }],
    [1, 0, 0],
  ],
] as [string, [Layers, Record<string, string[]>], [Layers, Record<string, string[]>], number[]][])(
  "counts what groups are served when %s",
  (_, before, after, expected) => {
    const read = (of: Configuration) => ({ configuration: of, rules: { rules: [] }, places: new Map() });
    const { counts } = allAtOnce(comparing(read(configuration(...before)), read(configuration(...after))));
    expect([counts.added, counts.changed, counts.removed]).toEqual(expected);
  },
);
