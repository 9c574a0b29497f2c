import { XdsError } from "../errors.js";
import type { Resource } from "./resource.js";

/**
 * Returns an error if two resources have one name and version, but different content. Readers compare versions, so some
 * of them would not receive the new content.
 */
export function versionInUse(old: Resource | undefined, resource: Resource): XdsError | undefined {
  if (!old || old === resource || old.version !== resource.version || old.hasContentOf(resource)) return undefined;
  const what = `${resource.type.name} resource ${JSON.stringify(resource.name)} (${resource.type.typeUrl})`;
  return new XdsError(
    "VERSION_IN_USE",
    `${what} has new content under its current version ${JSON.stringify(resource.version)}; give it a new version, or none to have one made from its content`,
  );
}
