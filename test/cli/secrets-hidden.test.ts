import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { expect, inject, test } from "vitest";
import { clusterType, secretType } from "../../src/index.js";
import { selfSigned } from "../e2e/certificate.js";
import { describeWithEnvoy, startEnvoy } from "../e2e/envoy.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";
import { adsDelta } from "../e2e/modes.js";
import { freePort } from "../e2e/ports.js";
import { post } from "../server/post.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder, openStream } from "./serving.js";

const [own, other] = [selfSigned(), selfSigned()];
const random = (length: number) => randomBytes(length).toString("hex").slice(0, length);
const [password, token, ticket] = [random(40), random(48), random(80)];
const encrypted = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: password })
  .toString();
const secrets = { own: own.key, other: other.key, encrypted, password, token, ticket };

/** Texts of which one is wherever a part of a secret is, as text or in base64. */
function tracesOf(secret: string): string[] {
  const lines = secret.split("\n").filter((line) => !line.startsWith("-----"));
  const parts = lines.flatMap((line) => line.match(/.{24}/g) ?? []);
  const base64 = (part: string, before: number) =>
    Buffer.from("x".repeat(before) + part)
      .toString("base64")
      .slice(4, -4);
  return parts.flatMap((part) => [part, ...[0, 1, 2].map((before) => base64(part, before))]);
}
const shownIn = (text: string) =>
  Object.entries(secrets).flatMap(([name, secret]) =>
    tracesOf(secret).some((trace) => text.includes(trace)) ? [name] : [],
  );

/** Fails if anything of a secret is in it, or nothing at all. */
function expectHidden(what: string, text: string): void {
  expect({ what, shown: shownIn(text) }).toEqual({ what, shown: [] });
  expect(text, what).not.toBe("");
}

const secret = (name: string, fields: JsonObject): JsonObject => ({ "@type": secretType, name, ...fields });
const pairOf = (chain: string, key: string) => ({
  certificate_chain: { filename: chain },
  private_key: { filename: key },
});
const resources: JsonObject[] = [
  secret("pair", { tls_certificate: pairOf("tls.crt", "tls.key") }),
  secret("both", { tls_certificate: pairOf("both.pem", "both.pem") }),
  secret("inline", {
    tls_certificate: { certificate_chain: { inline_string: own.cert }, private_key: { inline_string: own.key } },
  }),
  secret("encrypted", {
    tls_certificate: {
      certificate_chain: { filename: "/etc/tls/encrypted.crt" },
      private_key: { filename: "encrypted.key" },
      password: { filename: "password" },
    },
  }),
  secret("token", { generic_secret: { secret: { filename: "token" } } }),
  secret("tickets", { session_ticket_keys: { keys: [{ filename: "ticket" }] } }),
  {
    "@type": clusterType,
    name: "c",
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        common_tls_context: {
          tls_certificates: [
            { certificate_chain: { filename: "/etc/tls/other.crt" }, private_key: { inline_string: other.key } },
          ],
        },
      },
    },
  },
];

/** The configuration in a folder of its own. */
function configuration(more: readonly JsonObject[] = []): Folder {
  const folder = new Folder();
  folder.write("a.json", JSON.stringify({ resources: [...resources, ...more] }));
  folder.write("tls.crt", own.cert);
  folder.write("tls.key", own.key);
  folder.write("both.pem", other.key + other.cert);
  folder.write("encrypted.key", encrypted);
  for (const [name, text] of Object.entries({ password, token, ticket })) folder.write(name, text);
  return folder;
}

