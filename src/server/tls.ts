import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { messageOf, XdsError } from "../errors.js";

/** Certificates of a server, in PEM. */
export interface TlsOptions {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** Certificate authorities that clients' certificates must come from; with it every client needs one (mTLS). */
  readonly clientCa?: string | Uint8Array;
}

/** How long, in milliseconds, a client may take to agree on TLS. */
const handshakeTimeout = 20_000;

/**
 * What a TLS server is made with; of it only the certificates can be changed while it listens.
 * @throws XdsError INVALID_OPTION for certificates that cannot be used
 */
export const tlsServerOptions = (tls: TlsOptions) => ({
  ...secureContextOptions(tls),
  requestCert: tls.clientCa !== undefined,
  rejectUnauthorized: tls.clientCa !== undefined,
  handshakeTimeout,
});

/**
 * The certificates as Node takes them.
 * @throws XdsError INVALID_OPTION for certificates that cannot be used
 */
export function secureContextOptions({ cert, key, clientCa }: TlsOptions): SecureContextOptions {
  const context = {
    cert: Buffer.from(cert as Uint8Array),
    key: Buffer.from(key as Uint8Array),
    ...(clientCa !== undefined && { ca: Buffer.from(clientCa as Uint8Array) }),
  };
  // Node takes a file without any certificate for one that is not given, so each is looked at by itself, too.
  const certificate = readPem("certificate", "CERTIFICATE", context.cert, (pem) => new X509Certificate(pem));
  if (/BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/.test(context.key.toString("latin1")))
    throw new XdsError("INVALID_OPTION", "the TLS key is encrypted; give it without a passphrase");
  const privateKey = readPem("key", "PRIVATE KEY", context.key, createPrivateKey);
  if (context.ca) readPem("client CA", "CERTIFICATE", context.ca, (pem) => new X509Certificate(pem));
  if (!certificate.checkPrivateKey(privateKey))
    throw new XdsError("INVALID_OPTION", "the TLS key is another certificate's; they have to be a pair");
  attempt("certificate or key", () => createSecureContext(context));
  return context;
}

function readPem<T>(what: string, label: string, bytes: Buffer, read: (pem: Buffer) => T): T {
  if (!new RegExp(`-----BEGIN ([A-Z0-9 ]+ )?${label}-----`).test(bytes.toString("latin1")))
    throw new XdsError("INVALID_OPTION", `the TLS ${what} is not PEM: it has no line "-----BEGIN ${label}-----"`);
  return attempt(what, () => read(bytes));
}

function attempt<T>(what: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the TLS ${what} cannot be used: ${messageOf(cause)}`, { cause });
  }
}
