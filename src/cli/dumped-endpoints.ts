import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isObject, type Made, withMade } from "./with-made.js";

const never: Made = () => undefined;
const unless =
  (standard: JsonValue): Made =>
  (value) =>
    JSON.stringify(value) === JSON.stringify(standard) ? undefined : value;

/** A word of the API → what it is for an Envoy, which knows three states; the others are as they are. */
const health: Readonly<Record<string, string | undefined>> = {
  HEALTHY: undefined,
  DRAINING: "UNHEALTHY",
  TIMEOUT: "UNHEALTHY",
};
const millionths: Readonly<Record<string, number>> = { HUNDRED: 10_000, TEN_THOUSAND: 100, MILLION: 1 };

/**
 * What an Envoy's config dump makes of endpoints, by path, what is inside first: the dump has them as they are for the Envoy at the
 * moment, with defaults filled in, sorted by locality, and not with all fields. Tried with Envoy 1.40.
 */
const table: readonly (readonly [path: string, made: Made])[] = [
  ["endpoints.lb_endpoints.endpoint.health_check_config.disable_active_health_check", never],
  ["endpoints.lb_endpoints.endpoint.health_check_config", unless({})],
  ["endpoints.lb_endpoints.health_status", (word) => (String(word) in health ? health[String(word)] : word)],
  ["endpoints.lb_endpoints.load_balancing_weight", unless(1)],
  ["endpoints.locality", unless({})],
  ["endpoints.metadata", never],
  ["endpoints.proximity", never],
  ["endpoints", byLocality],
  ["policy.drop_overloads.drop_percentage", inMillionths],
  ["policy.endpoint_stale_after", never],
  ["policy.weighted_priority_health", never],
  ["policy.overprovisioning_factor", unless(140)],
  ["policy", unless({})],
];

/**
 * A `ClusterLoadAssignment`, in JSON with fields as the API spells them, in the form in which one that an Envoy was told and the one of
 * its config dump are the same.
 */
export function asDumped(assignment: JsonObject): JsonObject {
  return table.reduce((json, [path, made]) => withMade(json, path.split("."), made) as JsonObject, assignment);
}

/** One element for each priority and locality that has endpoints, in the order of these. */
function byLocality(list: JsonValue): JsonValue {
  const groups = new Map<string, JsonObject>();
  for (const element of asList(list).filter(isObject)) {
    const { priority = 0, locality = {}, lb_endpoints = [] } = element;
    if (asList(lb_endpoints).length === 0) continue;
    const key = `${String(priority).padStart(3)} ${JSON.stringify(locality)}`;
    const before = groups.get(key);
    groups.set(key, {
      ...before,
      ...element,
      lb_endpoints: [...asList(before?.lb_endpoints), ...asList(lb_endpoints)],
    });
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, element]) => element);
}

function inMillionths(fraction: JsonValue): JsonValue {
  if (!isObject(fraction)) return fraction;
  const { numerator = 0, denominator = "HUNDRED" } = fraction;
  return { numerator: Number(numerator) * (millionths[String(denominator)] ?? 1), denominator: "MILLION" };
}

const asList = (json: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(json) ? json : []);
