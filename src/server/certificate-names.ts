import { type PeerCertificate, TLSSocket } from "node:tls";

/**
 * The names in a verified client certificate, in the order of {@link Caller.certificateNames}. Neither the common
 * name counts nor any other kind of SAN, such as IP addresses, e-mail addresses and directory names.
 */
export function certificateNames(certificate: PeerCertificate | undefined): readonly string[] {
  if (!certificate?.raw) return [];
  const altNames = parseAltNames(certificate.subjectaltname ?? "");
  return Object.entries(usable).flatMap(([kind, isUsable]) =>
    altNames.filter((name) => name.kind === kind && isUsable.test(name.value)).map(({ value }) => value),
  );
}

/** The same of a socket's other end; none unless it is a TLS socket whose client was verified. */
export function certificateNamesOf(socket: unknown): readonly string[] {
  return socket instanceof TLSSocket && socket.authorized ? certificateNames(socket.getPeerCertificate()) : [];
}

/**
 * What counts of each kind, in order. A URI has a colon and a DNS name has none, so that neither can pass for the
 * other. Both are ASCII (RFC 5280, 4.2.1.6).
 */
const usable = { URI: /^[a-z][a-z0-9+.-]*:[!-~]+$/i, DNS: /^[\w*.-]+$/ };

/** One SAN in Node's text of all: `kind:value`, the value as JSON where it has a comma or a quotation mark. */
const altName = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

function parseAltNames(text: string): { kind: string; value: string }[] {
  const names: { kind: string; value: string }[] = [];
  altName.lastIndex = 0;
  while (altName.lastIndex < text.length) {
    const [, kind = "", value = ""] = altName.exec(text) ?? [];
    if (kind === "") return [{ kind: "unreadable", value: text }];
    names.push({ kind, value: value.startsWith('"') ? unquoted(value) : value });
  }
  return names;
}

function unquoted(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return "";
  }
}
