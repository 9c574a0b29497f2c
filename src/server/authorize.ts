import { XdsError } from "../errors.js";
import type { Caller } from "../protocol/caller.js";
import type { Node } from "../schema/node.js";
import { SanPattern } from "./san-pattern.js";

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
  const proof =
    names.length > 0
      ? `a certificate of ${names.map(shown).join(", ")}`
      : "no URI or DNS name (SAN) in a client certificate";
  const why = typeof verdict === "string" ? `: ${verdict}` : "";
  throw new XdsError("PERMISSION_DENIED", `${who} with ${proof} is refused (${client.service})${why}`);
}

/** Long names are cut, since the message goes into a header. */
const shown = (name: string) => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);

/**
 * A rule for `authorize`: one name of the client's certificate must match the pattern, in which `{id}` and
 * `{cluster}` are the node's and `*` is any text, such as `spiffe://*\/ns/{cluster}/sa/{id}`. None of them matches a
 * slash. Without a pattern a name must be the node's id. docs/security.md says which names count.
 *
 * The rule proves only what the pattern has. Compute the node's group from that alone
 * (`SnapshotCacheOptions.nodeGroup`), because any client may claim the rest.
 *
 * CSDS is refused to all, since it shows every node's configuration and a node's certificate is no title to that. Give
 * the server's option `csds` a rule of its own, such as `loopbackOrSan()`.
 *
 * @throws XdsError INVALID_OPTION for a pattern with another placeholder, without one, or with two that nothing
 * separates
 */
export function sanMatchesNode(pattern = "{id}"): Authorize {
  const names = new SanPattern(pattern);
  return ({ node, certificateNames, service }) => {
    if (service === "csds")
      return "the client status service is not for nodes; the option csds can have a rule of its own";
    if (!node) return "it names no node";
    if (certificateNames.some((name) => names.matches(name, node))) return true;
    return names.excludes(node) ?? `no name in its certificate matches ${pattern}`;
  };
}
