import { type DescField, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import type { GenExtension } from "@bufbuild/protobuf/codegenv2";
import type { FieldOptions } from "@bufbuild/protobuf/wkt";
import { apiExtension } from "./registry.js";

type Sensitive = GenExtension<FieldOptions, boolean>;

const known = new WeakMap<DescField, boolean>();

/** Whether the API marks a field, and so everything in its value, as secret (`udpa.annotations.sensitive`). */
export function isSensitive(field: DescField): boolean {
  let is = known.get(field);
  if (is === undefined) {
    const option = apiExtension(field.parent.file, "udpa.annotations.sensitive") as Sensitive | undefined;
    is = option !== undefined && hasOption(field, option) && getOption(field, option);
    known.set(field, is);
  }
  return is;
}

const near = new WeakMap<DescMessage, boolean>();

/**
 * Whether a message has a secret field, or a field whose message has one. A mistake in such a message may reveal a
 * secret.
 */
export function holdsSecrets(desc: DescMessage): boolean {
  let does = near.get(desc);
  if (does === undefined) {
    does = desc.fields.some((field) => isSensitive(field) || field.message?.fields.some(isSensitive));
    near.set(desc, does);
  }
  return does;
}

/** The text that replaces a secret, the same as in Envoy's config_dump. */
export const redactionMark = "[redacted]";

/** {@link redactionMark} as it appears in JSON, for string fields and for bytes fields. */
export const redactions: ReadonlySet<unknown> = new Set([redactionMark, Buffer.from(redactionMark).toString("base64")]);
