import { readFileSync } from "node:fs";
import { lazyRegistry, type SchemaRegistry } from "./lazy-registry.js";

// The same path from src/schema and from dist/schema.
const descriptorSet = new URL("../../gen/envoy.binpb", import.meta.url);

let registry: SchemaRegistry | undefined;

/** Every type of the Envoy v3 API that this package was generated from. Read at the first call. */
export function envoyRegistry(): SchemaRegistry {
  registry ??= lazyRegistry(readFileSync(descriptorSet));
  return registry;
}
