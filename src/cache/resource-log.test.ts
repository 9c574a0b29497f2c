import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { cluster } from "../../test/contract/cache.js";
import { Resource } from "../resource/resource.js";
import { clusterType, resourceType } from "../resource/types.js";
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
