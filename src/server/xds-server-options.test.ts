import { expect, it } from "vitest";
import { SnapshotCache } from "../cache/snapshot-cache.js";
import type { OpenRefusals } from "../protocol/open-refusals.js";
import { XdsServer } from "./xds-server.js";

it("is for marks that this library made", () => {
  const openRefusals = { list: () => [] } as unknown as OpenRefusals;
  expect(() => new XdsServer(new SnapshotCache(), { openRefusals })).toThrow(/^openRefusals must be an OpenRefusals/);
});
