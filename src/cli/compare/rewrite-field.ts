import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** Makes a field's new value. For undefined, the field is left out. */
export type FieldRewrite = (value: JsonValue) => JsonValue | undefined;

/**
 * A value with the field at a path rewritten, if the field is there. A path leads into each element of a list. A list
 * at the end of the path is rewritten as one value.
 */
export function withFieldRewritten(
  json: JsonValue,
  [step = "", ...rest]: readonly string[],
  rewrite: FieldRewrite,
): JsonValue {
  if (Array.isArray(json)) return json.map((item) => withFieldRewritten(item, [step, ...rest], rewrite));
  if (!isObject(json)) return json;
  const { [step]: value, ...others } = json;
  if (value === undefined) return json;
  const next = rest.length > 0 ? withFieldRewritten(value, rest, rewrite) : rewrite(value);
  return next === undefined ? others : { ...json, [step]: next };
}

export const isObject = (json: JsonValue): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);
