import { Resource } from "../resource/resource.js";
import type { Subscription } from "./subscription.js";

/**
 * The answer for a name that does not exist and that the client never had (P40, P56). If the variant has removals, the
 * answer is a removal. Exception: the type's row has another answer for types with which the client would then wait for
 * ever. In SotW the answer is silence. Exception: the row has a placeholder, and the client has not brought the name
 * from an earlier stream. `serves` returns whether the client is served a resource of a type with this name.
 */
export function answerForMissing(
  subscription: Subscription,
  name: string,
  tellsRemovals: boolean,
  serves: (typeUrl: string) => boolean,
  related: () => Iterable<Subscription>,
): Resource | "removed" | "silence" {
  const { type, names } = subscription;
  const otherwise = tellsRemovals || type.fullStateInSotw ? "removed" : "silence";
  const row = type.placeholder;
  if (tellsRemovals && names.has(name) && type.missingIsSilent) return "silence";
  if (!row || (tellsRemovals && !(row.inDelta && names.has(name)))) return otherwise;
  // A placeholder would take the place of what the client has.
  if (!tellsRemovals && subscription.hasReturnedWith(name)) return otherwise;
  const { afterTypeUrl } = row;
  if (!afterTypeUrl) return Resource.placeholder(type, name);
  // The other resource may be removed already, while the client still has it and waits for this one.
  for (const other of related())
    if (other.type.typeUrl === afterTypeUrl && other.state.mayHave(name)) return Resource.placeholder(type, name);
  return serves(afterTypeUrl) ? Resource.placeholder(type, name) : otherwise;
}
