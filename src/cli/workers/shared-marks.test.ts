import { expect, test } from "vitest";
import { marksKey } from "../../serving/refusal-marks.js";
import { MemoryStore } from "../../store/memory-store.js";
import { SharedMarks } from "./shared-marks.js";

function scene() {
  const store = new MemoryStore();
  const told: unknown[] = [];
  const marks = new SharedMarks(store, (worker, added) => told.push([worker, added]));
  const put = (worker: number, list: string[]) => marks.put(worker, { [marksKey]: list });
  return { store, told, marks, put, kept: () => store.readRecord(marksKey) };
}

test("the marks of all workers are kept together, newest first, each once", async () => {
  const { put, kept } = scene();
  await put(1, ["b", "a"]);
  await put(2, ["c", "a"]);
  expect(await kept()).toEqual(["c", "a", "b"]);
  await put(1, ["b"]);
  expect(await kept()).toEqual(["b", "c", "a"]);
  await put(2, []);
  expect(await kept()).toEqual(["b"]);
});

test("no more marks are kept than one server keeps; the newest stay", async () => {
  const { put, kept } = scene();
  const named = (worker: number) => Array.from({ length: 9_000 }, (_, at) => `${worker} ${at}`);
  await put(1, named(1));
  await put(2, named(2));
  const all = (await kept()) as string[];
  expect([all.length, all[0], all.at(-1)]).toEqual([10_000, "2 0", "1 999"]);
  await put(1, ["x".repeat(1 << 20)]);
  expect(await kept()).toHaveLength(1);
});

test("the others are told what a worker adds, and what it adds again", async () => {
  const { put, told } = scene();
  await put(1, ["a"]);
  await put(1, ["b", "a"]);
  await put(2, ["b", "a"]);
  await put(1, ["b"]);
  await put(1, ["a", "b"]);
  expect(told).toEqual([
    [1, ["a"]],
    [1, ["b"]],
    [2, ["b", "a"]],
    [1, ["a"]],
  ]);
});

test("other records are written as they are", async () => {
  const { store, marks } = scene();
  await marks.put(1, { "k/1": 1 });
  await marks.put(1, { "k/2": 2, [marksKey]: ["a"] });
  expect([await store.readRecord("k/1"), await store.readRecord("k/2")]).toEqual([1, 2]);
});
