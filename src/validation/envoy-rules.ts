import { addressRules } from "./address-rules.js";
import { certificateRules } from "./certificate-rules.js";
import type { EnvoyRule } from "./envoy-rule.js";
import { filterRules } from "./filter-rules.js";
import { otherRules } from "./other-rules.js";
import { routeRules } from "./route-rules.js";

/**
 * All rules of Envoy's code, by the full name of the message. They add to the rules that the API has for fields.
 *
 * Each rule was tried with Envoy 1.40 (`test/corpus/resources/envoy-*.yaml`).
 */
export const envoyRules: ReadonlyMap<string, EnvoyRule> = new Map([
  ...addressRules,
  ...certificateRules,
  ...filterRules,
  ...otherRules,
  ...routeRules,
]);
