import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { canonicalName, collectionOf } from "../resource/names.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import { messageName } from "./resource.js";

/**
 * Yields the canonical names by which a resource may be subscribed: its own, its aliases, its glob collection (P59,
 * P63).
 */
export function* subscribedAs(name: string, aliases: readonly string[] = []): Iterable<string> {
  const own = canonicalName(name);
  yield own;
  for (const alias of aliases) yield canonicalName(alias);
  const collection = collectionOf(own);
  if (collection !== undefined) yield collection;
}

/**
 * Returns the name in a resource's message, without decoding the other fields; "" if there is none.
 *
 * If the type's schema is unknown, the first field is taken as the name, which is true for all xDS types.
 * @throws Error for bytes that are not a message
 */
export function nameInMessage(type: ResourceType, body: Uint8Array, registry: SchemaRegistry): string {
  if (!type.nameField) return "";
  const schema = registry.getMessage(messageName(type.typeUrl));
  const number = schema ? schema.fields.find((field) => field.localName === type.nameField)?.number : 1;
  const reader = new BinaryReader(body);
  let name = "";
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === number && wireType === WireType.LengthDelimited) name = reader.string();
    else reader.skip(wireType, field);
  }
  return name;
}
