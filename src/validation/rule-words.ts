import type { DescField } from "@bufbuild/protobuf";
import { type FieldRules, isExempt, rulesOf } from "./api-rules.js";
import { compileRules } from "./value-rules.js";

/**
 * Returns the API's rules for a field. Each is worded as in the finding when it is broken, such as `must be more than
 * 0s`.
 */
export function ruleWords(field: DescField): string[] {
  const rules = isExempt(field.parent) ? undefined : rulesOf(field);
  if (!rules) return [];
  const { minItems, maxItems, minPairs, maxPairs, unique } = rules.rules;
  const [min, max] = [minItems ?? minPairs, maxItems ?? maxPairs];
  return [
    ...(rules.required ? ["is required"] : []),
    ...(min === undefined ? [] : [`must have at least ${min} of them`]),
    ...(max === undefined ? [] : [`must have at most ${max} of them`]),
    ...(unique === true ? ["no two may be equal"] : []),
    ...valueWords("", rules.kind === "repeated" || rules.kind === "map" ? undefined : rules),
    ...valueWords("each ", rules.items),
    ...valueWords("each key ", rules.keys),
    ...valueWords("each value ", rules.values),
  ];
}

function valueWords(subject: string, of: FieldRules | undefined): string[] {
  if (!of?.kind) return [];
  const { definedOnly, ...others } = of.rules;
  const check = compileRules(of.kind, definedOnly === false ? others : of.rules);
  return check ? [`${subject}must ${check.words}`] : [];
}
