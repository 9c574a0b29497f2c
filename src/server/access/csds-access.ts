import { XdsError } from "../../errors.js";
import type { Authorize } from "./authorize.js";
import { isLoopback } from "./loopback.js";

/**
 * A rule for the option `csds`, which decides who may read the status of all nodes. Clients on this machine may. Other
 * clients may if a name in their certificate matches the pattern. In the pattern, `*` is any text without a slash.
 * Example: `spiffe://*\/ns/ops/sa/*`. Without a pattern, other clients may not.
 *
 * @throws XdsError INVALID_OPTION for a pattern that is empty or has a placeholder
 */
export function loopbackOrSan(pattern?: string): Authorize {
  if (pattern !== undefined && (pattern === "" || /[{}]/.test(pattern)))
    throw new XdsError(
      "INVALID_OPTION",
      `${JSON.stringify(pattern)}: expected a certificate name in which * is the only placeholder`,
    );
  const expression =
    pattern === undefined ? undefined : new RegExp(`^${pattern.split("*").map(escaped).join("[^/]+")}$`);
  const others =
    pattern === undefined
      ? "other clients need a certificate that --tls-csds-san allows (in the library: the option csds)"
      : `other clients need a certificate with a name that matches ${pattern}`;
  return ({ peer, certificateNames }) =>
    isLocal(peer) ||
    certificateNames.some((name) => expression?.test(name)) ||
    `the client status service is for clients on this machine; ${others}`;
}

/** Whether a peer, `<IP address>:<port>`, is this machine. A dual-stack socket writes IPv4 as `::ffff:127.0.0.1`. */
const isLocal = (peer: string) => isLoopback(peer.replace(/:\d+$/, "").replace(/^::ffff:/i, ""));

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\/-]/g, "\\$&");
