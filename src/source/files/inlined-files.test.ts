import { generateKeyPairSync } from "node:crypto";
import { chmodSync, renameSync, rmSync, symlinkSync } from "node:fs";
import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test, vi } from "vitest";
import { cluster, configurationOf, waiting } from "../../../test/contract/source.js";
import { WatchedFolder } from "../../../test/contract/watched-folder.js";
import { type Certificate, selfSigned } from "../../../test/e2e/certificate.js";
import { envoyRegistry } from "../../resource/default-api.js";
import { resourceJson } from "../../resource/resource-json.js";
import { secretType } from "../../resource/types.js";
import type { DirectorySourceOptions } from "../directory.js";
import { readResourceFile } from "../reading/resource-file.js";
import type { Reading } from "../reading/source.js";

const [own, other] = [selfSigned(), selfSigned()];
const base64 = (text: string) => Buffer.from(text).toString("base64");
const inlined = (text: string) => ({ inline_string: text });
const inBytes = (text: string) => ({ inline_bytes: base64(text) });
const secret = (fields: JsonObject, name = "s"): JsonObject => ({ "@type": secretType, name, ...fields });
const pair = { certificate_chain: { filename: "tls.crt" }, private_key: { filename: "tls.key" } };
const inlinedPair = ({ cert, key }: Certificate) => ({
  tls_certificate: { certificate_chain: inlined(cert), private_key: inlined(key) },
});

const folder = new WatchedFolder();
const { at, write, writeResources, open, told, linesOf, problemsOf } = folder;

function writePair({ cert, key }: Certificate, below = "."): void {
  write(`${below}/tls.crt`, cert);
  write(`${below}/tls.key`, key);
}

/** What a Secret is served as, by its name, without it and its type. */
function servedOf(reading: Reading | undefined): Record<string, JsonObject> {
  const { common, groups } = configurationOf(reading);
  const all = [...common, ...[...groups.values()].flat()].filter(({ type }) => type.typeUrl === secretType);
  return Object.fromEntries(
    all.map(({ type, name, body }) => {
      const { "@type": _, name: __, ...rest } = resourceJson(type.typeUrl, body, envoyRegistry());
      return [name, rest];
    }),
  );
}

