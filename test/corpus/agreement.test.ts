import { describe, expect, test } from "vitest";
import { readDifferences, readEntries, readVerdicts, toldOfUnserved } from "./entries.js";

const entries = readEntries();
const verdicts = readVerdicts();
const differences = readDifferences();
const judged = entries.map(({ id, ours }) => ({ id, ours: ours(), envoy: verdicts[id]?.accepts }));
const disagreeing = (envoyAccepts: boolean) =>
  judged.filter(({ ours, envoy }) => envoy === envoyAccepts && (ours.length === 0) !== envoyAccepts);

describe("our verdicts on the corpus, and Envoy's", () => {
  test("are both known, of 300 entries and more", () => {
    expect(entries.length).toBeGreaterThanOrEqual(300);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
    const known = Object.entries(verdicts).map(([id, { hash }]) => `${id} ${hash}`);
    expect(known, "run npm run record").toEqual(entries.map(({ id, hash }) => `${id} ${hash}`));
  });

  test("agree where Envoy accepts", () => {
    expect(disagreeing(true)).toEqual([]);
  });

  test("agree where Envoy accepts, on what is not served, too", () => {
    const told = entries.filter(({ id }) => verdicts[id]?.accepts).flatMap(toldOfUnserved);
    expect(told.filter((one) => !/ is deprecated/.test(one))).toEqual([]);
    expect(entries.filter(({ id }) => !verdicts[id]?.accepts).flatMap(toldOfUnserved).length).toBeGreaterThan(0);
  });

  test("differ where only Envoy refuses, each for a reason, and no reason is without need", () => {
    const only = disagreeing(false).map(({ id }) => id);
    expect(only.sort()).toEqual(Object.keys(differences).sort());
  });

  test("are counted", () => {
    const both = (accept: boolean) =>
      judged.filter(({ ours, envoy }) => envoy === accept && (ours.length === 0) === accept).length;
    const onlyWe = disagreeing(true).map(({ id, ours }) => `  only we refuse ${id}: ${ours.join("; ")}`);
    const onlyEnvoy = disagreeing(false).map(({ id }) => `  only Envoy refuses ${id}: ${differences[id]}`);
    console.log(
      [
        `agreement with Envoy: both accept ${both(true)}, both refuse ${both(false)}, only we refuse ${onlyWe.length}, only Envoy refuses ${onlyEnvoy.length}`,
        ...onlyWe,
        ...onlyEnvoy.sort(),
      ].join("\n"),
    );
    expect(both(true) + both(false) + disagreeing(true).length + disagreeing(false).length).toBe(entries.length);
  });
});
