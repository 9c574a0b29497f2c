import { messageOf } from "../../errors.js";
import type { Resource } from "../../resource/resource.js";
import type { ConfigurationFinding } from "../../serving/findings.js";
import type { GoodReading } from "../../source/reading/source.js";
import { EnvoyValidator } from "./verdict.js";

/**
 * Asks an Envoy about each configuration before it is served. Its refusals are errors. When it does not run, or not in
 * time, or crashes on a resource, that is a warning.
 * @throws XdsError INVALID_OPTION for a program that is no Envoy
 */
export async function envoyVerdict(
  binary: string,
): Promise<(reading: GoodReading) => Promise<readonly ConfigurationFinding[]>> {
  const validator = await EnvoyValidator.find(binary);
  return async (reading) => {
    try {
      const { refused, crashed, partly } = await validator.ask(reading.configuration);
      const findings = [
        ...refused.map(({ of, message }) => finding(of, reading, "error", `Envoy refuses it: ${message}`)),
        ...crashed.map(({ of, message }) => finding(of, reading, "warning", `${message}; it is served all the same`)),
      ];
      if (partly === undefined) return findings;
      return [...findings, { file: binary, severity: "warning", code: "BOOTSTRAP", path: "", message: partly }];
    } catch (error) {
      const message = `this Envoy could not be asked about the change, which is served all the same: ${messageOf(error)}`;
      return [{ file: binary, severity: "warning", code: "BOOTSTRAP", path: "", message }];
    }
  };
}

function finding(
  of: Resource,
  { places }: GoodReading,
  severity: "error" | "warning",
  message: string,
): ConfigurationFinding {
  const place = places.get(of) ?? { file: "" };
  return {
    ...place,
    severity,
    code: "ENVOY_RULE",
    type: of.type.name,
    resource: of.name,
    path: "",
    message,
  };
}
