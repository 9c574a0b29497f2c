/** A problem at an offset of a text. */
export interface Fault {
  readonly at: number;
  /** The field, such as `resources[0].connect_timeout`; empty where no field is at fault. */
  readonly path: string;
  /** What was expected, what came, and what to do. */
  readonly message: string;
  /** Set if the broken rule concerns a part of an Envoy's own bootstrap that is not served. */
  readonly code?: "BOOTSTRAP";
}

/** A step from a document to a value in it: a field's name or a position in a list. */
export type PathStep = string | number;

/**
 * Formats a path as the user would write it, such as `resources[0].typed_per_filter_config["envoy.filters.http.lua"]`.
 */
export function formatPath(steps: readonly PathStep[]): string {
  let path = "";
  for (const step of steps) {
    if (typeof step === "number") path += `[${step}]`;
    else if (!/^@?\w+$/.test(step)) path += `[${JSON.stringify(step)}]`;
    else path += path === "" ? step : `.${step}`;
  }
  return path;
}
