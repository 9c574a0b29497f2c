import { expect, test } from "vitest";
import { selfSigned } from "../../test/e2e/certificate.js";
import { expiriesOf, whyNotKey, whyNotPem } from "./pem.js";

const { cert, key } = selfSigned();
const bytes = (lines: readonly string[], lineBreak: string) => Buffer.from(lines.join(lineBreak));

test.each(["\n\n", "\r\n\r\n", "\n \n\n"])(
  "empty lines between all lines are taken, as Envoy takes them: %j",
  (lineBreak) => {
    const chain = bytes(cert.trim().split("\n"), lineBreak);
    expect(whyNotPem(chain, "CERTIFICATE")).toBeUndefined();
    expect(expiriesOf(chain)).toHaveLength(1);
    expect(whyNotKey(bytes(key.trim().split("\n"), lineBreak), chain, undefined)).toBeUndefined();
  },
);

test.each([5, -1])("an empty line that would end headers is refused, as Envoy refuses it: before line %i", (at) => {
  const lines = cert.trim().split("\n");
  expect(whyNotPem(bytes(lines.toSpliced(at, 0, ""), "\n"), "CERTIFICATE")).toBe("is not a readable certificate");
});
