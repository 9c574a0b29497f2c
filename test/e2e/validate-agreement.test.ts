import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type Parts, placeStatically, staticBootstrap } from "../../src/cli/static-bootstrap.js";
import { type Case, envoyAccepts, readCorpus } from "../validate/corpus.js";
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
    // What Envoy accepts, it accepts all at once; of what it refuses it names only the first.
    const [good, bad] = [corpus.filter(envoyAccepts), corpus.filter((one) => !envoyAccepts(one))];
    const together = await ask("all that Envoy accepts", good, directory);
    if (together.accepted) for (const one of good) verdicts.set(one.case, together);
    const queue = together.accepted ? bad : corpus.slice();
    const work = async () => {
      for (let one = queue.pop(); one; one = queue.pop()) verdicts.set(one.case, await ask(one.case, [one], directory));
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }, 120_000);
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

function ask(name: string, cases: readonly Case[], directory: string): Promise<Verdict> {
  const found = inject("envoy");
  if (!("binary" in found)) throw new Error(found.missing);
  const file = join(directory, `${name.replace(/\W+/g, "-")}.json`);
  writeFileSync(file, JSON.stringify(staticBootstrap(cases.map(placed), ["static"])));
  const options = ["--mode", "validate", "--use-dynamic-base-id", "-l", "warning", "-c", file];
  return new Promise((resolve) => {
    execFile(found.binary, options, { timeout: 30_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ accepted: error === null, log: stdout + stderr }),
    );
  });
}

/** The first resource keeps its name, so that it is as it was given when it is alone. */
function placed({ resource, ...one }: Case, index: number): Parts {
  const renamed: JsonObject =
    index > 0 && resource.name ? { ...resource, name: `${resource.name}-${index}` } : resource;
  const parts = placeStatically(renamed, index);
  if ("leftOut" in parts) throw new Error(`${one.case}: ${parts.leftOut}`);
  return parts;
}
