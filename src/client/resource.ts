import { type DescMessage, fromBinary, type Message, type MessageShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { messageOf, XdsError } from "../errors.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";

/** The parts of a response's entry that make a client's resource. */
type ReceivedContent = Pick<ClientResource, "typeUrl" | "name" | "version" | "body" | "aliases" | "ttlMs">;

/** One resource as a server sent it. Its message is decoded at first use. */
export class ClientResource {
  private decoded: Message | undefined;

  private constructor(
    private readonly registry: SchemaRegistry,
    readonly typeUrl: string,
    readonly name: string,
    /** Its own version; for a SotW resource without a wrapper, the version of its response. */
    readonly version: string,
    /** The encoded message: a view of the response's bytes that must not be changed. */
    readonly body: Uint8Array,
    readonly aliases: readonly string[],
    /** Time to live in milliseconds, as received with this resource. */
    readonly ttlMs: number | undefined,
  ) {}

  /** @internal Makes a resource from a response's entry. */
  static received(
    registry: SchemaRegistry,
    { typeUrl, name, version, body, aliases, ttlMs }: ReceivedContent,
  ): ClientResource {
    return new ClientResource(registry, typeUrl, name, version, body, aliases, ttlMs);
  }

  /**
   * The message, decoded at first use.
   * @throws XdsError INVALID_RESOURCE for a type that the registry does not know, and for bytes that are not of the
   * type
   */
  get message(): Message {
    this.decoded ??= this.decode();
    return this.decoded;
  }

  /**
   * Decodes the message with a schema, at each call again: `resource.as(ClusterSchema).name`.
   * @throws XdsError WRONG_TYPE for a resource of another type; INVALID_RESOURCE for bytes that are not of the type
   */
  as<Desc extends GenMessage<Message>>(schema: Desc): MessageShape<Desc> {
    const typeName = messageName(this.typeUrl);
    if (typeName === schema.typeName) return this.decodedAs(schema) as MessageShape<Desc>;
    throw new XdsError("WRONG_TYPE", `${JSON.stringify(this.name)} is a ${typeName}, not a ${schema.typeName}`);
  }

  private decode(): Message {
    const schema = this.registry.getMessage(messageName(this.typeUrl));
    if (!schema)
      throw new XdsError(
        "INVALID_RESOURCE",
        `no schema is known for ${this.typeUrl}, so ${JSON.stringify(this.name)} cannot be decoded; give the client an api that has it`,
      );
    return this.decodedAs(schema);
  }

  private decodedAs(schema: DescMessage): Message {
    try {
      return fromBinary(schema, this.body);
    } catch (cause) {
      throw new XdsError(
        "INVALID_RESOURCE",
        `the bytes of ${JSON.stringify(this.name)} are not a ${schema.typeName}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}

/** The change of one resource that was added, changed or removed. */
export interface ResourceChange {
  readonly name: string;
  /** The resource before; undefined if it was added. */
  readonly before: ClientResource | undefined;
  /** The resource after; undefined if it was removed. */
  readonly after: ClientResource | undefined;
}

/** Returns the full name of a type URL's message. */
export const messageName = (typeUrl: string) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1);

/** Whether two resources have the same content; versions may differ. */
export function sameContent(a: ClientResource, b: ClientResource): boolean {
  return Buffer.compare(a.body, b.body) === 0 && a.aliases.join("\n") === b.aliases.join("\n");
}
