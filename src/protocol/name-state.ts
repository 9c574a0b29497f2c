import { isGlob } from "../resource/names.js";
import { Resource } from "../resource/resource.js";
import type { NackEntry } from "./ledger.js";
import type { Subscription } from "./subscription.js";
import type { Withheld } from "./withheld.js";

/** What is known of one name of one client. */
export interface NameState {
  /** The canonical name. */
  readonly name: string;
  /** What is served. */
  readonly served: Resource | undefined;
  /** What the client last certainly had, if its content is known. */
  readonly has: Resource | undefined;
  /** The version of what the client last certainly had. Undefined: it had nothing. */
  readonly version: string | undefined;
  /** A response with the name is unanswered, or a piece with it is not sent yet. */
  readonly isMoving: boolean;
  /** What was refused and is not replaced. `resource` undefined: the removal was refused. */
  readonly refused: { readonly resource: Resource | undefined; readonly nack: NackEntry } | undefined;
  /** Why the name stays as it is on the client. */
  readonly waits: Withheld | undefined;
}

/** Every name that the client subscribes or may have, with what is known of it. Status, CSDS and dumps read this. */
export function* nameStatesOf(subscription: Subscription): Iterable<NameState> {
  const { view, wildcard, state, names, waiting } = subscription;
  const all = new Set<string>();
  if (wildcard) for (const { key } of view.all()) all.add(key);
  for (const name of names)
    if (isGlob(name)) for (const member of view.members(name)) all.add(member.key);
    else if (!wildcard || !view.get(name)) all.add(name);
  if (wildcard) for (const name of view.since(state.position).removed) all.add(name);
  for (const known of [state.exceptions, state.refused, waiting]) for (const name of known.keys()) all.add(name);
  for (const change of state.open) for (const name of change.names()) all.add(name);
  for (const name of all) {
    const last = state.lastCertain(name);
    const now = view.get(name);
    const change = state.openWith(name);
    const nack = change?.blames(name) ? change.nack : undefined;
    const refused = state.refused.get(name) ?? (nack && { resource: change?.content(name), nack });
    yield {
      name,
      served: now,
      has: last instanceof Resource ? last : last && last.version === now?.version ? now : undefined,
      version: last?.version,
      isMoving: state.coming(name) !== undefined || change?.isPending(name) === true,
      refused,
      waits: waiting.get(name),
    };
  }
}
