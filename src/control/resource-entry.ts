import type { JsonObject } from "@bufbuild/protobuf";
import { messageOf } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import { resourceJson } from "../resource/resource-json.js";
import { redacted } from "../server/csds/redact.js";

/** An encoded resource, with or without its secrets. */
export interface ResourceEntry {
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  readonly aliases?: readonly string[];
  readonly ttlMs?: number;
  /** The encoded message, in base64. */
  readonly body: string;
  /** Set if secrets in it are replaced by `[redacted]`. */
  readonly redacted?: true;
}

/** A resource for programs that know its type. The encoded message is complete. */
export function resourceEntry(resource: Resource, withSecrets: boolean): ResourceEntry {
  const { type, name, version, aliases, ttlMs, body } = resource;
  const shown = withSecrets ? body : redacted(resource, resource.registry).value;
  return {
    typeUrl: type.typeUrl,
    name,
    version,
    ...(aliases.length > 0 && { aliases }),
    ...(ttlMs !== undefined && { ttlMs }),
    body: Buffer.from(shown).toString("base64"),
    ...(Buffer.compare(shown, body) !== 0 && { redacted: true }),
  };
}

const wrapper = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/**
 * A resource for people, in the form of the files of `xds serve`: an object with its `@type`. If the message does not
 * have the resource's name, or the resource has aliases, another object around it has the name and the aliases.
 */
export function resourceDocument(resource: Resource, withSecrets: boolean): JsonObject {
  const { type, name, aliases, registry } = resource;
  const { typeUrl, value } = withSecrets
    ? { typeUrl: type.typeUrl, value: resource.body }
    : redacted(resource, registry);
  let json: JsonObject;
  try {
    json = resourceJson(typeUrl, value, registry);
  } catch (error) {
    return { "@type": typeUrl, name, error: messageOf(error) };
  }
  const field = type.nameField?.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (field !== undefined && json[field] === name && aliases.length === 0) return json;
  return { "@type": wrapper, name, ...(aliases.length > 0 && { aliases: [...aliases] }), resource: json };
}
