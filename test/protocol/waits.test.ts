import { expect, it } from "vitest";
import { clusterType, routeType } from "../../src/resource/types.js";
import type { NotAppliedError } from "../../src/server/status/applied.js";
import { adsWays, on } from "./harness.js";
import { synced, wholeOr } from "./ordered-client.js";
import { cluster, routeToC } from "./resources.js";

on(adsWays, (way) => {
  const clusters = wholeOr(way.variant);
  const names = { [routeType]: ["r"] };
  const first = [cluster("c1"), routeToC("r", 1)];

  it("P53 P54 the status and applied() show the reason for which a change or a removal waits", async () => {
    const { server, stream, serve } = await synced(way, { retryRefused: false }, names, ...first);
    const waits = (typeUrl: string) =>
      server.server
        .report()
        .streams[0]?.types.find((type) => type.typeUrl === typeUrl)
        ?.waits.map(({ name, why, reason }) => [name, why, reason]);
    const removed = [
      "c1",
      "reference",
      'it is removed when routes "r", which the client still has, no longer refers to it',
    ];
    expect([waits(clusterType), waits(routeType)]).toEqual([[], []]);
    serve(cluster("c2"), routeToC("r", 2));
    const added = await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"]));
    expect(waits(clusterType)).toEqual([removed]);
    stream.nack(added);
    await stream.quiet();
    const reason = 'it is changed when the client has taken clusters "c2", which it has refused';
    expect(waits(routeType)).toEqual([["r", "refused", reason]]);
    expect(waits(clusterType)).toEqual([removed]);
    serve(cluster("c2", 2), routeToC("r", 2));
    const mended = await stream.of(clusterType).expect(...clusters(["c1@1", "c2@2"], ["c2@2"]));
    const error = (await server.server.applied("n", { timeoutMs: 50 }).catch((e) => e)) as NotAppliedError;
    expect(error.message).toContain(`clusters ERROR ("c1": ${removed[2]})`);
    expect(error.lacking.find(({ typeUrl }) => typeUrl === clusterType)?.waits).toMatchObject([{ name: "c1" }]);
    stream.ack(mended);
    stream.ack(await stream.of(routeType).expect(["r@2"]));
    stream.ack(await stream.of(clusterType).expect(...clusters(["c2@2"], [], ["c1"])));
    await stream.quiet();
    expect([waits(clusterType), waits(routeType)]).toEqual([[], []]);
  });
});
