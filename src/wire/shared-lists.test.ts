import { expect, it } from "vitest";
import { SharedLists } from "./shared-lists.js";

const read = (lists: SharedLists<string>, bytes: string) => lists.get(bytes, () => Object.freeze([...bytes]));

it("reads a list once for the same bytes", () => {
  const lists = new SharedLists<string>(10);
  const list = read(lists, "ab");
  expect(list).toEqual(["a", "b"]);
  expect(read(lists, "ab")).toBe(list);
  expect(read(lists, "ac")).toEqual(["a", "c"]);
});

it("counts the bytes of the lists that it keeps, and so many more for each item", () => {
  for (const [itemBytes, most] of [
    [0, 3],
    [4, 15],
  ] as const) {
    const lists = new SharedLists<string>(most, itemBytes);
    const [first, second, third] = ["a", "b", "c"].map((bytes) => read(lists, bytes));
    expect(read(lists, "a")).toBe(first);
    expect(read(lists, "d")).toEqual(["d"]); // "b" is the one asked for longest ago
    expect(read(lists, "a")).toBe(first);
    expect(read(lists, "c")).toBe(third);
    expect(read(lists, "b")).not.toBe(second);
  }
});
