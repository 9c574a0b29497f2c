import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { selfSigned } from "../../../test/e2e/certificate.js";
import { XdsError } from "../../errors.js";
import { SourceServer } from "../../serving/source-server.js";
import type { Source } from "../../source/reading/source.js";
import { withFlags } from "./certificate-flags.js";

/** Opens a server with these certificates, whose source fails. Returns the error as it is reported. */
async function failed(cert: string): Promise<XdsError> {
  const folder = mkdtempSync(join(tmpdir(), "xds-flags-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, selfSignedPair.key);
  const source: Source = {
    open: async () => {
      throw new XdsError("INVALID_OPTION", "a source that cannot be opened");
    },
    close: async () => {},
  };
  const tls = { certFile, keyFile };
  const server = new SourceServer(source, { tls });
  const error: unknown = await server.open().catch((thrown: unknown) => thrown);
  try {
    withFlags(tls)(error);
  } catch (reported) {
    const { code, message } = reported as XdsError;
    return new XdsError(code, message.replaceAll(folder, ""));
  }
  throw new Error("nothing is thrown");
}
const selfSignedPair = selfSigned();

test("an error of the certificates names the flags", async () => {
  const error = await failed("no certificate");
  expect(error.code).toBe("INVALID_OPTION");
  expect(error.message).toMatch(/^the TLS certificate has no line .*\n--tls-cert \/cert.pem, --tls-key \/key.pem$/);
});

test("an error of something else with the same code names no flag of TLS", async () => {
  expect(await failed(selfSignedPair.cert)).toMatchObject({
    code: "INVALID_OPTION",
    message: "a source that cannot be opened",
  });
});
