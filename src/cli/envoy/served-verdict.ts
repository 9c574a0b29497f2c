import { messageOf } from "../../errors.js";
import type { ConfigurationFinding } from "../../serving/findings.js";
import type { GoodReading } from "../../source/reading/source.js";
import { EnvoyValidator, mostRefused, type Remark } from "./verdict.js";

/**
 * Asks an Envoy about each configuration before it is served. Its refusals are errors. When it does not run, or not in
 * time, that is a warning.
 * @throws XdsError INVALID_OPTION for a program that is no Envoy
 */
export async function envoyVerdict(
  binary: string,
): Promise<(reading: GoodReading) => Promise<readonly ConfigurationFinding[]>> {
  const validator = await EnvoyValidator.find(binary);
  return async (reading) => {
    try {
      const { refused, isPartial } = await validator.ask(reading.configuration);
      const findings = refused.map((remark) => finding(remark, reading));
      if (!isPartial) return findings;
      const message = `Envoy refused ${mostRefused} resources and was not asked about the others; mend these first`;
      return [...findings, { file: binary, severity: "warning", code: "BOOTSTRAP", path: "", message }];
    } catch (error) {
      const message = `this Envoy could not be asked about the change, which is served all the same: ${messageOf(error)}`;
      return [{ file: binary, severity: "warning", code: "BOOTSTRAP", path: "", message }];
    }
  };
}

function finding({ of, message }: Remark, { places }: GoodReading): ConfigurationFinding {
  const place = places.get(of) ?? { file: "" };
  const words = `Envoy refuses it: ${message}`;
  return {
    ...place,
    severity: "error",
    code: "ENVOY_RULE",
    type: of.type.name,
    resource: of.name,
    path: "",
    message: words,
  };
}
