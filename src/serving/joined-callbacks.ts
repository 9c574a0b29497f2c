import { type Callbacks, callbackNames } from "../server/callbacks.js";

type Callback = (...args: unknown[]) => unknown;

/**
 * Callbacks that call both: `watching` first, then `own`. Only the result of `own` is used: the stream waits for it,
 * and gets its errors. `watching` must not throw.
 */
export function joinedCallbacks(watching: Callbacks, own: Callbacks | undefined): Callbacks {
  if (!own) return watching;
  const joined: Record<string, Callback> = {};
  for (const name of Object.keys(callbackNames) as (keyof Callbacks)[]) {
    if (!watching[name] && !own[name]) continue;
    joined[name] = (...args) => {
      (watching[name] as Callback | undefined)?.apply(watching, args);
      return (own[name] as Callback | undefined)?.apply(own, args);
    };
  }
  return joined as Callbacks;
}
