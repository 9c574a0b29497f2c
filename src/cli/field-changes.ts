import type { JsonValue } from "@bufbuild/protobuf";
import { formatPath, type PathStep } from "../source/problem.js";

/** One field that is different; undefined: not there. */
export interface FieldChange {
  /** Such as `virtual_hosts["web"].routes[2].route.cluster`; elements of a list that all have names are told apart by them. */
  readonly path: string;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** How one message, in JSON, differs from another, field by field, in the order of the fields. */
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

/** What a value is made of, if it can be compared with another part by part. */
function parts(value: JsonValue, other: JsonValue): Map<PathStep, JsonValue> | undefined {
  if (typeof value !== "object" || value === null || typeof other !== "object" || other === null) return undefined;
  if (Array.isArray(value) !== Array.isArray(other)) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const [names, otherNames] = [elementNames(value), elementNames(other as JsonValue[])];
  return new Map(value.map((element, index) => [(names && otherNames && names[index]) ?? index, element]));
}

/** The names of a list's elements, if each has another. */
function elementNames(list: readonly JsonValue[]): string[] | undefined {
  const names = list.map((element) =>
    typeof element === "object" && element !== null && !Array.isArray(element) ? element.name : undefined,
  );
  const isNamed =
    names.every((name) => typeof name === "string" && name !== "") && new Set(names).size === names.length;
  return isNamed ? (names as string[]) : undefined;
}