describe("the files that resources name", () => {
  test("are in them where they are named by a path from the file's directory on; all others are left for the Envoy", async () => {
    writePair(own, "tls");
    const der = Buffer.of(0x30, 0x80, 0xff, 0);
    write("tls/ocsp.der", der);
    write("tls/crl.pem", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    write("tickets/1", Buffer.alloc(80, 1));
    write("groups/edge/token.txt", "a token\n");
    write(
      "a.yaml",
      `resources:
- "@type": ${secretType}
  name: pair
  tls_certificate:
    certificate_chain: { filename: tls/tls.crt }
    private_key: { filename: ./tls/tls.key }
    ocsp_staple: { filename: tls/ocsp.der }
- "@type": type.googleapis.com/envoy.service.discovery.v3.Resource
  name: authorities
  resource:
    "@type": ${secretType}
    validationContext: { trustedCa: { filename: tls/tls.crt }, crl: { filename: tls/crl.pem } }
- "@type": ${secretType}
  name: tickets
  session_ticket_keys: { keys: [{ filename: tickets/1 }, { filename: /on/the/envoy }] }
- "@type": ${secretType}
  name: from-elsewhere
  tls_certificate:
    certificate_chain: { environment_variable: CHAIN }
    private_key: { filename: /on/the/envoy.key, watched_directory: { path: /on/the } }
    watched_directory: { path: /on/the }
`,
    );
    writeResources("groups/edge/b.yaml", secret({ generic_secret: { secret: { filename: "token.txt" } } }, "token"));
    const reading = await open();
    expect(servedOf(reading)).toEqual({
      pair: {
        tls_certificate: {
          ...inlinedPair(own).tls_certificate,
          ocsp_staple: { inline_bytes: der.toString("base64") },
        },
      },
      authorities: {
        validation_context: {
          trusted_ca: inlined(own.cert),
          crl: inlined("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"),
        },
      },
      tickets: {
        session_ticket_keys: {
          keys: [inlined("\u0001".repeat(80)), { filename: "/on/the/envoy" }],
        },
      },
      "from-elsewhere": {
        tls_certificate: {
          certificate_chain: { environment_variable: "CHAIN" },
          private_key: { filename: "/on/the/envoy.key", watched_directory: { path: "/on/the" } },
          watched_directory: { path: "/on/the" },
        },
      },
      token: { generic_secret: { secret: inlined("a token\n") } },
    });
    expect("notes" in reading && reading.notes).toEqual([]);
  });

  test("are left alone in an Envoy's own configuration, and where no files are to be read", async () => {
    write("envoy.json", JSON.stringify({ static_resources: { secrets: [{ name: "s", tls_certificate: pair }] } }));
    expect(servedOf(await open())).toEqual({ s: { tls_certificate: pair } });

    const text = Buffer.from(JSON.stringify(secret({ tls_certificate: pair })));
    const { resources, problems, referred } = readResourceFile(at("b.yaml"), text);
    expect(problems).toEqual([]);
    expect(referred.size).toBe(0);
    expect(resourceJson(secretType, resources[0]?.resource.body ?? Buffer.of(), envoyRegistry())).toMatchObject({
      tls_certificate: pair,
    });
  });

  test("need no directory that is watched: it is left out, with a note, where the Envoy has no file left to read", async () => {
    writePair(own);
    const watched = { watched_directory: { path: "/tls" } };
    const { certificate_chain: chain } = pair;
    writeResources(
      "a.yaml",
      secret({ tls_certificate: { ...pair, ...watched } }),
      secret({ validation_context: { trusted_ca: { ...chain, ...watched } } }, "ca"),
      secret({ tls_certificate: { certificate_chain: chain, private_key: { filename: "/key" }, ...watched } }, "both"),
    );
    const reading = await open();
    expect(servedOf(reading)).toEqual({
      s: inlinedPair(own),
      ca: { validation_context: { trusted_ca: inlined(own.cert) } },
      both: {
        tls_certificate: { certificate_chain: inlined(own.cert), private_key: { filename: "/key" }, ...watched },
      },
    });
    const why = "watched_directory: left out: the file is inlined into the resource, and the server watches it";
    const notes = (of: Reading | undefined) => of && "notes" in of && linesOf(of.notes);
    const expected = [
      expect.stringMatching(new RegExp(`^DIR/a.yaml:2:\\d+: resources\\[0\\].tls_certificate.${why}$`)),
      expect.stringMatching(new RegExp(`^DIR/a.yaml:3:\\d+: resources\\[1\\].validation_context.trusted_ca.${why}$`)),
    ];
    expect(notes(reading)).toEqual(expected);
    // They are told again of what is read again.
    write("tls.key", `\n${own.key}`);
    await told(1);
    expect(notes(folder.readings[0])).toEqual(expected);
  });

  test("may be encrypted keys, in PEM of every kind, with other things beside them", async () => {
    const encrypted = (cipher: "pkcs1" | "pkcs8") => {
      const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      return privateKey.export({ type: cipher, format: "pem", cipher: "aes-128-cbc", passphrase: "word" }).toString();
    };
    for (const [index, key] of [encrypted("pkcs1"), encrypted("pkcs8")].entries()) write(`${index}.key`, key);
    write("password", "word");
    const others = "# not -----BEGIN CERTIFICATE----- yet\nProc-Type: 4,ENCRYPTED is what is not\n";
    const attributes = "-----BEGIN ATTRIBUTE CERTIFICATE-----\nAAAA\n-----END ATTRIBUTE CERTIFICATE-----\n";
    write("both.pem", `${others}${own.key}${encrypted("pkcs8")}${own.cert}${attributes}${other.cert}`);
    // A cipher that Node has no more, though Envoy may.
    const rfc1421 = `Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,0011223344556677\n\n${base64("x".repeat(48))}`;
    write("old.key", `-----BEGIN RSA PRIVATE KEY-----\n${rfc1421}\n-----END RSA PRIVATE KEY-----\n`);
    const [first, second] = [{ filename: "0.key" }, { filename: "1.key" }];
    writeResources(
      "a.yaml",
      secret({ tls_certificate: { private_key: first, password: { filename: "password" } } }, "pkcs1"),
      secret({ tls_certificate: { private_key: second, password: { inline_string: "word" } } }, "pkcs8"),
      secret({ tls_certificate: { private_key: second, password: { environment_variable: "WORD" } } }, "elsewhere"),
      secret(
        { tls_certificate: { certificate_chain: { filename: "both.pem" }, private_key: { filename: "both.pem" } } },
        "both",
      ),
      secret({ tls_certificate: { private_key: { filename: "old.key" }, password: { inline_string: "word" } } }, "old"),
      secret({ validation_context: { trusted_ca: inBytes(own.cert), crl: { inline_string: " \n" } } }, "no-crl"),
    );
    expect(Object.keys(servedOf(await open()))).toEqual(["pkcs1", "pkcs8", "elsewhere", "both", "old", "no-crl"]);
  });

  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const encrypted = privateKey
    .export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: "word" })
    .toString();
  const tlsCertificate = (fields: JsonObject = {}) => ({ tls_certificate: { ...pair, ...fields } });
  const inContext = (fields: JsonObject) => ({ validation_context: fields });
  const noFile =
    "does not exist; a relative path begins at this file's directory, and an absolute one is for a file on the Envoy's own machine; add the file, or correct the path";
  const wrong: [what: string, fields: JsonObject, files: Record<string, string>, problem: string][] = [
    [
      "is not there",
      inContext({ trusted_ca: { filename: "no/ca.pem" } }),
      {},
      `validation_context.trusted_ca.filename: "no/ca.pem" ${noFile}`,
    ],
    [
      "is not there, of a key",
      tlsCertificate(),
      { "tls.key": "" },
      `tls_certificate.private_key.filename: the file is empty; write it, or remove the field`,
    ],
    [
      "has a secret for its name",
      tlsCertificate({ private_key: { filename: own.key } }),
      {},
      `tls_certificate.private_key.filename: the file ${noFile}`,
    ],
    [
      "has a secret for its name in the wrong field",
      tlsCertificate({ certificate_chain: { filename: own.key } }),
      {},
      `tls_certificate.certificate_chain.filename: a PEM text (not shown) ${noFile}`,
    ],
    [
      "is a directory",
      inContext({ crl: { filename: "." } }),
      {},
      'validation_context.crl.filename: "." is no regular file; name one',
    ],
    [
      "lies outside",
      inContext({ trusted_ca: { filename: "../../../etc/hostname" } }),
      {},
      'validation_context.trusted_ca.filename: "../../../etc/hostname" is outside of the directories that are read; add its directory to them, or move the file',
    ],
    [
      "is no PEM",
      tlsCertificate(),
      { "tls.crt": "hidden" },
      'tls_certificate.certificate_chain: the file has no line "-----BEGIN CERTIFICATE-----"; it must be PEM',
    ],
    [
      "is cut off",
      tlsCertificate(),
      { "tls.crt": own.cert.slice(0, 300) },
      'tls_certificate.certificate_chain: the file is cut off: it has no line "-----END CERTIFICATE-----" at its end',
    ],
    [
      "is cut off, of a key",
      tlsCertificate(),
      { "tls.key": own.key.slice(0, 100) },
      'tls_certificate.private_key: the private key is cut off: it has no line "-----END PRIVATE KEY-----" at its end',
    ],
    [
      "is a certificate where a key is wanted",
      tlsCertificate(),
      { "tls.key": own.cert },
      'tls_certificate.private_key: the private key has no line "-----BEGIN PRIVATE KEY-----"; it must be PEM',
    ],
    [
      "is spoilt",
      tlsCertificate(),
      { "tls.crt": `${own.cert}${own.cert.replace(/\nMII/, "\nAAA")}` },
      "tls_certificate.certificate_chain: the file has a certificate that cannot be read: number 2",
    ],
    [
      "is spoilt, of a key",
      tlsCertificate(),
      { "tls.key": own.key.replace(/\nM/, "\nA") },
      "tls_certificate.private_key: the private key is not a readable private key",
    ],
    [
      "is another certificate's key",
      tlsCertificate(),
      { "tls.key": other.key },
      "tls_certificate.private_key: the private key does not match the certificate; use a matching pair",
    ],
    [
      "is a key for an inline certificate of another",
      tlsCertificate({ certificate_chain: { inline_string: other.cert } }),
      {},
      "tls_certificate.private_key: the private key does not match the certificate; use a matching pair",
    ],
    [
      "is a certificate of which only the mark of a secret was printed",
      tlsCertificate({ certificate_chain: { inline_string: "[redacted]" } }),
      {},
      'tls_certificate.certificate_chain: the inline text has no line "-----BEGIN CERTIFICATE-----"; it must be PEM',
    ],
    [
      "begins with what editors put there, which Envoy does not take",
      inContext({ trusted_ca: { filename: "tls.crt" } }),
      { "tls.crt": `\u{feff}${own.cert}` },
      'validation_context.trusted_ca: the file has no line "-----BEGIN CERTIFICATE-----"; it must be PEM',
    ],
    [
      "is no PEM though it stands inline",
      tlsCertificate({ certificate_chain: { inline_string: "hidden" } }),
      {},
      'tls_certificate.certificate_chain: the inline text has no line "-----BEGIN CERTIFICATE-----"; it must be PEM',
    ],
    [
      "is not needed, as all is inline, and the two are no pair",
      tlsCertificate({ certificate_chain: { inline_string: own.cert }, private_key: inBytes(other.key) }),
      {},
      "tls_certificate.private_key: the private key does not match the certificate; use a matching pair",
    ],
    [
      "is encrypted",
      tlsCertificate(),
      { "tls.key": encrypted },
      "tls_certificate.private_key: the private key is encrypted, and there is no password for it",
    ],
    [
      "is encrypted otherwise",
      tlsCertificate({ password: { filename: "password" } }),
      { "tls.key": encrypted, password: "word\n" },
      "tls_certificate.private_key: the private key cannot be decrypted with the password; a line break at its end is part of it",
    ],
    [
      "is no CRL",
      inContext({ crl: { filename: "tls.crt" } }),
      {},
      'validation_context.crl: the file has no line "-----BEGIN X509 CRL-----"; it must be PEM',
    ],
    [
      "has no authority",
      inContext({ trusted_ca: { filename: "tls.key" } }),
      {},
      'validation_context.trusted_ca: the file has no line "-----BEGIN CERTIFICATE-----"; it must be PEM',
    ],
  ];
  test.each(wrong)("are reported where one %s", async (_, fields, files, problem) => {
    writePair(own);
    for (const [name, content] of Object.entries(files)) write(name, content);
    writeResources("a.yaml", secret(fields));
    const [line, ...more] = problemsOf(await open());
    expect(line?.replace(/^DIR\/a\.yaml:2:\d+: resources\[0\]\./, "")).toBe(problem);
    expect(more).toEqual([]);
  });

  test("are not looked for in what was printed without its secrets, which can be compared, but not served", async () => {
    const printed = { certificate_chain: inBytes(own.cert), private_key: inBytes("[redacted]") };
    writeResources(
      "a.yaml",
      secret({ tls_certificate: printed }, "bytes"),
      secret({ tls_certificate: { ...printed, private_key: { inline_string: "[redacted]" } } }, "text"),
      secret({ generic_secret: { secret: { inline_string: "[redacted]" } } }, "generic"),
      secret({ tls_certificate: { ...printed, private_key: { filename: "/[redacted]" } } }, "another"),
    );
    const why =
      'this is "[redacted]", not a secret. Write the secret here, or print the file again with --show-secrets';
    expect(problemsOf(await open()).map((line) => line.replace(/^.*?: /, ""))).toEqual([
      `resources[0].tls_certificate.private_key.inline_bytes: ${why}`,
      `resources[1].tls_certificate.private_key.inline_string: ${why}`,
      `resources[2].generic_secret.secret.inline_string: ${why}`,
    ]);
    await folder.close();
    const reading = await open({ takesRedacted: true });
    expect(Object.keys(servedOf(reading))).toEqual(["bytes", "text", "generic", "another"]);
  });

  test.skipIf(process.getuid?.() === 0 /* root may read everything */)(
    "are reported where one may not be read",
    async () => {
      writePair(own);
      chmodSync(at("tls.key"), 0);
      writeResources("a.yaml", secret({ tls_certificate: pair }));
      expect(problemsOf(await open())).toEqual([
        expect.stringMatching(/the file cannot be read: permission denied; let the user who runs this read it$/),
      ]);
    },
  );

  test("may be anywhere below the directories given, and that of a file given", async () => {
    writePair(own, "tls");
    const { cert } = own;
    writeResources("config/a.yaml", secret({ validation_context: { trusted_ca: { filename: "../tls/tls.crt" } } }));
    expect(problemsOf(await open({}, [at("config")]))).toHaveLength(1);
    await folder.close();
    const expected = { s: { validation_context: { trusted_ca: inlined(cert) } } };
    expect(servedOf(await open({}, [at("config"), at("tls")]))).toEqual(expected);
    await folder.close();
    writeResources("a.yaml", secret({ validation_context: { trusted_ca: { filename: "tls/tls.crt" } } }));
    expect(servedOf(await open({}, [at("a.yaml")]))).toEqual(expected);
  });

  test("have together, each counted once, no more bytes than a file may have", async () => {
    const token = (filename: string) => ({ generic_secret: { secret: { filename } } });
    for (const name of ["token", "other"]) write(name, "x".repeat(600));
    writeResources("a.yaml", secret(token("token"), "a"), secret(token("other"), "b"));
    const message =
      "the file is too large: the files that this file names can have at most 1000 bytes together; name it by an absolute path, which the Envoy reads on its own machine, or split this file";
    const reading = await open({ maxFileBytes: 1000 });
    expect(problemsOf(reading)).toEqual([expect.stringMatching(`^DIR/a.yaml:3:.* resources\\[1\\].*: ${message}$`)]);
    await folder.close();
    expect(Object.keys(servedOf(await open({ maxFileBytes: 1200 })))).toEqual(["a", "b"]);
    await folder.close();
    writeResources("a.yaml", secret(token("token"), "a"), secret(token("token"), "b"));
    expect(Object.keys(servedOf(await open({ maxFileBytes: 1000 })))).toEqual(["a", "b"]);
  });
});

