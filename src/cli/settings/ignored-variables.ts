import { nearest } from "../../nearest.js";
import { settings, variableOf } from "./settings.js";
import { passwordVariable } from "./store-options.js";

const prefix = "XDS_";

/** Those that no row of the settings of `xds serve` has. */
const others = [
  "XDS_CONFIG",
  "XDS_PATHS",
  "XDS_SERVER",
  "XDS_ADMIN",
  "XDS_STATE_DIR",
  "XDS_TOKEN_FILE",
  passwordVariable,
];

/**
 * Returns a line for each variable `XDS_…` that belongs to no option. Variables that Kubernetes sets for a Service
 * whose name begins with "xds" are left out.
 */
export function ignoredVariables(environment: NodeJS.ProcessEnv): string[] {
  const known = new Set([...Object.values(settings).map(variableOf), ...others]);
  const names = Array.from(known, (name) => name.slice(prefix.length));
  return Object.entries(environment).flatMap(([name, value = ""]) => {
    if (!name.startsWith(prefix) || known.has(name) || isOfService(name, value)) return [];
    const meant = nearest(name.slice(prefix.length), names);
    return `${name} in the environment is ignored: no option has this name${meant ? `; did you mean ${prefix}${meant}?` : ""}`;
  });
}

/** https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables */
const isOfService = (name: string, value: string) =>
  /_SERVICE_(HOST|PORT(_.+)?)$|_PORT_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?$/.test(name) || /^(tcp|udp|sctp):\/\//.test(value);
