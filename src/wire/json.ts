import { fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import { apiMessage } from "../schema/registry.js";
import type { Encodable, EncodableResponse } from "./messages.js";

/** How many resources are written in one step. */
const resourcesAtOnce = 50;

/**
 * Encodes a DiscoveryResponse in proto3 JSON, in steps. All who poll for the same resources get the same bytes.
 * @throws XdsError INVALID_RESOURCE if the schema of a resource or of a message in it is unknown
 */
export function* encodeJsonResponse(response: EncodableResponse): Generator<void, Buffer> {
  const { typeUrl, resources } = response;
  let body = bodies.get(resources)?.deref();
  if (!body?.isOf(response)) {
    body = new Body(response);
    bodies.set(resources, new WeakRef(body));
  }
  try {
    for (;;) {
      const bytes = body.step();
      if (bytes) return bytes;
      yield;
    }
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `the ${typeUrl} resources cannot be written as JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** The bytes of a response. Those who poll for it at the same time share the work too: each goes on where it is. */
class Body {
  private bytes: Buffer | undefined;
  private readonly lists = new Map<string, string[]>();
  private written = 0;

  constructor(private readonly response: EncodableResponse) {}

  isOf({ typeUrl, versionInfo }: EncodableResponse): boolean {
    return this.response.typeUrl === typeUrl && this.response.versionInfo === versionInfo;
  }

  /** Writes some more of it. Returns all of it when it is complete. */
  step(): Buffer | undefined {
    if (this.bytes) return this.bytes;
    const { resources } = this.response;
    for (const resource of resources.slice(this.written, this.written + resourcesAtOnce)) {
      for (const [list, json] of entriesOf(resource)) {
        const entries = this.lists.get(list);
        if (entries) entries.push(json);
        else this.lists.set(list, [json]);
      }
      this.written++;
    }
    if (this.written === resources.length) this.bytes = this.join();
    return this.bytes;
  }

  private join(): Buffer {
    const { typeUrl, versionInfo } = this.response;
    const fields = [`"typeUrl":${JSON.stringify(typeUrl)}`];
    if (versionInfo !== "") fields.push(`"versionInfo":${JSON.stringify(versionInfo)}`);
    for (const [list, entries] of this.lists) fields.push(`"${list}":[${entries.join(",")}]`);
    this.lists.clear();
    return Buffer.from(`{${fields.join(",")}}`);
  }
}

/** The list of resources is the same object for all who poll for the same. A body is kept only while it is in use. */
const bodies = new WeakMap<readonly Encodable[], WeakRef<Body>>();

type Entries = readonly (readonly [list: string, json: string])[];

/**
 * The JSON of a resource, with the name of the response's list that it belongs to. It is made once for all clients that
 * poll.
 *
 * The result is empty for a resource that stands for an error if its API has no `resource_errors`.
 */
function entriesOf(resource: Encodable): Entries {
  let entries = known.get(resource);
  if (!entries) {
    const { registry } = resource;
    const message = apiMessage(registry, "envoy.service.discovery.v3.DiscoveryResponse");
    const response = toJson(message, fromBinary(message, resource.sotwEntry(false)), { registry });
    entries = Object.entries(response as Record<string, JsonValue[]>).map(([list, [json]]) => [
      list,
      JSON.stringify(json),
    ]);
    known.set(resource, entries);
  }
  return entries;
}
const known = new WeakMap<Encodable, Entries>();
