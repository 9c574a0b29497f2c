import type { TestProject } from "vitest/node";
import { type FoundEnvoy, findEnvoy } from "./find-envoy.js";

declare module "vitest" {
  interface ProvidedContext {
    envoy: FoundEnvoy;
  }
}

/** Finds or fetches an Envoy before the first test, and says so. */
export async function setup(project: TestProject): Promise<void> {
  const found = await findEnvoy();
  if ("binary" in found) console.log(`Envoy ${found.version}: ${found.binary}`);
  else console.warn(`No Envoy, so its tests cannot run: ${found.missing}`);
  project.provide("envoy", found);
}
