import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { nearest } from "../../nearest.js";
import { resourceTypes } from "../../resource/default-api.js";
import type { SchemaRegistry } from "../../schema/lazy-registry.js";
import { UsageError } from "../terminal/command.js";

type Schema = DescMessage | DescEnum;

/**
 * What a name means. `desc` is a message or an enum. For a field, it is the message or enum in the field; for a scalar
 * field, it is the message that has the field.
 */
export interface NamedSchema {
  readonly desc: Schema;
  readonly field: DescField | undefined;
}

/**
 * Finds a message or an enum by a full name, a type URL, the last part of a full name, or the short name of a resource
 * type. To find a field, the names of the fields that lead to it follow.
 * @throws UsageError with a suggestion
 */
export function schemaNamed(name: string, registry: SchemaRegistry): NamedSchema {
  const typeName = name.slice(name.lastIndexOf("/") + 1).replace(/^\./, "");
  const whole = typeNamed(typeName, registry);
  if (whole) return { desc: whole, field: undefined };
  for (let end = typeName.lastIndexOf("."); end > 0; end = typeName.lastIndexOf(".", end - 1)) {
    const desc = typeNamed(typeName.slice(0, end), registry);
    if (desc) return fieldIn(desc, typeName.slice(end + 1).split("."));
  }
  const names = schemas(registry).map((known) => known.typeName);
  const shorts = resourceTypes().map((type) => type.name);
  const meant = nearest(typeName, [...shorts, ...names.map((known) => lastPart(known)), ...names]);
  throw new UsageError(
    `no message or enum of this Envoy API is called ${JSON.stringify(name)}; ` +
      (meant ? `did you mean ${meant}?` : `give a full name, the last part of one, or one of ${shorts.join(", ")}`),
  );
}

function typeNamed(name: string, registry: SchemaRegistry): Schema | undefined {
  const exact = registry.getMessage(name) ?? registry.getEnum(name);
  if (exact) return exact;
  const resources = resourceTypes().flatMap(({ name: short, typeUrl }) => {
    const desc = registry.getMessage(lastPart(typeUrl, "/"));
    return desc ? [{ short, desc }] : [];
  });
  const ofResource = resources.find(
    ({ short, desc }) => [short, short.replace(/s$/, "")].includes(name) || desc.name === name,
  );
  if (ofResource) return ofResource.desc;
  const ending = schemas(registry).filter(({ typeName }) => typeName.endsWith(`.${name}`));
  // Messages that are declared in another message come second.
  const outer = ending.filter(({ parent }) => !parent);
  const found = outer.length > 0 ? outer : ending;
  if (found.length > 1)
    throw new UsageError(
      `${found.length} messages or enums are called ${name}; give a longer part of one of these names:\n${found.map(({ typeName }) => typeName).join("\n")}`,
    );
  return found[0];
}

function fieldIn(desc: Schema, path: readonly string[]): NamedSchema {
  if (desc.kind === "enum")
    throw new UsageError(`${desc.typeName} is an enum; \`xds schema show ${desc.typeName}\` prints its values`);
  let at: Schema = desc;
  let field: DescField | undefined;
  for (const name of path) {
    const fields: readonly DescField[] = at.kind === "message" && (!field || inside(field) === at) ? at.fields : [];
    const next = fields.find((known) => known.name === name || known.jsonName === name);
    if (!next) {
      const where = field && !inside(field) ? `${field.parent.typeName}.${field.name}` : at.typeName;
      const meant = nearest(
        name,
        fields.map((known) => known.name),
      );
      throw new UsageError(`${where} has no field ${name}${meant ? `; did you mean ${meant}?` : ""}`);
    }
    field = next;
    at = inside(next) ?? next.parent;
  }
  return { desc: at, field };
}

/** The message or enum of a field, or of the elements of a list or map. */
export const inside = (field: DescField): Schema | undefined => field.message ?? field.enum;

const lastPart = (name: string, separator = ".") => name.slice(name.lastIndexOf(separator) + 1);

const schemas = (registry: SchemaRegistry): Schema[] =>
  Array.from(registry).flatMap((type) => (type.kind === "message" || type.kind === "enum" ? [type] : []));
