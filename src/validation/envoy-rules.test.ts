import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { DataSourceSchema } from "../../gen/envoy/config/core/v3/base_pb.js";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.js";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import {
  CertificateValidationContextSchema,
  TlsCertificateSchema,
} from "../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import { SecretSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { RegexMatcherSchema } from "../../gen/envoy/type/matcher/v3/regex_pb.js";
import { selfSigned } from "../../test/e2e/certificate.js";
import { envoyRegistry } from "../resource/default-api.js";
import { Resource } from "../resource/resource.js";
import { Snapshot } from "../resource/snapshot.js";
import { checkMessage } from "./message-check.js";
import { validate, validateResource } from "./validate.js";

const day = 86_400_000;
const text = (inlineString: string) => ({ specifier: { case: "inlineString", value: inlineString } as const });
/** In one line each. */
const told = (findings: readonly { severity: string; code: string; path: string; message: string }[]) =>
  findings.map(({ severity, code, path, message }) => `${severity} ${code} ${path} ${message}`);

describe("a certificate", () => {
  const to = Date.parse("2027-03-01T00:00:00Z");
  const { cert, key } = selfSigned({ to });
  const secret = (tls: MessageInitShape<typeof TlsCertificateSchema>) =>
    create(SecretSchema, { name: "s", type: { case: "tlsCertificate", value: create(TlsCertificateSchema, tls) } });
  const pair = secret({ certificateChain: text(cert), privateKey: text(key) });
  const warning =
    "warning EXPIRING_CERTIFICATE tls_certificate.certificate_chain has a certificate that is valid until 2027-03-01T00:00:00Z; renew it";

  test.each([
    ["30 days and a second before its end", to - 30 * day - 1_000, []],
    ["30 days before its end", to - 30 * day, [warning]],
    ["a year after its end", to + 365 * day, [warning]],
  ])("is told when %s", (_, now, expected) => {
    expect(told(validateResource(pair, { now }))).toEqual(expected);
  });

  test("is judged by the time of each validation", () => {
    const resource = Resource.of(pair);
    const times = [to - 31 * day, to - 29 * day, to - 31 * day];
    expect(times.map((now) => validateResource(resource, { now }).length)).toEqual([0, 1, 0]);
    expect(times.map((now) => validate(Snapshot.of([resource]), { now }).length)).toEqual([0, 1, 0]);
  });

  test("of a chain expires with the first, that of authorities with the last", () => {
    const early = selfSigned({ to: to - 40 * day }).cert;
    const now = to - 30 * day - 1;
    const chain = secret({ certificateChain: text(cert + early), privateKey: text(key) });
    expect(told(validateResource(chain, { now }))[0]).toContain("2027-01-20T00:00:00Z");
    const authorities = (trustedCa: string) =>
      create(SecretSchema, {
        name: "s",
        type: {
          case: "validationContext",
          value: create(CertificateValidationContextSchema, { trustedCa: text(trustedCa) }),
        },
      });
    expect(validateResource(authorities(early + cert), { now })).toEqual([]);
    expect(told(validateResource(authorities(early + cert), { now: to }))).toEqual([
      "warning EXPIRING_CERTIFICATE validation_context.trusted_ca has no certificate that is valid after 2027-03-01T00:00:00Z; renew it",
    ]);
  });

  test("and a key that is another one's are no pair", () => {
    const other = secret({ certificateChain: text(cert), privateKey: text(selfSigned().key) });
    expect(told(validateResource(other, { now: 0 }))).toEqual([
      "error BAD_CERTIFICATE tls_certificate.private_key does not match the certificate; use a matching pair",
    ]);
  });

  test("that is redacted, or not here, says nothing", () => {
    const redacted = secret({ certificateChain: text(cert), privateKey: text("[redacted]") });
    const elsewhere = secret({
      certificateChain: text(cert),
      privateKey: { specifier: { case: "filename", value: "/run/key.pem" } },
    });
    expect([redacted, elsewhere].flatMap((one) => validateResource(one, { now: 0 }))).toEqual([]);
  });
});

test("a file that is named by a relative path is told, and not the name", () => {
  const source = (filename: string) => create(DataSourceSchema, { specifier: { case: "filename", value: filename } });
  expect(told(validateResource(source("HUSH.pem")))).toEqual([
    "warning RELATIVE_FILE filename is a relative path: Envoy looks for it in the directory it was started in; use an absolute path or `inline_string`",
  ]);
  expect(JSON.stringify(validateResource(source("HUSH.pem")))).not.toContain("HUSH");
  expect(validateResource(source("/etc/hush.pem"))).toEqual([]);
});

