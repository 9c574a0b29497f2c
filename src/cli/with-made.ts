import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** What becomes of a field; undefined: it is left out. */
export type Made = (value: JsonValue) => JsonValue | undefined;

/** A value in which something is made of the field at a path, if it is there. A path leads into each element of a list; a list at its end is taken as one. */
export function withMade(json: JsonValue, [step = "", ...rest]: readonly string[], made: Made): JsonValue {
  if (Array.isArray(json)) return json.map((item) => withMade(item, [step, ...rest], made));
  if (!isObject(json)) return json;
  const { [step]: value, ...others } = json;
  if (value === undefined) return json;
  const next = rest.length > 0 ? withMade(value, rest, made) : made(value);
  return next === undefined ? others : { ...json, [step]: next };
}

export const isObject = (json: JsonValue): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);
