import type { JsonValue } from "@bufbuild/protobuf";
import { formatPath, type PathStep } from "../../source/files/problem.js";

/** One field that is different. A value is undefined if the field is not set. */
export interface FieldChange {
  /**
   * The path of the field, such as `virtual_hosts["web"].routes[2].route.cluster`. If all elements of a list have
   * names, the path has the name instead of the index.
   */
  readonly path: string;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** The differences between two messages in JSON, field by field, in the order of the fields. */
export function fieldChanges(before: JsonValue, after: JsonValue): FieldChange[] {
  const changes: FieldChange[] = [];
  compare(before, after, [], changes);
  return changes;
}

function compare(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: readonly PathStep[],
  changes: FieldChange[],
): void {
  if (before !== undefined && after !== undefined) {
    const [one, other] = [parts(before, after), parts(after, before)];
    if (one && other) {
      for (const step of new Set([...one.keys(), ...other.keys()]))
        compare(one.get(step), other.get(step), [...path, step], changes);
      return;
    }
    if (before === after) return;
  }
  changes.push({ path: formatPath(path), before, after });
}

/** The parts of a value, if it can be compared with the other value part by part. */
function parts(value: JsonValue, other: JsonValue): Map<PathStep, JsonValue> | undefined {
  if (typeof value !== "object" || value === null || typeof other !== "object" || other === null) return undefined;
  if (Array.isArray(value) !== Array.isArray(other)) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const [names, otherNames] = [elementNames(value), elementNames(other as JsonValue[])];
  return new Map(value.map((element, index) => [(names && otherNames && names[index]) ?? index, element]));
}

/** The names of a list's elements, if all have different names. */
function elementNames(list: readonly JsonValue[]): string[] | undefined {
  const names = list.map((element) =>
    typeof element === "object" && element !== null && !Array.isArray(element) ? element.name : undefined,
  );
  const isNamed =
    names.every((name) => typeof name === "string" && name !== "") && new Set(names).size === names.length;
  return isNamed ? (names as string[]) : undefined;
}
