import { isIP, isIPv4, isIPv6 } from "node:net";

/**
 * Whether a text is a host name by RFC 1034: labels of letters, digits and hyphens, each at most 63 characters long.
 */
export const isHostname = (text: string): boolean =>
  text.length <= 253 && /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?$/.test(text);

/** Whether a text is an absolute URI by RFC 3986. */
export const isUri = (text: string): boolean => /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && isUriReference(text);

/** Whether a text is an absolute or relative URI by RFC 3986: only allowed characters, and complete percent escapes. */
export const isUriReference = (text: string): boolean =>
  /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/.test(text) && text.split("#").length <= 2;

export const isEmail = (text: string): boolean => {
  const at = text.lastIndexOf("@");
  return at > 0 && at <= 64 && text.length <= 254 && !/[\s<>]/.test(text) && isHostname(text.slice(at + 1));
};

export const isUuid = (text: string): boolean => /^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/.test(text);

/** The formats of validate.StringRules, by name in lowerCamelCase, with a description for messages. */
export const stringFormats: Readonly<
  Record<string, { readonly is: (text: string) => boolean; readonly what: string }>
> = {
  email: { is: isEmail, what: "an e-mail address" },
  hostname: { is: isHostname, what: "a host name" },
  ip: { is: (text) => isIP(text) !== 0, what: "an IP address" },
  ipv4: { is: isIPv4, what: "an IPv4 address" },
  ipv6: { is: isIPv6, what: "an IPv6 address" },
  uri: { is: isUri, what: "an absolute URI" },
  uriRef: { is: isUriReference, what: "a URI reference" },
  address: { is: (text) => isHostname(text) || isIP(text) !== 0, what: "a host name or IP address" },
  uuid: { is: isUuid, what: "a UUID" },
};

/** Returns the pattern of a validate.KnownRegex. If it is not strict, it refuses only what would split a header. */
export function headerPattern(known: number, strict: boolean): { readonly pattern: RegExp; readonly what: string } {
  const what = known === 1 ? "an HTTP header's name" : "an HTTP header's value";
  if (!strict) return { pattern: /^[^\0\n\r]*$/, what: `${what} (no NUL, line feed or carriage return)` };
  if (known === 1) return { pattern: /^:?[0-9a-zA-Z!#$%&'*+-.^_|~`]+$/, what };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a header may not have.
  return { pattern: /^[^\0-\x08\x0a-\x1f\x7f]*$/, what: `${what} (no control characters)` };
}
