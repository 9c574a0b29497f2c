import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** What a PEM text is to have, by the label of its blocks. */
export type PemLabel = "CERTIFICATE" | "PRIVATE KEY" | "X509 CRL";

/** The labels that OpenSSL and BoringSSL take for it. */
const labels: Readonly<Record<PemLabel, RegExp>> = {
  CERTIFICATE: /^((X509|TRUSTED) )?CERTIFICATE$/,
  "PRIVATE KEY": /^([A-Z]+ )?PRIVATE KEY$/,
  "X509 CRL": /^X509 CRL$/,
};

/** Why a text cannot be what it is to be; undefined: nothing is wrong. Nothing that is in it is ever told. */
export function whyNotPem(bytes: Uint8Array, label: PemLabel): string | undefined {
  const blocks = blocksOf(bytes, label);
  if (typeof blocks === "string") return blocks;
  if (label !== "CERTIFICATE") return undefined;
  const bad = blocks.findIndex((block) => attempt(() => new X509Certificate(block)) === undefined);
  if (bad < 0) return undefined;
  return blocks.length === 1
    ? "is no certificate that can be read"
    : `has a certificate that cannot be read: number ${bad + 1}`;
}

/** The blocks of a label, at least one; a text: why not. Between blocks there may be anything. */
function blocksOf(bytes: Uint8Array, label: PemLabel): string[] | string {
  const blocks: string[] = [];
  const text = Buffer.from(bytes).toString("latin1");
  const beginning = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/gm;
  for (let begin = beginning.exec(text); begin; begin = beginning.exec(text)) {
    const endLine = `-----END ${begin[1]}-----`;
    const end = text.indexOf(endLine, beginning.lastIndex);
    if (end < 0) return `is cut off: it has no line "${endLine}" at its end`;
    beginning.lastIndex = end + endLine.length;
    if (labels[label].test(begin[1] ?? "")) blocks.push(text.slice(begin.index, beginning.lastIndex));
  }
  return blocks.length > 0 ? blocks : `has no line "-----BEGIN ${label}-----"; it has to be PEM`;
}

/**
 * The same of a private key, the first of its text, and of the certificate that it is to be the key of, if that is known and can be read.
 */
export function whyNotKey(
  key: Uint8Array,
  certificate: Uint8Array | undefined,
  password: Password,
): string | undefined {
  const blocks = blocksOf(key, "PRIVATE KEY");
  if (typeof blocks === "string") return blocks;
  const [first = ""] = blocks;
  const isEncrypted = /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(first);
  if (isEncrypted && password === "elsewhere") return undefined;
  if (isEncrypted && password === undefined) return "is encrypted, and there is no password for it";
  const passphrase = password === undefined || password === "elsewhere" ? "" : Buffer.from(password);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: first, passphrase });
  } catch (error) {
    if (!isEncrypted) return "is no private key that can be read";
    // Node cannot tell of ciphers that it leaves out, though Envoy may have them.
    if ((error as NodeJS.ErrnoException).code === "ERR_OSSL_EVP_UNSUPPORTED") return undefined;
    return "cannot be decrypted with the password, of which a line break at its end is a part";
  }
  return certificate && !isPair(certificate, privateKey)
    ? "is another certificate's; the two have to be a pair"
    : undefined;
}

/** A private key's; `elsewhere`: there is one, but not here. */
export type Password = Uint8Array | "elsewhere" | undefined;

const isPair = (certificate: Uint8Array, key: KeyObject) =>
  attempt(() => new X509Certificate(certificate).checkPrivateKey(key)) ?? true;

/** What it throws may quote what it was given. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
