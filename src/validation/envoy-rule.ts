import type { FieldPath } from "../json/field-path.js";
import type { FindingCode } from "../resource/findings.js";
import type { WireMessage } from "./wire-message.js";

/** Receives what a rule finds. */
export interface Reporter {
  /** Whether messages must not quote values, because one of them may be a secret. */
  readonly hidesValues: boolean;
  /** Reports a finding. It counts from the time `since` on, in milliseconds since 1970. */
  readonly report: (code: FindingCode, message: string, at: FieldPath | undefined, since?: number) => void;
}

/** A rule of Envoy's code for messages of one type. It adds to the rules that the API has for their fields. */
export type EnvoyRule = (message: WireMessage, reporter: Reporter) => void;
