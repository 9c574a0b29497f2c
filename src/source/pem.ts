import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** What a PEM text is to have: blocks whose label ends so. */
export type PemLabel = "CERTIFICATE" | "PRIVATE KEY" | "X509 CRL";

/** Why a text cannot be what it is to be; undefined: nothing is wrong. Nothing that is in it is ever told. */
export function whyNotPem(bytes: Uint8Array, label: PemLabel): string | undefined {
  const blocks: string[] = [];
  const text = Buffer.from(bytes).toString("latin1");
  const beginning = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;
  for (let begin = beginning.exec(text); begin; begin = beginning.exec(text)) {
    const endLine = `-----END ${begin[1]}-----`;
    const end = text.indexOf(endLine, beginning.lastIndex);
    if (end < 0) return `is cut off: it has no line "${endLine}" at its end`;
    beginning.lastIndex = end + endLine.length;
    if (begin[1]?.endsWith(label)) blocks.push(text.slice(begin.index, beginning.lastIndex));
  }
  if (blocks.length === 0) return `has no line "-----BEGIN ${label}-----"; it has to be PEM`;
  if (label !== "CERTIFICATE") return undefined;
  const bad = blocks.findIndex((block) => attempt(() => new X509Certificate(block)) === undefined);
  if (bad < 0) return undefined;
  return blocks.length === 1
    ? "is no certificate that can be read"
    : `has a certificate that cannot be read: number ${bad + 1}`;
}

/** The same of a private key, and of the certificate that it is to be the key of, if that is known and can be read. */
export function whyNotKey(
  key: Uint8Array,
  certificate: Uint8Array | undefined,
  password: Password,
): string | undefined {
  const noPem = whyNotPem(key, "PRIVATE KEY");
  if (noPem !== undefined) return noPem;
  const isEncrypted = /-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(Buffer.from(key).toString("latin1"));
  if (isEncrypted && password === "elsewhere") return undefined;
  if (isEncrypted && password === undefined) return "is encrypted; set password too";
  const passphrase = password === undefined || password === "elsewhere" ? "" : Buffer.from(password);
  const privateKey = attempt(() => createPrivateKey({ key: Buffer.from(key), passphrase }));
  if (!privateKey && isEncrypted)
    return "cannot be decrypted with the password, of which a line break at its end is a part";
  if (!privateKey) return "is no private key that can be read";
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
