import type { TestProject } from "vitest/node";
import { type FoundH2spec, findH2spec } from "./find-h2spec.js";

declare module "vitest" {
  interface ProvidedContext {
    h2spec: FoundH2spec;
  }
}

/** Finds or builds h2spec before the first test. */
export async function setup(project: TestProject): Promise<void> {
  const found = await findH2spec();
  project.provide("h2spec", found);
  if ("binary" in found) console.log(`h2spec: ${found.binary}`);
  else console.warn(`No h2spec, so its tests cannot run: ${found.missing}`);
}
