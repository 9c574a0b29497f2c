import { type DescMessage, fromJson, type JsonObject, type Message, type Registry, toBinary } from "@bufbuild/protobuf";
import { messageOf } from "../errors.js";
import { envoyRegistry } from "../schema/registry.js";

export const anyName = "google.protobuf.Any";

/** The full name of the message that a type URL stands for. */
export const typeNameOf = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);

/** The schema of what an Any holds; undefined where the registry does not know it. */
export const schemaOf = (typeUrl: string, registry: Registry = envoyRegistry()): DescMessage | undefined =>
  registry.getMessage(typeNameOf(typeUrl));

/** The messages by which a configuration is given as JSON in an Any, with the type that it is of. */
const typedStructs: ReadonlySet<string> = new Set(["xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"]);

/** Whether an Any of this type stands for another message, which {@link fromTypedStruct} makes of it. */
export const isTypedStruct = (typeName: string): boolean => typedStructs.has(typeName);

/** What a TypedStruct stands for. */
export interface TypedContent {
  readonly schema: DescMessage;
  readonly bytes: Uint8Array;
  /** What is wrong with the JSON that does not keep Envoy from using it: that it has unknown fields. */
  readonly problem: string | undefined;
}

/**
 * The message that Envoy makes of a TypedStruct; undefined: it is of no known type.
 * @throws Error for JSON that is no such message
 */
export function fromTypedStruct(message: Message, registry: Registry = envoyRegistry()): TypedContent | undefined {
  const { typeUrl, value = {} } = message as Message & { typeUrl: string; value?: JsonObject };
  const schema = schemaOf(typeUrl, registry);
  if (!schema) return undefined;
  const lenient = fromJson(schema, value, { registry, ignoreUnknownFields: true });
  let problem: string | undefined;
  try {
    fromJson(schema, value, { registry });
  } catch (error) {
    problem = messageOf(error);
  }
  return { schema, bytes: toBinary(schema, lenient), problem };
}
