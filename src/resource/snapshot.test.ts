import { describe, expect, it } from "vitest";
import { cluster } from "../../test/contract/cache.js";
import { Snapshot, type SnapshotOptions } from "./snapshot.js";
import { clusterType, endpointType } from "./types.js";

describe("Snapshot", () => {
  it("has an empty set of a type that has a version and no resources", () => {
    const snapshot = Snapshot.of([], { version: { [clusterType]: "v7" } });
    expect(snapshot.typeUrls()).toEqual([clusterType]);
    expect(snapshot.set(clusterType)).toMatchObject({ ownVersion: "v7", resources: new Map() });
  });

  it("has the version of all types of those without resources too, unless with() replaces them", () => {
    const snapshot = Snapshot.of([cluster("a")], { version: "v7" });
    expect([clusterType, endpointType].map((typeUrl) => snapshot.ownVersion(typeUrl))).toEqual(["v7", "v7"]);
    const next = snapshot.with(endpointType, []);
    expect([clusterType, endpointType].map((typeUrl) => next.ownVersion(typeUrl))).toEqual(["v7", undefined]);
  });

  it.each<[string, unknown, string, RegExp]>([
    ["of a type that is not in the table", { version: { "type.googleapis.com/x.Y": "1" } }, "UNKNOWN_TYPE", /x\.Y/],
    ["of a type by its short name", { version: { CDS: "1" } }, "UNKNOWN_TYPE", /CDS/],
    ["that is empty", { version: "" }, "INVALID_OPTION", /the version of a snapshot must be a non-empty string, is ""/],
    [
      "of a type that is empty",
      { version: { [clusterType]: "" } },
      "INVALID_OPTION",
      /Cluster must be a non-empty string, is ""/,
    ],
    ["that is a number", { version: 7 }, "INVALID_OPTION", /must be a non-empty string, is 7/],
    ["under another name", { versions: { [clusterType]: "1" } }, "INVALID_OPTION", /no option "versions"/],
  ])("refuses a version %s", (_, options, code, message) => {
    const make = () => Snapshot.of([cluster("a")], options as SnapshotOptions);
    expect(make).toThrow(expect.objectContaining({ code }));
    expect(make).toThrow(message);
  });
});
