import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import type { DescField, JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test, vi } from "vitest";
import { configurationOf, waiting } from "../../../test/contract/source.js";
import { WatchedFolder } from "../../../test/contract/watched-folder.js";
import { selfSigned } from "../../../test/e2e/certificate.js";
import { envoyRegistry } from "../../resource/default-api.js";
import { resourceJson } from "../../resource/resource-json.js";
import { clusterType, extensionConfigType, listenerType, routeType } from "../../resource/types.js";
import type { DirectorySourceOptions } from "../directory.js";
import type { Reading } from "./source.js";

const [own, other] = [selfSigned(), selfSigned()];
const google = "type.googleapis.com/";
const http = "envoy.extensions.filters.http";
const any = (typeName: string, fields: JsonObject): JsonObject => ({ "@type": `${google}${typeName}`, ...fields });
const binary = Buffer.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0xff);

const folder = new WatchedFolder();
const { at, write, writeResources, open, told, problemsOf } = folder;

/** What is served, in the order of the files. */
const servedOf = (reading: Reading | undefined): JsonObject[] =>
  configurationOf(reading).common.map(({ type, body }) => resourceJson(type.typeUrl, body, envoyRegistry()));

const extension = (typeName: string, fields: JsonObject, name = "e"): JsonObject =>
  any(extensionConfigType.slice(google.length), { name, typed_config: any(typeName, fields) });

/** The message in an extension config, as it is served. */
function contentOf(reading: Reading | undefined, position = 0): JsonObject {
  const { typed_config: config } = servedOf(reading)[position] ?? {};
  const { "@type": _, ...content } = config as JsonObject;
  return content;
}

const lua = (script: string, name = "e") =>
  extension(`${http}.lua.v3.Lua`, { default_source_code: { filename: script } }, name);

const direct = (body: JsonObject, fields: JsonObject = {}): JsonObject => {
  const routes = [{ match: { prefix: "/" }, direct_response: { status: 200, body } }];
  return { "@type": routeType, name: "r", virtual_hosts: [{ name: "v", domains: ["*"], routes }], ...fields };
};

/** All fields of the API that are a DataSource, or have one as `local`. */
function* dataSourceFields(): Iterable<{ field: DescField; inside: (dataSource: JsonObject) => JsonObject }> {
  for (const desc of envoyRegistry()) {
    if (desc.kind !== "message" || desc.typeName === "envoy.config.core.v3.AsyncDataSource") continue;
    for (const field of desc.fields) {
      const name = field.message?.typeName;
      if (name !== "envoy.config.core.v3.DataSource" && name !== "envoy.config.core.v3.AsyncDataSource") continue;
      const isAsync = name.endsWith("AsyncDataSource");
      const inside = (dataSource: JsonObject) => {
        const one = isAsync ? { local: dataSource } : dataSource;
        const kind = field.fieldKind;
        return { [field.name]: kind === "list" ? [one] : kind === "map" ? { key: one } : one };
      };
      yield { field, inside };
    }
  }
}

const takenByName = /DynamicModuleConfig\.module$|\.ip_tags_datasource$|\.external_dns_table$/;

