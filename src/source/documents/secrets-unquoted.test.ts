import { expect, test } from "vitest";
import { validateResource } from "../../validation/validate.js";
import { readResourceFile } from "../reading/resource-file.js";

const secret = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
const cluster = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const redis = "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions";

const problemsOf = (text: string) => readResourceFile("f", Buffer.from(text)).problems;

/** Fails if the file has no mistake, or anything that is told of one has a part of the value. */
function expectUntold(text: string): void {
  const problems = problemsOf(text);
  expect(problems, text).not.toEqual([]);
  expect(JSON.stringify(problems), text).not.toMatch(/hunter|2!x|5678/);
}

/** What an unquoted value may begin with so that YAML takes it for something else, and other values that do not fit. */
const values = [
  ...["@", "%", "`", "*", "!", "&", "|", ">", "!!int ", "!!null ", "!<", "!e!", "!<tag:yaml.org,2002:int>", "? ", "- "],
  ...["{", "[", '"', "'", "[]", "{a: ", "hunter2: ", "\t", "%YAML ", "<<: ", "&a *", "!hunter!"],
].map((begin) => `${begin}hunter2!x`);
const otherValues = [
  "5678",
  "5678.5",
  "0x5678",
  "[hunter2]",
  "{ hunter2: 1 }",
  "{ hunter2: 1, hunter2: 2 }",
  "[*hunter2]",
];

const places: readonly (readonly [place: string, text: (value: string) => string])[] = [
  ...[
    "generic_secret: V",
    "generic_secret: { secret: V }",
    "generic_secret: { secret: { inline_string: V } }",
    "generic_secret: { secret: { inline_bytes: V } }",
    "generic_secret: { secret: { environment_variable: V } }",
    "generic_secret: { secrets: { k: V } }",
    "tls_certificate: V",
    "tls_certificate: { private_key: V }",
    "tls_certificate: { password: { inline_string: V } }",
    "tls_certificate: { certificate_chain: { inline_string: V } }",
    "session_ticket_keys: V",
    "session_ticket_keys: { keys: V }",
    "session_ticket_keys: { keys: [{ inline_string: V }] }",
    "validation_context: V",
    "validation_context: { trusted_ca: V }",
    "validation_context: { max_verify_depth: V }",
    "validation_context: { trust_chain_verification: V }",
    "generic_secret:\n  secret:\n    inline_string: V",
    "tls_certificate:\n  V",
  ].map((text): [string, (value: string) => string] => [
    text,
    (value) => `"@type": ${secret}\nname: [x]\n${text.replace("V", () => value)}\n`,
  ]),
  ["the name", (value) => `"@type": ${secret}\nname: { a: ${value} }\n`],
  ["a document of its own", (value) => `"@type": ${cluster}\nname: [x]\n---\n${value}\n`],
  ["the type", (value) => `"@type": ${value}\nname: x\n`],
  ["a document without a type", (value) => `secret: ${value}\n`],
  ["a document with another type", (value) => `"@type": type.googleapis.com/envoy.Secrt\nname: ${value}\n`],
  [
    "another resource of the file",
    (value) =>
      `resources:\n- { "@type": ${secret}, name: s }\n- { "@type": ${cluster}, name: [c], alt_stat_name: [${value}] }\n`,
  ],
  [
    "a key of a TLS context",
    (value) =>
      `"@type": ${cluster}\nname: [c]\ntransport_socket: { name: t, typed_config: { "@type": ${tls}, common_tls_context: { tls_certificates: [${value}] } } }\n`,
  ],
  [
    "a TLS context",
    (value) =>
      `"@type": ${cluster}\nname: [c]\ntransport_socket: { name: t, typed_config: { "@type": ${tls}, common_tls_context: ${value} } }\n`,
  ],
  [
    "a password of Redis",
    (value) =>
      `"@type": ${cluster}\nname: [c]\ntyped_extension_protocol_options: { a: { "@type": ${redis}, auth_password: ${value} } }\n`,
  ],
  [
    "JSON",
    (value) => `{ "@type": "${secret}", "name": 5, "generic_secret": { "secret": { "inline_string": ${value} } } }`,
  ],
  [
    "JSON with an error of syntax",
    (value) => `{ "@type": "${secret}", "name": "s" "generic_secret": { "secret": { "inline_string": "${value}" } } }`,
  ],
  ["a bootstrap", (value) => `static_resources: { secrets: [{ name: [x], generic_secret: ${value} }] }\n`],
];

test.each(places)("no mistake quotes a value that may be a secret: %s", (_, text) => {
  for (const value of [...values, ...otherValues]) expectUntold(text(value));
});

test("nor do the rules of a Secret's fields", () => {
  const text = `"@type": ${secret}\nname: s\nvalidation_context: { verify_certificate_spki: [hunter2], verify_certificate_hash: [hunter2] }\n`;
  const [read] = readResourceFile("f", Buffer.from(text)).resources;
  const findings = validateResource(read?.resource as NonNullable<typeof read>["resource"]);
  expect(findings.map(({ path, message }) => `${path} ${message}`)).toEqual([
    "validation_context.verify_certificate_hash[0] must have at least 64 characters and have at most 95 bytes",
    "validation_context.verify_certificate_spki[0] must have at least 44 characters and have at most 44 bytes",
  ]);
  expect(JSON.stringify(findings)).not.toContain("hunter");
});

test("a file without secrets is told with its values", () => {
  const text = `resources:\n- { "@type": ${cluster}, name: 5, lb_policy: hunter2, conect_timeout: 1s }\n`;
  expect(problemsOf(text).map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'resources[0].name: expected a string, got the number 5; put it in quotes: "5"',
    expect.stringMatching(/^resources\[0\].lb_policy: expected one of .*, got "hunter2"/),
    "resources[0].conect_timeout: envoy.config.cluster.v3.Cluster has no such field; did you mean connect_timeout?",
  ]);
});

test("a mistyped field of a Secret is named, and a key that may be a value is not", () => {
  const text = `"@type": ${secret}\nname: s\ngeneric_secert: {}\ngeneric_secret: { hunter2: y }\n`;
  expect(problemsOf(text).map(({ path }) => path)).toEqual(["generic_secert", 'generic_secret["…"]']);
});

test("nor does one beside a secret that has not changed since the file was read before", () => {
  const tls = `"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext`;
  const context = `{ ${tls}, common_tls_context: { tls_certificates: [{ password: { inline_string: word } }] } }`;
  const text = (timeout: string) =>
    `resources:\n- { "@type": ${cluster}, name: a, transport_socket: { name: t, typed_config: ${context} } }\n` +
    `- { "@type": ${cluster}, name: b, connect_timeout: ${timeout} }\n`;
  const read = (timeout: string, previous?: ReturnType<typeof readResourceFile>) =>
    readResourceFile("f", Buffer.from(text(timeout)), { previous });
  const first = read("1s");
  const second = read("2s", first);
  expect(second.resources[0]?.resource).toBe(first.resources[0]?.resource);
  const { problems } = read("hunter2", second);
  expect(problems).toHaveLength(1);
  expect(JSON.stringify(problems)).not.toContain("hunter");
});
