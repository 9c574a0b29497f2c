import type { Message, Registry } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { encodeMessage } from "../schema/encode-message.js";
import { envoyRegistry } from "../schema/registry.js";
import { anyName, schemaOf } from "./any-content.js";
import { type Finding, findingTable } from "./findings.js";
import { checkMessage, type Problem } from "./message-check.js";
import { checkReferences } from "./reference-graph.js";
import { Resource } from "./resource.js";
import type { Snapshot } from "./snapshot.js";
import { findResourceType } from "./types.js";

export interface ValidateOptions {
  /**
   * What is meant to be whole and known: a reference that leads out of the snapshot is an error then, and so is what this
   * version of the API does not know. By default those are warnings.
   */
  readonly strict?: boolean;
  /** The API to go by, such as that of a newer Envoy; by default the one that this package was generated from. */
  readonly registry?: Registry;
}

/**
 * What Envoy would refuse in a snapshot, and what is worth knowing: every resource by the API's own field rules, and the
 * references between them. A snapshot need not be whole. Resources come type by type, and each with what is in
 * it before what it refers to; what nothing refers to comes last. What a resource is made of is checked once for each
 * {@link Resource}, whatever number of snapshots it is in.
 */
export function validate(snapshot: Snapshot, options: ValidateOptions = {}): Finding[] {
  const findings: Finding[] = [];
  for (const typeUrl of snapshot.typeUrls())
    for (const resource of snapshot.resources(typeUrl).values())
      for (const found of validateResource(resource, options)) findings.push(found);
  for (const { resource, ...problem } of checkReferences(snapshot))
    findings.push(finding(problem, resource.type.typeUrl, resource.name, options));
  return findings;
}

/**
 * What Envoy would refuse in one resource, or in any message of the Envoy API, by the API's own field rules. Of a type with
 * no known schema nothing can be said.
 * @throws XdsError INVALID_RESOURCE for a message that cannot be encoded, INVALID_OPTION for a registry with a rule that cannot
 * be checked
 */
export function validateResource(input: Resource | Message, options: ValidateOptions = {}): Finding[] {
  if (input instanceof Resource)
    return [...ttlProblems(input), ...problemsOf(input, options)].map((problem) =>
      finding(problem, input.type.typeUrl, input.name, options),
    );
  const { typeUrl, bytes } = encoded(input, options);
  const nameField = findResourceType(typeUrl)?.nameField;
  const name = nameField === undefined ? "" : String((input as unknown as Record<string, unknown>)[nameField] ?? "");
  return problemsIn(typeUrl, bytes, options).map((problem) => finding(problem, typeUrl, name, options));
}

/** The danger of a TTL: which variant a client uses is not known here, so this is a warning in both. */
function ttlProblems({ type, ttlMs }: Resource): readonly Problem[] {
  if (ttlMs === undefined || !type.expiryCrashesSotw) return none;
  const message =
    "has a TTL; Envoy crashes when one of the " +
    `${type.name} expires in SotW (seen with 1.36 and 1.40); remove the TTL, or serve Envoys in delta`;
  return [{ code: "TTL_IN_SOTW", path: "", message }];
}

/** What was found in a resource, and by which API. */
const checked = new WeakMap<Resource, { registry: Registry; problems: readonly Problem[] }>();

/** @internal What is wrong in a resource by the API's own field rules. */
export function problemsOf(
  resource: Resource,
  { registry = envoyRegistry() }: ValidateOptions = {},
): readonly Problem[] {
  const known = checked.get(resource);
  if (known?.registry === registry) return known.problems;
  const problems = resource.error ? none : problemsIn(resource.type.typeUrl, resource.body, { registry });
  checked.set(resource, { registry, problems });
  return problems;
}

/** @internal Takes what {@link problemsOf} has found in an equal resource by the API in use. */
export function knowProblems(resource: Resource, problems: readonly Problem[]): void {
  checked.set(resource, { registry: envoyRegistry(), problems });
}

const none: readonly Problem[] = [];

function problemsIn(
  typeUrl: string,
  bytes: Uint8Array,
  { registry = envoyRegistry() }: ValidateOptions,
): readonly Problem[] {
  const schema = schemaOf(typeUrl, registry);
  if (!schema) return none;
  return checkMessage(schema, bytes, registry);
}

function encoded(message: Message, { registry }: ValidateOptions): { typeUrl: string; bytes: Uint8Array } {
  if (message.$typeName === anyName) {
    const { typeUrl, value } = message as Any;
    return { typeUrl, bytes: value };
  }
  const typeUrl = `type.googleapis.com/${message.$typeName}`;
  const schema = envoyRegistry().getMessage(message.$typeName) ?? registry?.getMessage(message.$typeName);
  if (!schema) throw new XdsError("INVALID_RESOURCE", `no schema is known for ${message.$typeName}`);
  try {
    return { typeUrl, bytes: encodeMessage(schema, message) };
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `${message.$typeName} cannot be encoded: ${messageOf(cause)}`, { cause });
  }
}

function finding(
  { code, path, message }: Pick<Finding, "code" | "path" | "message">,
  typeUrl: string,
  resource: string,
  { strict = false }: ValidateOptions,
): Finding {
  return { code, severity: findingTable[code][strict ? 1 : 0], typeUrl, resource, path, message };
}
