import type { Changes } from "../cache/config-watcher.js";

/** The beginning of Envoy's error if it has checked each cluster or listener of a response separately. */
const perResource = /^Error adding\/updating /;

/**
 * Whether a client says that it took nothing of a response that it refused. Envoy takes the good clusters and listeners
 * only if its error is about single resources. It refuses a response as a whole if, for example, a field has a
 * forbidden value.
 */
export const tookNothing = (userAgentName: string, message: string): boolean =>
  userAgentName === "envoy" && !perResource.test(message);

/** The changed resources that a client's error mentions, by name. Computed once for all streams with the same error. */
export function mentionedIn(changes: Changes, message: string): ReadonlySet<string> {
  const known = memo.get(changes);
  if (known?.message === message) return known.names;
  const text = message.slice(0, longestMessage);
  const names = new Set<string>();
  for (const { key } of changes.changed) if (text.includes(key) && mentions(text, key)) names.add(key);
  memo.set(changes, { message, names });
  return names;
}
const memo = new WeakMap<Changes, { readonly message: string; readonly names: ReadonlySet<string> }>();

/** How many characters of an error are searched. */
const longestMessage = 65_536;

/**
 * Whether a text contains a name, and not only as a part of a longer name. Envoy writes `<name>: <reason>` for each
 * resource. In that form a name counts only in front of the colon, because a reason may contain any word.
 */
export function mentions(text: string, name: string): boolean {
  const isPart = (character: string | undefined) => character !== undefined && /[\w-]/.test(character);
  const isList = perResource.test(text);
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const [before, after] = [text[at - 1], text[at + name.length]];
    if (isList ? after === ":" && (before === " " || before === "\n") : !isPart(before) && !isPart(after)) return true;
  }
  return false;
}
