import { describe, expect, it } from "vitest";
import { OpenRefusals } from "../../src/protocol/open-refusals.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType, listenerType } from "../../src/resource/types.js";
import { cacheOf, deltaWays, on, sotwWays, TestServer } from "./harness.js";
import { serve } from "./ordered-client.js";
import { cluster, endpoints, listener, type Maker } from "./resources.js";
import type { ScriptedStream } from "./scripted-stream.js";

const versions = (...resources: Resource[]) => ({
  initialResourceVersions: Object.fromEntries(resources.map(({ name, version }) => [name, version])),
});

const types: readonly { name: string; typeUrl: string; make: Maker }[] = [
  { name: "clusters", typeUrl: clusterType, make: cluster },
  { name: "listeners", typeUrl: listenerType, make: listener },
];

describe("a client that has refused something and comes back", () => {
  on(deltaWays, (way) => {
    for (const { name, typeUrl, make } of types) {
      const all = [make("a", 2), make("b", 2)];
      /** A client that had a@1 and b@1, and has refused what replaces them. */
      const refusing = async () => {
        const cache = cacheOf(make("a"), make("b"));
        const server = await TestServer.start(cache, { retryRefused: false });
        const stream = server.open(way, typeUrl);
        stream.want("*");
        await stream.take(["a@1", "b@1"]);
        serve(cache, all);
        stream.nack(await stream.expect(["a@2", "b@2"]));
        stream.nack(await stream.expect(["a@2"]));
        await stream.take(["b@2"]);
        await stream.quiet();
        return { cache, server, stream };
      };
      const back = (server: TestServer, node?: string): ScriptedStream => {
        const stream = server.open(way, typeUrl, node);
        stream.of(typeUrl).wantWith(versions(...all), "*");
        return stream;
      };

      it(`P36 P49 is sent all ${name}, whatever it reports`, async () => {
        const { server, stream } = await refusing();
        await stream.cancel();
        const again = back(server);
        await again.take(["a@2", "b@2"]);
        await again.quiet();
        await again.cancel();
        // It has taken all: from now on what it reports counts again.
        const trusted = back(server);
        await trusted.take([]);
        await trusted.quiet();
      });

      it(`P36 P49 is sent all ${name} also while the older stream is still open`, async () => {
        const { server } = await refusing();
        await back(server).take(["a@2", "b@2"]);
      });

      it(`P49 other nodes are resent no ${name}`, async () => {
        const { server, cache } = await refusing();
        cache.set("n2", Snapshot.of(all));
        const other = back(server, "n2");
        await other.take([]);
        await other.quiet();
      });

      it(`P49 is resent no ${name} once it has taken what replaces them`, async () => {
        const { cache, server, stream } = await refusing();
        serve(cache, [make("a", 3), make("b", 2)]);
        await stream.take(["a@3"]);
        await stream.quiet();
        await stream.cancel();
        const again = server.open(way, typeUrl);
        again.of(typeUrl).wantWith(versions(make("a", 3), make("b", 2)), "*");
        await again.take([]);
        await again.quiet();
      });
    }

    it("P49 is resent no endpoints that it reports: Envoy takes them one by one", async () => {
      const cache = cacheOf(endpoints("a"), endpoints("b"));
      const server = await TestServer.start(cache, { retryRefused: false });
      const stream = server.open(way, endpointType);
      stream.want("a", "b");
      await stream.take(["a@1", "b@1"]);
      serve(cache, [endpoints("a", 2), endpoints("b")]);
      stream.nack(await stream.expect(["a@2"]));
      await stream.quiet();
      await stream.cancel();
      const again = server.open(way, endpointType);
      again.of(endpointType).wantWith(versions(endpoints("a", 2), endpoints("b")), "a", "b");
      await again.quiet();
    });
  });

  on(sotwWays, (way) => {
    for (const { name, typeUrl, make } of types)
      it(`P36 is sent all ${name}, though it reports the version that is served`, async () => {
        const cache = cacheOf(make("a"));
        const server = await TestServer.start(cache, { retryRefused: false });
        const stream = server.open(way, typeUrl);
        stream.want();
        const { version } = await stream.take(["a@1"]);
        serve(cache, [make("a", 2)]);
        stream.nack(await stream.expect(["a@2"]));
        await stream.quiet();
        serve(cache, [make("a")]);
        await stream.quiet();
        serve(cache, [make("a", 3)]);
        stream.nack(await stream.expect(["a@3"]));
        await stream.quiet();
        await stream.cancel();
        serve(cache, [make("a")]);
        const again = server.open(way, typeUrl);
        again.request(typeUrl, { versionInfo: version, resourceNames: [] });
        const taken = await again.expect(["a@1"]);
        again.request(typeUrl, { versionInfo: version, responseNonce: taken.nonce, resourceNames: [] });
        await again.quiet();
        await again.cancel();
        await server.barrier();
        const trusted = server.open(way, typeUrl);
        trusted.request(typeUrl, { versionInfo: version, resourceNames: [] });
        await trusted.quiet();
      });
  });

  it("P36 P49 is remembered with 10,000 others, the newest", () => {
    const marks = new OpenRefusals();
    for (let i = 0; i <= 10_000; i++) {
      marks.note(`node-${i}`, clusterType, i, true);
      marks.closed(`node-${i}`, [clusterType], i);
    }
    expect(marks.has("node-0", clusterType)).toBe(false);
    expect(marks.has("node-1", clusterType)).toBe(true);
    expect(marks.has("node-10000", clusterType)).toBe(true);
    expect(marks.has("node-10000", listenerType)).toBe(false);
  });
});
