import { describe, expect, it } from "vitest";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import {
  allWays,
  cacheOf,
  deltaWays,
  onBothTypes,
  sotwWays,
  stopClock,
  TestServer,
  takeRemovedLast,
} from "./harness.js";
import type { Maker } from "./resources.js";
import type { Answer } from "./scripted-stream.js";

const subscribe = (...resourceNamesSubscribe: string[]) => ({ resourceNamesSubscribe });
const namesIn = ({ resources }: Answer) => resources.map(({ name }) => name).sort();

describe("an alias", () =>
  onBothTypes(deltaWays, (way, { typeUrl, make }) => {
    const aliased = (content = 1, ...aliases: string[]) => Resource.of(make("a", content).message(), { aliases });

    it("P59 finds the resource, which comes with its name and its aliases", async () => {
      const cache = cacheOf(aliased(1, "other", "third"), make("b"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("other");
      const answer = await stream.take(["a@1"]);
      expect(answer.resources).toMatchObject([{ name: "a", aliases: ["other", "third"] }]);
      cache.set("n", Snapshot.of([aliased(2, "other", "third"), make("b", 2)]));
      await stream.take(["a@2"]);
      await stream.quiet();
    });

    it("P59 P10 and the name asked for together bring the resource once", async () => {
      const cache = cacheOf(aliased(1, "other"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("other", "a");
      await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([aliased(2, "other")]));
      await stream.take(["a@2"]);
      await stream.quiet();
    });

    it("P59 P41 may come later, and with another resource", async () => {
      const cache = cacheOf(make("a"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("other");
      await stream.take([], ["other"]);
      cache.set("n", Snapshot.of([aliased(1, "other")]));
      await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([make("a"), Resource.of(make("b").message(), { aliases: ["other"] })]));
      await stream.take(["b@1"]);
      await stream.quiet();
    });

    it("P59 P39 appears in removed_resources when its resource is removed", async () => {
      const cache = cacheOf(aliased(1, "other"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("other");
      await stream.take(["a@1"]);
      cache.set("n", Snapshot.of([]));
      const { removed } = await stream.next();
      expect(removed).toEqual(["other"]);
      await stream.quiet();
    });
  }));

const named = (typeUrl: string, id: string) => `xdstp://authority/${typeUrl.slice(typeUrl.indexOf("/") + 1)}/${id}`;

/** Labels as `make` gives them, and resources of such names. */
function collection(typeUrl: string, make: Maker) {
  const name = (id: string) => named(typeUrl, id);
  return {
    name,
    make: (id: string, content = 1) => make(name(id), content),
    label: (id: string, content = 1) => `${name(id)}@${content}`,
  };
}

describe("a glob collection", () =>
  onBothTypes(deltaWays, (way, { typeUrl, make: plain }) => {
    const { name, make, label } = collection(typeUrl, plain);
    const open = async (...resources: Resource[]) => {
      const cache = cacheOf(...resources);
      return { cache, stream: (await TestServer.start(cache)).open(way, typeUrl) };
    };

    it("P63 has its members, one by one, and no others", async () => {
      const { cache, stream } = await open(make("c/1"), make("c/2"), make("d/1"), make("c/d/1"), plain("c/3"));
      stream.want(name("c/*"));
      expect(namesIn(await stream.take([label("c/1"), label("c/2")]))).toEqual([name("c/1"), name("c/2")]);
      cache.set("n", Snapshot.of([make("c/1"), make("c/2", 2), make("c/3"), make("d/1", 2)]));
      await stream.take([label("c/2", 2), label("c/3")]);
      cache.set("n", Snapshot.of([make("c/2", 2), make("c/3"), make("d/2")]));
      await stream.take([], [name("c/1")]);
      await stream.quiet();
    });

    it("P63 matches exactly its context parameters, in any order", async () => {
      const { cache, stream } = await open(make("c/1"), make("c/2?x=1&y=2"), make("c/3?x=1"), make("c/4?x=1&y=3"));
      stream.want(name("c/*?y=2&x=1"));
      await stream.take([label("c/2?x=1&y=2")]);
      cache.set("n", Snapshot.of([make("c/1", 2), make("c/3?x=1", 2), make("c/5?y=2&x=1")]));
      // The names of members are those under which they are served.
      await takeRemovedLast(way, stream, [label("c/5?y=2&x=1")], [name("c/2?x=1&y=2")]);
      cache.set("n", Snapshot.of([]));
      await stream.take([], [name("c/5?y=2&x=1")]);
      await stream.quiet();
    });

    it("P63 is answered with its name in removed_resources while it is empty, and has members later", async () => {
      const { cache, stream } = await open(make("d/1"));
      stream.want(name("c/*?y=2&x=1"));
      await stream.take([], [name("c/*?y=2&x=1")]);
      await stream.quiet();
      cache.set("n", Snapshot.of([make("c/1?x=1&y=2")]));
      await stream.take([label("c/1?x=1&y=2")]);
      cache.set("n", Snapshot.of([]));
      await stream.take([], [name("c/1?x=1&y=2")]);
      await stream.quiet();
    });

    it("P63 P43 that is unsubscribed brings no more updates, except of a member that is subscribed by name", async () => {
      const { cache, stream } = await open(make("c/1"), make("c/2"));
      stream.want(name("c/*"), name("c/1"));
      await stream.take([label("c/1"), label("c/2")]);
      stream.want(name("c/1"));
      await stream.quiet();
      cache.set("n", Snapshot.of([make("c/1", 2), make("c/2", 2), make("c/3")]));
      await stream.take([label("c/1", 2)]);
      await stream.quiet();
    });

    it("P63 P42 is sent whole when it is subscribed again", async () => {
      const { stream } = await open(make("c/1"), make("c/2"));
      stream.want(name("c/*"));
      await stream.take([label("c/1"), label("c/2")]);
      stream.want();
      stream.want(name("c/*"));
      await stream.take([label("c/1"), label("c/2")]);
      await stream.quiet();
    });

    it("P63 P49 skips members that the client reports, and sends removals of those that no longer exist", async () => {
      const { stream } = await open(make("c/1?x=1&y=2"), make("c/2?x=1&y=2"));
      const clock = stopClock();
      stream.request(typeUrl, {
        ...subscribe(name("c/*?x=1&y=2")),
        initialResourceVersions: {
          [name("c/1?y=2&x=1")]: make("c/1?x=1&y=2").version,
          [name("c/3?y=2&x=1")]: "1",
          [name("d/3")]: "1",
        },
      });
      await stream.take([label("c/2?x=1&y=2")], way.kind === "ADS" ? [] : [name("c/3?y=2&x=1")]);
      await stream.quiet();
      await clock.pass(5_000); // in which the client may say what else it has
      if (way.kind === "ADS") await stream.take([], [name("c/3?y=2&x=1")]);
      await stream.quiet();
    });

    it("P63 P16 is refused and replaced member by member", async () => {
      const { cache, stream } = await open(make("c/1"));
      stream.want(name("c/*"));
      await stream.take([label("c/1")]);
      cache.set("n", Snapshot.of([make("c/1", 2)]));
      stream.nack(await stream.expect([label("c/1", 2)]));
      await stream.quiet();
      cache.set("n", Snapshot.of([make("c/1", 2), make("c/2")]));
      await stream.take([label("c/2")]);
      cache.set("n", Snapshot.of([make("c/1", 3), make("c/2")]));
      await stream.take([label("c/1", 3)]);
      await stream.quiet();
    });
  }));

describe("context parameters", () => {
  onBothTypes(allWays, (way, { typeUrl, make: plain }) => {
    const { name, make, label } = collection(typeUrl, plain);

    it("P64 in any order find the resource", async () => {
      const cache = cacheOf(make("a?x=1&y=2&z=3"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want(name("a?z=3&x=1&y=2"));
      await stream.take([label("a?x=1&y=2&z=3")]);
      await stream.quiet();
      // The server changes its mind about the order.
      cache.set("n", Snapshot.of([make("a?y=2&x=1&z=3", 2)]));
      await stream.take([label("a?y=2&x=1&z=3", 2)]);
      await stream.quiet();
    });

    it("P64 that differ do not", async () => {
      const cache = cacheOf(make("a?x=1&y=2"), make("a?x=1"), make("a"));
      const server = await TestServer.start(cache);
      for (const id of ["a?x=1&y=3", "a?x=2", "a?x=1&y=2&z=3"]) {
        const stream = server.open(way, typeUrl);
        stream.want(name("a"), name(id));
        await stream.take([label("a")], [name(id)]);
        await stream.quiet();
      }
    });
  });

  onBothTypes(deltaWays, (way, { typeUrl, make: plain }) => {
    const { name, make, label } = collection(typeUrl, plain);

    for (const [asked, served] of [
      ["a?y=2&x=1", "a?x=1&y=2"],
      ["a?x=1&y=2", "a?y=2&x=1"],
    ] as const)
      it(`P64 are answered as they were asked: ${asked}, where the server has ${served}`, async () => {
        const cache = cacheOf(make(served));
        const stream = (await TestServer.start(cache)).open(way, typeUrl);
        stream.want(name(asked));
        expect(namesIn(await stream.take([label(served)]))).toEqual([name(asked)]);
        cache.set("n", Snapshot.of([make(served, 2)]));
        expect(namesIn(await stream.take([label(served, 2)]))).toEqual([name(asked)]);
        cache.set("n", Snapshot.of([]));
        await stream.take([], [name(asked)]);
        await stream.quiet();
      });

    it("P64 are removed for a wildcard as they were sent", async () => {
      const cache = cacheOf(make("a?y=2&x=1"), make("b?x=1&y=2"), plain("c"));
      const stream = (await TestServer.start(cache)).open(way, typeUrl);
      stream.want("*");
      await stream.take([label("a?y=2&x=1"), label("b?x=1&y=2"), "c@1"]);
      cache.set("n", Snapshot.of([]));
      await stream.take([], [name("a?y=2&x=1"), name("b?x=1&y=2"), "c"]);
      await stream.quiet();
    });
  });

  onBothTypes(sotwWays, (way, { typeUrl, make: plain }) => {
    const { name, make, label } = collection(typeUrl, plain);

    it("P64 P26 in another order are no new name", async () => {
      const stream = (await TestServer.start(cacheOf(make("a?x=1&y=2"), make("b")))).open(way, typeUrl);
      stream.want(name("a?y=2&x=1"));
      await stream.take([label("a?x=1&y=2")]);
      stream.want(name("a?x=1&y=2"));
      await stream.quiet();
    });
  });
});