describe("a regular expression", () => {
  const found = (regex: string) => validateResource(create(RegexMatcherSchema, { regex }));

  test("is told with what RE2 has not, and where it is too large", () => {
    expect(told(found("a(?=b)"))).toEqual([
      "error BAD_REGEX regex is not a valid RE2 regular expression: invalid or unsupported Perl syntax: `(?=`",
    ]);
    expect(told(found("a{99}b{19}"))).toEqual([
      expect.stringMatching(
        /^warning LARGE_REGEX regex has about 122 instructions in Envoy's RE2; Envoy refuses more than 100/,
      ),
    ]);
    for (const small of ["a".repeat(96), "\\w{1,23}", "[^/]{40}", ".{47}"]) expect(found(small)).toEqual([]);
    for (const large of ["a".repeat(97), "\\w{1,25}", "[^/]{49}", ".{49}", `(${"a".repeat(99)}|b)`])
      expect(told(found(large))).toEqual([expect.stringMatching(/^warning LARGE_REGEX /)]);
    expect(told(found("[\\x{1F600}-\\x{1F64F}]"))).toEqual([
      expect.stringMatching(/^error BAD_REGEX .* matches bytes$/),
    ]);
    expect(found("\\x{ff}\\\\x{10}")).toEqual([]);
    expect(told(found("a{900}{900}"))).toEqual([expect.stringMatching(/^(error BAD|warning LARGE)_REGEX /)]);
  });

  test("is refused just where RE2 refuses it, plain or not", async () => {
    const pieces =
      "a b Z 0 é ( ) (?: (?P<n> (?i) [ ] [^ - \\d \\W \\pL \\. \\/ \\b \\Q \\E ^ $ . * + ? {2} {2, {,3} | \\1 \\_ \\h (?= (?! (?< (? \\ / : , = # & ! < > [:alpha:] [a- z] +? ?? ** ()".split(
        " ",
      );
    const takes = (pattern: string) => {
      try {
        RE2JS.compile(pattern);
        return true;
      } catch (error) {
        return /duplicate capture group/.test(String(error));
      }
    };
    await fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 }), (parts) => {
        const pattern = parts.join("");
        expect(found(pattern).some(({ code }) => code === "BAD_REGEX")).toBe(!takes(pattern));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("rules of Envoy's code", () => {
  test("are warnings where Envoy does not look, as in a listener for gRPC clients", () => {
    const manager = create(HttpConnectionManagerSchema, { statPrefix: "a", httpFilters: [{ name: "router" }] });
    const apiListener = { apiListener: anyPack(HttpConnectionManagerSchema, manager) };
    expect(told(validateResource(create(ListenerSchema, { name: "l", apiListener })))[0]).toBe(
      "warning UNENFORCED api_listener.api_listener<HttpConnectionManager>.http_filters[0] has no typed_config; Envoy does not find an extension by its name alone",
    );
  });

  test("tell of an optional filter without configuration that it is left out", () => {
    const manager = create(HttpConnectionManagerSchema, {
      statPrefix: "a",
      httpFilters: [{ name: "router", isOptional: true }],
      routeSpecifier: { case: "routeConfig", value: {} },
    });
    expect(told(validateResource(manager))).toEqual([
      expect.stringMatching(/^warning UNENFORCED http_filters\[0\] .* it ignores this one because it is optional$/),
    ]);
  });

  test("hold for messages that come in two parts", () => {
    const registry = envoyRegistry();
    const part = (address: string) =>
      Resource.of(
        create(ClusterSchema, {
          name: "c",
          loadAssignment: {
            clusterName: "c",
            endpoints: [
              {
                lbEndpoints: [
                  {
                    hostIdentifier: {
                      case: "endpoint",
                      value: {
                        address: {
                          address: {
                            case: "socketAddress",
                            value: { address, portSpecifier: { case: "portValue", value: 1 } },
                          },
                        },
                      },
                    },
                  },
                ],
              },
            ],
          },
        }),
      ).body;
    const bytes = Buffer.concat([part("pears.test"), part("10.0.0.1"), part("apples.test")]);
    const paths = checkMessage(ClusterSchema, bytes, registry).map(({ code, path }) => `${code} ${path}`);
    const at = (index: number) =>
      `NO_IP_ADDRESS load_assignment.endpoints[${index}].lb_endpoints[0].endpoint.address.socket_address.address`;
    expect(paths).toEqual([at(0), at(2)]);
  });
});
