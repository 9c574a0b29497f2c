import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { VirtualHostSchema } from "../../gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.js";
import { LinearCache } from "../../src/cache/linear-cache.js";
import type { Node } from "../../src/cache/node-group.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { routeType, virtualHostType } from "../../src/resource/types.js";
import type { XdsServerOptions } from "../../src/server/xds-server-options.js";
import { allWays, cacheOf, deltaWays, LogBook, on, onBothTypes, TestServer } from "./harness.js";
import { route } from "./resources.js";
import type { Answer } from "./scripted-stream.js";

const adsDelta = { variant: "delta", kind: "ADS" } as const;

/** A virtual host named `<route>/<host>`; the mark is something to change on it. */
const host = (name: string, mark = "", aliases: string[] = []) =>
  Resource.of(create(VirtualHostSchema, { name, domains: [name], requestHeadersToRemove: [mark] }), { name, aliases });

/** A route configuration whose virtual hosts come by VHDS. */
const routeWithVhds = (name: string, mark = "") =>
  Resource.of(
    create(RouteConfigurationSchema, {
      name,
      requestHeadersToRemove: [mark],
      vhds: { configSource: { configSourceSpecifier: { case: "ads", value: {} } } },
    }),
  );

/** `name@mark`, or `name?` and the aliases of one without a body. */
const hosts = ({ resources }: Answer) =>
  resources.map(({ name, resource, aliases }) => (resource ? name : `${name}? ${aliases}`)).sort();

describe("a virtual host", () => {
  on(deltaWays, (way) => {
    const open = async (...resources: Resource[]) => {
      const cache = cacheOf(...resources);
      return { cache, stream: (await TestServer.start(cache)).open(way, virtualHostType) };
    };

    it("P60 that is unknown is answered with name and aliases and no body, beside those that are known", async () => {
      const { cache, stream } = await open(host("r/a"));
      stream.want("r/a", "r/b", "other/a");
      const answer = await stream.next();
      expect(hosts(answer)).toEqual(["other/a? other/a", "r/a", "r/b? r/b"]);
      expect(answer.removed).toEqual([]);
      stream.ack(answer);
      await stream.quiet();
      // It stays subscribed (P41).
      cache.set("n", Snapshot.of([host("r/a"), host("r/b")]));
      const later = await stream.next();
      expect(hosts(later)).toEqual(["r/b"]);
      stream.ack(later);
      await stream.quiet();
    });

    it("P60 P39 is removed when it is deleted, and is unknown to later clients", async () => {
      const { cache, stream } = await open(host("r/a"));
      stream.want("r/a");
      stream.ack(await stream.next());
      cache.set("n", Snapshot.of([host("r/b")]));
      await stream.take([], ["r/a"]);
      await stream.quiet();
      stream.request(virtualHostType, { resourceNamesSubscribe: ["r/a"] });
      const answer = await stream.next();
      expect(hosts(answer)).toEqual(["r/a? r/a"]);
      expect(answer.removed).toEqual([]);
    });

    it("P59 P60 is found by another host's name, its alias", async () => {
      const { stream } = await open(host("r/a", "", ["r/www.a"]));
      stream.want("r/www.a");
      const answer = await stream.next();
      expect(answer.resources).toMatchObject([{ name: "r/a", aliases: ["r/www.a"] }]);
      stream.ack(answer);
      await stream.quiet();
    });

    it("P33 P46 P56 is not subscribed by a request without names, which is still answered", async () => {
      const { cache, stream } = await open(host("r/a"));
      stream.want();
      await stream.take([]);
      cache.set("n", Snapshot.of([host("r/a", "changed")]));
      await stream.quiet();
    });
  });

  it("P61 is sent again with an update of its route configuration, and no other is", async () => {
    const cache = cacheOf(routeWithVhds("r"), routeWithVhds("s"), host("r/a"), host("r/b"), host("s/a"));
    const stream = (await TestServer.start(cache)).open(adsDelta, routeType);
    const virtualHosts = stream.of(virtualHostType);
    stream.want("r", "s");
    stream.ack(await stream.next());
    virtualHosts.want("r/a", "s/a");
    virtualHosts.ack(await stream.next());
    await stream.quiet();
    for (const mark of ["one", "two"]) {
      cache.set(
        "n",
        Snapshot.of([routeWithVhds("r", mark), routeWithVhds("s"), host("r/a"), host("r/b"), host("s/a")]),
      );
      const routes = await stream.next();
      expect(routes).toMatchObject({ typeUrl: routeType, resources: [{ name: "r" }] });
      stream.ack(routes);
      const again = await stream.next();
      expect(again.typeUrl).toBe(virtualHostType);
      expect(hosts(again)).toEqual(["r/a"]);
      virtualHosts.ack(again);
      await stream.quiet();
    }
  });

  // Envoy waits to hear something of a new route configuration's hosts, but says of none which it wants.
  it("P56 is answered as missing when a client has taken a route configuration and requests no virtual host", async () => {
    const cache = cacheOf(routeWithVhds("r"), route("without"));
    const stream = (await TestServer.start(cache)).open(adsDelta, routeType);
    const virtualHosts = stream.of(virtualHostType);
    stream.want("r", "without", "s");
    const routes = await stream.next();
    virtualHosts.want(); // before the ACK, as Envoy does
    await virtualHosts.take([], ["r/*"]);
    stream.ack(routes);
    await stream.quiet();
    cache.set("n", Snapshot.of([routeWithVhds("r"), route("without"), routeWithVhds("s")]));
    stream.ack(await stream.next());
    await virtualHosts.take([], ["s/*"]);
    await stream.quiet();
  });
});