describe.each([
  ["events of the system", { pollMs: 600_000 }],
  ["looking from time to time", { useEvents: false, pollMs: 50 }],
] satisfies [string, DirectorySourceOptions][])("the files that resources name, watched by %s", (_, options) => {
  test("are taken when they change, once certificate and key are a pair; until then the problem is told", async () => {
    writePair(own, ".tls"); // which is no directory of resources
    writeResources(
      "a.yaml",
      secret({
        tls_certificate: { certificate_chain: { filename: ".tls/tls.crt" }, private_key: { filename: ".tls/tls.key" } },
      }),
      cluster("c"),
    );
    const before = configurationOf(await open(options, [at("a.yaml")])).common;
    write(".tls/tls.crt", other.cert);
    await told(1);
    expect(problemsOf(folder.readings[0])).toEqual([
      expect.stringMatching(/the private key does not match the certificate/),
    ]);
    write(".tls/tls.key", other.key);
    await told(2);
    expect(servedOf(folder.readings[1])).toEqual({ s: inlinedPair(other) });
    expect(configurationOf(folder.readings[1]).common[1]).toBe(before[1]);
    write(".tls/tls.key", own.key.slice(0, 40));
    await told(3);
    rmSync(at(".tls"), { recursive: true });
    await vi.waitFor(() => expect(problemsOf(folder.readings.at(-1))).toHaveLength(2), waiting);
    writePair(own, ".tls");
    await vi.waitFor(() => expect(servedOf(folder.readings.at(-1))).toEqual({ s: inlinedPair(own) }), waiting);
  });

  test("are taken in one change, together with the YAML, when a Kubernetes volume is swapped, again and again", async () => {
    const pairs = [own, other];
    const publish = (version: number) => {
      const name = `..v${version}`;
      writePair(pairs[version % 2] as Certificate, name);
      writeResources(`${name}/a.yaml`, secret({ tls_certificate: pair }), cluster("c", version));
      symlinkSync(name, at("..data_tmp"));
      renameSync(at("..data_tmp"), at("..data"));
      if (version === 1) for (const file of ["a.yaml", "tls.crt", "tls.key"]) symlinkSync(`..data/${file}`, at(file));
      else rmSync(at(`..v${version - 1}`), { recursive: true });
    };
    publish(1);
    await open(options);
    for (const version of [2, 3, 4, 5]) {
      publish(version);
      await told(version - 1);
      expect(servedOf(folder.readings.at(-1))).toEqual({ s: inlinedPair(pairs[version % 2] as Certificate) });
      const { common } = configurationOf(folder.readings.at(-1));
      expect(
        resourceJson(common[1]?.type.typeUrl ?? "", common[1]?.body ?? Buffer.of(), envoyRegistry()),
      ).toMatchObject({
        connect_timeout: `${version}s`,
      });
    }
  });
});

describe("the files that resources name, watched", () => {
  test("make a change of the secrets that have them, and of nothing else, and none if the same is written again", async () => {
    for (const name of ["a", "b"]) writePair(own, name);
    const ofFiles = (name: string) =>
      secret(
        {
          tls_certificate: {
            certificate_chain: { filename: `${name}/tls.crt` },
            private_key: { filename: `${name}/tls.key` },
          },
        },
        name,
      );
    writeResources("a.yaml", ofFiles("a"), ofFiles("b"), cluster("c"));
    const before = configurationOf(await open({ quietMs: 250, maxWaitMs: 2000 })).common;
    writePair(own, "a");
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(folder.readings).toEqual([]);
    writePair(other, "b");
    await told(1);
    const after = configurationOf(folder.readings[0]).common;
    expect(servedOf(folder.readings[0])).toEqual({ a: inlinedPair(own), b: inlinedPair(other) });
    expect(after.map((resource, index) => resource === before[index])).toEqual([true, false, true]);
  });
});
