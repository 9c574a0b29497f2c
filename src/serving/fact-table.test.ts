import { expect, it } from "vitest";
import { FactTable, type TableChanges } from "./fact-table.js";

/** A reader that keeps a copy by the changes. */
class Reader {
  readonly has = new Map<string, string>();
  read = 0;
  private mark: string | undefined;

  take({ mark, isWhole, entries }: TableChanges): void {
    this.mark = mark;
    this.read += entries.length;
    if (isWhole) this.has.clear();
    for (const [name, value] of entries)
      if (value === undefined) this.has.delete(name);
      else this.has.set(name, value);
  }

  from(table: FactTable): this {
    this.take(table.since(this.mark));
    return this;
  }
}

const content = (count: number, of = (at: number) => `v${at}`) =>
  new Map(Array.from({ length: count }, (_, at) => [`n${at}`, of(at)]));

it("gives a reader everything once, then only what has changed", () => {
  const table = new FactTable();
  const reader = new Reader();
  table.set(content(1_000));
  expect(reader.from(table).has).toEqual(content(1_000));
  table.set(content(1_000));
  expect(reader.from(table).read).toBe(1_000);
  table.set(content(999, (at) => (at === 7 ? "other" : `v${at}`)));
  expect(reader.from(table).has).toEqual(content(999, (at) => (at === 7 ? "other" : `v${at}`)));
  expect(reader.read).toBe(1_002);
  table.set(content(1_000));
  expect(reader.from(table).has).toEqual(content(1_000));
  expect(new Reader().from(table).read).toBe(1_000);
});

it("forgets names that are gone, and its readers do too", () => {
  const table = new FactTable();
  const reader = new Reader();
  for (let round = 0; round < 30; round++) {
    table.set(new Map(Array.from({ length: 1_000 }, (_, at) => [`r${round} n${at}`, ""])));
    if (round % 7 === 0) expect(reader.from(table).has.size).toBe(1_000);
  }
  expect(reader.from(table).has.size).toBe(1_000);
  expect([...reader.has.keys()][0]).toBe("r29 n0");
});

it("gives everything to a reader of another table", () => {
  const [one, other] = [new FactTable(), new FactTable()];
  one.set(content(3));
  other.set(content(2));
  const reader = new Reader().from(one);
  expect(reader.from(other).has).toEqual(content(2));
  other.clear();
  expect(reader.from(other).has.size).toBe(0);
});
