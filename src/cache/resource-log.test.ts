import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { cluster, Reader } from "../../test/contract/cache.js";
import { resourceType } from "../resource/default-api.js";
import { Resource } from "../resource/resource.js";
import type { ResourceOptions } from "../resource/resource-options.js";
import { clusterType } from "../resource/types.js";
import { ResourceLog } from "./resource-log.js";

const type = resourceType(clusterType);
const contents = new Map<string, Resource>();
/** The same object for the same content, so that a thousand runs encode only once. */
const shared = (name: string, content: number): Resource => {
  const key = `${name} ${content}`;
  const known = contents.get(key) ?? cluster(name, content);
  contents.set(key, known);
  return known;
};
const state = (log: ResourceLog) => new Map(log.all().map(({ name, version }) => [name, version]));
const internals = (log: ResourceLog) =>
  log as unknown as { log: unknown[]; entries: Map<string, { before: unknown }>; memo: Map<number, unknown> };

describe("ResourceLog", () => {
  it("lists resources by a list of names: the same array until something changes, none where one is not there by that name", () => {
    const log = new ResourceLog(type);
    const aliased = Resource.of(create(ClusterSchema, { name: "c" }), { aliases: ["alias"] });
    log.update([shared("a", 1), shared("b", 1), aliased], []);
    const names = ["b", "a"];
    const listed = log.listed(names);
    expect(listed.map(({ name }) => name)).toEqual(["b", "a"]);
    expect(log.listed(names)).toBe(listed);
    expect(log.listed(["a", "alias"])).toEqual([]);
    const withMissing = ["a", "d"];
    expect(log.listed(withMissing)).toEqual([]);
    log.update([shared("a", 2), shared("d", 1)], []);
    expect(log.listed(names)).toEqual([shared("b", 1), shared("a", 2)]);
    expect(log.listed(withMissing)).toEqual([shared("a", 2), shared("d", 1)]);
    log.update([], ["b"]);
    expect(log.listed(names)).toEqual([]);
  });

  const own = (name: string, version: string, content: number, options: ResourceOptions = {}) =>
    Resource.of(create(ClusterSchema, { name, perConnectionBufferLimitBytes: content }), { version, ...options });

  it("refuses other content under a version of the user's own, names the resource, and changes nothing", () => {
    const log = new ResourceLog(type);
    log.update([own("a", "v1", 1), own("b", "v1", 1)], []);
    const { version, position } = log;
    const reader = new Reader();
    log.followAll(reader);
    const others = [own("a", "v1", 2), own("a", "v1", 1, { ttlMs: 1_000 }), own("a", "v1", 1, { aliases: ["x"] })];
    for (const other of others)
      for (const change of [
        () => log.update([own("b", "v2", 2), other], []),
        () => log.replace(new Map([own("c", "v1", 1), other].map((resource) => [resource.key, resource]))),
      ]) {
        expect(change).toThrow(expect.objectContaining({ code: "VERSION_IN_USE" }));
        expect(change).toThrow(/"a" \(type.googleapis.com\/.*Cluster\) .* version "v1"; give it a new version/);
      }
    expect(log).toMatchObject({ version, position, size: 2 });
    expect(reader.woken).toEqual([]);
    log.update([own("a", "v1", 1)], []); // the same content
    expect(log.position).toBe(position);
    log.update([own("a", "v2", 2)], []);
    expect(log.get("a")?.version).toBe("v2");
  });

  it("tells a reader of an earlier position that a version has come back with other content", () => {
    const log = new ResourceLog(type);
    log.update([own("a", "v1", 1)], []);
    const { position } = log;
    log.retain(position);
    log.update([own("a", "v2", 1)], []);
    const back = own("a", "v1", 2);
    log.update([back], []);
    expect(log.since(position).changed).toEqual([back]);
  });

  it("finds a resource by an alias that is an xdstp name, and wakes for it, however its parameters are sorted", () => {
    const log = new ResourceLog(type);
    const reader = new Reader();
    const canonical = "xdstp://a/t/n?x=1&y=2";
    log.update([], []);
    log.follow(reader, canonical);
    const aliased = Resource.of(create(ClusterSchema, { name: "a" }), { aliases: ["xdstp://a/t/n?y=2&x=1"] });
    log.update([aliased], []);
    expect(log.get(canonical)).toBe(aliased);
    expect(reader.woken).toEqual([canonical]);
    expect(aliased.aliases).toEqual(["xdstp://a/t/n?y=2&x=1"]);
    log.update([], ["a"]);
    expect(log.get(canonical)).toBeUndefined();
  });

  it("finds a resource by an alias that was the name of one removed while a reader still has that", () => {
    const log = new ResourceLog(type);
    log.update([shared("old", 1)], []);
    log.retain(log.position);
    const aliased = Resource.of(create(ClusterSchema, { name: "new" }), { aliases: ["old"] });
    log.update([aliased], ["old"]);
    expect(log.get("old")).toBe(aliased);
  });

  it("brings a reader from any retained position to now, whatever happened between", () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const step = fc.oneof(
      fc.record({ set: name, content: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ remove: name }),
      fc.record({ replace: fc.uniqueArray(name), content: fc.integer({ min: 1, max: 3 }) }),
      fc.constant("retain" as const),
      fc.record({ release: fc.nat(5) }),
      fc.constant("sweep" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const log = new ResourceLog(type);
        const readers: { position: number; has: Map<string, string> }[] = [];
        for (const at of steps) {
          if (at === "retain") {
            log.retain(log.position);
            readers.push({ position: log.position, has: state(log) });
          } else if (at === "sweep") (log as unknown as { sweep(): void }).sweep();
          else if ("set" in at) log.update([shared(at.set, at.content)], []);
          else if ("remove" in at) log.update([], [at.remove]);
          else if ("replace" in at) log.replace(new Map(at.replace.map((n) => [n, shared(n, at.content)])));
          else {
            const [reader] = readers.splice(at.release % Math.max(1, readers.length), 1);
            if (reader) log.release(reader.position);
          }
          for (const { position, has } of readers) {
            for (const n of ["a", "b", "c", "d"]) expect(log.at(n, position)?.version).toBe(has.get(n));
            const { changed, removed } = log.since(position);
            const next = new Map(has);
            for (const resource of changed) {
              expect(next.get(resource.name)).not.toBe(resource.version);
              next.set(resource.name, resource.version);
            }
            for (const gone of removed) expect(next.delete(gone)).toBe(true);
            expect(next).toEqual(state(log));
          }
        }
        for (const { position } of readers) log.release(position);
        expect(internals(log).log).toEqual([]);
        for (const entry of internals(log).entries.values())
          expect(entry).toMatchObject({ resource: expect.anything() });
      }),
      { numRuns: 1_000 },
    );
  });

  it("does not grow with the changes that pass a reader who keeps up, nor one who never moves", () => {
    const log = new ResourceLog(type);
    log.update([shared("fixed", 1)], []);
    log.retain(log.position); // never moves
    let position = log.position;
    log.retain(position);
    for (let i = 0; i < 10_000; i++) {
      log.update([shared(`n${i % 7}`, i % 2)], i % 3 === 0 ? [`n${(i + 3) % 7}`] : []);
      log.retain(log.position);
      log.release(position);
      position = log.position;
    }
    expect(internals(log).log.length).toBeLessThan(600);
    let longest = 0;
    for (const entry of internals(log).entries.values()) {
      let length = 0;
      for (let e: { before?: unknown } | undefined = entry; e; e = e.before as typeof entry | undefined) length++;
      longest = Math.max(longest, length);
    }
    expect(longest).toBeLessThan(300);
    expect(internals(log).entries.size).toBeLessThan(10);
  });
});