/** Mistakes with secrets in them; each makes a problem. */
function writeMistakes(folder: Folder): number {
  const { key, cert } = own;
  mkdirSync(join(folder.path, "wrong"));
  const write = (name: string, text: string) => folder.write(join("wrong", name), text);
  write("cut.key", key.slice(0, 200));
  write("no.pem", token);
  write("spoilt.key", key.replace(/\nM/, "\nA"));
  write("tls.crt", cert);
  write("tls.key", key);
  write("encrypted.key", encrypted);
  write("long.ticket", `${ticket}\n`);
  const inline = { certificate_chain: { inline_string: cert } };
  const mistakes: JsonObject[] = [
    { tls_certificate: pairOf("tls.crt", "cut.key") },
    { tls_certificate: pairOf("tls.crt", "no.pem") },
    { tls_certificate: pairOf("tls.key", "tls.key") },
    { tls_certificate: pairOf("tls.crt", "spoilt.key") },
    { tls_certificate: pairOf("tls.crt", "../both.pem") },
    { tls_certificate: pairOf("tls.crt", key) },
    { tls_certificate: pairOf(key, "tls.key") },
    { tls_certificate: pairOf("tls.crt", token) },
    { tls_certificate: pairOf("tls.crt", "encrypted.key") },
    { tls_certificate: { ...pairOf("tls.crt", "encrypted.key"), password: { inline_string: token } } },
    { tls_certificate: { ...inline, private_key: key } },
    { tls_certificate: { ...inline, private_key: [key] } },
    { tls_certificate: { ...inline, private_key: { inline_bytes: key } } },
    { tls_certificate: { ...inline, private_key: { inline_string: [key] } } },
    { tls_certificate: { ...inline, private_key: { inline_string: "x", filename: key } } },
    { tls_certificate: { certificate_chain: key } },
    { tls_certificate: key },
    { tls_certificate: { ...inline, watched_directory: key } },
    { generic_secret: { secret: token } },
    { generic_secret: { secret: { filename: token } } },
    { session_ticket_keys: { keys: [ticket] } },
    { session_ticket_keys: { keys: ticket } },
  ];
  write("mistakes.json", JSON.stringify({ resources: mistakes.map((fields, i) => secret(`wrong-${i}`, fields)) }));
  // Texts that are no YAML, or another YAML than was meant.
  const head = `"@type": ${secretType}\nname: text\ntls_certificate:\n  private_key:\n    inline_string:`;
  const texts = [
    `${head} |\n    ${key.replaceAll("\n", "\n    ")}`,
    `${head} |\n${key}`,
    `${head} "${key}\n`,
    `${head} !!int "${key.replaceAll("\n", " ")}"\n`,
    `"@type": ${JSON.stringify(key)}\nname: text\n`,
    `${JSON.stringify(key)}\n`,
    `- ${JSON.stringify(token)}\n`.replace(token, key.replaceAll("\n", "\\n")),
  ];
  for (const [index, text] of texts.entries()) write(`text-${index}.yaml`, text);
  return mistakes.length + texts.length;
}

const outputs = ["table", "json", "yaml"];

