import { describe, expect, it } from "vitest";
import { selfSigned } from "../../test/e2e/certificate.js";
import { secureContextOptions } from "./tls.js";

const [pair, other] = [selfSigned(), selfSigned()];
const encrypted = `-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n`;

describe("certificates that cannot be used are told", () => {
  it.each([
    [{ ...pair, cert: "" }, 'the TLS certificate is not PEM: it has no line "-----BEGIN CERTIFICATE-----"'],
    [{ ...pair, cert: pair.key }, 'the TLS certificate is not PEM: it has no line "-----BEGIN CERTIFICATE-----"'],
    [{ ...pair, key: pair.cert }, 'the TLS key is not PEM: it has no line "-----BEGIN PRIVATE KEY-----"'],
    [{ ...pair, clientCa: "x" }, 'the TLS client CA is not PEM: it has no line "-----BEGIN CERTIFICATE-----"'],
    [{ ...pair, key: other.key }, "the TLS key is another certificate's; they have to be a pair"],
    [{ ...pair, cert: pair.cert.replace(/\n.{20}/, "\nAAAA") }, /^the TLS certificate cannot be used: /],
    [{ ...pair, key: encrypted }, /^the TLS key is encrypted; give it without a passphrase$/],
  ])("%#", (tls, message) => {
    expect(() => secureContextOptions(tls)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: typeof message === "string" ? message : expect.stringMatching(message),
      }),
    );
  });
});
