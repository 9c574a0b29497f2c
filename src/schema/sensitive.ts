import { type DescField, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import type { GenExtension } from "@bufbuild/protobuf/codegenv2";
import type { FieldOptions } from "@bufbuild/protobuf/wkt";
import { apiExtension } from "./registry.js";

const known = new WeakMap<DescField, boolean>();

/** Whether the API marks a field as secret (`udpa.annotations.sensitive`), with all that is in it. */
export function isSensitive(field: DescField): boolean {
  let is = known.get(field);
  if (is === undefined) {
    const option = apiExtension("udpa.annotations.sensitive") as GenExtension<FieldOptions, boolean>;
    is = hasOption(field, option) && getOption(field, option);
    known.set(field, is);
  }
  return is;
}

const near = new WeakMap<DescMessage, boolean>();

/** Whether a message has a secret field itself, or a field whose message has one: a mistake in it may show a secret. */
export function holdsSecrets(desc: DescMessage): boolean {
  let does = near.get(desc);
  if (does === undefined) {
    does = desc.fields.some((field) => isSensitive(field) || field.message?.fields.some(isSensitive));
    near.set(desc, does);
  }
  return does;
}

/** What is put in the place of a secret, as Envoy's config_dump has it. */
export const redactionMark = "[redacted]";

/** The same as it stands in JSON: of a text, and of bytes. */
export const redactions: ReadonlySet<unknown> = new Set([redactionMark, Buffer.from(redactionMark).toString("base64")]);