test("a secret is in nothing that the program prints, logs or answers about what it serves, unless a flag asks for it", async () => {
  const folder = configuration();
  const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "0", "--log-level", "debug");
  const { grpc, rest, admin } = await server.ports();
  const [at, adminUrl] = [`127.0.0.1:${grpc}`, `http://127.0.0.1:${admin}`];
  const stream = openStream(grpc);
  for (const typeUrl of [secretType, clusterType]) stream.send({ typeUrl, resourceNamesSubscribe: ["*"] });
  await eventually(async () => expect(stream.responses).toBe(2));
  const watches = outputs.map((output) => xds.start("watch", "secrets", "clusters", "--server", at, "-o", output));
  for (const watch of watches) await watch.printed(/tickets/);

  const changed = configuration();
  for (const [name, text] of [
    ["tls.crt", other.cert],
    ["tls.key", other.key],
    ["both.pem", own.key + own.cert],
    ["token", random(48)],
  ] as const)
    changed.write(name, text);

  const commands = [
    ["get", "secrets", "--server", at],
    ["get", "clusters", "--all", "--server", at],
    ["status", "--admin", adminUrl],
    ["status", "n", "--admin", adminUrl],
    ["diff", folder.path, changed.path],
    ["diff", changed.path, at],
    ["diff", "--node", "n", "--admin", adminUrl],
    ["explain", "pair", folder.path],
    ["explain", "token", at],
    ["explain", "both", `${adminUrl}/config_dump`],
    ["validate", folder.path],
    ["validate", folder.path, "--strict"],
  ];
  for (const command of commands)
    for (const output of [...outputs, ...(command[0] === "validate" ? ["sarif"] : [])]) {
      const { stdout, stderr } = await xdsHere(...command, "-o", output);
      expectHidden([...command, output].join(" "), stdout + stderr);
    }
  for (const path of [
    "/config_dump",
    "/config_dump?node=n",
    "/config_dump?node=n&state=served",
    "/status",
    "/clients",
    "/metrics",
  ])
    expectHidden(path, (await get(`${adminUrl}${path}`)).body);
  const status = await post({ port: rest }, "/v3/discovery:client_status", {});
  expect(status).toMatchObject({ status: 200, body: { config: expect.arrayContaining([expect.anything()]) } });
  expectHidden("CSDS", JSON.stringify(status));

  // What is looked for would be found.
  const all = Object.keys(secrets);
  const shown = async (...command: string[]) => {
    const { stdout } = await xdsHere(...command, "--show-secrets");
    return shownIn(stdout).sort();
  };
  for (const output of ["json", "yaml"])
    expect(await shown("get", "secrets", "--server", at, "-o", output)).toEqual(all.sort());
  expect(await shown("diff", changed.path, at, "-o", "json")).toEqual(
    expect.arrayContaining(["own", "other", "token"]),
  );

  for (const name of ["tls.crt", "tls.key"] as const) folder.write(name, name === "tls.crt" ? other.cert : other.key);
  await server.logged({ msg: "serving the changed configuration" });
  for (const watch of watches) {
    await watch.printed(/changed|~ secrets pair/);
    watch.signal("SIGINT");
    expect(await watch.end()).toBe(0);
    expectHidden("watch", watch.stdout + watch.stderr);
  }
  server.signal("SIGTERM");
  expect(await server.end()).toBe(0);
  expectHidden("serve", server.stdout + server.stderr);
});

test("a secret is in no message about what is wrong with it, its file, or what is around it", async () => {
  const folder = configuration();
  const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "off", "--log-level", "debug");
  await server.ports();
  const mistakes = writeMistakes(folder);
  await server.logged({ level: "error", msg: "still serving the last good configuration" });
  rmSync(join(folder.path, "wrong"), { recursive: true });
  await server.logged({ msg: "configuration read again; nothing changed" });
  server.signal("SIGTERM");
  expect(await server.end()).toBe(0);
  expectHidden("serve", server.stdout + server.stderr);
  expect(
    server.log().filter(({ level, msg }) => level === "error" && msg.includes("wrong/")).length,
  ).toBeGreaterThanOrEqual(mistakes);

  writeMistakes(folder);
  for (const command of [
    ["serve", folder.path, "--check"],
    ["explain", "pair", folder.path],
    ["diff", folder.path, folder.path],
    ...[...outputs, "sarif"].map((output) => ["validate", folder.path, "-o", output]),
  ]) {
    const { code, stdout, stderr } = await xdsHere(...command);
    expect(code).not.toBe(0);
    expectHidden(command.join(" "), stdout + stderr);
  }
});

test("a secret is in no finding about a field of it", async () => {
  const { key } = own;
  const folder = configuration([
    secret("no-rule", { tls_certificate: { private_key: { inline_string: key, watched_directory: { path: "" } } } }),
    secret("empty", { tls_certificate: { private_key: { filename: "" }, pkcs12: { inline_string: token } } }),
    secret("nothing", { session_ticket_keys: { keys: [] } }),
  ]);
  for (const output of [...outputs, "sarif"]) {
    const { code, stdout, stderr } = await xdsHere("validate", folder.path, "-o", output);
    expect(code).toBe(1);
    expect(stdout).toMatch(/FIELD_RULE/);
    expectHidden(output, stdout + stderr);
  }
});