describe("what does not exist", () => {
  type Asked = { readonly node: Node; readonly type: { readonly typeUrl: string }; readonly name: string };
  type Resolve = NonNullable<XdsServerOptions["onDemand"]>["resolve"];

  onBothTypes(allWays, (way, { typeUrl, make, fullState }) => {
    async function open(resolve: (cache: LinearCache, name: string) => ReturnType<Resolve>, timeoutMs?: number) {
      const cache = new LinearCache(typeUrl, { resources: [make("known")] });
      const asked: Asked[] = [];
      const onDemand = {
        resolve: (wanted: Asked) => {
          asked.push(wanted);
          return resolve(cache, wanted.name);
        },
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
      const logger = new LogBook();
      const server = await TestServer.start(cache, { onDemand, logger });
      const names = () => asked.map(({ name }) => name);
      return { cache, server, asked, names, logger, stream: server.open(way, typeUrl) };
    }
    /** Full state in SotW has all that is subscribed. */
    const with_ = (whole: string[], ...news: string[]) =>
      way.variant === "sotw" && fullState ? [...whole, ...news] : news;
    const told = way.variant === "delta" || fullState;

    it("P62 is made by the resolver, and is the first answer", async () => {
      const { asked, names, stream } = await open(async (cache, name) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        cache.set(make(name));
      });
      stream.want("new");
      await stream.take(["new@1"]);
      expect(asked).toMatchObject([{ name: "new", node: { id: "n" }, type: { typeUrl } }]);
      stream.want("new", "newer");
      await stream.take(with_(["new@1"], "newer@1"));
      expect(names()).toEqual(["new", "newer"]);
      await stream.quiet();
    });

    it("P62 does not keep what does from being answered at once", async () => {
      let done = () => {};
      const { stream, names } = await open(async (cache, name) => {
        await new Promise<void>((resolve) => {
          done = resolve;
        });
        cache.set(make(name));
      });
      stream.want("known", "new");
      await stream.take(["known@1"]);
      await stream.quiet();
      expect(names()).toEqual(["new"]);
      done();
      await stream.take(with_(["known@1"], "new@1"));
      await stream.quiet();
    });

    it("P62 P40 is said not to when the resolver has nothing, fails, or takes too long", async () => {
      const resolve: Resolve = ({ name }) => {
        if (name === "fails") throw new Error("out of order");
        if (name === "rejects") return Promise.reject(new Error("out of reach"));
        if (name === "never") return new Promise(() => {});
      };
      const { stream, logger } = await open((_cache, name) => resolve({ name } as never), 50);
      for (const name of ["nothing", "fails", "rejects", "never"]) {
        stream.want(name);
        if (told) await stream.take([], [name]);
        else await stream.quiet();
      }
      const errors = () => logger.entries.filter(({ level }) => level === "error");
      expect(errors().map(({ fields }) => fields)).toMatchObject([
        { callback: "onDemand.resolve", error: "out of order" },
        { callback: "onDemand.resolve", error: "out of reach" },
      ]);
      expect(errors()).toHaveLength(2);
    });

    it("P62 P32 P41 is taken when it comes after all", async () => {
      const { cache, stream } = await open(() => {});
      stream.want("late");
      if (told) await stream.take([], ["late"]);
      await stream.quiet();
      cache.set(make("late"));
      await stream.take(["late@1"]);
      await stream.quiet();
    });

    it("P62 is asked for once at a time, and never by a wildcard, a collection, or what exists", async () => {
      const { cache, names, stream, server } = await open(() => new Promise(() => {}), 60_000);
      const glob = "xdstp://authority/type/*";
      stream.want("known", "*", glob);
      stream.ack(await stream.next());
      expect(names()).toEqual([]);
      const other = server.open(way, typeUrl);
      other.want("new");
      other.want("new");
      other.want("new", "known");
      other.ack(await other.next());
      await other.quiet();
      expect(names()).toEqual(["new"]);
      // A change of something else is no answer to it.
      cache.set(make("known", 2));
      await other.take(["known@2"]);
      await other.quiet();
    });
  });

  on(deltaWays, (way) => {
    it("P60 P62 is answered without a body when no virtual host could be made of it", async () => {
      const cache = new LinearCache(virtualHostType, { resources: [] });
      const resolve = ({ name }: { name: string }) => {
        if (name === "r/known") cache.set(host(name));
      };
      const stream = (await TestServer.start(cache, { onDemand: { resolve } })).open(way, virtualHostType);
      stream.want("r/unknown");
      const none = await stream.next();
      expect(hosts(none)).toEqual(["r/unknown? r/unknown"]);
      stream.ack(none);
      stream.want("r/unknown", "r/known");
      const some = await stream.next();
      expect(hosts(some)).toEqual(["r/known"]);
      stream.ack(some);
      await stream.quiet();
    });
  });
});
