import { describe, it } from "vitest";
import { clusterType, endpointType, listenerType, routeType } from "../../src/resource/types.js";
import { adsWays, cacheOf, on, ownWays, TestServer } from "./harness.js";
import { serve, synced, wholeOr } from "./ordered-client.js";
import { cluster, endpoints, listener, routeToC } from "./resources.js";

describe("what nothing seems to refer to", () => {
  on(adsWays, (way) => {
    const isSotw = way.variant === "sotw";
    const clusters = wholeOr(way.variant);

    it("P54 goes in a response of its own, after the rest of the same change is answered", async () => {
      const names = { [endpointType]: ["e1", "e2"], [routeType]: ["r"] };
      const start = [cluster("c1"), cluster("c2"), endpoints("e1"), endpoints("e2"), listener("l"), routeToC("r", 9)];
      const { stream, serve } = await synced(way, {}, names, ...start);
      serve(cluster("c1", 2), endpoints("e1", 2), listener("l", 2), routeToC("r", 8));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@2", "c2@1"], ["c1@2"])));
      stream.ack(await stream.of(endpointType).expect(["e1@2"]));
      stream.ack(await stream.of(listenerType).expect(["l@2"]));
      const last = await stream.of(routeType).expect(["r@8"]);
      await stream.quiet();
      stream.ack(last);
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@2"], [], ["c2"])));
      if (!isSotw) stream.ack(await stream.of(endpointType).expect([], ["e2"]));
      await stream.quiet();
    });

    it("P54 goes after a refusal of the rest too", async () => {
      const { stream, serve } = await synced(way, {}, {}, cluster("c1"), cluster("c2"));
      serve(cluster("c1", 2));
      stream.nack(await stream.of(clusterType).expect(...clusters(["c1@2", "c2@1"], ["c1@2"])));
      const gone = await stream.of(clusterType).expect(...clusters(["c1@2"], [], ["c2"]));
      if (isSotw) stream.nack(gone);
      else stream.ack(gone);
      await stream.quiet();
    });

    it("P54 goes at once when it is all that changes", async () => {
      const { stream, serve } = await synced(way, {}, {}, cluster("c1"), cluster("c2"));
      serve(cluster("c1"));
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@1"], [], ["c2"])));
      await stream.quiet();
    });

    it("P54 P31 is sent when it is created again meanwhile", async () => {
      const { stream, serve } = await synced(way, {}, {}, cluster("c1"), cluster("c2"));
      serve(cluster("c1", 2));
      const changed = await stream.of(clusterType).expect(...clusters(["c1@2", "c2@1"], ["c1@2"]));
      serve(cluster("c1", 2), cluster("c2", 2));
      stream.ack(changed);
      stream.ack(await stream.of(clusterType).expect(...clusters(["c1@2", "c2@2"], ["c2@2"])));
      await stream.quiet();
    });

    it("P54 P31 endpoints are sent when they are created again meanwhile", async () => {
      const names = { [endpointType]: ["e1", "e2"] };
      const { stream, serve } = await synced(way, {}, names, endpoints("e1"), endpoints("e2"));
      serve(endpoints("e1", 2));
      const changed = await stream.of(endpointType).expect(["e1@2"]);
      serve(endpoints("e1", 2), endpoints("e2", 2));
      stream.ack(changed);
      stream.ack(await stream.of(endpointType).expect(["e2@2"]));
      await stream.quiet();
    });

    it("P54 P31 unchanged endpoints are sent when they are created again after their removal", async () => {
      const names = { [endpointType]: ["e1", "e2"] };
      const { stream, serve } = await synced(way, {}, names, endpoints("e1"), endpoints("e2"));
      serve(endpoints("e1", 2));
      stream.ack(await stream.of(endpointType).expect(["e1@2"]));
      if (!isSotw) stream.ack(await stream.of(endpointType).expect([], ["e2"]));
      await stream.quiet();
      serve(endpoints("e1", 2), endpoints("e2"));
      stream.ack(await stream.of(endpointType).expect(["e2@1"]));
      await stream.quiet();
    });

    it("P54 goes while changes never end", async () => {
      const { stream, serve } = await synced(way, {}, {}, cluster("c1"), cluster("c2"));
      let content = 2;
      serve(cluster("c1", content));
      let isGone = false;
      for (let rounds = 0; rounds < 20 && !isGone; rounds++) {
        const answer = await stream.next();
        serve(cluster("c1", ++content));
        isGone = isSotw ? !answer.has.includes("c2@1") : answer.removed.includes("c2");
        stream.ack(answer);
      }
      if (!isGone) throw new Error("c2 was never removed");
    });
  });

  on(ownWays, (way) => {
    it("P54 goes with the rest on a stream of its own type", async () => {
      const cache = cacheOf(cluster("c1"), cluster("c2"));
      const stream = (await TestServer.start(cache)).open(way, clusterType);
      stream.want();
      await stream.take(["c1@1", "c2@1"]);
      serve(cache, [cluster("c1", 2)]);
      await stream.take(["c1@2"], ["c2"]);
      await stream.quiet();
    });
  });
});
