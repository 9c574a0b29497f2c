import { XdsError } from "../errors.js";
import { longestName } from "../resource/names.js";
import type { ResourceType } from "../resource/xds-api.js";

/** How many characters of a client's type URL are logged or sent back. */
export const longestTypeUrl = 256;

/**
 * Checks that a request to the service of one type asks for that type.
 * @throws XdsError INVALID_REQUEST for another type
 */
export function checkService(served: ResourceType, typeUrl: string): void {
  if (typeUrl === served.typeUrl) return;
  const other = typeUrl.slice(0, longestTypeUrl);
  throw new XdsError(
    "INVALID_REQUEST",
    `this is the service of ${served.typeUrl}; ask for ${other} at its own service or on an aggregated stream`,
  );
}

/**
 * Checks that no resource name is longer than `longestName` characters.
 * @throws XdsError INVALID_REQUEST for a name that is too long
 */
export function checkLengths(names: Iterable<string>): void {
  for (const name of names)
    if (name.length > longestName)
      throw new XdsError(
        "INVALID_REQUEST",
        `a resource name of ${name.length} characters, ${JSON.stringify(name.slice(0, 64))}…; ${longestName} are allowed`,
      );
}
