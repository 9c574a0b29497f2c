import { createSecureContext, type SecureContextOptions } from "node:tls";
import { messageOf, XdsError } from "../../errors.js";
import { checkOptions, type OptionNames } from "../../options.js";
import { whyNotKey, whyNotPem } from "../../validation/pem.js";

/** A server's certificate and key, in PEM. */
export interface TlsOptions {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /**
   * Certificate authorities for client certificates. With this option every client needs a certificate from one of them
   * (mTLS).
   */
  readonly clientCa?: string | Uint8Array;
}

const tlsNames: OptionNames<TlsOptions> = { cert: true, key: true, clientCa: true };

/**
 * Options to create a TLS server with. Only the certificates among them can be changed while it listens.
 * @throws XdsError INVALID_OPTION for certificates that cannot be used
 */
export const tlsServerOptions = (tls: TlsOptions) => ({
  ...secureContextOptions(tls),
  requestCert: tls.clientCa !== undefined,
  rejectUnauthorized: tls.clientCa !== undefined,
});

/**
 * The certificates as options of a Node `SecureContext`.
 * @throws XdsError INVALID_OPTION for certificates that cannot be used
 */
export function secureContextOptions(tls: TlsOptions): SecureContextOptions {
  checkOptions("tls", tls, tlsNames);
  const { cert, key, clientCa } = tls;
  const context = {
    cert: withoutMark(cert),
    key: withoutMark(key),
    ...(clientCa !== undefined && { ca: withoutMark(clientCa) }),
  };
  // Node ignores a file without any certificate, so each one is checked separately first.
  throwIf("certificate", whyNotPem(context.cert, "CERTIFICATE"));
  const whyNot = whyNotKey(context.key, context.cert, undefined);
  throwIf("key", whyNot?.startsWith("is encrypted") ? "is encrypted; give it without a passphrase" : whyNot);
  if (context.ca) throwIf("client CA", whyNotPem(context.ca, "CERTIFICATE"));
  try {
    createSecureContext(context);
  } catch (error) {
    throwIf("certificate or key", `cannot be used: ${messageOf(error)}`);
  }
  return context;
}

/** @throws XdsError INVALID_OPTION if there is a reason */
function throwIf(what: string, why: string | undefined): void {
  if (why !== undefined) throw new XdsError("INVALID_OPTION", `the TLS ${what} ${why}`);
}

const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);

/** The text without the byte order mark that some editors put before it. OpenSSL ignores it, unlike Envoy. */
function withoutMark(pem: string | Uint8Array): Buffer {
  const bytes = Buffer.from(pem as Uint8Array);
  return bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes;
}
