import { create, type DescMessage, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { DurationSchema, FieldMaskSchema, isWrapperDesc, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { YamlNode } from "./node.js";
import { describeNode, emptyScalar, isHidden, type Read } from "./scalar-json.js";

/** A google.protobuf type whose JSON is a string. Envoy also accepts an object with the type's fields. */
interface StringType {
  readonly read: (node: YamlNode) => Read;
  /**
   * Returns the string that an object stands for.
   * @throws Error if the object stands for none
   */
  readonly ofFields: (fields: JsonObject) => JsonValue;
  /** The string of a message without any field. */
  readonly empty: string;
}

export const stringTypes: Partial<Record<string, StringType>> = {
  "google.protobuf.Duration": {
    read: readDuration,
    ofFields: (fields) => toJson(DurationSchema, create(DurationSchema, timeOf(fields))),
    empty: "0s",
  },
  "google.protobuf.Timestamp": {
    read: (node) => readString(node, 'a time such as "2024-01-31T12:00:00Z"', timestampIn),
    ofFields: (fields) => toJson(TimestampSchema, create(TimestampSchema, timeOf(fields))),
    empty: "1970-01-01T00:00:00Z",
  },
  "google.protobuf.FieldMask": {
    read: (node) =>
      readString(node, 'fields such as "a,b.cD"', (text) => maskOf(text === "" ? [] : text.split(",").map(snakeCase))),
    ofFields: ({ paths = [] }) => maskOf(paths as string[]),
    empty: "",
  },
};

const timeOf = ({ seconds, nanos }: JsonObject) => ({
  seconds: BigInt(String(seconds ?? 0)),
  nanos: Number(nanos ?? 0),
});

/**
 * Returns the JSON of a FieldMask.
 * @throws Error for a path that has no lowerCamelCase form
 */
const maskOf = (paths: string[]): JsonValue => toJson(FieldMaskSchema, create(FieldMaskSchema, { paths }));

const snakeCase = (path: string) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * Reads a timestamp. A day, hour and so on beyond the calendar continues into the next month or day: February 30 is
 * March 1 or 2.
 * @throws Error for a text that is not a time, and for a time after the year 9999
 */
function timestampIn(text: string): JsonValue {
  const parts =
    text.length < 20
      ? null
      : /^(\d{4})-(\d\d?)-(\d\d?)T(\d\d?):(\d\d?):(\d\d?)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text);
  if (!parts) throw new Error("no time");
  const [year = 0, month = 0, day = 0, hours, minutes = 0, seconds] = parts.slice(1, 7).map(Number);
  const [, , , , , , , fraction = "", sign, zoneHours, zoneMinutes] = parts;
  if (year === 0 || month === 0 || day === 0) throw new Error("no such day");
  const east = (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)) * (sign === "-" ? -1 : 1);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hours ?? 0, minutes - east, seconds);
  const time = { seconds: BigInt(date.getTime() / 1000), nanos: Number(fraction.padEnd(9, "0")) };
  return toJson(TimestampSchema, create(TimestampSchema, time));
}

/** The longest duration, in seconds: 10,000 years. */
const longestDuration = 315_576_000_000;

function readDuration(node: YamlNode): Read {
  const value = node.kind === "scalar" ? node.value : undefined;
  const seconds = typeof value === "string" ? /^(-?\d{1,30})(?:\.\d{1,9})?s$/.exec(value)?.[1] : undefined;
  if (seconds !== undefined && Math.abs(Number(seconds)) <= longestDuration) return { json: String(value) };
  const meant = isHidden(node) ? undefined : meantDuration(value);
  const hint = meant === undefined ? "" : `; write "${meant}"`;
  return { wrong: `expected a duration such as "1.5s", got ${describeNode(node)}${hint}` };
}

const secondsPerUnit: Partial<Record<string, number>> = { "": 1, ms: 1e-3, sec: 1, m: 60, min: 60, h: 3600, d: 86_400 };

function meantDuration(value: unknown): string | undefined {
  const [, number, unit] = /^(\d{1,9}(?:\.\d{1,3})?) ?([a-z]*)$/.exec(String(value)) ?? [];
  const scale = unit === undefined ? undefined : secondsPerUnit[unit];
  return scale === undefined ? undefined : `${Number((Number(number) * scale).toFixed(9))}s`;
}

function readString(node: YamlNode, expected: string, parse: (text: string) => JsonValue): Read {
  if (node.kind === "scalar" && typeof node.value === "string") {
    try {
      return { json: parse(node.value) };
    } catch {
      // The message below reports it.
    }
  }
  return { wrong: `expected ${expected}, got ${describeNode(node)}` };
}

/** The JSON of a message without any field. */
export function emptyMessage(desc: DescMessage): JsonValue {
  if (isWrapperDesc(desc)) return emptyScalar(desc.fields[0].scalar);
  return desc.typeName === "google.protobuf.ListValue" ? [] : (stringTypes[desc.typeName]?.empty ?? {});
}

/** Whether a message's JSON is something other than an object with the message's fields. */
export function hasOwnJson(desc: DescMessage): boolean {
  const { typeName } = desc;
  return isWrapperDesc(desc) || stringTypes[typeName] !== undefined || ownJson.has(typeName);
}

const ownJson = new Set(["Any", "Struct", "Value", "ListValue"].map((name) => `google.protobuf.${name}`));
