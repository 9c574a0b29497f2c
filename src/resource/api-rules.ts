import {
  type DescEnumValue,
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  hasOption,
  isFieldSet,
  type Message,
} from "@bufbuild/protobuf";
import type { GenExtension } from "@bufbuild/protobuf/codegenv2";
import type { Duration, FieldOptions } from "@bufbuild/protobuf/wkt";
import { type ApiExtension, apiExtension, envoyRegistry, isBuiltIn } from "../schema/registry.js";
import { addedValues } from "./unenforced.js";
import type { GivenRules } from "./value-rules.js";

/** What `validate.rules` says of one field, or of the elements of one. */
export interface FieldRules {
  /** The kind of `rules`: the member of validate.FieldRules.type in lowerCamelCase; undefined: there are none. */
  readonly kind: string | undefined;
  readonly rules: GivenRules;
  /** A message must be there. */
  readonly required: boolean;
  /** A message's own rules do not count here. */
  readonly skip: boolean;
  /** Of a list. */
  readonly items?: FieldRules | undefined;
  /** Of a map. */
  readonly keys?: FieldRules | undefined;
  readonly values?: FieldRules | undefined;
}

/** The rules of a field, as its descriptor has them. */
export function rulesOf(field: DescField): FieldRules | undefined {
  const message = option<Message>(field, "validate.rules");
  if (!message) return undefined;
  const rules = read(message);
  const added = isBuiltIn(field.parent) && addedValues[`${field.parent.typeName}.${field.name}`];
  if (!added || !rules.items) return rules;
  const known = (rules.items.rules.in ?? []) as readonly string[];
  return { ...rules, items: { ...rules.items, rules: { ...rules.items.rules, in: [...known, ...added] } } };
}

function read(message: Message): FieldRules {
  const { type, message: own } = message as unknown as {
    type: { case?: string; value?: Message };
    message?: { required: boolean; skip: boolean };
  };
  const { items, keys, values, ...rules } = type.value ? given(type.value) : {};
  const nested = (inner: unknown) => (inner ? read(inner as Message) : undefined);
  return {
    kind: type.case,
    rules,
    required: (own?.required ?? false) || rules.required === true,
    skip: own?.skip ?? false,
    items: nested(items),
    keys: nested(keys),
    values: nested(values),
  };
}

/** The fields that are set, by their lowerCamelCase names; durations and timestamps as nanoseconds. */
function given(message: Message): Record<string, unknown> {
  const schema = envoyRegistry().getMessage(message.$typeName);
  const record = message as unknown as Record<string, unknown>;
  const found: Record<string, unknown> = {};
  for (const field of schema?.fields ?? []) {
    if (!isFieldSet(message, field)) continue;
    const value = field.oneof ? (record[field.oneof.localName] as { value: unknown }).value : record[field.localName];
    const isTime = field.message && !field.message.typeName.startsWith("validate.");
    const one = isTime ? (time: unknown) => nanoseconds(time as Duration) : (same: unknown) => same;
    found[field.localName] = field.fieldKind === "list" ? (value as unknown[]).map(one) : one(value);
  }
  return found;
}

export const nanoseconds = ({ seconds, nanos }: { seconds: bigint; nanos: number }): bigint =>
  seconds * 1_000_000_000n + BigInt(nanos);

/** Whether one of a oneof's fields must be set. */
export const isRequired = (oneof: DescOneof): boolean => option<boolean>(oneof, "validate.required") ?? false;

/** Whether nothing in a message is to be checked. */
export const isExempt = (schema: DescMessage): boolean => option<boolean>(schema, "validate.disabled") ?? false;

/** That a field or an enum's value is deprecated. */
export interface Deprecation {
  /** Envoy refuses it unless told otherwise. */
  readonly disallowed: boolean;
  /** The API's minor version that deprecated it, such as `3.0`; "": not told. */
  readonly since: string;
}

/** Whether a field, or a value of an enum, is deprecated. */
export function deprecationOf(desc: DescField | DescEnumValue): Deprecation | undefined {
  if (!desc.deprecated) return undefined;
  const suffix = desc.kind === "field" ? "" : "_enum";
  return {
    disallowed: option<boolean>(desc, `envoy.annotations.disallowed_by_default${suffix}`) ?? false,
    since: option<string>(desc, `envoy.annotations.deprecated_at_minor_version${suffix}`) ?? "",
  };
}

/** The value of an option that the API's own protos declare; undefined: not set. */
function option<T>(desc: DescField | DescEnumValue | DescOneof | DescMessage, name: ApiExtension): T | undefined {
  const [of, typed] = [desc as DescField, apiExtension(name) as GenExtension<FieldOptions, T>];
  return hasOption(of, typed) ? (getOption(of, typed) as T) : undefined;
}
