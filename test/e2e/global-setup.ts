import type { TestProject } from "vitest/node";
import type { FoundProgram } from "../found-program.js";
import { findEnvoy, findOlderEnvoy } from "./find-envoy.js";

declare module "vitest" {
  interface ProvidedContext {
    envoy: FoundProgram;
    olderEnvoy: FoundProgram;
  }
}

/**
 * Finds or fetches the Envoys before the first test, and reports which ones. Only the project "e2e" has the older one.
 */
export async function setup(project: TestProject): Promise<void> {
  project.provide("envoy", reported(await findEnvoy()));
  if (project.name === "e2e") project.provide("olderEnvoy", reported(await findOlderEnvoy()));
}

function reported(found: FoundProgram): FoundProgram {
  if ("binary" in found) console.log(`Envoy ${found.version}: ${found.binary}`);
  else console.warn(`No Envoy, so its tests cannot run: ${found.missing}`);
  return found;
}
