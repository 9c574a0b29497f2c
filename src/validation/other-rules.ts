import type { EnvoyRule } from "./envoy-rule.js";

/** Makes a rule for percentages. The API's own rule for their range lets NaN pass, but Envoy's code refuses it. */
const percentages =
  (...fields: readonly string[]): EnvoyRule =>
  (message, { report }) => {
    for (const field of fields)
      if (Number.isNaN(message.message(field)?.double("value")))
        report("ENVOY_RULE", "must be a number from 0 to 100, is NaN", message.path(field));
  };

/** Each layer must have its own name. */
const layers: EnvoyRule = (message, { report }) => {
  const seen = new Set<string>();
  for (const layer of message.messages("layers")) {
    const name = layer.text("name");
    if (seen.has(name))
      report(
        "ENVOY_RULE",
        `must differ from the other layers' names, is ${JSON.stringify(name)} again`,
        layer.path("name"),
      );
    seen.add(name);
  }
};

const cluster = "envoy.config.cluster.v3.Cluster";

/** Further rules, by the full name of the message. */
export const otherRules: readonly (readonly [string, EnvoyRule])[] = [
  [`${cluster}.CommonLbConfig`, percentages("healthyPanicThreshold")],
  [`${cluster}.CommonLbConfig.ZoneAwareLbConfig`, percentages("routingEnabled")],
  [`${cluster}.SlowStartConfig`, percentages("minWeightPercent")],
  ["envoy.config.bootstrap.v3.LayeredRuntime", layers],
];
