import { XdsError } from "./errors.js";
import { nearest } from "./nearest.js";

/** The names of all options of `T`. The compiler refuses a record that lacks one, or has another. */
export type OptionNames<T> = { readonly [Name in keyof T]-?: unknown };

/**
 * Checks that an object has no other options than these; TypeScript checks that only where the object is written out.
 * @throws XdsError INVALID_OPTION for an unknown name, with the nearest known one
 */
export function checkOptions<T extends object>(what: string, options: T, names: OptionNames<T>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new XdsError("INVALID_OPTION", `the options of ${what} must be an object`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    // A forgotten unit: `ttl` for `ttlMs`.
    const meant = known.find((option) => option === `${name}Ms`) ?? nearest(name, known);
    const remedy = meant === undefined ? `its options: ${known.join(", ")}` : `did you mean ${meant}?`;
    throw new XdsError("INVALID_OPTION", `${what} has no option ${JSON.stringify(name)}; ${remedy}`);
  }
}
