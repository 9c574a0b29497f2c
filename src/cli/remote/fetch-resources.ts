import type { ClientResource } from "../../client/resource.js";
import type { XdsClient } from "../../client/xds-client.js";
import { XdsError } from "../../errors.js";
import type { EndStatus } from "../../grpc-client/end-status.js";
import { printable } from "../../printable.js";
import { findResourceType, resourceTypes } from "../../resource/default-api.js";
import { canonicalName } from "../../resource/names.js";
import { isCollection, referencesOf } from "../../resource/references/references.js";
import { Resource } from "../../resource/resource.js";
import type { ResourceType } from "../../resource/xds-api.js";

/** What to fetch: type URL → names, or `*`. */
export type Wanted = ReadonlyMap<string, readonly string[]>;

export interface Fetched {
  /** In the order of the table of types, then by name, because some servers send another order each time. */
  readonly resources: readonly Resource[];
  /** What the server does not have or cannot send, with the reason. */
  readonly missing: readonly Unavailable[];
  /** What the server has not answered in time. */
  readonly unanswered: readonly Unavailable[];
}

export interface Unavailable {
  readonly type: ResourceType;
  readonly name: string;
  readonly reason: string;
}

/** The most rounds of references to follow. Real configurations have fewer. */
const mostRounds = 20;

/**
 * Fetches resources once, and with `follow` everything that they refer to. Returns what came in time, and the names
 * that were not answered.
 * @throws XdsError STREAM_ENDED if the server cannot be reached or ends the stream
 */
export async function fetchResources(
  client: XdsClient,
  wanted: Wanted,
  { follow, timeoutMs }: { readonly follow: boolean; readonly timeoutMs: number },
): Promise<Fetched> {
  const asked = new Map<string, Set<string>>();
  const unanswered: Unavailable[] = [];
  let next: Wanted = wanted;
  for (let round = 0; next.size > 0 && round < mostRounds; round++) {
    for (const [typeUrl, names] of next) {
      const known = asked.get(typeUrl);
      if (known) for (const name of names) known.add(name);
      else asked.set(typeUrl, new Set(names));
      client.subscribe(typeUrl, names);
    }
    const late = await Promise.all(Array.from(next.keys(), (typeUrl) => answered(client, typeUrl, timeoutMs)));
    // A server that has not answered a name once will not answer it in the next round.
    unanswered.push(
      ...late.flat().filter((one) => !unanswered.some((two) => two.type === one.type && two.name === one.name)),
    );
    next = follow ? referred(client, asked) : new Map();
  }
  const missing = resourceTypes().flatMap((type) => {
    const names = asked.get(type.typeUrl);
    if (!names) return [];
    const { missing: absent, errors } = client.state(type.typeUrl);
    return [
      ...Array.from(absent, (name) => ({ type, name, reason: "the server has no resource of this name" })),
      ...Array.from(errors, ([name, { message }]) => ({ type, name, reason: printable(message) })),
    ];
  });
  return { resources: held(client), missing, unanswered };
}

/** gRPC statuses: the server cannot be reached, and it does not have the service, such as an HTTP server. */
const unavailable = 14;
const unimplemented = 12;

/** What to do if the connection fails, by the error messages of Node, OpenSSL and gRPC. */
const advice: readonly (readonly [says: RegExp, advice: string])[] = [
  [/ECONNREFUSED/, "nothing listens there; is the server running, and is this its port?"],
  [/Name resolution failed/, "is the host name correct?"],
  [
    /wrong version number|packet length too long/,
    "the server does not use TLS on this port; leave out the --tls options",
  ],
  [
    /certificate required|bad certificate|handshake failure/,
    "the server wants a client certificate; give --tls-cert and --tls-key",
  ],
  [/unknown ca/, "the server does not trust the authority of --tls-cert"],
  [/certificate (has expired|is not yet valid)/, "the server needs a new certificate"],
  [/ALTNAME_INVALID/, "give the name in the server's certificate with --tls-server-name"],
  [/certificate/, "give the server's authorities with --tls-ca"],
];

const adviceOn = (message: string): string =>
  advice.find(([says]) => says.test(message))?.[1] ??
  "does the server want TLS (--tls) or another client certificate? Is it a gRPC server?";

/**
 * The status with which a server ended a stream without answers, if it says anything. Some HTTP servers send it late.
 */
export function wordsAtEnd({ code, details }: EndStatus): string | undefined {
  return code <= cancelled ? undefined : `the server ended the stream with status ${code}: ${printable(details)}`;
}

/** The statuses up to this one say nothing here: OK, and CANCELLED, which is the client's own. */
const cancelled = 1;

/** What to check about a server that has not answered. */
export const adviceOnNoAnswer = (nodeId: string): string =>
  `check that the address is the gRPC port of an xDS server, and that it serves node ${JSON.stringify(nodeId)} (--node-id, --node-cluster)`;

/** Waits until a type is answered. Returns what was not answered. */
async function answered(client: XdsClient, typeUrl: string, timeoutMs: number): Promise<Unavailable[]> {
  try {
    await client.synced(typeUrl, ({ complete }) => complete, { timeoutMs });
    return [];
  } catch (error) {
    if (!(error instanceof XdsError)) throw error;
    const code = (error.cause as Partial<EndStatus> | undefined)?.code;
    if (code === unavailable) throw new XdsError(error.code, `${printable(error.message)}; ${adviceOn(error.message)}`);
    if (error.code !== "TIMED_OUT" && code !== unimplemented) throw error;
    const { names, resources, missing, wildcard, accepted, nacked } = client.state(typeUrl);
    const type = findResourceType(typeUrl) as ResourceType;
    const reason = nacked
      ? `the answer is invalid: ${printable(nacked.message)}`
      : code === unimplemented
        ? printable(error.message)
        : `no answer within ${timeoutMs / 1_000} s`;
    const open = [...names].filter((name) => !resources.has(name) && !missing.has(name));
    return [...open, ...(wildcard && accepted === 0 ? ["*"] : [])].map((name) => ({ type, name, reason }));
  }
}

/** The names that the fetched resources refer to and that were not requested yet. */
function referred(client: XdsClient, asked: ReadonlyMap<string, Set<string>>): Wanted {
  const next = new Map<string, string[]>();
  for (const resource of held(client))
    for (const { typeUrl, name } of referencesOf(resource)) {
      const known = asked.get(typeUrl);
      if (!findResourceType(typeUrl) || known?.has("*") || known?.has(name)) continue;
      if (isCollection(canonicalName(name)) && !name.startsWith("xdstp:")) continue;
      const names = next.get(typeUrl) ?? [];
      next.set(typeUrl, names);
      if (!names.includes(name)) names.push(name);
    }
  return next;
}

/** All resources that a client holds, in the order of {@link Fetched}. */
function held(client: XdsClient): Resource[] {
  return resourceTypes().flatMap(({ typeUrl }) =>
    Array.from(client.resources(typeUrl).values(), asResource).sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

const encoded = new WeakMap<ClientResource, Resource>();

/** A client's resource as a {@link Resource}, the form that is served. */
export function asResource(one: ClientResource): Resource {
  let resource = encoded.get(one);
  if (!resource) {
    const { typeUrl, name, version, body, aliases, ttlMs } = one;
    const options = { name, aliases, ...(version && { version }), ...(ttlMs && { ttlMs }) };
    resource = Resource.fromBytes(typeUrl, body, options);
    encoded.set(one, resource);
  }
  return resource;
}
