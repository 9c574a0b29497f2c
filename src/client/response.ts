import { messageOf } from "../errors.js";
import type { ResourceType } from "../resource/xds-api.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { FailedResource, ReceivedResource, ReceivedResponse } from "../wire/response-decoding.js";
import { nameInMessage } from "./names.js";
import { ClientResource } from "./resource.js";

/** An entry of a response without a message: a heartbeat (P58), or a name without a resource (P60). */
export interface BodilessResource {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly version: string;
  /** The new time to live, in milliseconds. `undefined` if the resource has none from now on. */
  readonly ttlMs: number | undefined;
}

/** The content of a response. */
export interface ResponseContent {
  readonly typeUrl: string;
  /** `version_info` in SotW, `system_version_info` in delta. */
  readonly version: string;
  readonly resources: readonly ClientResource[];
  readonly bodiless: readonly BodilessResource[];
  /** `removed_resources`; always empty in SotW. */
  readonly removed: readonly string[];
  /** `resource_errors` (P65). */
  readonly errors: readonly FailedResource[];
}

/** Sends the ACK of a response, or with `refusal` its NACK. Returns false if it is too late. */
type Answer = (response: ClientResponse, refusal: string | undefined) => boolean;

/** A response that needs an ACK or a NACK. */
export class ClientResponse implements ResponseContent {
  private isAnswered = false;

  private constructor(
    private readonly content: ResponseContent,
    readonly nonce: string,
    /** The server's name for itself; "" if there is none. */
    readonly controlPlane: string,
    /** Why the response breaks the protocol. If set, it is NACKed with this message, whatever the caller decides. */
    readonly problem: string | undefined,
    private readonly answer: Answer,
  ) {}

  /** @internal Makes a response from what a stream received. */
  static received(
    content: ResponseContent,
    { nonce, controlPlane }: Pick<ReceivedResponse, "nonce" | "controlPlane">,
    problem: string | undefined,
    answer: Answer,
  ): ClientResponse {
    return new ClientResponse(content, nonce, controlPlane, problem, answer);
  }

  /** The type of its resources. */
  get typeUrl(): string {
    return this.content.typeUrl;
  }

  get version(): string {
    return this.content.version;
  }

  /** The resources that it brings. */
  get resources(): readonly ClientResource[] {
    return this.content.resources;
  }

  /** The resources that it names without a body. */
  get bodiless(): readonly BodilessResource[] {
    return this.content.bodiless;
  }

  get removed(): readonly string[] {
    return this.content.removed;
  }

  get errors(): readonly FailedResource[] {
    return this.content.errors;
  }

  /** Whether the response has been ACKed or NACKed. */
  get answered(): boolean {
    return this.isAnswered;
  }

  /**
   * Accepts the response: the client applies its content. Returns false if it was answered before or its stream has
   * ended.
   */
  ack(): boolean {
    return this.settle(this.problem);
  }

  /**
   * Refuses the response with a message for the server's operator. Returns false if it was answered before or its
   * stream has ended.
   */
  nack(message: string): boolean {
    return this.settle(message);
  }

  private settle(refusal: string | undefined): boolean {
    if (this.isAnswered) return false;
    this.isAnswered = true;
    return this.answer(this, refusal);
  }
}

/**
 * Finds the names of received resources, and checks the response. `problem` says how it breaks the protocol (P5, P10,
 * P38).
 */
export function readResponse(
  type: ResourceType,
  received: ReceivedResponse,
  registry: SchemaRegistry,
): { content: ResponseContent; problem: string | undefined } {
  const { version, removed, errors } = received;
  const resources: ClientResource[] = [];
  const bodiless: BodilessResource[] = [];
  const names = new Set<string>();
  let problem: string | undefined;
  for (const [index, entry] of received.resources.entries()) {
    const read = readEntry(type, entry, version, registry);
    if (typeof read === "string") {
      problem ??= `resource ${index} of the response ${read}`;
      continue;
    }
    if (names.has(read.name)) problem ??= `two resources of the response are named ${JSON.stringify(read.name)}`;
    names.add(read.name);
    if (read instanceof ClientResource) resources.push(read);
    else bodiless.push(read);
  }
  return { content: { typeUrl: type.typeUrl, version, resources, bodiless, removed, errors }, problem };
}

/** Reads an entry. The result is a string if the entry is wrong. */
function readEntry(
  type: ResourceType,
  { name: given, typeUrl, body, version, aliases, ttlMs }: ReceivedResource,
  responseVersion: string,
  registry: SchemaRegistry,
): ClientResource | BodilessResource | string {
  if (body === undefined)
    return given === "" ? "has neither name nor content" : { name: given, aliases, version, ttlMs };
  if (typeUrl !== type.typeUrl) return `is a ${typeUrl}; only ${type.typeUrl} is allowed here`;
  let name: string;
  try {
    name = given || nameInMessage(type, body, registry);
  } catch (error) {
    return `has bytes that are not a ${typeUrl}: ${messageOf(error)}`;
  }
  if (name === "")
    return type.nameField
      ? "has no name"
      : `has no name: ${type.name} have none in their messages, only beside them in delta`;
  const own = given === "" ? responseVersion : version; // an entry without a wrapper has no version of its own
  return ClientResource.received(registry, { typeUrl, name, version: own, body, aliases, ttlMs });
}
