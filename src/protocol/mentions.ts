import type { Changes } from "../cache/config-watcher.js";

/** How Envoy begins its words when it has looked at each cluster or listener of a response by itself. */
const perResource = /^Error adding\/updating /;

/**
 * Whether a client says that it took nothing of a response that it refused. Envoy takes the good clusters and listeners
 * only where its words are about single ones; a response that has, for example, a field with a forbidden value it
 * refuses as a whole.
 */
export const tookNothing = (userAgentName: string, message: string): boolean =>
  userAgentName === "envoy" && !perResource.test(message);

/**
 * The names of changed resources that a client's message mentions. Computed once for all streams that refuse the same
 * alike.
 */
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

/** How much of a message is searched. */
const longestMessage = 65_536;

/**
 * Whether a text has a name in it, and not only as a part of a longer one. Envoy writes `<name>: <reason>` for each
 * resource; there the reasons do not count, for they are words like any name.
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
