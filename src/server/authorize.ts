import { XdsError } from "../errors.js";
import type { Caller } from "../protocol/caller.js";
import type { Node } from "../schema/node.js";

/** One who asks for something, and who it says it is. */
export interface ClientIdentity extends Caller {
  /** undefined: a client of CSDS that does not say. */
  readonly node: Node | undefined;
  /** What it calls: discovery by a stream, by a unary Fetch method or by REST; the client status service; load reporting. */
  readonly service: "stream" | "fetch" | "rest" | "csds" | "lrs";
}

/**
 * Whether a client may have what it asks for: true, or false, or why not. A throw refuses it too, with the error's status as from a
 * callback.
 */
export type Authorize = (client: ClientIdentity) => boolean | string | Promise<boolean | string>;

/** @throws XdsError PERMISSION_DENIED (as a rejection) */
export async function authorizeClient(authorize: Authorize, client: ClientIdentity): Promise<void> {
  const verdict: unknown = await authorize(client);
  if (verdict === true) return;
  const { node, certificateNames: names } = client;
  const who = node ? `node ${shown(node.id)}` : "a client that names no node";
  const proof = names.length > 0 ? `a certificate of ${names.map(shown).join(", ")}` : "no client certificate";
  const why = typeof verdict === "string" ? `: ${verdict}` : "";
  throw new XdsError("PERMISSION_DENIED", `${who} with ${proof} is refused (${client.service})${why}`);
}

/** Long names are cut, since the message goes into a header. */
const shown = (name: string) => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);

/**
 * A rule for `authorize`: one name of the client's certificate must match the pattern, in which `{id}` and `{cluster}` are the
 * node's and `*` is any text without a slash, such as `spiffe://*\/ns/{cluster}/sa/{id}`. Without a pattern a name must be the node's id.
 *
 * CSDS is refused to all, since it shows every node's configuration and a node's certificate is no title to that. Give
 * the server's option `csds` a rule of its own, such as `loopbackOrSan()`.
 *
 * @throws XdsError INVALID_OPTION for a pattern with another placeholder, or without one
 */
export function sanMatchesNode(pattern = "{id}"): Authorize {
  const parts = pattern.split(/(\{[^}]*\}|\*)/);
  const unknown = parts.find((part) => part.startsWith("{") && part !== "{id}" && part !== "{cluster}");
  if (unknown !== undefined || !/\{(id|cluster)\}/.test(pattern))
    throw new XdsError(
      "INVALID_OPTION",
      `${JSON.stringify(pattern)}: expected {id} or {cluster} or both, and no other placeholder`,
    );
  return ({ node, certificateNames, service }) => {
    if (service === "csds")
      return "the client status service is not for nodes; the option csds can have a rule of its own";
    if (!node) return "it names no node";
    const values = new Map([
      ["{id}", node.id],
      ["{cluster}", node.cluster],
    ]);
    if (parts.some((part) => values.get(part) === "")) return `its id or cluster is empty; expected ${pattern}`;
    const wanted = new RegExp(
      `^${parts.map((part) => (part === "*" ? "[^/]+" : escaped(values.get(part) ?? part))).join("")}$`,
    );
    return certificateNames.some((name) => wanted.test(name)) || `no name in its certificate matches ${pattern}`;
  };
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
