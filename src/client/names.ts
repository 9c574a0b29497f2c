import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { canonicalName, collectionOf } from "../resource/names.js";
import type { ResourceType } from "../resource/types.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import { messageName } from "./resource.js";

/** By which subscribed names, in canonical form, a resource can have been asked for: its own, an alias, its glob (P59, P63). */
export function* subscribedAs(name: string, aliases: readonly string[] = []): Iterable<string> {
  const own = canonicalName(name);
  yield own;
  for (const alias of aliases) yield canonicalName(alias);
  const collection = collectionOf(own);
  if (collection !== undefined) yield collection;
}

/**
 * A resource's name as its message has it, found without decoding the rest; "": it has none. Where no schema of the type is
 * known, the first field is taken for the name, which it is in all of xDS.
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
