import type { Message, Registry } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { messageOf, XdsError } from "../errors.js";
import { anyName, schemaOf } from "../json/any-content.js";
import { type Finding, findingTable } from "../resource/findings.js";
import { checkReferences } from "../resource/references/graph.js";
import { Resource } from "../resource/resource.js";
import type { Snapshot } from "../resource/snapshot.js";
import { XdsApi } from "../resource/xds-api.js";
import { encodeMessage } from "../schema/encode-message.js";
import { checkAddresses } from "./listener-addresses.js";
import { checkMessage, type Problem } from "./message-check.js";

/** How strictly resources are checked. */
export interface ValidateOptions {
  /**
   * Whether the snapshot should be complete and fully known. Then a reference that leads out of it is an error, and so
   * is content that this version of the API does not have. By default both are warnings.
   */
  readonly strict?: boolean;
  /**
   * The API to use, such as that of a newer Envoy. Default: the resource's own API; for a message {@link
   * XdsApi.default}.
   */
  readonly api?: XdsApi;
  /** The time at which certificates must be valid, in milliseconds since 1970; by default the current time. */
  readonly now?: number;
}

/**
 * Returns what Envoy would refuse in a snapshot, and what is worth knowing.
 *
 * It checks every resource by the API's field rules and by rules of Envoy's code, the references between resources, and
 * listeners with the same address. The snapshot may be incomplete. Findings come type by type; in a resource, findings
 * about its content precede those about its references. Unreferenced resources come last. The content of a {@link
 * Resource} is checked once, however many snapshots contain it.
 * @throws XdsError INVALID_OPTION for an API with a rule that cannot be checked
 */
export function validate(snapshot: Snapshot, options: ValidateOptions = {}): Finding[] {
  const findings: Finding[] = [];
  for (const typeUrl of snapshot.typeUrls())
    for (const resource of snapshot.resources(typeUrl).values())
      for (const found of validateResource(resource, options)) findings.push(found);
  for (const { resource, ...problem } of [...checkReferences(snapshot), ...checkAddresses(snapshot)])
    findings.push(finding(problem, resource.type.typeUrl, resource.name, options));
  return findings;
}

/**
 * Returns what Envoy would refuse in one resource, or in any message of the Envoy API.
 *
 * It checks the API's field rules and rules of Envoy's code. A resource of a type without a known schema has no
 * findings.
 * @throws XdsError INVALID_RESOURCE for a message that cannot be encoded or has no known schema; INVALID_OPTION for an
 * API with a rule that cannot be checked
 */
export function validateResource(input: Resource | Message, options: ValidateOptions = {}): Finding[] {
  if (input instanceof Resource)
    return [...ttlProblems(input), ...counting(problemsOf(input, options), options)].map((problem) =>
      finding(problem, input.type.typeUrl, input.name, options),
    );
  const { api = XdsApi.default } = options;
  const { typeUrl, bytes } = encoded(input, api);
  const nameField = api.findResourceType(typeUrl)?.nameField;
  const name = nameField === undefined ? "" : String((input as unknown as Record<string, unknown>)[nameField] ?? "");
  const problems = counting(problemsIn(typeUrl, bytes, api.registry), options);
  return problems.map((problem) => finding(problem, typeUrl, name, options));
}

/** The problems that count at the time `now`. */
function counting(problems: readonly Problem[], { now = Date.now() }: ValidateOptions): readonly Problem[] {
  const isTimed = problems.some(({ since }) => since !== undefined);
  return isTimed ? problems.filter(({ since }) => since === undefined || since <= now) : problems;
}

/** Warns about a TTL whose expiry crashes Envoy in SotW. The clients' variant is not known here. */
function ttlProblems({ type, ttlMs }: Resource): readonly Problem[] {
  if (ttlMs === undefined || !type.expiryCrashesSotw) return none;
  const message =
    "has a TTL; Envoy crashes when one of the " +
    `${type.name} expires in SotW (seen with 1.36 and 1.40); remove the TTL, or serve Envoys in delta`;
  return [{ code: "TTL_IN_SOTW", path: "", message }];
}

/** The problems of each checked resource, and the API by which it was checked. */
const checked = new WeakMap<Resource, { registry: Registry; problems: readonly Problem[] }>();

/** @internal Returns the problems of a resource's content. Some count only from a later time on. */
export function problemsOf(resource: Resource, { api = resource.type.api }: ValidateOptions = {}): readonly Problem[] {
  const { registry } = api;
  const known = checked.get(resource);
  if (known?.registry === registry) return known.problems;
  const problems = resource.error ? none : problemsIn(resource.type.typeUrl, resource.body, registry);
  checked.set(resource, { registry, problems });
  return problems;
}

/** @internal Stores the result of {@link problemsOf} for an equal resource. */
export function knowProblems(resource: Resource, problems: readonly Problem[]): void {
  checked.set(resource, { registry: resource.registry, problems });
}

const none: readonly Problem[] = [];

function problemsIn(typeUrl: string, bytes: Uint8Array, registry: Registry): readonly Problem[] {
  const schema = schemaOf(typeUrl, registry);
  if (!schema) return none;
  return checkMessage(schema, bytes, registry);
}

function encoded(message: Message, api: XdsApi): { typeUrl: string; bytes: Uint8Array } {
  if (message.$typeName === anyName) {
    const { typeUrl, value } = message as Any;
    return { typeUrl, bytes: value };
  }
  const typeUrl = `type.googleapis.com/${message.$typeName}`;
  const schema = api.registry.getMessage(message.$typeName);
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
