import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, onTestFinished } from "vitest";
import type { Snapshot } from "../../src/index.js";
import { resourceJson } from "../../src/resource/resource-json.js";
import type { Certificate } from "../e2e/certificate.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";

/** A folder of files that goes with the test. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "xds-serving-"));

  constructor() {
    onTestFinished(() => rmSync(this.path, { recursive: true }));
  }

  /** Writes a file; gives its path. */
  write(name: string, content: string): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  /** Writes a certificate and its key; gives their paths. */
  pair(name: string, { cert, key }: Certificate): { cert: string; key: string } {
    return { cert: this.write(`${name}.pem`, cert), key: this.write(`${name}-key.pem`, key) };
  }
}

/** The resources of a snapshot as a file that `xds serve` takes. */
export function fileOf(snapshot: Snapshot): string {
  const resources = [...snapshot.typeUrls()].flatMap((typeUrl) =>
    Array.from(snapshot.resources(typeUrl).values(), ({ body }) => resourceJson(typeUrl, body)),
  );
  return JSON.stringify({ resources });
}

/** The value of one series of `/metrics`, such as `xds_refusals_total{reason="names"}`. */
export async function metric(adminPort: number, series: string): Promise<number> {
  const { body } = await get(`http://127.0.0.1:${adminPort}/metrics`);
  const line = body.split("\n").find((text) => text.startsWith(`${series} `));
  if (line === undefined) throw new Error(`there is no ${series} in\n${body}`);
  return Number(line.slice(series.length));
}

/** The certificate that a server shows now, in DER. */
export function shownCertificate(port: number, { cert, key }: Partial<Certificate> = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["h2", "http/1.1"],
      cert,
      key,
    });
    socket.on("error", reject);
    socket.on("secureConnect", () => {
      resolve(socket.getPeerCertificate().raw);
      socket.destroy();
    });
  });
}

/** Waits until an edge's listener routes to the backend of this name. */
export const answers = (port: number, name: string) =>
  eventually(async () => expect((await get(`http://127.0.0.1:${port}/`)).body).toBe(name));
