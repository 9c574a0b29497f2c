import type { IncomingHttpHeaders } from "node:http";
import { XdsError } from "../../errors.js";
import { isLoopback } from "./loopback.js";

/** The names under which clients may call a port. */
export interface HostRule {
  /** A name for the port in error messages, such as "REST". */
  readonly what: string;
  /** The host in the port's options. */
  readonly host: string;
  /** The address that the port listens on. undefined if it does not listen. */
  readonly address: string | undefined;
  /** Further allowed names. */
  readonly allowedHosts: readonly string[];
  /** Whether any name without a dot is allowed: an Envoy that polls over REST sends its cluster's name as Host. */
  readonly plainNames: boolean;
}

/** A name without a dot that is not a number. For browsers, `2130706433` and `0x7f000001` are 127.0.0.1. */
const plainName = /^(?!(\d+|0x[\da-f]*)$)[^.:]+$/;

/** Sec-Fetch-Site of requests that a browser's user or a page of this port makes; undefined for other clients. */
const ownSites: readonly unknown[] = [undefined, "none", "same-origin"];

/**
 * Refuses requests that a web page of another site makes a browser send.
 *
 * - Such a page can point its own name to our address (DNS rebinding). The name is then in Host.
 * - It can post to us. Its origin is then in Origin.
 * - It can load an image from us, without Origin. Sec-Fetch-Site is then `cross-site`.
 *
 * Host is checked only where the port listens on loopback or `allowedHosts` has names. Elsewhere the port's names are
 * not known.
 * @throws XdsError FORBIDDEN_HOST, FORBIDDEN_ORIGIN
 */
export function refuseWebPages(headers: IncomingHttpHeaders, rule: HostRule): void {
  const { host = "", origin, "sec-fetch-site": site } = headers;
  const { what, allowedHosts, plainNames } = rule;
  const name = hostName(host);
  const names = [rule.host, ...allowedHosts].map((allowed) => allowed.toLowerCase());
  const isKnown = isLoopback(name) || names.includes(name) || name === rule.address;
  if (!ownSites.includes(site))
    throw new XdsError(
      "FORBIDDEN_ORIGIN",
      `${what} refuses web pages of another origin; the request's Sec-Fetch-Site is ${quoted(String(site))}`,
    );
  if (origin !== undefined) {
    if (isKnown && /^https?:\/\/(.*)$/i.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase()) return;
    throw new XdsError(
      "FORBIDDEN_ORIGIN",
      `${what} refuses web pages of another origin; the request's Origin is ${quoted(origin)}, its Host ${quoted(host)}`,
    );
  }
  const isChecked = allowedHosts.length > 0 || isLoopback(rule.address ?? rule.host);
  if (!isChecked || isKnown || headers.host === undefined || (plainNames && plainName.test(name))) return;
  throw new XdsError(
    "FORBIDDEN_HOST",
    `${what} does not serve the host ${quoted(host)}; the hosts are ` +
      `${[...new Set([...names, "localhost"])].join(", ")}; --allowed-hosts (allowedHosts) adds more`,
  );
}

const hostName = (host: string) =>
  host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();

const quoted = (text: string) => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
