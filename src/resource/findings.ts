/**
 * How serious a finding is. Envoy refuses a resource with an error; a warning may be intended; an info is only useful
 * to know.
 */
export type Severity = "error" | "warning" | "info";

/** All codes of findings, each with its severity and its severity in strict mode. */
export const findingTable = {
  /** The bytes are not a message of their type. Envoy cannot read the resource. */
  UNDECODABLE: ["error", "error"],
  /** A value breaks its field's rule in the API (`validate.rules`). */
  FIELD_RULE: ["error", "error"],
  /** A field, or one of a group of fields, that the API requires is not set. */
  MISSING_FIELD: ["error", "error"],
  /** A deprecated field or value that Envoy refuses unless its runtime configuration allows it. */
  DISALLOWED: ["error", "error"],
  /** A value breaks a rule of the API that Envoy does not enforce in this place, or no longer enforces. */
  UNENFORCED: ["warning", "warning"],
  /** A deprecated field or value. */
  DEPRECATED: ["warning", "warning"],
  /** A field that this version of the API does not have. Envoy ignores the field, unless it is newer and knows it. */
  UNKNOWN_FIELD: ["warning", "error"],
  /** An Any of a type that this version of the API does not have. Its content was not checked. */
  UNKNOWN_TYPE: ["warning", "error"],
  /** An extension has a name but no configuration. Envoy finds extensions only by the type of their configuration. */
  MISSING_CONFIG: ["error", "error"],
  /** A terminal filter is not the last one of its chain, or the last filter is not terminal. */
  FILTER_ORDER: ["error", "error"],
  /** A domain occurs twice in a route configuration. */
  DUPLICATE_DOMAIN: ["error", "error"],
  /** A regular expression that RE2 refuses. */
  BAD_REGEX: ["error", "error"],
  /** A regular expression that is larger than Envoy accepts, unless its runtime configuration allows it. */
  LARGE_REGEX: ["warning", "warning"],
  /** Another rule of Envoy's code is broken, such as a limit on the number of endpoints, NaN, or two equal names. */
  ENVOY_RULE: ["error", "error"],
  /** A host name where Envoy accepts only an IP address. */
  NO_IP_ADDRESS: ["error", "error"],
  /** Two listeners have the same address. */
  ADDRESS_IN_USE: ["error", "error"],
  /** A certificate or a private key cannot be read, or the two do not match. */
  BAD_CERTIFICATE: ["error", "error"],
  /** A certificate is expired, or will be within 30 days. */
  EXPIRING_CERTIFICATE: ["warning", "warning"],
  /** A relative path of a file. Envoy reads such a path on its own machine. */
  RELATIVE_FILE: ["warning", "warning"],
  /** A resource refers to another one that is not in the snapshot. */
  MISSING_TARGET: ["warning", "error"],
  /** The resource has a TTL, and Envoy crashes when a resource of its type expires that came in SotW. */
  TTL_IN_SOTW: ["warning", "warning"],
  /** Nothing in the snapshot refers to this resource, and only references make its type useful. */
  UNREFERENCED: ["info", "info"],
} as const satisfies Record<string, readonly [Severity, Severity]>;

/** The code of a {@link Finding}: a row of {@link findingTable}. */
export type FindingCode = keyof typeof findingTable;

/** One problem of a resource, or one thing worth knowing about it. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly typeUrl: string;
  /** The resource's name. */
  readonly resource: string;
  /**
   * The field, spelt as in the API, such as `filter_chains[0].filters[0].typed_config<TcpProxy>.stat_prefix`. Angle
   * brackets give the message in an Any. "" stands for the whole resource.
   */
  readonly path: string;
  /** What is wrong with the field, as a predicate that follows the path, such as `must be at least 1, is 0`. */
  readonly message: string;
}
