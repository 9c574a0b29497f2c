import type { ResourceType, XdsApi } from "./xds-api.js";

/**
 * The type of an API that a user names: by its short name (`clusters`), its message's name (`Cluster`, or in full), or
 * its type URL. Upper and lower case are the same.
 */
export function findTypeNamed(text: string, api: XdsApi): ResourceType | undefined {
  return api.resourceTypes().find((type) => spellingsOf(type).includes(text.toLowerCase()));
}

/** All the names of a type, in lower case. */
export function spellingsOf({ name, typeUrl }: ResourceType): string[] {
  const full = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  const all = [name, name.replace(/s$/, ""), typeUrl, full, full.slice(full.lastIndexOf(".") + 1)];
  return all.map((spelling) => spelling.toLowerCase());
}
