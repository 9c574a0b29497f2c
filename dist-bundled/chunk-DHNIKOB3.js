import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  resourceJson
} from "./chunk-K7FWRZOE.js";
import {
  redacted
} from "./chunk-4YBW5ZFI.js";
import {
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/control/resource-entry.js
function resourceEntry(resource, withSecrets) {
  const { type, name, version, aliases, ttlMs, body } = resource;
  const shown = withSecrets ? body : redacted(resource, resource.registry).value;
  return {
    typeUrl: type.typeUrl,
    name,
    version,
    ...aliases.length > 0 && { aliases },
    ...ttlMs !== void 0 && { ttlMs },
    body: Buffer.from(shown).toString("base64"),
    ...Buffer.compare(shown, body) !== 0 && { redacted: true }
  };
}
var wrapper = "type.googleapis.com/envoy.service.discovery.v3.Resource";
function resourceDocument(resource, withSecrets) {
  const { type, name, aliases, registry } = resource;
  const { typeUrl, value } = withSecrets ? { typeUrl: type.typeUrl, value: resource.body } : redacted(resource, registry);
  let json;
  try {
    json = resourceJson(typeUrl, value, registry);
  } catch (error) {
    return { "@type": typeUrl, name, error: messageOf(error) };
  }
  const field = type.nameField?.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (field !== void 0 && json[field] === name && aliases.length === 0)
    return json;
  return { "@type": wrapper, name, ...aliases.length > 0 && { aliases: [...aliases] }, resource: json };
}

export {
  resourceEntry,
  resourceDocument
};
