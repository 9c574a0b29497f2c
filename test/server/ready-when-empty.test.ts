import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { Snapshot, SnapshotCache } from "../../src/index.js";
import { clusterType } from "../../src/resource/types.js";
import { allWays, on, TestServer } from "../protocol/harness.js";
import { cluster } from "../protocol/resources.js";

on(allWays, (way) => {
  it("a stream waits for the first snapshot if an empty cache is ready, and otherwise ends with UNAVAILABLE", async () => {
    const cache = new SnapshotCache({ readyWhenEmpty: true });
    const test = await TestServer.start(cache);
    const stream = test.open(way, clusterType);
    stream.want();
    await stream.quiet();
    cache.set("n", Snapshot.of([cluster("a")]));
    await stream.take(["a@1"]);

    const other = await TestServer.start(new SnapshotCache());
    const refused = other.open(way, clusterType);
    refused.want();
    expect((await refused.ended).code).toBe(status.UNAVAILABLE);
  });
});
