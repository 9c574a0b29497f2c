import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Response } from "../../src/protocol/response.js";
import type { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import { clusterType, endpointType } from "../../src/resource/types.js";
import { DirectServer, useFakeTime } from "./direct-client.js";
import { cacheOf } from "./harness.js";
import { cluster, endpoints } from "./resources.js";
import { watchersOf } from "./watchers.js";

beforeAll(useFakeTime);
afterAll(() => void vi.useRealTimers());

const second = 1_000;
const types = [
  { name: "clusters", typeUrl: clusterType, make: cluster },
  { name: "endpoints", typeUrl: endpointType, make: endpoints },
];

const cases = (["sotw", "delta"] as const).flatMap((variant) =>
  types.flatMap((type) => ["by name", "all"].map((asked) => ({ ...type, variant, asked }))),
);

for (const { variant, name, typeUrl, make, asked } of cases)
  describe(`a response that is not answered, ${variant}, ${name}, ${asked}`, () => {
    /** A client that has taken `a@1`. */
    const start = (...others: Resource[]) => {
      const cache = cacheOf(make("a"), ...others);
      const server = new DirectServer(cache);
      const client = server.open(variant);
      client.want(typeUrl, ...(asked === "all" ? [] : ["a", ...others.map((one) => one.name)]));
      client.take(typeUrl, ["a@1", ...others.map((one) => `${one.name}@1`)]);
      const serve = (content: number) => cache.set("n", Snapshot.of([make("a", content), ...others]));
      const kept = watchersOf(cache);
      onTestFinished(() => {
        client.close();
        expect(watchersOf(cache)).toBe(0);
      });
      return { cache, server, client, serve, kept };
    };
    const isWhole = variant === "sotw" && typeUrl === clusterType;

    it("P25 is followed by a correction after 5 s, and by the way back at once", () => {
      const { client, server, serve } = start();
      serve(2); // a cluster that never warms
      const broken = client.expect(typeUrl, ["a@2"]);
      client.quietFor(2 * second);
      serve(3);
      client.quietFor(2.9 * second);
      server.pass(200);
      const fixed = client.expect(typeUrl, ["a@3"]);
      serve(1);
      const back = client.expect(typeUrl, ["a@1"]);
      client.ack(broken);
      client.ack(fixed);
      client.ack(back);
      client.quietFor(60 * second);
      serve(2);
      client.take(typeUrl, ["a@2"]);
    });

    it("P25 is followed by four at most; what changes then is merged, and goes when one is answered", () => {
      const { client, server, serve } = start();
      serve(2);
      const first = client.expect(typeUrl, ["a@2"]);
      server.pass(6 * second);
      const later = [3, 4, 5].map((content) => {
        serve(content);
        return client.expect(typeUrl, [`a@${content}`]);
      });
      for (const content of [6, 7, 8]) {
        serve(content);
        client.quietFor(10 * second);
      }
      client.ack(first);
      const merged = client.expect(typeUrl, ["a@8"]);
      for (const answer of [...later, merged]) client.ack(answer);
      client.quietFor(60 * second);
    });

    it("P25 P20 is followed by others, of which each answer confirms its own", () => {
      const { client, server, serve } = start();
      serve(2);
      const broken = client.expect(typeUrl, ["a@2"]);
      server.pass(6 * second);
      serve(3);
      const fixed = client.expect(typeUrl, ["a@3"]);
      client.nack(broken, "a: never warm");
      client.ack(fixed);
      client.quietFor(60 * second); // what was refused is not served any more
      serve(2);
      client.take(typeUrl, ["a@2"]);
    });

    it("P25 P18 is refused after its replacement was refused: the client has what it had before", () => {
      const { client, server, serve } = start();
      serve(2);
      const first = client.expect(typeUrl, ["a@2"]);
      server.pass(6 * second);
      serve(3);
      const last = client.expect(typeUrl, ["a@3"]);
      client.nack(first);
      client.nack(last);
      client.quiet();
      serve(1);
      client.quietFor(60 * second); // it is what the client has
      serve(4);
      client.take(typeUrl, ["a@4"]);
    });

    it("P25 P18 may have been taken although what came after it is refused: the way back is sent", () => {
      const { cache, client, server, serve, kept } = start();
      serve(2);
      client.expect(typeUrl, ["a@2"]); // Envoy ACKs clusters once they are warm, and then only the newest response
      server.pass(6 * second);
      serve(3);
      const last = client.expect(typeUrl, ["a@3"]);
      client.nack(last);
      client.quietFor(5 * second);
      serve(1);
      client.take(typeUrl, ["a@1"]);
      client.quietFor(60 * second);
      serve(2);
      client.take(typeUrl, ["a@2"]);
      client.quietFor(60 * second);
      if (variant === "sotw") expect(watchersOf(cache)).toBe(kept); // all is answered
    });

    if (variant === "delta" && asked === "all")
      it("P25 P54 a removal that is held back is not forgotten when another change is sent before the answers", () => {
        const { cache, client, server } = start();
        const serve = (...served: Resource[]) => cache.set("n", Snapshot.of(served));
        serve(make("a"), make("c"));
        const answers = [client.expect(typeUrl, ["c@1"])];
        server.pass(6 * second);
        const has = new Set(["a", "c"]);
        const read = () => {
          for (let next = client.next(); next; next = client.next()) {
            for (const { name: added } of next.resources) has.add(added);
            for (const removed of next.removedResources) has.delete(removed);
            answers.push(next);
          }
        };
        serve(make("a"), make("b"));
        read();
        serve(make("a", 2), make("b"));
        read();
        for (let answer = answers.shift(); answer; answer = answers.shift()) {
          client.ack(answer);
          read();
        }
        client.quietFor(60 * second);
        expect([...has]).toEqual(["a", "b"]);
        expect(client.state(typeUrl)).toBe("SYNCED");
      });

    if (variant === "delta")
      for (const order of ["in order", "the later one first"])
        it(`P25 P54 a removal that is held back while the resource's response is unanswered is not forgotten; answered ${order}`, () => {
          const { cache, client, server } = start();
          const has = new Set(["a"]);
          const take = (response: Response) => {
            for (const { name } of response.resources) has.add(name);
            for (const name of response.removedResources) has.delete(name);
          };
          const serve = (...names: string[]) => cache.set("n", Snapshot.of(names.map((each) => make(each))));
          if (asked === "by name") {
            client.want(typeUrl, "a", "b", "c");
            client.take(typeUrl, [], ["b", "c"]);
          }
          serve("a", "b");
          const answers = [client.expect(typeUrl, ["b@1"])];
          server.pass(6 * second);
          serve("a", "c");
          for (let next = client.next(); next; next = client.next()) answers.push(next);
          for (const answer of answers) take(answer);
          for (const answer of order === "in order" ? answers : answers.reverse()) client.ack(answer);
          for (let next = client.next(); next; next = client.next()) {
            take(next);
            client.ack(next);
          }
          expect([...has]).toEqual(["a", "c"]);
          client.quietFor(60 * second);
        });

    it("P25 P20 is ACKed after a later response was refused: the client has it", () => {
      const { cache, client, server, serve, kept } = start();
      serve(2);
      const first = client.expect(typeUrl, ["a@2"]);
      server.pass(6 * second);
      serve(3);
      client.nack(client.expect(typeUrl, ["a@3"]));
      client.quietFor(second);
      client.ack(first);
      client.quietFor(5 * second);
      serve(1);
      client.take(typeUrl, ["a@1"]);
      client.quietFor(60 * second);
      expect(watchersOf(cache)).toBe(kept);
    });

    for (const isAnswered of [true, false])
      it(`P25 P20 is no news after a later one was ACKed${isAnswered ? ", even if a third was refused" : ""}`, () => {
        const { client, server, serve } = start();
        serve(2);
        const first = client.expect(typeUrl, ["a@2"]);
        server.pass(6 * second);
        serve(3);
        client.ack(client.expect(typeUrl, ["a@3"]));
        client.quiet();
        serve(4);
        client.nack(client.expect(typeUrl, ["a@4"]), "a: bad");
        if (isAnswered) client.ack(first);
        client.quietFor(second);
        serve(2); // the client has a@3
        client.take(typeUrl, ["a@2"]);
        if (!isAnswered) client.ack(first);
        client.quietFor(60 * second);
        expect(client.state(typeUrl)).toBe("SYNCED");
      });

    it("P25 P18 is ACKed after a later response was refused and withdrawn: SYNCED", () => {
      const { client, server, serve } = start();
      serve(2);
      const first = client.expect(typeUrl, ["a@2"]);
      server.pass(6 * second);
      serve(3);
      client.nack(client.expect(typeUrl, ["a@3"]), "a: bad");
      client.quiet();
      serve(2);
      const back = client.next(); // a full state goes again; of others it is on its way
      expect(back !== undefined).toBe(isWhole);
      client.ack(first);
      if (back) client.ack(back);
      client.quietFor(60 * second);
      expect(client.state(typeUrl)).toBe("SYNCED");
    });

    it("P25 P16 is ACKed after a later response was refused, which is offered again", () => {
      const { client, server, serve } = start();
      serve(2);
      const first = client.expect(typeUrl, ["a@2"]);
      server.pass(6 * second);
      serve(3);
      client.nack(client.expect(typeUrl, ["a@3"]), "a: bad");
      client.quiet();
      client.ack(first);
      client.quietFor(9 * second);
      server.pass(4 * second);
      client.take(typeUrl, ["a@3"]);
      client.quietFor(60 * second);
    });

    if (variant === "sotw" && !isWhole && asked === "all")
      it("P25 P18 is refused after newer ones were sent, whose content is served: SYNCED", () => {
        const { cache, client, server } = start();
        const serve = (...served: Resource[]) => cache.set("n", Snapshot.of(served));
        serve(make("a", 10), make("b", 10));
        const first = client.expect(typeUrl, ["a@10", "b@10"]);
        serve(make("b", 10));
        server.pass(6 * second);
        serve(make("b", 11));
        server.pass(6 * second);
        const next = client.expect(typeUrl, ["b@11"]);
        serve(make("a", 2));
        const last = client.expect(typeUrl, ["a@2"]);
        client.nack(first);
        client.nack(next);
        client.ack(last);
        client.quietFor(60 * second);
        expect(client.state(typeUrl)).toBe("SYNCED");
      });

    it("P25 P18 is refused after its resource was removed: SYNCED", () => {
      const { cache, client, server } = start();
      if (asked === "by name") {
        client.want(typeUrl, "a", "b");
        for (let next = client.next(); next; next = client.next()) client.ack(next);
      }
      cache.set("n", Snapshot.of([make("a"), make("b", 2)]));
      const offered = client.expect(typeUrl, isWhole ? ["a@1", "b@2"] : ["b@2"]);
      server.pass(6 * second);
      cache.set("n", Snapshot.of([make("a")]));
      const removal = client.next();
      client.nack(offered, "b: bad");
      if (removal) client.ack(removal);
      server.pass(60 * second);
      for (let next = client.next(); next; next = client.next()) client.ack(next);
      client.quietFor(60 * second);
      expect(client.state(typeUrl)).toBe("SYNCED");
    });

    it("P25 holds up other names no longer than 5 s", () => {
      const { client, server, cache, serve } = start(make("b"));
      serve(2);
      client.expect(typeUrl, isWhole ? ["a@2", "b@1"] : ["a@2"]);
      cache.set("n", Snapshot.of([make("a", 2), make("b", 2)]));
      client.quietFor(4 * second);
      server.pass(1_100);
      client.take(typeUrl, isWhole ? ["a@2", "b@2"] : ["b@2"]);
    });

    if (variant === "sotw")
      it("P25 P21 has an answer with an older nonce confirm its own response, and change no names", () => {
        const { client, server, serve, cache } = start(make("b"));
        serve(2);
        const first = client.expect(typeUrl, isWhole ? ["a@2", "b@1"] : ["a@2"]);
        server.pass(6 * second);
        serve(3);
        const last = client.expect(typeUrl, isWhole ? ["a@3", "b@1"] : ["a@3"]);
        client.answerWith(first, "a"); // with fewer names, and an older nonce
        client.quiet();
        client.ack(last);
        cache.set("n", Snapshot.of([make("a", 3), make("b", 2)]));
        client.take(typeUrl, isWhole ? ["a@3", "b@2"] : ["b@2"]);
      });
  });

describe("a full state that is not answered", () => {
  for (const message of ["Error adding/updating cluster(s) a: bad", "no"])
    it(`P17 P25 is refused with the next, which repeats what is bad: the rest counts as taken (${message})`, () => {
      const cache = cacheOf(cluster("c"));
      const serve = (...served: Resource[]) => cache.set("n", Snapshot.of(served));
      const server = new DirectServer(cache, {}, { retryRefused: false });
      const client = server.open("sotw");
      client.want(clusterType);
      client.take(clusterType, ["c@1"]);
      serve(cluster("c"), cluster("a", 11));
      const first = client.expect(clusterType, ["a@11", "c@1"]);
      server.pass(6 * second);
      serve(cluster("c"), cluster("b"));
      const last = client.expect(clusterType, ["a@11", "b@1", "c@1"]); // the removal of `a` waits
      client.quietFor(20 * second);
      client.nack(first, message);
      client.quiet();
      client.nack(last, message);
      client.quietFor(20 * second);
      expect(client.state(clusterType)).toBe("SYNCED");
    });
});
