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

/** What a TLS server asks of its clients; it cannot be changed while it listens. */
export const clientCertificates = ({ clientCa }: TlsOptions) => ({
  requestCert: clientCa !== undefined,
  rejectUnauthorized: clientCa !== undefined,
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
  attempt("certificate", () => new X509Certificate(context.cert));
  attempt("key", () => createPrivateKey(context.key));
  if (context.ca) attempt("client CA", () => new X509Certificate(context.ca as Buffer));
  attempt("key or certificate", () => createSecureContext(context));
  return context;
}

function attempt(what: string, use: () => unknown): void {
  try {
    use();
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the TLS ${what} cannot be used: ${messageOf(cause)}`, { cause });
  }
}
