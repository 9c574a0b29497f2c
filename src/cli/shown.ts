import type { JsonObject } from "@bufbuild/protobuf";
import { messageOf } from "../errors.js";
import type { Resource } from "../resource/resource.js";
import { resourceJson } from "../resource/resource-json.js";
import { hasUnknownContent } from "../resource/unknown-content.js";
import { redactions } from "../schema/sensitive.js";
import { redacted } from "../server/redact.js";
import { complain } from "./output.js";

const wrapper = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/**
 * A resource as commands print it, and as files take it: an object with its `@type`; around it its name, where the message does not
 * have it. Without secrets, unless they are asked for.
 */
export function shownResource(resource: Resource, withSecrets: boolean): JsonObject {
  const { type, name, aliases } = resource;
  const { typeUrl, value } = withSecrets ? { typeUrl: type.typeUrl, value: resource.body } : redacted(resource);
  let json: JsonObject;
  try {
    json = resourceJson(typeUrl, value);
  } catch (error) {
    return { "@type": typeUrl, name, error: messageOf(error) };
  }
  const field = type.nameField?.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (field !== undefined && json[field] === name && aliases.length === 0) return json;
  return { "@type": wrapper, name, ...(aliases.length > 0 && { aliases: [...aliases] }), resource: json };
}

/** Says on stderr which resources have something that the API does not know, and that is therefore not shown. */
export function tellUnknown(resources: Iterable<Resource>): void {
  tellOf(
    Array.from(resources).filter(hasUnknownContent),
    "fields or extensions that are not in the Envoy API in use, and are left out here; --envoy or --descriptors takes another",
  );
}

/** Says on stderr which resources are shown without a secret. */
export function tellRedacted(resources: readonly Resource[], shown: readonly JsonObject[]): void {
  const isRedacted = shown.map((json) => {
    const text = JSON.stringify(json);
    return [...redactions].some((redaction) => text.includes(JSON.stringify(redaction)));
  });
  tellOf(
    resources.filter((_, index) => isRedacted[index]),
    "secrets, of which [redacted] is printed, and which cannot be served so; --show-secrets prints them",
  );
}

function tellOf([first, ...others]: readonly Resource[], what: string): void {
  if (!first) return;
  const more = others.length === 0 ? " has" : `, and ${others.length} more, have`;
  complain(`${first.type.name} ${JSON.stringify(first.name)}${more} ${what}`);
}
