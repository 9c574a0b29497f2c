import type { TestProject } from "vitest/node";
import type { FoundProgram } from "../found-program.js";
import { findEtcd } from "./find-etcd.js";

declare module "vitest" {
  interface ProvidedContext {
    etcd: FoundProgram;
  }
}

/** Finds or fetches an etcd before the first test, and reports which one. */
export async function setup(project: TestProject): Promise<void> {
  const found = await findEtcd();
  project.provide("etcd", found);
  if ("binary" in found) console.log(`etcd ${found.version}: ${found.binary}`);
  else console.warn(`No etcd, so its tests cannot run: ${found.missing}`);
}
