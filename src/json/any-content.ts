import { type DescMessage, fromJson, type JsonObject, type Message, type Registry, toBinary } from "@bufbuild/protobuf";
import type { Fault } from "./fault.js";
import { MessageJson } from "./message-json.js";
import { nodeOf } from "./node.js";

export const anyName = "google.protobuf.Any";

/** Returns the full name of the message that a type URL stands for. */
export const typeNameOf = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);

/** Returns the schema of the message in an Any; undefined if the registry does not have it. */
export const schemaOf = (typeUrl: string, registry: Registry): DescMessage | undefined =>
  registry.getMessage(typeNameOf(typeUrl));

/** The messages that hold a configuration as JSON, together with its type. They stand in an Any. */
const typedStructs: ReadonlySet<string> = new Set(["xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"]);

/** Whether a message of this type stands for another message, which {@link fromTypedStruct} makes. */
export const isTypedStruct = (typeName: string): boolean => typedStructs.has(typeName);

/** The message that a TypedStruct stands for. */
export interface TypedContent {
  readonly schema: DescMessage;
  /** The encoded message; undefined if it cannot be read. `faults` has the reasons. */
  readonly bytes: Uint8Array | undefined;
  readonly faults: readonly Fault[];
  /** Fields in the JSON that the message does not have. Envoy ignores them. */
  readonly unknownFields: readonly Fault[];
}

/**
 * Makes the message that a TypedStruct stands for, by the rules by which Envoy reads files.
 *
 * Returns undefined if the type is unknown. With `hidesValues`, no fault quotes a value. That is also so without it if
 * the message may contain a secret.
 */
export function fromTypedStruct(message: Message, registry: Registry, hidesValues = false): TypedContent | undefined {
  const { typeUrl, value = {} } = message as Message & { typeUrl: string; value?: JsonObject };
  const schema = schemaOf(typeUrl, registry);
  if (!schema) return undefined;
  const reader = new MessageJson(registry, { values: Infinity, characters: Infinity }, hidesValues);
  const unknownFields: Fault[] = [];
  reader.unknownFields = unknownFields;
  const json = reader.read(schema, nodeOf(value, hidesValues), []);
  const { faults } = reader;
  if (reader.mayHaveSecrets && !hidesValues && faults.length + unknownFields.length > 0)
    return fromTypedStruct(message, registry, true);
  const bytes = faults.length === 0 ? toBinary(schema, fromJson(schema, json, { registry })) : undefined;
  return { schema, bytes, faults, unknownFields };
}
