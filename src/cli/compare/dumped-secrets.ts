import type { JsonObject } from "@bufbuild/protobuf";
import { withFieldRewritten } from "./rewrite-field.js";

type Path = readonly string[];

/**
 * The files of which an Envoy's config dump has the content, in bytes, instead of the name. The Envoy reads these files
 * when it receives the secret, and again when they change. For other files that a secret names, such as that of a
 * password, the dump has the name. Tried with Envoy 1.40.
 */
const readFiles: readonly Path[] = [
  ["tls_certificate", "certificate_chain"],
  ["tls_certificate", "private_key"],
  ["validation_context", "trusted_ca"],
  ["validation_context", "crl"],
];

/**
 * The fields in which a sent `Secret` names a file, and the one in an Envoy's config dump has content. Both are JSON
 * with fields as the API spells them.
 */
export const filesRead = (told: JsonObject, dumped: JsonObject): Path[] =>
  readFiles.filter(
    (path) => valueAt(told, path)?.filename !== undefined && valueAt(dumped, path)?.inline_bytes !== undefined,
  );

/** The secret without the names, or the content, of these files. */
export const withoutFiles = (secret: JsonObject, files: readonly Path[]): JsonObject =>
  files.reduce(
    (json, path) =>
      withFieldRewritten(
        withFieldRewritten(json, [...path, "filename"], never),
        [...path, "inline_bytes"],
        never,
      ) as JsonObject,
    secret,
  );

const never = () => undefined;
const valueAt = (json: JsonObject, path: Path): JsonObject | undefined =>
  path.reduce<JsonObject | undefined>((value, step) => value?.[step] as JsonObject | undefined, json);