describe("files that resources name by relative paths", () => {
  test("are in them wherever the API has a DataSource, but where Envoy takes a file by its name only", async () => {
    const crl = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    const content = `${own.cert}${own.key}${crl}`;
    write("files/all.pem", content);
    const fields = [...dataSourceFields()];
    const named = fields.map(({ field, inside }, index) => {
      const fullName = `${field.parent.typeName}.${field.name}`;
      const fields = inside({ filename: "files/all.pem" });
      return { fullName, inside, resource: extension(field.parent.typeName, fields, `${index}`) };
    });
    writeResources("a.yaml", ...named.map(({ resource }) => resource));
    const reading = await open();
    const expected = named.map(({ fullName, inside }) => {
      const isLeft = takenByName.test(fullName);
      return [fullName, inside(isLeft ? { filename: "files/all.pem" } : { inline_string: content })];
    });
    expect(named.map(({ fullName }, index) => [fullName, contentOf(reading, index)])).toEqual(expected);
    const names = named.map(({ fullName }) => fullName).join(" ");
    for (const one of ["Lua.source_codes", "JwtProvider.local_jwks", "VmConfig.code", "DirectResponseAction.body"])
      expect(names).toContain(one);
    expect(names).toMatch(/external_dns_table/);
  });

  test("are texts where they are UTF-8 without a byte order mark, else bytes; all other ways to name content stay", async () => {
    write("text.lua", "-- größer\r\n");
    write("mark.lua", "\u{feff}-- marked");
    write("code.wasm", binary);
    const vm = (local: JsonObject) =>
      extension(`${http}.wasm.v3.Wasm`, {
        config: { vm_config: { runtime: "envoy.wasm.runtime.v8", code: { local } } },
      });
    const codes = {
      here: { filename: "./text.lua" },
      marked: { filename: "mark.lua" },
      there: { filename: "/on/the/envoy.lua" },
      variable: { environment_variable: "LUA" },
      inline: { inline_string: "text.lua" },
    };
    writeResources(
      "a.yaml",
      vm({ filename: "code.wasm" }),
      extension(`${http}.lua.v3.Lua`, { source_codes: codes }, "l"),
    );
    const reading = await open();
    expect(contentOf(reading)).toMatchObject({
      config: { vm_config: { code: { local: { inline_bytes: binary.toString("base64") } } } },
    });
    expect(contentOf(reading, 1)).toEqual({
      source_codes: {
        ...codes,
        here: { inline_string: "-- größer\r\n" },
        marked: { inline_bytes: Buffer.from("\u{feff}-- marked").toString("base64") },
      },
    });
  });

  test("are in messages within an Any within an Any, such as the filters of a listener and its TLS context", async () => {
    for (const [name, text] of Object.entries({ "page.html": "<h1>", "tls.crt": own.cert, "tls.key": own.key }))
      write(name, text);
    const manager = any("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
      stat_prefix: "in",
      rds: { route_config_name: "r", config_source: { ads: {} } },
      local_reply_config: { body_format: { text_format_source: { filename: "page.html" } } },
      http_filters: [
        { name: "l", typed_config: any(`${http}.lua.v3.Lua`, { default_source_code: { filename: "page.html" } }) },
      ],
    });
    const tls = (side: string) => ({
      name: "tls",
      typed_config: any(`envoy.extensions.transport_sockets.tls.v3.${side}`, {
        common_tls_context: {
          tls_certificates: [{ certificate_chain: { filename: "tls.crt" }, private_key: { filename: "tls.key" } }],
          validation_context: { trusted_ca: { filename: "tls.crt", watched_directory: { path: "/tls" } } },
        },
      }),
    });
    const chain = { filters: [{ name: "h", typed_config: manager }], transport_socket: tls("DownstreamTlsContext") };
    writeResources(
      "a.yaml",
      { "@type": listenerType, name: "l", filter_chains: [chain] },
      { "@type": clusterType, name: "c", transport_socket: tls("UpstreamTlsContext") },
    );
    const reading = await open();
    const text = JSON.stringify(servedOf(reading));
    expect(text).not.toContain("filename");
    expect(text).not.toContain("watched_directory");
    expect(text.split('"inline_string":"<h1>"')).toHaveLength(3);
    expect(text.split(JSON.stringify({ inline_string: own.key }))).toHaveLength(3);
    const notes = "notes" in reading ? reading.notes.map(({ path }) => path) : [];
    expect(notes).toEqual([
      expect.stringMatching(/^resources\[0\]\.filter_chains\[0\]\.transport_socket\..*trusted_ca\.watched_directory$/),
      expect.stringMatching(/^resources\[1\]\.transport_socket\..*trusted_ca\.watched_directory$/),
    ]);
  });

  test("are proto descriptors too, which have a field of their own for the name and one for the bytes", async () => {
    write("api.pb", binary);
    const transcoder = `${http}.grpc_json_transcoder.v3.GrpcJsonTranscoder`;
    writeResources(
      "a.yaml",
      extension(transcoder, { proto_descriptor: "api.pb", services: ["a.B"] }),
      extension(transcoder, { proto_descriptor: "/api.pb", services: ["a.B"] }, "there"),
    );
    const reading = await open();
    expect(contentOf(reading)).toEqual({ proto_descriptor_bin: binary.toString("base64"), services: ["a.B"] });
    expect(contentOf(reading, 1)).toEqual({ proto_descriptor: "/api.pb", services: ["a.B"] });
    writeResources("a.yaml", extension(transcoder, { proto_descriptor: "no.pb", services: ["a.B"] }));
    expect(problemsOf(await open())).toEqual([
      expect.stringMatching(
        /^DIR\/a.yaml:2:\d+: resources\[0\]\.typed_config\.proto_descriptor: "no.pb" does not exist; /,
      ),
    ]);
  });

  test("are no configuration themselves, whatever their names end in, unless they are", async () => {
    const keys = '{ "keys": [] }\n';
    write("jwks.json", keys);
    write("page.yaml", "not: [closed");
    write("groups/edge/b.json", JSON.stringify(lua("../../page.yaml", "b")));
    const jwks = (filename: string) =>
      extension(`${http}.jwt_authn.v3.JwtAuthentication`, { providers: { p: { local_jwks: { filename } } } });
    writeResources("a.yaml", jwks("jwks.json"));
    const reading = await open();
    expect(contentOf(reading)).toMatchObject({ providers: { p: { local_jwks: { inline_string: keys } } } });
    const { groups } = configurationOf(reading);
    expect(groups.get("edge")).toHaveLength(1);

    writeResources("a.yaml", jwks("c.yaml"));
    writeResources("c.yaml", lua("page.yaml", "c"));
    expect(problemsOf(await open())).toEqual([
      expect.stringMatching(/^DIR\/jwks.json:1:1: expected an object with a list/),
    ]);
    rmSync(at("jwks.json"));
    expect(servedOf(await open())).toHaveLength(2);
  });

  test("are mistakes with their places where they are not there, outside, empty, or not to be read", async () => {
    write("empty.lua", "");
    mkdirSync(at(".hidden"));
    symlinkSync("nowhere", at(".hidden/link.lua"));
    const names = ["no.lua", "../../etc/passwd", "sub/../../secret", "empty.lua", ".", ".hidden/link.lua"];
    writeResources("a.yaml", ...names.map((name, index) => lua(name, `${index}`)));
    const wrong = [
      "does not exist; a relative path begins at this file's directory, ",
      "is outside of the directories that are read; ",
      "is outside of the directories that are read; ",
      "is empty; write it, or remove the field",
      "is no regular file; name one",
      "does not exist; ",
    ];
    const lines = problemsOf(await open());
    expect(lines).toEqual(names.map(() => expect.any(String)));
    for (const [index, line] of lines.entries()) {
      expect(line).toMatch(new RegExp(`^DIR/a.yaml:${index + 2}:\\d+: resources\\[${index}\\]\\.typed_config\\.`));
      expect(line).toContain(`.default_source_code.filename: ${JSON.stringify(names[index])} ${wrong[index]}`);
    }
  });

  test("have a limit for each file of configuration, and one for all together, which is told until it is kept", async () => {
    write("600.lua", "x".repeat(600));
    for (const name of ["a", "b", "c"]) writeResources(`${name}.yaml`, lua("600.lua", name));
    const tooLarge =
      /^DIR\/a.yaml:2:.*\.filename: "600.lua" is too large: the files that this file names can have at most 599 bytes together; name/;
    expect(problemsOf(await open({ maxFileBytes: 599 }))[0]).toMatch(tooLarge);
    const options = { maxInlinedBytes: 1799, pollMs: 20, useEvents: false };
    expect(problemsOf(await open(options))).toEqual([
      "DIR: more than 1799 bytes of other files, the limit, are inlined into resources; " +
        "name large files by absolute paths, which the Envoys read on their own machines",
    ]);
    write("600.lua", "x".repeat(599));
    await vi.waitFor(() => expect(servedOf(folder.readings.at(-1))).toHaveLength(3), waiting);
    for (let index = 0; index < 20; index++) writeResources(`d${index}.yaml`, lua("600.lua", `d${index}`));
    await vi.waitFor(() => expect(problemsOf(folder.readings.at(-1))).toHaveLength(1), waiting);
    write("600.lua", "x".repeat(70));
    await vi.waitFor(() => expect(servedOf(folder.readings.at(-1))).toHaveLength(23), waiting);
  });

  test("count once for that limit, and may be eight times as many bytes in resources", async () => {
    write("1900.lua", "x".repeat(1900));
    const resources = Array.from({ length: 9 }, (_, index) => lua("1900.lua", `${index}`));
    writeResources("a.yaml", ...resources.slice(0, 8));
    const options = { maxFileBytes: 2000, pollMs: 20, useEvents: false };
    expect(servedOf(await open(options))).toHaveLength(8);
    writeResources("a.yaml", ...resources);
    await vi.waitFor(
      () =>
        expect(problemsOf(folder.readings.at(-1))).toEqual([
          expect.stringMatching(/^DIR\/a.yaml:10:.* is too large: at most 16000 bytes of other files/),
        ]),
      waiting,
    );
  });

  test("are as large as Envoy takes a direct response to be, which its route configuration can say", async () => {
    write("page", "x".repeat(5000));
    const page = { filename: "page" };
    const message = (size: number, max: number) =>
      `has ${size} bytes, and Envoy accepts ${max}; shorten it, or raise max_direct_response_body_size_bytes of the route configuration`;
    writeResources("a.yaml", direct(page), direct({ inline_string: "ü".repeat(2049) }));
    const path = "virtual_hosts[0].routes[0].direct_response.body";
    expect(problemsOf(await open()).map((line) => line.replace(/^.*?: /, ""))).toEqual([
      `resources[0].${path}: ${message(5000, 4096)}`,
      `resources[1].${path}: ${message(4098, 4096)}`,
    ]);
    writeResources("a.yaml", direct(page, { max_direct_response_body_size_bytes: 4999 }));
    expect(problemsOf(await open())).toEqual([expect.stringContaining(`${path}: ${message(5000, 4999)}`)]);
    for (const max of [0, 5000]) {
      writeResources("a.yaml", direct(page, { max_direct_response_body_size_bytes: max }));
      expect(servedOf(await open())).toHaveLength(1);
    }
  });
});

