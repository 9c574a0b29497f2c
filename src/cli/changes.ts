import type { JsonObject } from "@bufbuild/protobuf";
import type { Resource } from "../resource/resource.js";
import { type FieldChange, fieldChanges } from "./field-changes.js";
import { paint, printable } from "./output.js";
import { shownResource } from "./shown.js";

/** What has become of one resource. */
export interface ChangedResource {
  readonly type: string;
  readonly name: string;
  readonly change: "added" | "changed" | "removed";
  readonly before?: JsonObject;
  readonly after?: JsonObject;
  /** Of a changed one. */
  readonly fields?: readonly FieldChange[];
}

/** undefined: they are the same, as far as is shown. */
export function changeOf(
  before: Resource | undefined,
  after: Resource | undefined,
  withSecrets: boolean,
): ChangedResource | undefined {
  const either = after ?? before;
  if (!either) return undefined;
  const of = { type: either.type.name, name: either.name };
  const [was, is] = [before, after].map((one) => one && shownResource(one, withSecrets));
  if (!was) return is && { ...of, change: "added", after: is };
  if (!is) return { ...of, change: "removed", before: was };
  const fields = fieldChanges(was, is);
  return fields.length > 0 ? { ...of, change: "changed", before: was, after: is, fields } : undefined;
}

const signs = { added: "+", changed: "~", removed: "-" } as const;
const colours = { added: paint.good, changed: paint.warn, removed: paint.bad } as const;

/** Longer values help nobody to see what it is about. */
const longestValue = 200;

/** A line for the resource, and below it one for each field. */
export function changeText({ type, name, change, fields = [] }: ChangedResource): string {
  const head = colours[change](`${signs[change]} ${type} ${printable(name)}`);
  const lines = fields.map(({ path, before, after }) => {
    if (before === undefined) return `    ${path}: ${paint.good(`+ ${value(after)}`)}`;
    if (after === undefined) return `    ${path}: ${paint.bad(`- ${value(before)}`)}`;
    return `    ${path}: ${paint.bad(value(before))} → ${paint.good(value(after))}`;
  });
  return `${[head, ...lines].join("\n")}\n`;
}

function value(json: unknown): string {
  const text = printable(JSON.stringify(json));
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}
