/** How much a finding matters: Envoy refuses an error; a warning may be meant; an info is good to know. */
export type Severity = "error" | "warning" | "info";

/** Everything that validation can find, in one table, with its severity; in strict mode, the second one. */
export const findingTable = {
  /** The bytes are no message of their type: Envoy cannot read the resource. */
  UNDECODABLE: ["error", "error"],
  /** A value breaks a rule that the API has for its field (`validate.rules`). */
  FIELD_RULE: ["error", "error"],
  /** A field, or one of a group of fields, that the API requires is not set. */
  MISSING_FIELD: ["error", "error"],
  /** A deprecated field or value that Envoy refuses unless its runtime configuration allows it. */
  DISALLOWED: ["error", "error"],
  /** A rule of the API is broken that Envoy does not enforce: there, or since some version. */
  UNENFORCED: ["warning", "warning"],
  /** A deprecated field or value. */
  DEPRECATED: ["warning", "warning"],
  /** A field that this version of the API does not have. Envoy ignores it, or knows it if it is newer. */
  UNKNOWN_FIELD: ["warning", "error"],
  /** An Any of a type that this version of the API does not have, so that its content was not looked at. */
  UNKNOWN_TYPE: ["warning", "error"],
  /** A resource refers to another one that is not in the snapshot. */
  MISSING_TARGET: ["warning", "error"],
  /** The resource has a TTL, and Envoy crashes when it expires, if it came in SotW. */
  TTL_IN_SOTW: ["warning", "warning"],
  /** Nothing in the snapshot refers to a resource that is of use only to what refers to it. */
  UNREFERENCED: ["info", "info"],
} as const satisfies Record<string, readonly [Severity, Severity]>;

export type FindingCode = keyof typeof findingTable;

/** One thing that is wrong, or worth knowing, in a resource. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly typeUrl: string;
  /** The resource's name. */
  readonly resource: string;
  /**
   * The field, spelt as in the API, such as `filter_chains[0].filters[0].typed_config<TcpProxy>.stat_prefix`, where
   * angle brackets name the message in an Any; "": the whole resource.
   */
  readonly path: string;
  /** What is wrong with the field, in words that go after its path, such as `must be at least 1, is 0`. */
  readonly message: string;
}
