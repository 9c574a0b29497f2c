import { hash } from "node:crypto";
import { posix } from "node:path";
import type { FindingCode } from "../resource/findings.js";
import { redactionMark } from "../schema/sensitive.js";
import type { EnvoyRule } from "./envoy-rule.js";
import { expiriesOf, type Password, whyNotKey, whyNotLoaded, whyNotPem } from "./pem.js";
import type { WireMessage } from "./wire-message.js";

/** A certificate that expires within this time, in milliseconds, is reported. */
export const expiryNotice = 30 * 24 * 60 * 60 * 1_000;

interface TlsPart {
  readonly code: FindingCode;
  readonly field: string;
  readonly message: string;
  readonly since?: number;
}

/**
 * Returns the content of a DataSource field; undefined if it is in a file, or was redacted in an Envoy's config dump.
 */
function contentOf(message: WireMessage, field: string): Uint8Array | undefined {
  const source = message.message(field);
  const content = source?.content("inlineString") ?? source?.content("inlineBytes");
  return content && Buffer.from(content).toString("latin1") !== redactionMark ? content : undefined;
}

function passwordOf(message: WireMessage): Password {
  return message.has("password") ? (contentOf(message, "password") ?? "elsewhere") : undefined;
}

/** Reports when the certificates in a field expire. `needed`: whether all of them must be valid, or any. */
function* expiryIn(content: Uint8Array, field: string, needed: "all" | "any"): Iterable<TlsPart> {
  const expiries = expiriesOf(content);
  if (expiries.length === 0) return;
  const expiry = needed === "all" ? Math.min(...expiries) : Math.max(...expiries);
  const until = new Date(expiry).toISOString().replace(".000Z", "Z");
  const message =
    needed === "all"
      ? `has a certificate that is valid until ${until}; renew it`
      : `has no certificate that is valid after ${until}; renew it`;
  yield { code: "EXPIRING_CERTIFICATE", field, message, since: expiry - expiryNotice };
}

/** The fields that may have a certificate's key. */
const keys = ["privateKey", "privateKeyProvider", "pkcs12"];

function* certificate(message: WireMessage): Iterable<TlsPart> {
  const [chain, key] = [contentOf(message, "certificateChain"), contentOf(message, "privateKey")];
  const badChain = chain && whyNotPem(chain, "CERTIFICATE");
  if (badChain !== undefined) yield { code: "BAD_CERTIFICATE", field: "certificateChain", message: badChain };
  else if (chain) {
    const notLoaded = whyNotLoaded(chain);
    if (notLoaded !== undefined) yield { code: "BAD_CERTIFICATE", field: "certificateChain", message: notLoaded };
    yield* expiryIn(chain, "certificateChain", "all");
  }
  const badKey = key && whyNotKey(key, chain, passwordOf(message));
  if (badKey !== undefined) yield { code: "BAD_CERTIFICATE", field: "privateKey", message: badKey };
  const [hasChain, hasKey] = [message.has("certificateChain"), keys.some((field) => message.has(field))];
  if (hasChain && !hasKey)
    yield { code: "BAD_CERTIFICATE", field: "privateKey", message: "is missing beside the chain" };
  if (!hasChain && message.has("privateKey") && !message.has("pkcs12"))
    yield { code: "BAD_CERTIFICATE", field: "certificateChain", message: "is missing beside the private key" };
}

function* authorities(message: WireMessage): Iterable<TlsPart> {
  const content = contentOf(message, "trustedCa");
  const bad = content && whyNotPem(content, "CERTIFICATE");
  if (bad !== undefined) yield { code: "BAD_CERTIFICATE", field: "trustedCa", message: bad };
  else if (content) yield* expiryIn(content, "trustedCa", "any");
}

/**
 * How many messages' problems are cached. Many clusters have the same authorities, and there may be hundreds of these.
 */
const mostKnown = 100;

/** Makes a rule that caches the problems of a message. An equal message is not checked again. */
function remembering(find: (message: WireMessage) => Iterable<TlsPart>): EnvoyRule {
  const known = new Map<string, readonly TlsPart[]>();
  return (message, { report }) => {
    const key = hash("sha1", message.bytes, "base64");
    const found = known.get(key) ?? [...find(message)];
    known.delete(key);
    known.set(key, found);
    const [oldest] = known.keys();
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
    for (const { code, field, message: words, since } of found) report(code, words, message.path(field), since);
  };
}

/**
 * Reports a relative path, because only the Envoy knows its directory. The path may be a secret, so it is not shown.
 */
const dataSource: EnvoyRule = (message, { report }) => {
  const name = message.text("filename");
  if (name !== "" && !posix.isAbsolute(name))
    report(
      "RELATIVE_FILE",
      "is a relative path: Envoy looks for it in the directory it was started in; use an absolute path or `inline_string`",
      message.path("filename"),
    );
};

const tls = "envoy.extensions.transport_sockets.tls.v3";

/** The rules for certificates and files, by the full name of the message. */
export const certificateRules: readonly (readonly [string, EnvoyRule])[] = [
  [`${tls}.TlsCertificate`, remembering(certificate)],
  [`${tls}.CertificateValidationContext`, remembering(authorities)],
  ["envoy.config.core.v3.DataSource", dataSource],
];
