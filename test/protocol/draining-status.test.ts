import { expect, it } from "vitest";
import { clusterType, listenerType, routeType } from "../../src/resource/types.js";
import { adsWays, on, stopClock, until } from "./harness.js";
import { synced, wholeOr } from "./ordered-client.js";
import { cluster, listenerToC, listenerToR, routeToC } from "./resources.js";

on(adsWays, (way) => {
  const clusters = wholeOr(way.variant);
  const drainTimeMs = 400;

  it("P54 resources that only a draining listener uses are no lag: DRAINING, and applied() resolves", async () => {
    const { stream, serve, server } = await synced(
      way,
      { drainTimeMs, orderTimeoutMs: 200 },
      {},
      cluster("c1"),
      listenerToC("l", 1),
    );
    const state = () => server.server.nodes()[0]?.state;
    const ofType = (typeUrl: string) =>
      server.server.report().streams[0]?.types.find((one) => one.typeUrl === typeUrl)?.state;
    expect(state()).toBe("SYNCED");
    const clock = stopClock();
    serve(cluster("c2"), listenerToC("l", 2));
    const applied = server.server.applied("n");
    stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1", "c2@1"], ["c2@1"])));
    const moved = await stream.of(listenerType).expect(["l@2"]);
    expect(state()).toBe("STALE");
    stream.ack(moved);
    await applied;
    await stream.quiet();
    expect([state(), ofType(clusterType), ofType(listenerType)]).toEqual(["DRAINING", "DRAINING", "SYNCED"]);
    await server.server.applied("n");
    await clock.pass(drainTimeMs);
    const gone = await stream.of(clusterType).expect(...clusters(["c2@1"], [], ["c1"]));
    stream.ack(gone);
    await stream.quiet();
    expect(state()).toBe("SYNCED");
  });

  it("P54 the same resources by name are no lag either, and are removed after the drain time", async () => {
    const names = { [routeType]: ["r1"] };
    const first = [cluster("c1"), cluster("c2"), routeToC("r1", 1), routeToC("r2", 2), listenerToR("l", 1)];
    const { stream, serve, server } = await synced(way, { drainTimeMs, orderTimeoutMs: 200 }, names, ...first);
    serve(cluster("c2"), routeToC("r2", 2), listenerToR("l", 2));
    stream.ack(await stream.of(listenerType).expect(["l@2"]));
    stream.of(routeType).want("r1", "r2");
    stream.ack(await stream.of(routeType).expect(["r2@2"]));
    await server.server.applied("n");
    expect(server.server.nodes()[0]?.state).toBe("DRAINING");
    stream.ack(await stream.of(clusterType).expect(...clusters(["c2@1"], [], ["c1"])));
    if (way.variant === "delta") stream.ack(await stream.of(routeType).expect([], ["r1"]));
    await until(() => server.server.nodes()[0]?.state === "SYNCED", "the end of the drain");
    await stream.quiet();
  });
});
