import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type Case, envoyAccepts, readCorpus } from "../validate/corpus.js";
import { staticBootstrap } from "../validate/static-bootstrap.js";
import { describeWithEnvoy } from "./envoy.js";

interface Verdict {
  readonly accepted: boolean;
  /** What Envoy printed. */
  readonly log: string;
}

const atOnce = 4;
const fieldRule =
  /Proto constraint validation failed|Using the default now-deprecated value|Expected positive duration/;

describeWithEnvoy("validate() and envoy --mode validate", () => {
  const directory = mkdtempSync(join(tmpdir(), "xds-validate-"));
  const verdicts = new Map<string, Verdict>();
  const corpus = readCorpus();

  beforeAll(async () => {
    const queue = [...corpus];
    const work = async () => {
      for (let one = queue.pop(); one; one = queue.pop()) verdicts.set(one.case, await ask(one, directory));
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each(corpus)("agree, or differ as told, on $case", (one) => {
    const { accepted, log } = verdicts.get(one.case) as Verdict;
    expect(accepted, log).toBe(envoyAccepts(one));
    if (accepted) return;
    // Where both refuse, Envoy does so on a field rule too, and where only Envoy does, on something else.
    if (one.envoy === undefined || one.newerRule) expect(log).toMatch(fieldRule);
    else expect(log).not.toMatch(fieldRule);
  });
});

function ask(one: Case, directory: string): Promise<Verdict> {
  const found = inject("envoy");
  if (!("binary" in found)) throw new Error(found.missing);
  const file = join(directory, `${one.case.replace(/\W+/g, "-")}.json`);
  writeFileSync(file, JSON.stringify(staticBootstrap(one.resource)));
  const options = ["--mode", "validate", "--use-dynamic-base-id", "-l", "warning", "-c", file];
  return new Promise((resolve) => {
    execFile(found.binary, options, { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ accepted: error === null, log: stdout + stderr }),
    );
  });
}
