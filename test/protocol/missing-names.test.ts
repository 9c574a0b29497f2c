import { describe, expect, it } from "vitest";
import { extensionConfigType, listenerType, routeType, secretType } from "../../src/resource/types.js";
import { cacheOf, deltaWays, on, sotwWays, TestServer } from "./harness.js";
import { serve } from "./ordered-client.js";
import { extensionConfig, route, secret } from "./resources.js";

const placeholder = route("r", "");

describe("a name that does not exist", () => {
  on(deltaWays, (way) => {
    const open = async (typeUrl: string, ...resources: Parameters<typeof cacheOf>) => {
      const cache = cacheOf(...resources);
      const server = await TestServer.start(cache, { drainTimeMs: 0, orderTimeoutMs: 50 });
      return { cache, server, stream: server.open(way, typeUrl) };
    };
    const statusOf = ({ server }: TestServer, typeUrl: string) =>
      server.report().streams[0]?.types.find((one) => one.typeUrl === typeUrl)?.state;

    it("P40 P56 of a route configuration is answered with a placeholder, whose version is its content's hash", async () => {
      const { stream, server, cache } = await open(routeType);
      stream.want("r");
      const answer = await stream.take(["r@"]);
      expect(answer.resources).toMatchObject([{ name: "r", version: placeholder.version }]);
      await stream.quiet();
      expect(statusOf(server, routeType)).toBe("SYNCED");
      serve(cache, [route("r")]);
      await stream.take(["r@1"]);
      serve(cache, [route("r", 2)]);
      await stream.take(["r@2"]);
    });

    it("P40 of a route configuration that was deleted is answered with the removal", async () => {
      const { stream, cache } = await open(routeType, route("r"));
      stream.want("r");
      await stream.take(["r@1"]);
      serve(cache, []);
      await stream.take([], ["r"]);
      await stream.quiet();
      serve(cache, [route("r", 2)]);
      await stream.take(["r@2"]);
    });

    it("P40 of a route configuration that came after its placeholder, and was deleted, is answered with the removal", async () => {
      const { stream, cache } = await open(routeType);
      stream.want("r");
      await stream.take(["r@"]);
      serve(cache, [route("r")]);
      await stream.take(["r@1"]);
      serve(cache, []);
      await stream.take([], ["r"]);
    });

    it("P40 P49 of a route configuration is answered with its removal, if the client reports another version than the placeholder's", async () => {
      const { stream } = await open(routeType);
      stream.of(routeType).wantWith({ initialResourceVersions: { r: route("r").version } }, "r");
      await stream.take([], ["r"]);
      await stream.quiet();
    });

    it("P40 P49 of a route configuration is not answered again, if the client reports the placeholder's version", async () => {
      const { stream, server, cache } = await open(routeType);
      stream.of(routeType).wantWith({ initialResourceVersions: { r: placeholder.version } }, "r");
      await stream.quiet();
      expect(statusOf(server, routeType)).toBe("SYNCED");
      serve(cache, [route("r")]);
      await stream.take(["r@1"]);
    });

    it("P40 of a route configuration that a client subscribes again after a removal is answered with the placeholder", async () => {
      const { stream, cache } = await open(routeType, route("r"));
      stream.want("r");
      await stream.take(["r@1"]);
      serve(cache, []);
      await stream.take([], ["r"]);
      stream.want();
      stream.want("r");
      await stream.take(["r@"]);
    });

    it("P40 P56 of an extension config gets no answer; its creation and its deletion are sent", async () => {
      const { stream, cache, server } = await open(extensionConfigType);
      stream.want("ext");
      await stream.quiet();
      expect(statusOf(server, extensionConfigType)).not.toBe("ERROR");
      serve(cache, [extensionConfig("ext")]);
      await stream.take(["ext@1"]);
      serve(cache, []);
      await stream.take([], ["ext"]);
      await stream.quiet();
    });

    it("P40 of a secret is answered with the removal", async () => {
      const { stream, cache } = await open(secretType);
      stream.want("s");
      await stream.take([], ["s"]);
      serve(cache, [secret("s")]);
      await stream.take(["s@1"]);
    });

    it("P40 of a listener is answered with the removal", async () => {
      const { stream } = await open(listenerType);
      stream.want("l");
      await stream.take([], ["l"]);
    });
  });

  on(sotwWays, (way) => {
    it("P56 of an extension config or a secret gets no answer", async () => {
      for (const typeUrl of [extensionConfigType, secretType]) {
        const stream = (await TestServer.start(cacheOf())).open(way, typeUrl);
        stream.want("x");
        await stream.quiet();
      }
    });

    it("P56 of a route configuration is answered with a placeholder, and not after a deletion", async () => {
      const cache = cacheOf();
      const server = await TestServer.start(cache, { drainTimeMs: 0, orderTimeoutMs: 50 });
      const stream = server.open(way, routeType);
      stream.want("r");
      await stream.take(["r@"]);
      serve(cache, [route("r")]);
      await stream.take(["r@1"]);
      serve(cache, []);
      await stream.quiet();
    });
  });
});
