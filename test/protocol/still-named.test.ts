import { describe, expect, it } from "vitest";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  routeType,
  secretType,
} from "../../src/resource/types.js";
import { adsWays, cacheOf, on, TestServer } from "./harness.js";
import { serve, synced, wholeOr } from "./ordered-client.js";
import {
  cluster,
  clusterWithS,
  edsCluster,
  endpoints,
  extensionConfig,
  listenerWithExtension,
  rdsListener,
  route,
  routeToC,
  secret,
} from "./resources.js";

endpoints("e", ""); // the empty endpoints of a cluster that exists (P56)
route("l", ""); // the placeholder of a route configuration (P40)

describe("what is deleted although something still names it", () => {
  on(adsWays, (way) => {
    const isSotw = way.variant === "sotw";
    const cases = [
      {
        what: "a secret",
        parentType: clusterType,
        parent: clusterWithS("c", 1),
        type: secretType,
        child: secret("s1"),
        placeholder: [],
      },
      {
        what: "endpoints",
        parentType: clusterType,
        parent: edsCluster("e"),
        type: endpointType,
        child: endpoints("e"),
        placeholder: isSotw ? ["e@"] : [],
      },
      {
        what: "a route configuration",
        parentType: listenerType,
        parent: rdsListener("l"),
        type: routeType,
        child: route("l"),
        placeholder: ["l@"],
      },
    ];
    for (const { what, parentType, parent, type, child, placeholder } of cases) {
      it(`P40 P54 ${what}: nodes that come later are not served it, and are not STALE for it`, async () => {
        const cache = cacheOf(parent, child);
        const server = await TestServer.start(cache, { drainTimeMs: 0 });
        const early = server.open(way, parentType);
        early.want();
        await early.take([`${parent.name}@1`]);
        early.of(type).want(child.name);
        early.ack(await early.of(type).expect([`${child.name}@1`]));
        serve(cache, [parent]);
        // SotW cannot tell of it; endpoints of a cluster that exists become empty ones.
        await early.quiet().catch(async () => early.ack(await early.next()));
        await early.quiet();
        const late = server.open(way, parentType, "n");
        late.want();
        await late.take([`${parent.name}@1`]);
        late.of(type).want(child.name);
        const isSilent = isSotw && placeholder.length === 0;
        if (!isSilent) late.ack(await late.of(type).expect(placeholder, placeholder.length > 0 ? [] : [child.name]));
        await late.quiet();
        // In SotW nothing can be sent for such a name.
        expect(server.server.nodes().map(({ state }) => state)).toEqual([isSilent ? "NOT_SENT" : "SYNCED"]);
        await server.server.applied("n");
      });
    }

    it("P40 P54 an extension config that existed and was deleted is answered with its removal", async () => {
      const cache = cacheOf(cluster("c1"), listenerWithExtension("l", 1), extensionConfig("ext"));
      const server = await TestServer.start(cache);
      const stream = server.open(way, listenerType);
      stream.want();
      await stream.take(["l@1"]);
      stream.of(extensionConfigType).want("ext");
      stream.ack(await stream.of(extensionConfigType).expect(["ext@1"]));
      serve(cache, [cluster("c1"), listenerWithExtension("l", 1)]);
      if (!isSotw) stream.ack(await stream.of(extensionConfigType).expect([], ["ext"]));
      await stream.quiet();
      expect(server.server.nodes()[0]?.state).toBe("SYNCED");
    });

    it("P54 endpoints that are asked for by the client's own older cluster are answered as they were", async () => {
      const start = [edsCluster("e"), endpoints("e"), routeToC("r", 1)];
      const { stream, serve } = await synced(
        way,
        { orderTimeoutMs: 200 },
        { [endpointType]: ["e"], [routeType]: ["r"] },
        ...start,
      );
      const clusters = wholeOr(way.variant);
      serve(cluster("e", 2), cluster("c1"), routeToC("r", 1));
      // The cluster is no longer one of endpoints; until it is replaced on the client it needs them.
      const moved = await stream.of(clusterType).expect(...clusters(["c1@1", "e@2"], ["c1@1", "e@2"]));
      stream.of(endpointType).want();
      stream.of(endpointType).want("e");
      stream.ack(await stream.of(endpointType).expect(["e@1"]));
      stream.ack(moved);
      if (!isSotw) stream.ack(await stream.of(endpointType).expect([], ["e"]));
      await stream.quiet();
    });
  });
});
