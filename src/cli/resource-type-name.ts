import { Argument } from "commander";
import { type ResourceType, resourceTypes } from "../resource/types.js";
import { nearest } from "../source/nearest.js";
import { completedWith, UsageError } from "./command.js";

/** An argument that {@link typeNamed} takes. */
export const typeArgument = (name: string, help: string): Argument =>
  completedWith(
    new Argument(name, help),
    resourceTypes().map((type) => type.name),
  );

/** The type that a user names: by its short name (`clusters`), its message's name (`Cluster`, or in full), or its type URL. */
export function findTypeNamed(text: string): ResourceType | undefined {
  return resourceTypes().find((type) => spellingsOf(type).includes(text.toLowerCase()));
}

/**
 * The same.
 * @throws UsageError
 */
export function typeNamed(text: string): ResourceType {
  const found = findTypeNamed(text);
  if (found) return found;
  const types = resourceTypes();
  const meant = nearest(text, types.flatMap(spellingsOf));
  throw new UsageError(
    `no resource type is called ${JSON.stringify(text)}; ${meant ? `did you mean ${meant}?` : `there are ${types.map(({ name }) => name).join(", ")}`}`,
  );
}

function spellingsOf({ name, typeUrl }: ResourceType): string[] {
  const full = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  const all = [name, name.replace(/s$/, ""), typeUrl, full, full.slice(full.lastIndexOf(".") + 1)];
  return all.map((spelling) => spelling.toLowerCase());
}
