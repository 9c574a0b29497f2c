import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, inject, test } from "vitest";
import { type Entry, readEntries, readVerdicts, type Verdict, verdictsFile } from "../corpus/entries.js";
import { describeWithEnvoy } from "./envoy.js";

const atOnce = 4;
const sampleSize = 20;
const isRecording = process.env.XDS_RECORD !== undefined;
const seed = Number(process.env.XDS_SEED ?? Math.floor(Math.random() * 2 ** 31));

describeWithEnvoy("the recorded verdicts on the corpus", () => {
  const directory = mkdtempSync(join(tmpdir(), "xds-corpus-"));
  afterAll(() => rmSync(directory, { recursive: true }));
  const entries = readEntries();
  const verdicts = readVerdicts();
  const changed = entries.filter(({ id, hash }) => verdicts[id]?.hash !== hash);

  test.skipIf(isRecording)(
    "are this Envoy's, of all that has changed and of a sample",
    { timeout: 600_000 },
    async () => {
      const isSoak = process.env.XDS_SOAK === "1";
      const asked = isSoak ? entries : [...new Set([...changed, ...sample(entries)])];
      console.log(isSoak ? "all entries are asked about" : `the sample is that of XDS_SEED=${seed}`);
      const answers = await askAll(asked, directory);
      const told = asked.map(({ id, hash }) => [id, { hash, accepts: verdicts[id]?.accepts }]);
      expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(told));
    },
  );

  // `npm run record`: XDS_RECORD=all asks about all entries, else about those that have changed.
  test.runIf(isRecording)("are recorded", { timeout: 1_200_000 }, async () => {
    const asked = process.env.XDS_RECORD === "all" ? entries : changed;
    const answers = await askAll(asked, directory);
    const lines = entries.map(({ id }) => `${JSON.stringify(id)}: ${JSON.stringify(answers.get(id) ?? verdicts[id])}`);
    writeFileSync(verdictsFile, `{\n${lines.join(",\n")}\n}\n`);
  });
});

function sample(entries: readonly Entry[]): Entry[] {
  const left = entries.slice();
  let state = seed;
  return Array.from({ length: sampleSize }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return left.splice((state >>> 8) % left.length, 1)[0] as Entry;
  });
}

async function askAll(entries: readonly Entry[], directory: string): Promise<Map<string, Verdict>> {
  const found = inject("envoy");
  if (!("binary" in found)) throw new Error(found.missing);
  const answers = new Map<string, Verdict>();
  const queue = entries.slice();
  const work = async (worker: number) => {
    for (let entry = queue.pop(); entry; entry = queue.pop()) {
      const file = join(directory, `${worker}.${entry.format}`);
      writeFileSync(file, entry.text);
      answers.set(entry.id, { hash: entry.hash, accepts: await accepts(found.binary, file, entry) });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, worker) => work(worker)));
  return answers;
}

/**
 * Whether Envoy accepts a file, or refuses it in the words that are expected. One that crashes it has no place in the
 * corpus.
 */
const accepts = (binary: string, file: string, { id, says = "" }: Entry) =>
  new Promise<boolean>((resolve, reject) => {
    const options = ["--mode", "validate", "--use-dynamic-base-id", "-l", "critical", "-c", file];
    execFile(binary, options, { timeout: 60_000 }, (error, _stdout, stderr) => {
      if (error === null) resolve(true);
      else if (error.code === 1 && stderr.includes(says)) resolve(false);
      else
        reject(
          new Error(
            `${id}: ${error.killed ? "no answer" : `the Envoy ended with ${error.signal ?? error.code}`}${says && `, expected "${says}"`}: ${stderr.slice(0, 500)}`,
          ),
        );
    });
  });
