import type { JsonObject } from "@bufbuild/protobuf";
import { resourceDocument } from "../../control/resource-entry.js";
import type { Resource } from "../../resource/resource.js";
import { redactions } from "../../schema/sensitive.js";
import { hasUnknownContent } from "../../validation/unknown-content.js";
import { complain } from "../terminal/output.js";

/** A resource as commands print it, and as files take it. Without secrets, unless they are asked for. */
export const printedResource = resourceDocument;

/** Warns on stderr about resources with content that the API does not know, and that is therefore not shown. */
export function warnOfUnknown(resources: Iterable<Resource>): void {
  tellOf(
    Array.from(resources).filter(hasUnknownContent),
    "fields or extensions that the Envoy API in use does not know; they are left out here; choose another API with --envoy or --descriptors",
  );
}

/** Warns on stderr about resources that are shown without a secret. */
export function warnOfRedacted(resources: readonly Resource[], shown: readonly JsonObject[]): void {
  const isRedacted = shown.map((json) => {
    const text = JSON.stringify(json);
    return [...redactions].some((redaction) => text.includes(JSON.stringify(redaction)));
  });
  tellOf(
    resources.filter((_, index) => isRedacted[index]),
    "secrets, which are printed as [redacted] and cannot be served like that; --show-secrets prints them",
  );
}

function tellOf([first, ...others]: readonly Resource[], what: string): void {
  if (!first) return;
  const more = others.length === 0 ? " has" : `, and ${others.length} more, have`;
  complain(`${first.type.name} ${JSON.stringify(first.name)}${more} ${what}`);
}
