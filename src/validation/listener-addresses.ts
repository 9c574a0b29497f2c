import { isIPv6 } from "node:net";
import { allAtOnce, type InSteps } from "../in-turns.js";
import { schemaOf } from "../json/any-content.js";
import { FieldPath } from "../json/field-path.js";
import type { GraphProblem } from "../resource/references/graph.js";
import type { Resource } from "../resource/resource.js";
import type { Snapshot } from "../resource/snapshot.js";
import { listenerType } from "../resource/types.js";
import { WireMessage } from "./wire-message.js";

/** An address of a listener that no other listener may have. */
export interface AddressClaim {
  /** The same for all spellings of an address. */
  readonly key: string;
  /** The address as messages show it. */
  readonly shown: string;
  readonly path: string;
}

const known = new WeakMap<Resource, readonly AddressClaim[]>();

/**
 * Finds the listeners of a snapshot with an address that an earlier listener already has. Envoy always refuses them.
 *
 * A wildcard address differs from the addresses that it covers. TCP and UDP differ, and so do equal addresses in two
 * network namespaces.
 */
export function checkAddresses(snapshot: Snapshot): GraphProblem[] {
  return allAtOnce(checkingAddresses(snapshot));
}

/** {@link checkAddresses} in steps. */
export function* checkingAddresses(snapshot: Snapshot): InSteps<GraphProblem[]> {
  const problems: GraphProblem[] = [];
  const claimed = new Map<string, Resource>();
  for (const resource of snapshot.resources(listenerType).values()) {
    yield;
    for (const { key, shown, path } of claimsOf(resource)) {
      const other = claimed.get(key) ?? resource;
      claimed.set(key, other);
      if (other === resource) continue;
      const message = `is ${shown}, which is an address of listener ${JSON.stringify(other.name)} too; Envoy takes only one of them`;
      problems.push({ resource, code: "ADDRESS_IN_USE", path, message });
    }
  }
  return problems;
}

/** The addresses of a listener. They are found once for each resource. */
export function claimsOf(resource: Resource): readonly AddressClaim[] {
  const claims = known.get(resource) ?? [...claimsIn(resource)];
  known.set(resource, claims);
  return claims;
}

/** Notes the addresses of a listener that another thread has found. So this thread need not load the API for them. */
export function knowClaims(resource: Resource, claims: readonly AddressClaim[]): void {
  known.set(resource, claims);
}

function* claimsIn({ name, type, body, error }: Resource): Iterable<AddressClaim> {
  const schema = schemaOf(type.typeUrl, type.api.registry);
  // Listeners with xdstp names may be for different Envoys: each subscribes to its own.
  if (!schema || error || name.startsWith("xdstp:")) return;
  const listener = new WireMessage(schema, body, undefined);
  if (listener.has("apiListener")) return;
  const own = listener.message("address");
  const others = listener.messages("additionalAddresses").map((other) => other.message("address"));
  for (const address of [own, ...others]) {
    const claim = address && claimOf(address, isBound(listener));
    if (claim) yield claim;
  }
}

/** The value of `bind_to_port`, which is true by default. */
function isBound(listener: WireMessage): boolean {
  return listener.message("bindToPort")?.number("value") !== 0;
}

function claimOf(address: WireMessage, bound: boolean): AddressClaim | undefined {
  const path = String(address.at ?? FieldPath.field(undefined, "address"));
  const pipe = address.message("pipe")?.text("path");
  if (pipe) return { key: `pipe ${pipe}`, shown: JSON.stringify(pipe), path };
  const socket = address.message("socketAddress");
  if (!socket || socket.has("resolverName") || socket.has("namedPort")) return undefined;
  const [ip, port] = [socket.text("address"), socket.number("portValue")];
  // The system chooses a different port for each listener.
  if (port === 0 && bound) return undefined;
  const protocol = socket.number("protocol") === 0 ? "TCP" : "UDP";
  const shown = `${protocol} ${isIPv6(ip) ? `[${ip}]` : ip}:${port}`;
  return { key: `${protocol} ${canonical(ip)} ${port} ${socket.text("networkNamespaceFilepath")}`, shown, path };
}

/** Returns one spelling for all spellings of an IPv6 address. An address with a zone is not changed. */
const canonical = (ip: string) => (isIPv6(ip) && !ip.includes("%") ? new URL(`http://[${ip}]`).hostname : ip);
