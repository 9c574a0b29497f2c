import { X509Certificate } from "node:crypto";
import type { CertificateCounters } from "../admin/metrics.js";
import { XdsError } from "../errors.js";
import type { XdsServer } from "../server/xds-server.js";
import { type TlsFileContents, type TlsFilePaths, TlsFiles } from "../source/tls-files.js";
import type { Log } from "./log.js";

/** The server's certificates, from files; when those change, the server takes them. A line of the log tells how long they are valid. */
export class Certificates implements CertificateCounters {
  expiresAt = 0;
  private readonly files: TlsFiles;

  private constructor(
    private readonly paths: TlsFilePaths,
    private readonly server: XdsServer,
    private readonly log: Log,
  ) {
    this.files = new TlsFiles(paths, { logger: log });
  }

  /** @throws XdsError INVALID_OPTION for files that cannot be read or used */
  static async open(paths: TlsFilePaths, server: XdsServer, log: Log): Promise<Certificates> {
    const certificates = new Certificates(paths, server, log);
    try {
      certificates.take(await certificates.files.open((contents) => certificates.take(contents)));
    } catch (error) {
      await certificates.close();
      if (!(error instanceof XdsError) || error.code !== "INVALID_OPTION") throw error;
      const { certFile, keyFile, clientCaFile } = paths;
      const flags = { "--tls-cert": certFile, "--tls-key": keyFile, "--tls-client-ca": clientCaFile };
      const given = Object.entries(flags).flatMap(([flag, file]) => (file === undefined ? [] : [`${flag} ${file}`]));
      throw new XdsError(error.code, `${error.message}\n${given.join(", ")}`);
    }
    return certificates;
  }

  /** Reads the files again; the log says what came of it. */
  reread(): Promise<void> {
    return this.files.reread();
  }

  get reloads(): number {
    return this.files.reloads;
  }

  get failures(): number {
    return this.files.failures;
  }

  close(): Promise<void> {
    return this.files.close();
  }

  private take(contents: TlsFileContents): void {
    this.server.setTls(contents);
    const { validFrom, validTo } = new X509Certificate(contents.cert);
    const [from, to] = [validFrom, validTo].map((date) => new Date(date)) as [Date, Date];
    this.expiresAt = to.getTime();
    const fields = { file: this.paths.certFile, from: from.toISOString(), expires: to.toISOString() };
    const now = Date.now();
    if (to.getTime() < now) this.log.warn(fields, "the TLS certificate has expired; clients will refuse it");
    else if (from.getTime() > now)
      this.log.warn(fields, "the TLS certificate is not valid yet; clients will refuse it");
    else this.log.info(fields, "TLS certificate");
  }
}
