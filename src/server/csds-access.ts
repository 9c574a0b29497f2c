import { XdsError } from "../errors.js";
import type { Authorize } from "./authorize.js";
import { isLoopback } from "./loopback.js";

/**
 * A rule for the option `csds`: who may ask for the status of all nodes. Clients on this machine may; of others those
 * that have a name in their certificate that matches the pattern. In the pattern `*` is any text without a slash,
 * such as `spiffe://*\/ns/ops/sa/*`. Without a pattern no others may.
 *
 * @throws XdsError INVALID_OPTION for a pattern that is empty, or has a placeholder
 */
export function loopbackOrSan(pattern?: string): Authorize {
  if (pattern !== undefined && (pattern === "" || /[{}]/.test(pattern)))
    throw new XdsError(
      "INVALID_OPTION",
      `${JSON.stringify(pattern)}: expected a name of a certificate, in which only * stands for something else`,
    );
  const wanted = pattern === undefined ? undefined : new RegExp(`^${pattern.split("*").map(escaped).join("[^/]+")}$`);
  const also =
    pattern === undefined
      ? "others need a certificate that --tls-csds-san allows (in the library the option csds)"
      : `of others a name in the certificate has to match ${pattern}`;
  return ({ peer, certificateNames }) =>
    isLocal(peer) ||
    certificateNames.some((name) => wanted?.test(name)) ||
    `the client status service is for clients on this machine; ${also}`;
}

/**
 * Whether a peer, `<IP address>:<port>`, is this machine; a socket for both kinds of addresses writes IPv4 as
 * `::ffff:127.0.0.1`.
 */
const isLocal = (peer: string) => isLoopback(peer.replace(/:\d+$/, "").replace(/^::ffff:/i, ""));

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\/-]/g, "\\$&");
