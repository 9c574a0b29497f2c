import type { JsonObject } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Resource } from "../../src/resource/resource.js";
import { commonLayer } from "../../src/source/reading/layers.js";
import type { Configuration, Reading, Source } from "../../src/source/reading/source.js";

/** What a source is to find: resources as proto3 JSON with `@type`. */
export interface Content {
  readonly common?: readonly JsonObject[];
  readonly groups?: Readonly<Record<string, readonly JsonObject[]>>;
}

/** A source, and the place where it looks. */
export interface SourceUnderTest {
  readonly source: Source;
  /** Replaces all that the source finds. */
  put(content: Content): Promise<void>;
  /** Makes one resource unusable, and leaves the others. */
  spoil(): Promise<void>;
  /** Puts the same content in the place again, written anew. */
  rewrite(): Promise<void>;
  /** Removes what `make` set up; the source is closed before. */
  remove(): Promise<void>;
}

const clusterType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
export const cluster = (name: string, seconds = 1): JsonObject => ({
  "@type": clusterType,
  name,
  connectTimeout: `${seconds}s`,
});

/** What every source has to do. `make` sets up a place that holds the content. */
export function sourceContract(name: string, make: (content: Content) => Promise<SourceUnderTest>): void {
  describe(`${name}, as every source`, () => {
    let place: SourceUnderTest | undefined;
    afterEach(async () => {
      await place?.source.close();
      await place?.remove();
      place = undefined;
    });
    const open = async (content: Content) => {
      const made = await make(content);
      place = made;
      const readings: Reading[] = [];
      const first = await made.source.open((reading) => readings.push(reading));
      return { ...made, first, readings };
    };

    test("gives what all nodes get and what each group gets beside it", async () => {
      const { first } = await open({
        common: [cluster("a"), cluster("b")],
        groups: { edge: [cluster("c")], core: [] },
      });
      const { common, groups } = configurationOf(first);
      expect(namesOf(common)).toEqual(["a", "b"]);
      expect([...groups.keys()].sort()).toEqual(["core", "edge"]);
      expect(namesOf(groups.get("edge"))).toEqual(["c"]);
      expect(namesOf(groups.get("core"))).toEqual([]);
    });

    test("tells a change once, and keeps the objects of what did not change", async () => {
      const { first, readings, put } = await open({ common: [cluster("a"), cluster("b"), cluster("gone")] });
      await put({ common: [cluster("a"), cluster("b", 2), cluster("new")], groups: { edge: [cluster("c")] } });
      await vi.waitFor(() => expect(readings).not.toEqual([]), waiting);
      const { common, groups } = configurationOf(readings.at(-1));
      expect(namesOf(common)).toEqual(["a", "b", "new"]);
      expect(namesOf(groups.get("edge"))).toEqual(["c"]);
      const before = configurationOf(first).common;
      expect(common[0]).toBe(before[0]);
      expect(common[1]).not.toBe(before[1]);
      expect(readings).toHaveLength(1);
    });

    test("takes a group away with what it had", async () => {
      const groups = { core: [] };
      const { readings, put } = await open({ common: [cluster("a")], groups: { edge: [cluster("c")], ...groups } });
      await put({ common: [cluster("a")], groups });
      await vi.waitFor(() => expect(readings).not.toEqual([]), waiting);
      expect([...configurationOf(readings.at(-1)).groups]).toEqual([["core", []]]);
    });

    test("tells problems without a configuration, then the whole configuration when it is healed", async () => {
      const content = { common: [cluster("a"), cluster("b")] };
      const { readings, put, spoil } = await open(content);
      await spoil();
      await vi.waitFor(() => expect(readings).toHaveLength(1), waiting);
      expect(readings[0]).toEqual({ problems: [expect.objectContaining({ message: expect.any(String) })] });
      await put(content);
      await vi.waitFor(() => expect(readings).toHaveLength(2), waiting);
      expect(namesOf(configurationOf(readings[1]).common)).toEqual(["a", "b"]);
    });

    test("opens with problems, and heals", async () => {
      const made = await make({ common: [cluster("a")] });
      place = made;
      await made.spoil();
      const readings: Reading[] = [];
      expect(await made.source.open((reading) => readings.push(reading))).toHaveProperty("problems");
      await made.put({ common: [cluster("a")] });
      await vi.waitFor(() => expect(readings).toHaveLength(1), waiting);
      expect(namesOf(configurationOf(readings[0]).common)).toEqual(["a"]);
    });

    test("refuses a name that a node would be served twice, and takes it in two groups", async () => {
      const { readings, put } = await open({ groups: { edge: [cluster("a")], core: [cluster("a")] } });
      await put({ common: [cluster("a")], groups: { edge: [cluster("a")] } });
      await vi.waitFor(() => expect(readings).not.toEqual([]), waiting);
      expect(readings.at(-1)).toEqual({
        problems: [expect.objectContaining({ message: expect.stringMatching(/^clusters "a" is already at /) })],
      });
    });

    test("says nothing when the same is written again", async () => {
      const { readings, rewrite, put } = await open({ common: [cluster("a")] });
      await rewrite();
      await put({ common: [cluster("a"), cluster("b")] });
      await vi.waitFor(() => expect(readings).not.toEqual([]), waiting);
      await rewrite();
      await put({ common: [cluster("b")] });
      await vi.waitFor(() => expect(readings.length).toBeGreaterThan(1), waiting);
      expect(readings.map((reading) => namesOf(configurationOf(reading).common))).toEqual([["a", "b"], ["b"]]);
    });

    test("is silent once it is being closed, and can be closed again, or without having been opened", async () => {
      const { source, readings, put } = await open({ common: [cluster("a")] });
      await put({ common: [cluster("b")] });
      await source.close();
      await source.close();
      const told = readings.length;
      const other = await make({ common: [cluster("c")] });
      const readingsOfOther: Reading[] = [];
      await other.source.open((reading) => readingsOfOther.push(reading));
      await put({ common: [cluster("c")] });
      await other.put({ common: [cluster("d")] });
      await vi.waitFor(() => expect(readingsOfOther).toHaveLength(1), waiting);
      await other.source.close();
      await other.remove();
      expect(readings).toHaveLength(told);
      const unopened = await make({});
      await unopened.source.close();
      await unopened.remove();
    });

    test("can be opened only once", async () => {
      const { source } = await open({});
      await expect(source.open(() => {})).rejects.toMatchObject({ code: "WRONG_STATE" });
    });
  });
}

/** A change is taken up within a second; a busy machine is given more. */
export const waiting = { timeout: 15_000, interval: 5 };

export function configurationOf(reading: Reading | undefined): Simple {
  if (reading && "configuration" in reading) return simple(reading.configuration);
  throw new Error(`no configuration: ${JSON.stringify(reading)}`);
}

/** A configuration whose groups have one layer each on top of what is for all. */
interface Simple {
  readonly common: readonly Resource[];
  readonly groups: ReadonlyMap<string, readonly Resource[]>;
}

function simple({ layers, groups }: Configuration): Simple {
  const of = (layer: string) => layers.get(layer)?.resources ?? [];
  for (const [group, order] of groups) expect(order).toEqual([commonLayer, group]);
  return { common: of(commonLayer), groups: new Map(Array.from(groups.keys(), (group) => [group, of(group)])) };
}

export const namesOf = (resources: readonly Resource[] | undefined) => resources?.map(({ name }) => name);
