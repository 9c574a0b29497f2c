import { ChannelCredentials, type ClientOptions } from "@grpc/grpc-js";
import { messageOf, XdsError } from "../errors.js";

/** TLS settings of a client. Certificates and keys are in PEM. */
export interface ClientTlsOptions {
  /** The certificate authorities that may issue the server's certificate. By default Node's. */
  readonly ca?: string | Uint8Array;
  /** The client's own certificate and key, for a server that requires one (mTLS). */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must have. By default the host of the address. */
  readonly serverName?: string;
}

/** The credentials of a channel. Without TLS settings the channel uses plain text. @throws XdsError INVALID_OPTION */
export function credentialsOf(tls: ClientTlsOptions | undefined): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure();
  const [ca, key, cert] = [tls.ca, tls.key, tls.cert].map((pem) => (pem === undefined ? null : Buffer.from(pem)));
  try {
    return ChannelCredentials.createSsl(ca, key, cert);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `the TLS key or certificate cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** The options of a channel that checks the server's certificate for another name than its address. */
export const tlsChannelOptions = ({ serverName }: ClientTlsOptions = {}): ClientOptions =>
  serverName ? { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName } : {};
