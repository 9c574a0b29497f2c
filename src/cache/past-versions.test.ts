import { describe, expect, it } from "vitest";
import { cluster } from "../../test/protocol/resources.js";
import { mixedVersion } from "../resource/mixed-version.js";
import { Snapshot } from "../resource/snapshot.js";
import { clusterType } from "../resource/types.js";
import { type Differing, PastVersions } from "./past-versions.js";
import { SnapshotCache } from "./snapshot-cache.js";

const [a1, a2, b1] = [cluster("a"), cluster("a", 2), cluster("b")];
const named = (was: ReadonlyMap<string, { readonly version: string } | undefined> | undefined) =>
  was && Object.fromEntries(Array.from(was, ([name, resource]) => [name, resource?.version]));

describe("earlier versions", () => {
  it("lead to the present one, forwards and backwards, by the first resource of each name", () => {
    const past = new PastVersions();
    past.note("1", "2", [["a", a1, a2]], 1);
    past.note(
      "2",
      "3",
      [
        ["a", a2, undefined],
        ["b", undefined, b1],
      ],
      1,
    );
    expect(named(past.between("1", "3"))).toEqual({ a: a1.version, b: undefined });
    expect(named(past.between("2", "3"))).toEqual({ a: a2.version, b: undefined });
    expect(named(past.between("3", "1"))).toEqual({ a: undefined, b: b1.version });
    expect(named(past.between("3", "3"))).toEqual({});
    expect(past.between("4", "3")).toBe(undefined);
  });

  it("are found by name and version, and the newest by name", () => {
    const past = new PastVersions();
    past.note("1", "2", [["a", a1, a2]], 1);
    expect(past.replaced("a", a1.version)).toBe(a1);
    expect(past.replaced("a", "another")).toBe(undefined);
    expect(past.last("a")).toBe(a2);
    expect(past.last("c")).toBe(undefined);
  });

  it("with marks have the marked copies, whichever version they are from", () => {
    const past = new PastVersions();
    past.note(
      "1",
      "2",
      [
        ["a", a1, undefined],
        ["b", b1, undefined],
      ],
      1,
    );
    past.note("2", "3", [], 1);
    expect(named(past.between(mixedVersion("3", [a1]), "3"))).toEqual({ a: a1.version });
    expect(mixedVersion("3", [b1, a1, b1])).toBe(mixedVersion("3", [a1, b1]));
    expect(mixedVersion("3", [])).toBe("3");
    expect(past.between("9+00000000", "3")).toBe(undefined);
    expect(named(past.between("3+00000000", "3"))).toEqual({});
  });

  it("are forgotten, the oldest first; the last change is remembered, however large", () => {
    const past = new PastVersions();
    for (let n = 0; n < 100; n++) past.note(String(n), String(n + 1), [["a", a1, a2]], 1);
    expect(past.between("35", "100")).toBe(undefined);
    expect(past.between("36", "100")?.size).toBe(1);
    const many = Array.from({ length: 20_000 }, (_, n): Differing => [`c${n}`, a1, undefined]);
    past.note("100", "101", many, 0);
    expect(past.between("99", "101")).toBe(undefined);
    expect(past.between("100", "101")?.size).toBe(20_000);
  });

  it("have at most as many names together as there are resources, 256 at least and 10,000 at most", () => {
    for (const [size, most] of [
      [10, 256],
      [600, 600],
      [50_000, 10_000],
    ] as const) {
      const past = new PastVersions();
      const names = Array.from({ length: most / 4 }, (_, n): Differing => [`c${n}`, a1, a2]);
      for (let n = 0; n < 8; n++) past.note(String(n), String(n + 1), names, size);
      expect(past.between("3", "8")).toBe(undefined);
      expect(past.between("4", "8")?.size).toBe(most / 4);
    }
  });

  it("of a step that is taken again count from then on", () => {
    const past = new PastVersions();
    past.note("1", "2", [["a", a1, a2]], 1, 10);
    past.renew("2", "1", 1);
    expect(past.replacedLately.map(({ resource }) => resource.version)).toEqual([a2.version, a1.version]);
    expect(past.replacedLately[0]?.at).toBeGreaterThan(10);
    expect(past.replacedLately).toBe(past.replacedLately);
    past.renew("1", "9", 1);
    expect(past.between("9", "1")).toBe(undefined);
  });
});

describe("a snapshot cache", () => {
  const reader = { node: { id: "n" }, wake() {}, beat() {}, move() {}, lastRequestAt: 0, lastResponseAt: 0 } as never;
  const viewOf = (cache: SnapshotCache) => cache.watch({ node: { id: "n" } as never, type: a1.type }, reader).view;
  const earlier = (cache: SnapshotCache, version: string) => named(viewOf(cache).earlier?.(version));
  const versionOf = (cache: SnapshotCache, ...resources: (typeof a1)[]) => {
    cache.set("n", Snapshot.of(resources));
    return viewOf(cache).version;
  };

  it("knows what a version of before had", () => {
    const cache = new SnapshotCache();
    const first = versionOf(cache, a1, b1);
    const second = versionOf(cache, a2);
    expect(earlier(cache, first)).toEqual({ a: a1.version, b: b1.version });
    expect(earlier(cache, second)).toEqual({});
    expect(earlier(cache, "0123456789abcdef")).toBe(undefined);
  });

  it("knows versions of a candidate, after it was dropped and after it was promoted", () => {
    const cache = new SnapshotCache();
    versionOf(cache, a1);
    const other = new SnapshotCache();
    const ofCandidate = versionOf(other, a2, b1);
    cache.setCandidate("n", Snapshot.of([a2, b1]), () => false);
    cache.dropCandidate("n");
    expect(earlier(cache, ofCandidate)).toEqual({ a: a2.version, b: b1.version });
    cache.setCandidate("n", Snapshot.of([a2, b1]), () => false);
    cache.promote("n");
    expect(earlier(cache, versionOf(other, a1))).toEqual({ a: a1.version, b: undefined });
  });

  it("is told what another process served", () => {
    const cache = new SnapshotCache();
    const before = versionOf(new SnapshotCache(), a1, b1);
    cache.noteEarlier("n", Snapshot.of([a1, b1])); // it serves nothing yet
    cache.set("n", Snapshot.of([a2]));
    expect(earlier(cache, before)).toBe(undefined);
    cache.noteEarlier("n", Snapshot.of([a1, b1]));
    expect(earlier(cache, before)).toEqual({ a: a1.version, b: b1.version });
    cache.noteEarlier("n", Snapshot.of([cluster("c")], { version: "mine" }));
    expect(earlier(cache, "mine")).toBe(undefined);
    expect(() => cache.noteEarlier("n", {} as never)).toThrow("not a Snapshot");
    expect(cache.get("n")?.resources(clusterType).size).toBe(1);
  });
});
