import { readFileSync, writeFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { askEnvoy } from "../leniency/ask-envoy.js";
import { type Recorded, rows } from "../leniency/rows.js";
import { describeWithEnvoy } from "./envoy.js";

const file = new URL("../leniency/recorded.json", import.meta.url);
const recorded = JSON.parse(readFileSync(file, "utf8")) as Recorded;
const isRecording = process.env.XDS_RECORD !== undefined;

describeWithEnvoy("the recorded answers to the table of values and kinds of fields", () => {
  const envoyBinary = () => {
    const found = inject("envoy");
    if (!("binary" in found)) throw new Error(found.missing);
    return found.binary;
  };

  test.skipIf(isRecording)("are what this Envoy answers", { timeout: 240_000 }, async () => {
    const isAlone = (id: string) => recorded[id] === null || recorded[id] === "accepted";
    const answers = await askEnvoy(envoyBinary(), rows, ({ id }) => isAlone(id));
    expect(Object.fromEntries(answers)).toEqual(recorded);
  });

  // `npm run record`: XDS_RECORD=all asks about all rows, else about those that are not recorded.
  test.runIf(isRecording)("are recorded", { timeout: 1_200_000 }, async () => {
    const before = process.env.XDS_RECORD === "all" ? {} : recorded;
    const fresh = rows.filter(({ id }) => !(id in before));
    const answers = await askEnvoy(envoyBinary(), fresh, () => true);
    const lines = rows.map(
      ({ id }) => `${JSON.stringify(id)}: ${JSON.stringify(answers.get(id) ?? before[id] ?? null)}`,
    );
    writeFileSync(file, `{\n${lines.join(",\n")}\n}\n`);
  });
});
