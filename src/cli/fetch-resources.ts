import type { EndStatus } from "../client/grpc.js";
import type { ClientResource } from "../client/resource.js";
import type { XdsClient } from "../client/xds-client.js";
import { XdsError } from "../errors.js";
import { printable } from "../printable.js";
import { canonicalName } from "../resource/names.js";
import { isCollection, referencesOf } from "../resource/references.js";
import { Resource } from "../resource/resource.js";
import { findResourceType, type ResourceType, resourceTypes } from "../resource/types.js";

/** What is asked for: names, or `*`, by type URL. */
export type Wanted = ReadonlyMap<string, readonly string[]>;

export interface Fetched {
  /** In the order of the table of types, and by name: some servers send them in another order each time. */
  readonly resources: readonly Resource[];
  /** What the server has said that it does not have, or cannot give, and why. */
  readonly missing: readonly Unavailable[];
  /** What it has not answered in time. */
  readonly unanswered: readonly Unavailable[];
}

export interface Unavailable {
  readonly type: ResourceType;
  readonly name: string;
  readonly reason: string;
}

/** More rounds of references than this no configuration has. */
const mostRounds = 20;

/**
 * Asks once for resources, and with `follow` for all that they refer to. What is not answered within the time is told; what came
 * is given.
 * @throws XdsError STREAM_ENDED when the server cannot be reached or ends the stream
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
    // Who has not answered once will not the next time.
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
      ...Array.from(absent, (name) => ({ type, name, reason: "the server has none of this name" })),
      ...Array.from(errors, ([name, { message }]) => ({ type, name, reason: printable(message) })),
    ];
  });
  return { resources: held(client), missing, unanswered };
}

/** The gRPC status of a server that cannot be reached. */
const unavailable = 14;

/** What to do about a connection that there is not, by what Node, OpenSSL and gRPC say of it. */
const advice: readonly (readonly [says: RegExp, advice: string])[] = [
  [/ECONNREFUSED/, "nothing listens there: is the server running, and on this port?"],
  [/Name resolution failed/, "is the host's name right?"],
  [
    /wrong version number|packet length too long/,
    "the server speaks no TLS there; leave out --tls and what belongs to it",
  ],
  [
    /certificate required|bad certificate|handshake failure/,
    "it wants a certificate of the client: --tls-cert and --tls-key",
  ],
  [/unknown ca/, "it does not trust the authority of --tls-cert"],
  [/certificate (has expired|is not yet valid)/, "a client cannot help that"],
  [/ALTNAME_INVALID/, "--tls-server-name says by which name to know it"],
  [/certificate/, "--tls-ca says which authorities to trust"],
];

const adviceOn = (message: string): string =>
  advice.find(([says]) => says.test(message))?.[1] ??
  "does the server want TLS (--tls), or another client certificate, or is it no gRPC server?";

/** Waits until a type is answered; gives what is not. */
async function answered(client: XdsClient, typeUrl: string, timeoutMs: number): Promise<Unavailable[]> {
  try {
    await client.synced(typeUrl, ({ complete }) => complete, { timeoutMs });
    return [];
  } catch (error) {
    if (!(error instanceof XdsError)) throw error;
    if ((error.cause as Partial<EndStatus> | undefined)?.code === unavailable)
      throw new XdsError(error.code, `${printable(error.message)}; ${adviceOn(error.message)}`);
    if (error.code !== "TIMED_OUT") throw error;
    const { names, resources, missing, wildcard, accepted, nacked } = client.state(typeUrl);
    const type = findResourceType(typeUrl) as ResourceType;
    const reason = nacked ? `the answer could not be taken: ${printable(nacked.message)}` : "no answer in time";
    const open = [...names].filter((name) => !resources.has(name) && !missing.has(name));
    return [...open, ...(wildcard && accepted === 0 ? ["*"] : [])].map((name) => ({ type, name, reason }));
  }
}

/** The names that what is held refers to and that were not asked for yet. */
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

/** All that a client holds, as resources, in the order of {@link Fetched}. */
function held(client: XdsClient): Resource[] {
  return resourceTypes().flatMap(({ typeUrl }) =>
    Array.from(client.resources(typeUrl).values(), asResource).sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

const encoded = new WeakMap<ClientResource, Resource>();

/** What a client holds, as a resource like those that are served. */
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
