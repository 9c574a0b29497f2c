import { type DescEnum, type DescEnumValue, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { printable } from "../../printable.js";
import { findResourceType } from "../../resource/default-api.js";
import { isSensitive } from "../../schema/sensitive.js";
import { deprecationOf, isExempt, isRequired } from "../../validation/api-rules.js";
import { ruleWords } from "../../validation/rule-words.js";
import { paint, table } from "../terminal/output.js";
import { commentOf } from "./comment.js";
import type { NamedSchema } from "./name.js";

/** A message, an enum or a field, as data. */
export interface SchemaDescription {
  /** The requested field. */
  readonly field?: FieldDescription & { readonly of: string };
  readonly name: string;
  readonly kind: "message" | "enum";
  /** The proto file of the declaration. */
  readonly file: string;
  /** The short name, if this is a resource type. */
  readonly resourceType?: string;
  readonly comment?: string;
  readonly fields?: readonly FieldDescription[];
  readonly values?: readonly ValueDescription[];
}

interface ValueDescription {
  readonly number: number;
  readonly name: string;
  /** Text that says since when it is deprecated. */
  readonly deprecated?: string;
  /** The comment, if there is one. */
  readonly comment?: string;
}

interface FieldDescription extends ValueDescription {
  /** The type as in a proto file, with full names. */
  readonly type: string;
  /** The oneof. At most one of its fields can be set. */
  readonly oneof?: string;
  /** Whether one field of the oneof must be set. */
  readonly oneofRequired?: true;
  readonly rules: readonly string[];
  /** A secret: not shown in logs, status and dumps. */
  readonly sensitive?: true;
}

/** The data that `xds schema show` prints. For a field with a scalar value, it is only the field. */
export function describeSchema({ desc, field }: NamedSchema): SchemaDescription {
  const { typeName: name, kind } = desc;
  // In JSON, a Duration and similar messages are written without their fields.
  const isInside = !field || ((field.message || field.enum) && !name.startsWith("google.protobuf."));
  return {
    ...(field && { field: { of: field.parent.typeName, ...describeField(field) } }),
    name,
    kind,
    file: desc.file.proto.name,
    ...resourceTypeOf(name),
    ...comment(desc),
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
  const oneofRequired = oneof && isRequired(oneof) && !isExempt(field.parent);
  return {
    number,
    name,
    type: typeOf(field),
    ...(oneof && { oneof: oneof.name }),
    ...(oneofRequired && { oneofRequired }),
    rules: ruleWords(field),
    ...(isSensitive(field) && { sensitive: true }),
    ...deprecated(field),
    ...comment(field),
  };
}

function valuesOf(desc: DescEnum): ValueDescription[] {
  return desc.values.map((value) => {
    const { number, name } = value;
    return { number, name, ...deprecated(value), ...comment(value) };
  });
}

function comment(desc: DescMessage | DescEnum | DescField | DescEnumValue): { comment?: string } {
  const text = commentOf(desc);
  return text === "" ? {} : { comment: text };
}

function deprecated(desc: DescField | DescEnumValue): { deprecated?: string } {
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
export function schemaText({
  field,
  name,
  kind,
  file,
  resourceType,
  comment,
  fields,
  values,
}: SchemaDescription): string {
  const parts: string[] = [];
  if (field) parts.push(`${paint.strong(printable(`${field.of}.${field.name}`))}\n\n${fieldTable([field])}`);
  if (fields || values) {
    const is = resourceType === undefined ? kind : `${kind}, the type of ${resourceType}`;
    const about = comment === undefined ? "" : `\n${comment}\n`;
    const contents = fields ? fieldTable(fields) : valueTable(values ?? []);
    parts.push(
      `${paint.strong(printable(name))}\n${paint.faint(printable(`${is}, of ${file}`))}\n${about}\n${contents}`,
    );
  }
  return parts.join("\n");
}

function fieldTable(fields: readonly FieldDescription[]): string {
  const rows = fields.map((field) => {
    const { number, name, type, oneof, oneofRequired, rules, sensitive, deprecated: old } = field;
    const choice = oneof && `oneof ${oneof}${oneofRequired ? ", one is required" : ""}`;
    const notes = [old, sensitive && "sensitive", choice, ...rules].filter(Boolean).join("; ");
    return [`${number}`, name, type, { text: notes, paint: old ? paint.warn : String }];
  });
  return table(["number", "field", "type", "rules"], rows, "it has no fields") + commentLines(fields);
}

function valueTable(values: readonly ValueDescription[]): string {
  const rows = values.map(({ number, name, deprecated: old = "" }) => [
    `${number}`,
    name,
    { text: old, paint: paint.warn },
  ]);
  return table(["number", "value", "notes"], rows, "it has no values") + commentLines(values);
}

/** The comments, below the table, because they have many lines. */
function commentLines(of: readonly ValueDescription[]): string {
  const told = of.filter(({ comment }) => comment !== undefined);
  return told
    .map(({ name, comment = "" }) => `\n${paint.strong(printable(name))}\n${comment.replace(/^(?=.)/gm, "  ")}\n`)
    .join("");
}
