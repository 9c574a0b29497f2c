import { XdsError } from "../../errors.js";
import { CertificateError } from "../../serving/server-certificates.js";
import type { TlsFilePaths } from "../../source/secrets/tls-files.js";

/**
 * Handles an error of a start with these files. It throws an error of certificates with the flags that name the files,
 * and any other error as it is.
 */
export const withFlags = (tls: TlsFilePaths | undefined) => (error: unknown) => {
  if (!tls || !(error instanceof CertificateError)) throw error;
  const flags = { "--tls-cert": tls.certFile, "--tls-key": tls.keyFile, "--tls-client-ca": tls.clientCaFile };
  const given = Object.entries(flags).flatMap(([flag, file]) => (file === undefined ? [] : [`${flag} ${file}`]));
  throw new XdsError(error.code, `${error.message}\n${given.join(", ")}`);
};
