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
import { type ApiExtension, apiExtension } from "../schema/registry.js";
import type { GivenRules } from "./value-rules.js";

/** The rules that `validate.rules` has for a field, or for the elements of one. */
export interface FieldRules {
  /** The kind of `rules`: the member of validate.FieldRules.type in lowerCamelCase; undefined if there are no rules. */
  readonly kind: string | undefined;
  readonly rules: GivenRules;
  /** The field must be set. */
  readonly required: boolean;
  /** The message in the field is not checked by its own rules. */
  readonly skip: boolean;
  /** The rules for the elements of a list. */
  readonly items?: FieldRules | undefined;
  /** The rules for the keys and the values of a map. */
  readonly keys?: FieldRules | undefined;
  readonly values?: FieldRules | undefined;
}

/** Returns the rules in a field's descriptor; undefined if it has none. */
export function rulesOf(field: DescField): FieldRules | undefined {
  const message = option<Message>(field, "validate.rules");
  const schema = apiExtension(field.parent.file, "validate.rules")?.message;
  return message && schema && read(schema, message);
}

/** Reads a validate.FieldRules of this schema. */
function read(schema: DescMessage, message: Message): FieldRules {
  const { type, message: own } = message as unknown as {
    type: { case?: string; value?: Message };
    message?: { required: boolean; skip: boolean };
  };
  const { items, keys, values, ...rules } =
    type.case && type.value ? given(schema.field[type.case]?.message, type.value) : {};
  const nested = (inner: unknown) => (inner ? read(schema, inner as Message) : undefined);
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

/** Returns the set fields by their lowerCamelCase names. Durations and timestamps become nanoseconds. */
function given(schema: DescMessage | undefined, message: Message): Record<string, unknown> {
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

/** Whether the rules of a message's fields are switched off. */
export const isExempt = (schema: DescMessage): boolean => option<boolean>(schema, "validate.disabled") ?? false;

/** The deprecation of a field or an enum's value. */
export interface Deprecation {
  /** Whether Envoy refuses it by default. */
  readonly disallowed: boolean;
  /** The API's minor version that deprecated it, such as `3.0`; "" if the API does not give one. */
  readonly since: string;
}

/** Returns the deprecation of a field or of an enum's value; undefined if it is not deprecated. */
export function deprecationOf(desc: DescField | DescEnumValue): Deprecation | undefined {
  if (!desc.deprecated) return undefined;
  const suffix = desc.kind === "field" ? "" : "_enum";
  return {
    disallowed: option<boolean>(desc, `envoy.annotations.disallowed_by_default${suffix}`) ?? false,
    since: option<string>(desc, `envoy.annotations.deprecated_at_minor_version${suffix}`) ?? "",
  };
}

/** Returns the value of an option that the API's own protos declare; undefined if it is not set. */
function option<T>(desc: DescField | DescEnumValue | DescOneof | DescMessage, name: ApiExtension): T | undefined {
  const { file } = desc.kind === "message" ? desc : desc.parent;
  const [of, typed] = [desc as DescField, apiExtension(file, name) as GenExtension<FieldOptions, T> | undefined];
  return typed && hasOption(of, typed) ? (getOption(of, typed) as T) : undefined;
}
