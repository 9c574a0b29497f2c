import type { JsonObject } from "@bufbuild/protobuf";
import { withMade } from "./with-made.js";

type Path = readonly string[];

/**
 * Of these files an Envoy's config dump has the content, in bytes, in place of the name: the Envoy reads them when it is served the
 * secret, and again when they change. Of all others that a secret may name, such as that of a password, it has the name. Tried with
 * Envoy 1.40.
 */
const readFiles: readonly Path[] = [
  ["tls_certificate", "certificate_chain"],
  ["tls_certificate", "private_key"],
  ["validation_context", "trusted_ca"],
  ["validation_context", "crl"],
];

/**
 * Where a `Secret` as it was told, in JSON with fields as the API spells them, names a file, and the one of an Envoy's config dump has
 * content.
 */
export const filesRead = (told: JsonObject, dumped: JsonObject): Path[] =>
  readFiles.filter(
    (path) => valueAt(told, path)?.filename !== undefined && valueAt(dumped, path)?.inline_bytes !== undefined,
  );

/** The secret without the names, or the content, of these files. */
export const withoutFiles = (secret: JsonObject, files: readonly Path[]): JsonObject =>
  files.reduce(
    (json, path) =>
      withMade(withMade(json, [...path, "filename"], never), [...path, "inline_bytes"], never) as JsonObject,
    secret,
  );

const never = () => undefined;
const valueAt = (json: JsonObject, path: Path): JsonObject | undefined =>
  path.reduce<JsonObject | undefined>((value, step) => value?.[step] as JsonObject | undefined, json);