describeWithEnvoy("a secret that an Envoy refuses", () => {
  test("is in neither the log, nor the status, nor what is validated", async () => {
    const sds_config = { ads: {}, resource_api_version: "V3" };
    const port = await freePort();
    const folder = configuration([
      secret("not-a-ticket", { session_ticket_keys: { keys: [{ inline_string: `${ticket}x` }] } }),
      secret("not-a-key", {
        tls_certificate: {
          certificate_chain: { inline_string: other.cert },
          private_key: { inline_string: other.key },
          // Only the Envoy looks into it.
          ocsp_staple: { inline_string: "x" },
        },
      }),
      {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        name: "l",
        address: { socket_address: { address: "127.0.0.1", port_value: port } },
        filter_chains: ["not-a-key", "inline"].map((name) => ({
          filter_chain_match: { server_names: [name] },
          name,
          filters: [],
          transport_socket: {
            name: "tls",
            typed_config: {
              "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
              common_tls_context: { tls_certificate_sds_secret_configs: [{ name, sds_config }] },
              session_ticket_keys_sds_secret_config: { name: "not-a-ticket", sds_config },
            },
          },
        })),
      },
    ]);
    const server = xds.start("serve", folder.path, "--port", "0", "--rest-port", "off", "--log-level", "debug");
    const { grpc, admin } = await server.ports();
    startEnvoy({ mode: adsDelta, xdsPort: grpc, id: "refuses" });
    await server.logged({ level: "warn", type: "secrets" });
    const adminUrl = `http://127.0.0.1:${admin}`;
    for (const output of outputs) {
      const { stdout } = await xdsHere("status", "refuses", "--admin", adminUrl, "-o", output);
      expect(stdout).toMatch(/not-a-/);
      expectHidden(`status ${output}`, stdout);
    }
    for (const path of ["/config_dump?node=refuses", "/status", "/clients"])
      expectHidden(path, (await get(`${adminUrl}${path}`)).body);
    const { binary } = inject("envoy") as { binary: string };
    for (const output of [...outputs, "sarif"]) {
      const { code, stdout, stderr } = await xds("validate", folder.path, "--envoy", binary, "-o", output);
      expect(code).toBe(1);
      expect(stdout).toMatch(/ENVOY/);
      expectHidden(`validate --envoy ${output}`, stdout + stderr);
    }
    server.signal("SIGTERM");
    expect(await server.end()).toBe(0);
    expectHidden("serve", server.stdout + server.stderr);
  });
});

test("in no output of what is wrong with a file, and not in the log", async () => {
  const folder = new Folder();
  const wrong = (value: string) =>
    `"@type": ${secretType}\nname: s\ngeneric_secret: { secret: { inline_string: ${value} } }\n`;
  const config = folder.write("s.yaml", wrong("x"));
  const server = xds.start("serve", config, "--port", "0");
  const { admin } = await server.ports();
  for (const value of [`@${password}`, `%${password}`, `\`${password}`, `*${password}`, `[${password}]`]) {
    folder.write("s.yaml", wrong(value));
    const failures = server.log().filter(({ level }) => level === "error").length;
    await eventually(() =>
      expect(server.log().filter(({ level }) => level === "error").length).toBeGreaterThan(failures),
    );
    const commands = [
      ...["table", "json", "yaml", "sarif"].map((output) => ["validate", config, "-o", output]),
      ["serve", config, "--check"],
      ["serve", config],
      ["diff", config, config],
      ["explain", "s", config],
    ];
    for (const command of commands) {
      // Its log is not in what xdsHere gives.
      const run = command[0] === "serve" && !command.includes("--check") ? xds : xdsHere;
      const { code, stdout, stderr } = await run(...command);
      expect(code, command.join(" ")).not.toBe(0);
      expectHidden(command.join(" "), stdout + stderr);
    }
  }
  expectHidden("the log", server.stderr);
  expectHidden("metrics", (await get(`http://127.0.0.1:${admin}/metrics`)).body);
});
