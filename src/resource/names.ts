/**
 * The scheme of xdstp names (cncf/xds TP1): `xdstp://<authority>/<type>/<id>?<context parameters>`. All other names are
 * plain strings, and equal only to themselves.
 */
const scheme = "xdstp:";

/** The longest name, in characters. Envoy's own names have about a hundred; reading very long ones takes long. */
export const longestName = 4_096;

/** Returns the canonical spelling of a name, which all equal names share: context parameters are sorted (P64). */
export function canonicalName(name: string): string {
  if (!name.startsWith(scheme)) return name;
  const [path, parameters] = split(name);
  if (!parameters.includes("&")) return name;
  return `${path}?${parameters.split("&").sort().join("&")}`;
}

/** Whether a canonical name has other spellings. */
export function hasSpellings(name: string): boolean {
  return name.startsWith(scheme) && name.includes("&");
}

/** Whether a canonical name is the name of a glob collection, `…/*` (P63). */
export function isGlob(name: string): boolean {
  return name.startsWith(scheme) && split(name)[0].endsWith("/*");
}

/**
 * Returns the glob collection that a canonical name is a member of, with the same context parameters; undefined if
 * there is none.
 */
export function collectionOf(name: string): string | undefined {
  if (!name.startsWith(scheme)) return undefined;
  const [path, parameters] = split(name);
  return `${path.slice(0, path.lastIndexOf("/"))}/*${parameters && `?${parameters}`}`;
}

function split(name: string): [path: string, parameters: string] {
  const query = name.indexOf("?");
  return query < 0 ? [name, ""] : [name.slice(0, query), name.slice(query + 1)];
}