describe.each([
  ["events of the system", { pollMs: 600_000 }],
  ["looking from time to time", { useEvents: false, pollMs: 50 }],
] satisfies [string, DirectorySourceOptions][])("files that resources name, watched by %s", (_, options) => {
  test("change the resources that have them and no others: edited, replaced, swapped as Kubernetes does it, removed", async () => {
    write("..1/a.lua", "-- 1");
    symlinkSync("..1", at("..data"));
    symlinkSync("..data/a.lua", at("a.lua"));
    write("b.lua", "-- b");
    writeResources("a.yaml", lua("a.lua", "a"), lua("b.lua", "b"));
    const scripts = (reading: Reading | undefined) =>
      servedOf(reading).map((_, index) => (contentOf(reading, index).default_source_code as JsonObject).inline_string);
    const first = await open(options);
    expect(scripts(first)).toEqual(["-- 1", "-- b"]);

    write("..2/a.lua", "-- 2");
    symlinkSync("..2", at("..tmp"));
    renameSync(at("..tmp"), at("..data"));
    await told(1);
    expect(scripts(folder.readings[0])).toEqual(["-- 2", "-- b"]);
    expect(configurationOf(folder.readings[0]).common[1]).toBe(configurationOf(first).common[1]);

    write("b.tmp", "-- replaced");
    renameSync(at("b.tmp"), at("b.lua"));
    await told(2);
    expect(scripts(folder.readings[1])).toEqual(["-- 2", "-- replaced"]);

    write("b.lua", "-- edited");
    await told(3);
    expect(scripts(folder.readings[2])).toEqual(["-- 2", "-- edited"]);

    rmSync(at("b.lua"));
    await told(4);
    expect(problemsOf(folder.readings[3])).toEqual([
      expect.stringMatching(/^DIR\/a.yaml:3:.*"b.lua" does not exist; /),
    ]);
  });
});

test("a certificate in a listener and its key are taken when they are a pair", async () => {
  write("tls.crt", own.cert);
  write("tls.key", own.key);
  const context = any("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", {
    common_tls_context: {
      tls_certificates: [{ certificate_chain: { filename: "tls.crt" }, private_key: { filename: "tls.key" } }],
    },
  });
  const chain = { transport_socket: { name: "tls", typed_config: context } };
  writeResources("a.yaml", { "@type": listenerType, name: "l", filter_chains: [chain] });
  await open();
  write("tls.crt", other.cert);
  await told(1);
  expect(problemsOf(folder.readings[0])).toEqual([
    expect.stringMatching(/tls_certificates\[0\]\.private_key: the private key does not match the certificate/),
  ]);
  write("tls.key", other.key);
  await told(2);
  expect(JSON.stringify(servedOf(folder.readings[1]))).toContain(JSON.stringify(other.key));
});
