/**
 * Names of the `xdstp:` scheme (cncf/xds TP1): `xdstp://<authority>/<type>/<id>?<context parameters>`. All other names are
 * just strings, and equal only to themselves.
 */
const scheme = "xdstp:";

/** The one spelling that stands for all equal names: context parameters sorted (P64). */
export function canonicalName(name: string): string {
  if (!name.startsWith(scheme)) return name;
  const [path, parameters] = split(name);
  if (!parameters.includes("&")) return name;
  return `${path}?${parameters.split("&").sort().join("&")}`;
}

/** Whether a canonical name may be spelt otherwise. */
export function hasSpellings(name: string): boolean {
  return name.startsWith(scheme) && name.includes("&");
}

/** Whether a canonical name is that of a glob collection, `…/*` (P63). */
export function isGlob(name: string): boolean {
  return name.startsWith(scheme) && split(name)[0].endsWith("/*");
}

/** The glob collection that a canonical name is a member of, with the same context parameters; undefined: of none. */
export function collectionOf(name: string): string | undefined {
  if (!name.startsWith(scheme)) return undefined;
  const [path, parameters] = split(name);
  return `${path.slice(0, path.lastIndexOf("/"))}/*${parameters && `?${parameters}`}`;
}

function split(name: string): [path: string, parameters: string] {
  const query = name.indexOf("?");
  return query < 0 ? [name, ""] : [name.slice(0, query), name.slice(query + 1)];
}
