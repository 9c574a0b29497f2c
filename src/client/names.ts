import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { ResourceType } from "../resource/types.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import { messageName } from "./resource.js";

/** An xdstp name with its context parameters sorted, so that equal names are equal strings (P64); any other as it is. */
export function canonicalName(name: string): string {
  if (!name.startsWith("xdstp:")) return name;
  const { path, parameters, directive } = parts(name);
  return path + parameters + directive;
}

/** By which subscribed names, in canonical form, a resource can have been asked for: its own, an alias, a glob (P59, P63). */
export function* subscribedAs(name: string, aliases: readonly string[] = []): Iterable<string> {
  yield canonicalName(name);
  for (const alias of aliases) yield canonicalName(alias);
  if (!name.startsWith("xdstp:")) return;
  const { path, parameters } = parts(name);
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    yield `${path.slice(0, end)}/*${parameters}`;
}

function parts(name: string): { path: string; parameters: string; directive: string } {
  const [, path = name, parameters, directive = ""] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(name) ?? [];
  return { path, parameters: parameters ? `?${parameters.split("&").sort().join("&")}` : "", directive };
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
