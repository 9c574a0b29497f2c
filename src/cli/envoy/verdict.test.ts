import { describe, expect, test } from "vitest";
import { wordsIn } from "./verdict.js";

const file = "/tmp/a/bootstrap.json";
const start = `[2026-11-26 00:42:49.302][31431][critical][main] [source/server/config_validation/server.cc:76] error initializing configuration '${file}': `;

describe("Envoy's words are", () => {
  test("its reason alone, without its log's and the file's part", () => {
    const reason = "LEDS is only supported when EDS is used. Static cluster a cannot use LEDS.";
    expect(wordsIn(`${start}${reason}\n`, file)).toBe(reason);
  });

  // As 1.40 and, without its first line, 1.36 print it.
  test.each(["goo.gle/debugstr   \n", ""])("the rule that is broken, without the message: %j", (lead) => {
    const message =
      'common_tls_context {\n  private_key {\n    inline_string: "-----BEGIN PRIVATE KEY-----\\nHUSH"\n  }\n}\n';
    const reason = "Proto constraint validation failed (UpstreamTlsContextValidationError.Sni: value is too long)";
    expect(wordsIn(`${start}${lead}${message}: ${reason}\n`, file)).toBe(reason);
  });

  test("without where in the bootstrap it is, but where in the resource", () => {
    const steps =
      "BootstrapValidationError.StaticResources: embedded message failed validation | caused by " +
      "StaticResourcesValidationError.Clusters[10]: embedded message failed validation | caused by ";
    const own =
      "ClusterValidationError.HealthChecks[0]: embedded message failed validation | caused by " +
      "HealthCheckValidationError.Timeout: value is required";
    expect(
      wordsIn(`${start}static_resources {\n}\n: Proto constraint validation failed (${steps}${own})\n`, file),
    ).toBe(`Proto constraint validation failed (${own})`);
  });

  test("without the JSON that it cannot read", () => {
    const reason = "Unable to parse JSON as proto (INVALID_ARGUMENT: could not find @type 'type.googleapis.com/a.B')";
    expect(wordsIn(`${start}${reason}: {"node":{"id":"a"},"secret":"HUSH"}\n\n`, file)).toBe(reason);
  });

  test("what it printed, where it is something else, and something where it is nothing", () => {
    expect(wordsIn("Assertion failed\nat x\n", file)).toBe("Assertion failed");
    expect(wordsIn("\n", file)).toBe("it does not say why");
  });
});
