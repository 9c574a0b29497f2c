import { type PeerCertificate, TLSSocket } from "node:tls";

/**
 * The URI and DNS names (SANs) in a verified client certificate, in the order of {@link Caller.certificateNames}. The
 * common name does not count, nor do other kinds of SAN, such as IP addresses, e-mail addresses and directory names.
 */
export function certificateNames(certificate: PeerCertificate | undefined): readonly string[] {
  if (!certificate?.raw) return [];
  const altNames = parseAltNames(certificate.subjectaltname ?? "");
  return Object.entries(usable).flatMap(([kind, isUsable]) =>
    altNames.filter((name) => name.kind === kind && isUsable.test(name.value)).map(({ value }) => value),
  );
}

/** The names in the certificate of a socket's client. Empty unless it is a TLS socket with a verified client. */
export function certificateNamesOf(socket: unknown): readonly string[] {
  return socket instanceof TLSSocket && socket.authorized ? certificateNames(socket.getPeerCertificate()) : [];
}

/**
 * The kinds of SAN that count, in order, and the form that a name of each kind must have. A URI has a colon and a DNS
 * name has none, so one cannot pass for the other. Both are ASCII (RFC 5280, 4.2.1.6).
 */
const usable = { URI: /^[a-z][a-z0-9+.-]*:[!-~]+$/i, DNS: /^[\w*.-]+$/ };

/** One SAN in Node's `subjectaltname`: `kind:value`. The value is JSON if it has a comma or a quotation mark. */
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
