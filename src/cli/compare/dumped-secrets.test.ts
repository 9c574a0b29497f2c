import type { JsonObject } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { filesRead, withoutFiles } from "./dumped-secrets.js";

const file = { filename: "/a" };
const content = { inline_bytes: "AA==" };

it("leaves out just the files that an Envoy reads when it is served a secret", () => {
  const pair = (chain: JsonObject, key: JsonObject, password: JsonObject) => ({
    name: "pair",
    tls_certificate: { certificate_chain: chain, private_key: key, password },
  });
  const context = (ca: JsonObject, crl: JsonObject) => ({ name: "ca", validation_context: { trusted_ca: ca, crl } });
  const watched = { watched_directory: { path: "/" } };
  for (const [told, dumped, rest] of [
    [pair(file, file, file), pair(content, content, file), pair({}, {}, file)],
    [
      pair({ ...file, ...watched }, content, file),
      pair({ ...content, ...watched }, content, file),
      pair(watched, content, file),
    ],
    [context(file, file), context(content, content), context({}, {})],
  ] as const) {
    const files = filesRead(told, dumped);
    expect(withoutFiles(told, files)).toEqual(rest);
    expect(withoutFiles(dumped, files)).toEqual(rest);
  }
});

it("takes what is not a name on the one side and bytes on the other for what it is", () => {
  const secret = (ca: JsonObject) => ({ name: "ca", validation_context: { trusted_ca: ca } });
  expect(filesRead(secret(content), secret(file))).toEqual([]);
  expect(filesRead(secret(file), secret({ inline_string: "" }))).toEqual([]);
  expect(filesRead(secret({ environment_variable: "A" }), secret(content))).toEqual([]);
  expect(
    filesRead({ name: "ca", generic_secret: { secret: file } }, { name: "ca", generic_secret: { secret: content } }),
  ).toEqual([]);
  expect(filesRead({ name: "ca" }, secret(content))).toEqual([]);
});
