import { type DescMessage, fromJson, type JsonObject, type Message, toBinary } from "@bufbuild/protobuf";
import { envoyRegistry } from "../schema/registry.js";

/** The full name of the message that a type URL stands for. */
export const typeNameOf = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);

/** The schema of what an Any holds; undefined where the registry does not know it. */
export const schemaOf = (typeUrl: string): DescMessage | undefined => envoyRegistry().getMessage(typeNameOf(typeUrl));

/** The messages by which a configuration is given as JSON in an Any, with the type that it is of. */
const typedStructs: ReadonlySet<string> = new Set(["xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"]);

/** Whether an Any of this type stands for another message, which {@link fromTypedStruct} makes of it. */
export const isTypedStruct = (typeName: string): boolean => typedStructs.has(typeName);

/** A TypedStruct's type and the bytes of the message of that type, as Envoy makes it of one; undefined for an unknown type. */
export function fromTypedStruct(message: Message): { schema: DescMessage; bytes: Uint8Array } | undefined {
  const { typeUrl, value } = message as Message & { typeUrl: string; value?: JsonObject };
  const schema = schemaOf(typeUrl);
  if (!schema) return undefined;
  const content = fromJson(schema, value ?? {}, { registry: envoyRegistry() });
  return { schema, bytes: toBinary(schema, content) };
}
