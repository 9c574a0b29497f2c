import { type DescMessage, fromBinary, type Message, type MessageShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { messageOf, XdsError } from "../errors.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";

/** What a client's resource is made of. */
type ReceivedContent = Pick<ClientResource, "typeUrl" | "name" | "version" | "body" | "aliases" | "ttlMs">;

/** One resource as a server sent it. Its message is decoded by whoever first asks for it. */
export class ClientResource {
  private decoded: Message | undefined;

  private constructor(
    private readonly registry: SchemaRegistry,
    readonly typeUrl: string,
    readonly name: string,
    /** Its own; in SotW without a wrapper, that of the response that brought it. */
    readonly version: string,
    /** The encoded message. A view of the response's bytes: not to be written to. */
    readonly body: Uint8Array,
    readonly aliases: readonly string[],
    /** Time to live, in milliseconds, as this resource brought it. */
    readonly ttlMs: number | undefined,
  ) {}

  /** @internal As a response brought it. */
  static received(
    registry: SchemaRegistry,
    { typeUrl, name, version, body, aliases, ttlMs }: ReceivedContent,
  ): ClientResource {
    return new ClientResource(registry, typeUrl, name, version, body, aliases, ttlMs);
  }

  /**
   * The message, decoded at the first use.
   * @throws XdsError INVALID_RESOURCE for a type that the registry does not know, and for bytes that are none of it
   */
  get message(): Message {
    this.decoded ??= this.decode();
    return this.decoded;
  }

  /**
   * The message, decoded anew with a schema: `resource.as(ClusterSchema).name`.
   * @throws XdsError WRONG_TYPE when it is of another type, INVALID_RESOURCE for bytes that are none of it
   */
  as<Desc extends GenMessage<Message>>(schema: Desc): MessageShape<Desc> {
    const typeName = messageName(this.typeUrl);
    if (typeName === schema.typeName) return this.decodedAs(schema) as MessageShape<Desc>;
    throw new XdsError("WRONG_TYPE", `${JSON.stringify(this.name)} is a ${typeName}, no ${schema.typeName}`);
  }

  private decode(): Message {
    const schema = this.registry.getMessage(messageName(this.typeUrl));
    if (!schema)
      throw new XdsError(
        "INVALID_RESOURCE",
        `no schema is known for ${this.typeUrl}, so ${JSON.stringify(this.name)} cannot be decoded; give the client a registry that has it`,
      );
    return this.decodedAs(schema);
  }

  private decodedAs(schema: DescMessage): Message {
    try {
      return fromBinary(schema, this.body);
    } catch (cause) {
      throw new XdsError(
        "INVALID_RESOURCE",
        `the bytes of ${JSON.stringify(this.name)} are no ${schema.typeName}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}

/** A resource that is new, different or gone. */
export interface ResourceChange {
  readonly name: string;
  /** undefined: it was not held. */
  readonly before: ClientResource | undefined;
  /** undefined: it is not held any more. */
  readonly after: ClientResource | undefined;
}

/** The full name of a type URL's message. */
export const messageName = (typeUrl: string) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);

/** Of the same content, whatever the versions. */
export function sameContent(a: ClientResource, b: ClientResource): boolean {
  return Buffer.compare(a.body, b.body) === 0 && a.aliases.join("\n") === b.aliases.join("\n");
}
