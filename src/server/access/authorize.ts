import type { Caller } from "../../caller.js";
import { XdsError } from "../../errors.js";
import type { Node } from "../../schema/node.js";
import { SanPattern } from "./san-pattern.js";

/** A client, with the node that it claims to be and the service that it calls. */
export interface ClientIdentity extends Caller {
  /** The node of the client's request. undefined for a CSDS client that sends no node. */
  readonly node: Node | undefined;
  /**
   * The service that the client calls: discovery on a stream, by a unary Fetch method or by REST; the client status
   * service (CSDS); load reporting (LRS).
   */
  readonly service: "stream" | "fetch" | "rest" | "csds" | "lrs";
}

/**
 * Decides whether a client may use a service. Returns true to allow it; false or a reason to refuse it with
 * PERMISSION_DENIED. A throw refuses it too, with the error's status, as in a callback.
 */
export type Authorize = (client: ClientIdentity) => boolean | string | Promise<boolean | string>;

/** Rejects if `authorize` refuses the client. @throws XdsError PERMISSION_DENIED, and what `authorize` throws */
export async function authorizeClient(authorize: Authorize, client: ClientIdentity): Promise<void> {
  const decision: unknown = await authorize(client);
  if (decision === true) return;
  const { node, certificateNames: names } = client;
  const who = node ? `node ${quoted(node.id)}` : "a client that names no node";
  const proof =
    names.length > 0
      ? `a certificate of ${names.map(quoted).join(", ")}`
      : "no URI or DNS name (SAN) in a client certificate";
  const why = typeof decision === "string" ? `: ${decision}` : "";
  throw new XdsError("PERMISSION_DENIED", `${who} with ${proof} is refused (${client.service})${why}`);
}

/** Quotes a name for a message. Long names are cut, because the message is sent in a header. */
const quoted = (name: string) => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);

/**
 * A rule for `authorize`: one name of the client's certificate must match the pattern. In the pattern, `{id}` and
 * `{cluster}` are the node's and `*` is any text. None of the three matches a slash. Example:
 * `spiffe://*\/ns/{cluster}/sa/{id}`. Without a pattern, a certificate name must equal the node's id. docs/security.md
 * says which names of a certificate count.
 *
 * The rule proves only the parts of the node that the pattern contains. Compute the node's group from these parts alone
 * (`SnapshotCacheOptions.nodeGroup`): a client may claim anything in the other parts.
 *
 * The rule refuses every CSDS request. CSDS shows the configuration of all nodes, and the certificate of one node gives
 * no right to that. For CSDS, give the server's option `csds` a rule of its own, such as `loopbackOrSan()`.
 *
 * @throws XdsError INVALID_OPTION for a pattern with an unknown placeholder, without a placeholder, or with two
 * placeholders that no text separates
 */
export function sanMatchesNode(pattern = "{id}"): Authorize {
  const names = new SanPattern(pattern);
  return ({ node, certificateNames, service }) => {
    if (service === "csds")
      return "this rule allows no node to use the client status service; the option csds sets who may";
    if (!node) return "the request has no node";
    if (certificateNames.some((name) => names.matches(name, node))) return true;
    return names.excludes(node) ?? `its certificate needs the name ${quoted(names.nameOf(node))} (rule: ${pattern})`;
  };
}
