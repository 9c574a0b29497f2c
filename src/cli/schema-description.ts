import { type DescEnum, type DescField, ScalarType } from "@bufbuild/protobuf";
import { deprecationOf, isExempt, isRequired } from "../resource/api-rules.js";
import { ruleWords } from "../resource/rule-words.js";
import { findResourceType } from "../resource/types.js";
import { paint, table } from "./output.js";
import type { NamedSchema } from "./schema-name.js";

/** A message, an enum or a field, as data. */
export interface SchemaDescription {
  /** The field that was asked for. */
  readonly field?: FieldDescription & { readonly of: string };
  readonly name: string;
  readonly kind: "message" | "enum";
  /** Where it is declared. */
  readonly file: string;
  /** Of a type of resources, its short name. */
  readonly resourceType?: string;
  readonly fields?: readonly FieldDescription[];
  readonly values?: readonly { number: number; name: string; deprecated?: string }[];
}

interface FieldDescription {
  readonly number: number;
  readonly name: string;
  /** As a proto file has it, with full names. */
  readonly type: string;
  /** Of the fields with the same one, one may be set. */
  readonly oneof?: string;
  readonly rules: readonly string[];
  /** In words. */
  readonly deprecated?: string;
}

/** What `xds schema show` prints; of a field with a scalar value, the field alone. */
export function describeSchema({ desc, field }: NamedSchema): SchemaDescription {
  const { typeName: name, kind } = desc;
  const isInside = !field || field.message || field.enum;
  return {
    ...(field && { field: { of: field.parent.typeName, ...describeField(field) } }),
    name,
    kind,
    file: desc.file.proto.name,
    ...resourceTypeOf(name),
    ...(isInside &&
      (desc.kind === "message" ? { fields: desc.fields.map(describeField) } : { values: valuesOf(desc) })),
  };
}

function resourceTypeOf(name: string): { resourceType?: string } {
  const type = findResourceType(`type.googleapis.com/${name}`);
  return type ? { resourceType: type.name } : {};
}

function describeField(field: DescField): FieldDescription {
  const { number, name, oneof } = field;
  const isOneRequired = oneof && isRequired(oneof) && !isExempt(field.parent);
  const rules = [...ruleWords(field), ...(isOneRequired ? [`one of ${oneof.name} is required`] : [])];
  return { number, name, type: typeOf(field), ...(oneof && { oneof: oneof.name }), rules, ...deprecated(field) };
}

function valuesOf(desc: DescEnum) {
  return desc.values.map((value) => ({ number: value.number, name: value.name, ...deprecated(value) }));
}

function deprecated(desc: DescField | DescEnum["values"][number]): { deprecated?: string } {
  const deprecation = deprecationOf(desc);
  if (!deprecation) return {};
  const since = deprecation.since ? ` since ${deprecation.since}` : "";
  return { deprecated: `deprecated${since}${deprecation.disallowed ? ", refused by default" : ""}` };
}

function typeOf(field: DescField): string {
  const value = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field.scalar);
  if (field.fieldKind === "list") return `repeated ${value}`;
  if (field.fieldKind === "map") return `map<${scalarName(field.mapKey)}, ${value}>`;
  return field.proto.proto3Optional ? `optional ${value}` : value;
}

const scalarName = (scalar: ScalarType | undefined) => ScalarType[scalar ?? ScalarType.STRING].toLowerCase();

/** A description as text for people. */
export function schemaText({ field, name, kind, file, resourceType, fields, values }: SchemaDescription): string {
  const parts = field ? [`${paint.strong(`${field.of}.${field.name}`)}\n${fieldTable([field])}`] : [];
  const head = `${paint.strong(name)}  ${paint.faint([kind, resourceType, file].filter(Boolean).join(", "))}`;
  if (fields) parts.push(`${head}\n${fieldTable(fields)}`);
  if (values) {
    const rows = values.map((value) => [`${value.number}`, value.name, value.deprecated ?? ""]);
    parts.push(`${head}\n${table(["number", "value", "notes"], rows, "it has no values")}`);
  }
  return parts.join("\n");
}

function fieldTable(fields: readonly FieldDescription[]): string {
  const rows = fields.map(({ number, name, type, oneof, rules, deprecated: old }) => {
    const notes = [...(old ? [old] : []), ...(oneof ? [`oneof ${oneof}`] : []), ...rules];
    return [`${number}`, name, type, { text: notes.join("; "), paint: old ? paint.warn : String }];
  });
  return table(["number", "field", "type", "rules"], rows, "it has no fields");
}
