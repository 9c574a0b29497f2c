import { messageOf } from "../errors.js";
import type { ResourceType } from "../resource/types.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { FailedResource, ReceivedResource, ReceivedResponse } from "../wire/response-decoding.js";
import { nameInMessage } from "./names.js";
import { ClientResource } from "./resource.js";

/** An entry of a response that has no message: a heartbeat (P58), or a name that stands for nothing (P60). */
export interface BodilessResource {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly version: string;
  /** The new time to live, in milliseconds; undefined: none any more. */
  readonly ttlMs: number | undefined;
}

/** What a response says. */
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

/** Sends a response's ACK, or its NACK with a refusal; false: it is too late. */
type Answer = (response: ClientResponse, refusal: string | undefined) => boolean;

/** A response that waits for its ACK or NACK. */
export class ClientResponse implements ResponseContent {
  private isAnswered = false;

  private constructor(
    private readonly content: ResponseContent,
    readonly nonce: string,
    /** What the server calls itself; "" where it does not say. */
    readonly controlPlane: string,
    /** Why it cannot be taken, whatever the caller thinks of it; then it is NACKed with that. */
    readonly problem: string | undefined,
    private readonly answer: Answer,
  ) {}

  /** @internal As a stream received it. */
  static received(
    content: ResponseContent,
    { nonce, controlPlane }: Pick<ReceivedResponse, "nonce" | "controlPlane">,
    problem: string | undefined,
    answer: Answer,
  ): ClientResponse {
    return new ClientResponse(content, nonce, controlPlane, problem, answer);
  }

  get typeUrl(): string {
    return this.content.typeUrl;
  }

  get version(): string {
    return this.content.version;
  }

  get resources(): readonly ClientResource[] {
    return this.content.resources;
  }

  get bodiless(): readonly BodilessResource[] {
    return this.content.bodiless;
  }

  get removed(): readonly string[] {
    return this.content.removed;
  }

  get errors(): readonly FailedResource[] {
    return this.content.errors;
  }

  /** It has been ACKed or NACKed. */
  get answered(): boolean {
    return this.isAnswered;
  }

  /** Takes it: the client holds its content from now on. False: it was answered before, or its stream has ended. */
  ack(): boolean {
    return this.settle(this.problem);
  }

  /** Refuses it, with a message for the server's operator. False: it was answered before, or its stream has ended. */
  nack(message: string): boolean {
    return this.settle(message);
  }

  private settle(refusal: string | undefined): boolean {
    if (this.isAnswered) return false;
    this.isAnswered = true;
    return this.answer(this, refusal);
  }
}

/** Names and checks what was received; `problem`: why it breaks the protocol (P5, P10, P38). */
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

/** A string says what is wrong with it. */
function readEntry(
  type: ResourceType,
  { name: given, typeUrl, body, version, aliases, ttlMs }: ReceivedResource,
  responseVersion: string,
  registry: SchemaRegistry,
): ClientResource | BodilessResource | string {
  if (body === undefined)
    return given === "" ? "has neither name nor content" : { name: given, aliases, version, ttlMs };
  if (typeUrl !== type.typeUrl) return `is a ${typeUrl}, where only ${type.typeUrl} can be`;
  let name: string;
  try {
    name = given || nameInMessage(type, body, registry);
  } catch (error) {
    return `has bytes that are no ${typeUrl}: ${messageOf(error)}`;
  }
  if (name === "")
    return type.nameField
      ? "has no name"
      : `has no name: ${type.name} have none in their messages, only beside them in delta`;
  const own = given === "" ? responseVersion : version; // without a wrapper it has none
  return ClientResource.received(registry, { typeUrl, name, version: own, body, aliases, ttlMs });
}
