import type { Changes } from "../cache/config-watcher.js";

/** The names of changed resources that a client's message mentions. Computed once for all streams that refuse the same alike. */
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

/** Whether a text has a name in it, and not only as a part of a longer one. */
export function mentions(text: string, name: string): boolean {
  const isPart = (character: string | undefined) => character !== undefined && /[\w-]/.test(character);
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1))
    if (!isPart(text[at - 1]) && !isPart(text[at + name.length])) return true;
  return false;
}
