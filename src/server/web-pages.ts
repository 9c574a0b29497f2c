import type { IncomingHttpHeaders } from "node:http";
import { XdsError } from "../errors.js";
import { isLoopback } from "./loopback.js";

/** Under which names a port may be asked. */
export interface HostRule {
  /** The port, for messages. */
  readonly what: string;
  /** The host that it listens on, and the address that it came to. */
  readonly host: string;
  readonly address: string | undefined;
  /** Further names. */
  readonly allowedHosts: readonly string[];
  /** Takes any name without a dot: an Envoy that polls sends its cluster's name as Host. */
  readonly plainNames: boolean;
}

/**
 * Refuses what a page of another site makes a browser send. Such a page can give its own name our address (DNS
 * rebinding), but the name stands in Host; and it can post to us, but its origin stands in Origin. Host counts where
 * only this machine can reach the port, or where `allowedHosts` has names; beyond, nobody knows the port's names.
 * @throws XdsError FORBIDDEN_HOST, FORBIDDEN_ORIGIN
 */
export function refuseWebPages({ host = "", origin }: IncomingHttpHeaders, rule: HostRule): void {
  const { what, allowedHosts, plainNames } = rule;
  const name = hostName(host);
  const names = [rule.host, ...allowedHosts].map((allowed) => allowed.toLowerCase());
  const isKnown = isLoopback(name) || names.includes(name) || name === rule.address;
  if (origin !== undefined) {
    if (isKnown && /^https?:\/\/(.*)$/i.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase()) return;
    throw new XdsError(
      "FORBIDDEN_ORIGIN",
      `${what} is not for web pages of another origin, and the request's Origin is ${shown(origin)}, its Host ${shown(host)}`,
    );
  }
  const isChecked = allowedHosts.length > 0 || isLoopback(rule.address ?? rule.host);
  if (!isChecked || isKnown || name === "" || (plainNames && !/[.:]/.test(name))) return;
  throw new XdsError(
    "FORBIDDEN_HOST",
    `${what} is for ${[...new Set([...names, "localhost"])].join(", ")}, not for the host ${shown(host)}; ` +
      "--allowed-hosts (allowedHosts) names further ones",
  );
}

const hostName = (host: string) =>
  host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();

const shown = (text: string) => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
