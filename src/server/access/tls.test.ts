import { describe, expect, it } from "vitest";
import { selfSigned } from "../../../test/e2e/certificate.js";
import { secureContextOptions } from "./tls.js";

const [pair, other] = [selfSigned(), selfSigned()];
const encrypted = `-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n`;

describe("certificates that cannot be used are told", () => {
  it.each([
    [{ ...pair, cert: "" }, 'the TLS certificate has no line "-----BEGIN CERTIFICATE-----"; it must be PEM'],
    [{ ...pair, cert: pair.key }, 'the TLS certificate has no line "-----BEGIN CERTIFICATE-----"; it must be PEM'],
    [{ ...pair, key: pair.cert }, 'the TLS key has no line "-----BEGIN PRIVATE KEY-----"; it must be PEM'],
    [{ ...pair, clientCa: "x" }, 'the TLS client CA has no line "-----BEGIN CERTIFICATE-----"; it must be PEM'],
    [{ ...pair, key: other.key }, "the TLS key does not match the certificate; use a matching pair"],
    [{ ...pair, cert: pair.cert.replace(/\n.{20}/, "\nAAAA") }, "the TLS certificate is not a readable certificate"],
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

it("accepts PEM with a byte order mark, as OpenSSL does", () => {
  const [cert, key] = [`\ufeff${pair.cert}`, `\ufeff${pair.key}`];
  expect(() => secureContextOptions({ cert, key, clientCa: cert })).not.toThrow();
});
