import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** The kind of content that a PEM text must have, as the label of its blocks. */
export type PemLabel = "CERTIFICATE" | "PRIVATE KEY" | "X509 CRL";

/** The labels that OpenSSL and BoringSSL accept for each kind. */
const labels: Readonly<Record<PemLabel, RegExp>> = {
  CERTIFICATE: /^((X509|TRUSTED) )?CERTIFICATE$/,
  "PRIVATE KEY": /^([A-Z]+ )?PRIVATE KEY$/,
  "X509 CRL": /^X509 CRL$/,
};

/** Returns why a text is not valid PEM of this kind; undefined if it is valid. The reason never quotes the text. */
export function whyNotPem(bytes: Uint8Array, label: PemLabel): string | undefined {
  const blocks = blocksOf(bytes, label);
  if (typeof blocks === "string") return blocks;
  if (label !== "CERTIFICATE") return undefined;
  const bad = blocks.findIndex((block) => attempt(() => new X509Certificate(block)) === undefined);
  if (bad < 0) return undefined;
  return blocks.length === 1
    ? "is not a readable certificate"
    : `has a certificate that cannot be read: number ${bad + 1}`;
}

/** Returns why Envoy does not load the first certificate of a readable chain; undefined if it does. */
export function whyNotLoaded(chain: Uint8Array): string | undefined {
  const [first = ""] = blocksOf(chain, "CERTIFICATE");
  const key = attempt(() => new X509Certificate(first).publicKey);
  const { asymmetricKeyType: type = "unknown", asymmetricKeyDetails: { modulusLength = 0, namedCurve = "" } = {} } =
    key ?? {};
  const isLoaded = type === "rsa" ? modulusLength >= 2048 : type === "ec" ? curves.has(namedCurve) : type === "ed25519";
  if (isLoaded) return undefined;
  const what = type === "rsa" ? `RSA with ${modulusLength} bits` : [type, namedCurve].filter(Boolean).join(" ");
  return `has a key of a kind that Envoy does not load (${what}); take RSA with 2048 bits or more, P-256, P-384, P-521 or Ed25519`;
}

const curves: ReadonlySet<string> = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** Returns the expiry of each readable certificate in a text, in milliseconds since 1970. */
export function expiriesOf(bytes: Uint8Array): number[] {
  const blocks = blocksOf(bytes, "CERTIFICATE");
  if (typeof blocks === "string") return [];
  const expiries = blocks.map((block) => attempt(() => Date.parse(new X509Certificate(block).validTo)));
  return expiries.filter((expiry) => expiry !== undefined && !Number.isNaN(expiry)) as number[];
}

/**
 * Returns the blocks of a kind, at least one, or else a string that gives the reason why there is none. Anything may
 * stand between blocks.
 */
function blocksOf(bytes: Uint8Array, label: PemLabel): string[] | string {
  const blocks: string[] = [];
  const text = Buffer.from(bytes).toString("latin1");
  const beginning = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/gm;
  for (let begin = beginning.exec(text); begin; begin = beginning.exec(text)) {
    const endLine = `-----END ${begin[1]}-----`;
    const end = text.indexOf(endLine, beginning.lastIndex);
    if (end < 0) return `is cut off: it has no line "${endLine}" at its end`;
    beginning.lastIndex = end + endLine.length;
    if (labels[label].test(begin[1] ?? ""))
      blocks.push(withoutEmptyLines(text.slice(begin.index, beginning.lastIndex)));
  }
  return blocks.length > 0 ? blocks : `has no line "-----BEGIN ${label}-----"; it must be PEM`;
}

/**
 * Removes empty lines after the end of a block's headers. BoringSSL accepts them, but OpenSSL, which Node uses, does
 * not.
 */
function withoutEmptyLines(block: string): string {
  const lines = block.split("\n");
  const first = lines.findIndex((line) => line.trim() === "");
  return lines.filter((line, index) => index <= first || line.trim() !== "").join("\n");
}

/**
 * Returns why the first private key of a text is not valid; undefined if it is.
 *
 * If the certificate is given and readable, the key must also match it.
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
    if (!isEncrypted) return "is not a readable private key";
    // Node lacks some ciphers, which Envoy may have. Such a key cannot be judged.
    if ((error as NodeJS.ErrnoException).code === "ERR_OSSL_EVP_UNSUPPORTED") return undefined;
    return "cannot be decrypted with the password; a line break at its end is part of it";
  }
  return certificate && !isPair(certificate, privateKey)
    ? "does not match the certificate; use a matching pair"
    : undefined;
}

/** The password of a private key. `elsewhere`: there is one, but its content is not known here. */
export type Password = Uint8Array | "elsewhere" | undefined;

const isPair = (certificate: Uint8Array, key: KeyObject) =>
  attempt(() => new X509Certificate(certificate).checkPrivateKey(key)) ?? true;

/** Returns the result of `act`; undefined if it throws. The error is dropped, because it may quote secrets. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
