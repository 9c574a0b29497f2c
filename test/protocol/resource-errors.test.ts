import { describe, expect, it } from "vitest";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { decodeDeltaDiscoveryResponse, decodeDiscoveryResponse } from "../../src/wire/response-decoding.js";
import { allWays, cacheOf, onBothTypes, TestServer, type Way } from "./harness.js";
import type { Answer } from "./scripted-stream.js";

const errorsOf = ({ variant }: Way, { bytes }: Answer) =>
  (variant === "sotw" ? decodeDiscoveryResponse(bytes) : decodeDeltaDiscoveryResponse(bytes)).errors;

const error = { code: 7, message: "not for you" };

describe("resource_errors", () =>
  onBothTypes(allWays, (way, { typeUrl, make, fullState }) => {
    const failed = Resource.failed(typeUrl, "bad", error);
    const whole = way.variant === "sotw" && fullState;

    for (const names of [["*"], ["a", "bad"]])
      it(`P65 report to [${names}] a resource that is not available, beside the others`, async () => {
        const stream = (await TestServer.start(cacheOf(make("a"), failed))).open(way, typeUrl);
        stream.want(...names);
        const answer = await stream.take(["a@1"]);
        expect(errorsOf(way, answer)).toEqual([{ name: "bad", error }]);
        await stream.quiet();
      });

    it("P65 report it once; after another change a full-state type is still complete", async () => {
      const cache = cacheOf(make("a"), make("b"), failed);
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("*");
      expect(errorsOf(way, await stream.take(["a@1", "b@1"]))).toHaveLength(1);
      cache.set("n", Snapshot.of([make("a", 2), make("b"), failed]));
      const answer = await stream.take(whole ? ["a@2", "b@1"] : ["a@2"]);
      // A full state has all there is to say.
      expect(errorsOf(way, answer)).toEqual(whole ? [{ name: "bad", error }] : []);
      await stream.quiet();
    });

    it("P65 report a changed error, and do not repeat the same one", async () => {
      const cache = cacheOf(failed);
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("bad");
      expect(errorsOf(way, await stream.take([]))).toEqual([{ name: "bad", error }]);
      cache.set("n", Snapshot.of([Resource.failed(typeUrl, "bad", error)]));
      await stream.quiet();
      const other = { code: 14, message: "not now" };
      cache.set("n", Snapshot.of([Resource.failed(typeUrl, "bad", other)]));
      expect(errorsOf(way, await stream.take([]))).toEqual([{ name: "bad", error: other }]);
    });

    it("P65 give way to the resource, and it to them, neither of which is a removal", async () => {
      const cache = cacheOf(failed);
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("bad");
      await stream.take([]);
      cache.set("n", Snapshot.of([make("bad")]));
      expect(errorsOf(way, await stream.take(["bad@1"]))).toEqual([]);
      cache.set("n", Snapshot.of([failed]));
      expect(errorsOf(way, await stream.take([]))).toEqual([{ name: "bad", error }]);
      cache.set("n", Snapshot.of([]));
      if (way.variant === "delta" || fullState) expect(errorsOf(way, await stream.take([], ["bad"]))).toEqual([]);
      await stream.quiet();
    });
  }));
