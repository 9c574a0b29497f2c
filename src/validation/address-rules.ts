import { isIP } from "node:net";
import type { EnvoyRule, Reporter } from "./envoy-rule.js";
import type { WireMessage } from "./wire-message.js";

/** Values of envoy.config.cluster.v3.Cluster.DiscoveryType. */
const [staticType, logicalDnsType] = [0, 2];

/** Whether a cluster has a type, given by its number or by its name as an extension. */
const isOfType = (cluster: WireMessage, type: number, name: string) => {
  const custom = cluster.message("clusterType");
  return custom ? custom.text("name") === name && !custom.has("typedConfig") : cluster.number("type") === type;
};

/** Reports a `core.v3.Address` whose socket address is not an IP address, unless it has its own resolver. */
function checkIp(address: WireMessage | undefined, advice: string, reporter: Reporter): void {
  checkSocketIp(address?.message("socketAddress"), advice, reporter);
}

function checkSocketIp(socket: WireMessage | undefined, advice: string, { report }: Reporter): void {
  if (!socket || !["", "envoy.ip"].includes(socket.text("resolverName"))) return;
  if (socket.has("namedPort"))
    report("ENVOY_RULE", "must not be set for an IP address; write port_value", socket.path("namedPort"));
  const text = socket.text("address");
  // An empty address breaks a rule of its field, which is reported elsewhere.
  if (text === "" || isIP(text) !== 0) return;
  report("NO_IP_ADDRESS", `must be an IP address, is ${JSON.stringify(text)}; ${advice}`, socket.path("address"));
}

const ofEndpoint = "write one, or let a cluster of the type STRICT_DNS or LOGICAL_DNS resolve the name";
const ofListener = "write one; 0.0.0.0 and :: stand for all addresses of the machine";

function checkEndpoints(assignment: WireMessage, reporter: Reporter): void {
  for (const locality of assignment.messages("endpoints"))
    for (const one of locality.messages("lbEndpoints")) {
      const endpoint = one.message("endpoint");
      if (!endpoint) continue;
      checkIp(endpoint.message("address"), ofEndpoint, reporter);
      checkIp(endpoint.message("healthCheckConfig")?.message("address"), "write one", reporter);
      for (const other of endpoint.messages("additionalAddresses"))
        checkIp(other.message("address"), ofEndpoint, reporter);
    }
}

/** Clusters of other types resolve names, or ignore them. */
const cluster: EnvoyRule = (message, reporter) => {
  const bind = message.message("upstreamBindConfig");
  checkSocketIp(bind?.message("sourceAddress"), "write one", reporter);
  for (const extra of bind?.messages("extraSourceAddresses") ?? [])
    checkSocketIp(extra.message("address"), "write one", reporter);
  const assignment = message.message("loadAssignment");
  if (assignment && isOfType(message, staticType, "envoy.cluster.static")) checkEndpoints(assignment, reporter);
  if (isOfType(message, logicalDnsType, "envoy.cluster.logical_dns")) checkSingle(message, reporter);
};

/** Checks that a cluster of the type LOGICAL_DNS has exactly one endpoint. */
function checkSingle(message: WireMessage, { report }: Reporter): void {
  const assignment = message.message("loadAssignment");
  const localities = assignment?.messages("endpoints") ?? [];
  const [count, many] = [localities.flatMap((locality) => locality.messages("lbEndpoints")).length, localities.length];
  if (count === 1 && many === 1) return;
  const has = many > 1 ? `${count} in ${many} localities` : `${count}`;
  report(
    "ENVOY_RULE",
    `must have exactly one endpoint in a cluster of the type LOGICAL_DNS, has ${has}; STRICT_DNS takes any number`,
    assignment ? assignment.path("endpoints") : message.path("loadAssignment"),
  );
}

const admin: EnvoyRule = (message, reporter) => checkIp(message.message("address"), "write one", reporter);

/**
 * As a resource, an assignment is for clusters of the type EDS. An assignment inside a cluster is checked with the
 * cluster.
 */
const assignment: EnvoyRule = (message, reporter) => {
  if (!message.at) checkEndpoints(message, reporter);
};

const listener: EnvoyRule = (message, reporter) => {
  checkIp(message.message("address"), ofListener, reporter);
  for (const other of message.messages("additionalAddresses")) checkIp(other.message("address"), ofListener, reporter);
};

/** The rules for addresses, by the full name of the message. */
export const addressRules: readonly (readonly [string, EnvoyRule])[] = [
  ["envoy.config.cluster.v3.Cluster", cluster],
  ["envoy.config.endpoint.v3.ClusterLoadAssignment", assignment],
  ["envoy.config.listener.v3.Listener", listener],
  ["envoy.config.bootstrap.v3.Admin", admin],
];
