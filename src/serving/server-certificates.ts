import { X509Certificate } from "node:crypto";
import type { CertificateCounters } from "../admin/metric-rows.js";
import { XdsError } from "../errors.js";
import type { Logger } from "../logger.js";
import type { XdsServer } from "../server/xds-server.js";
import { type TlsFileContents, type TlsFilePaths, TlsFiles } from "../source/secrets/tls-files.js";
import { expiryNotice } from "../validation/certificate-rules.js";

const day = 24 * 60 * 60 * 1_000;

/** The server cannot start because its certificates cannot be used. */
export class CertificateError extends XdsError {
  constructor(message: string, cause: unknown) {
    super("INVALID_OPTION", message, { cause });
  }
}

/**
 * The server's certificates, from files. When the files change, the server uses the new ones. The log has the date of
 * expiry, and a warning on each of the last thirty days.
 */
export class ServerCertificates implements CertificateCounters {
  /** When the certificate expires, in milliseconds since 1970. */
  expiresAt = 0;
  /** @internal The certificates in use. undefined before they are read. */
  contents: TlsFileContents | undefined;
  private validFrom = 0;
  private readonly daily = setInterval(() => this.warn(), day).unref();
  private readonly files: TlsFiles;

  private constructor(
    private readonly paths: TlsFilePaths,
    private readonly server: XdsServer,
    private readonly log: Logger,
  ) {
    this.files = new TlsFiles(paths, { logger: log });
  }

  /**
   * Reads the files, gives their content to the server, and follows changes.
   * @throws XdsError INVALID_OPTION for files that cannot be read or used
   */
  static async open(paths: TlsFilePaths, server: XdsServer, log: Logger): Promise<ServerCertificates> {
    const certificates = new ServerCertificates(paths, server, log);
    try {
      certificates.take(await certificates.files.open((contents) => certificates.take(contents)));
    } catch (error) {
      await certificates.close();
      if (!(error instanceof XdsError) || error.code !== "INVALID_OPTION") throw error;
      throw new CertificateError(error.message, error);
    }
    return certificates;
  }

  /** Reads the files again. The log has the result. */
  reread(): Promise<void> {
    return this.files.reread();
  }

  /** How often the server has begun to use changed files. */
  get reloads(): number {
    return this.files.reloads;
  }

  /** How often changed files could not be used. */
  get failures(): number {
    return this.files.failures;
  }

  /** Why the current files cannot be used. Undefined if they are in use. */
  get failure(): TlsFiles["failure"] {
    return this.files.failure;
  }

  /** Stops following the files. */
  close(): Promise<void> {
    clearInterval(this.daily);
    return this.files.close();
  }

  private take(contents: TlsFileContents): void {
    this.server.setTls(contents);
    this.contents = contents;
    const { validFrom, validTo } = new X509Certificate(contents.cert);
    this.validFrom = Date.parse(validFrom);
    this.expiresAt = Date.parse(validTo);
    if (!this.warn()) this.log.info(this.fields(), "TLS certificate");
  }

  /** Warns about a certificate that clients refuse or will soon refuse. Returns whether there was a warning. */
  private warn(): boolean {
    const now = Date.now();
    const isExpired = this.expiresAt < now;
    const isEarly = this.validFrom > now;
    if (!isExpired && !isEarly && this.expiresAt - now > expiryNotice) return false;
    const why = isExpired
      ? "has expired; clients will refuse it"
      : isEarly
        ? "is not valid yet; clients will refuse it"
        : `expires in ${Math.floor((this.expiresAt - now) / day)} days; replace its file, which needs no restart`;
    this.log.warn(this.fields(), `the TLS certificate ${why}`);
    return true;
  }

  private fields() {
    const iso = (time: number) => new Date(time).toISOString();
    return { file: this.paths.certFile, from: iso(this.validFrom), expires: iso(this.expiresAt) };
  }
}
