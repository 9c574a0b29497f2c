import type { JsonObject } from "@bufbuild/protobuf";
import { printable } from "../printable.js";
import type { Resource } from "../resource/resource.js";
import { type FieldChange, fieldChanges } from "./field-changes.js";
import { paint } from "./output.js";
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
  /** Of a changed one, where the difference is in nothing that is shown. */
  readonly hidden?: true;
}

/** In place of what {@link changeOf} does by itself. */
export interface Ways {
  /** What is compared of two, of what is shown of them; by default all. */
  readonly compared?: ((before: JsonObject, after: JsonObject) => readonly [JsonObject, JsonObject]) | undefined;
  /** Whether two are different where nothing that is shown of them is; by default, whether their secrets are. */
  readonly hiddenDiffers?: ((before: Resource, after: Resource) => boolean) | undefined;
}

/** undefined: they are the same. */
export function changeOf(
  before: Resource | undefined,
  after: Resource | undefined,
  withSecrets: boolean,
  { compared = (was, is) => [was, is], hiddenDiffers }: Ways = {},
): ChangedResource | undefined {
  const either = after ?? before;
  if (!either) return undefined;
  const of = { type: either.type.name, name: either.name };
  if (!before) return { ...of, change: "added", after: shownResource(either, withSecrets) };
  if (!after) return { ...of, change: "removed", before: shownResource(either, withSecrets) };
  const both = (secrets: boolean) => [shownResource(before, secrets), shownResource(after, secrets)] as const;
  const [was, is] = both(withSecrets);
  const fields = fieldChanges(...compared(was, is));
  const changed = { ...of, change: "changed", before: was, after: is, fields } as const;
  if (fields.length > 0) return changed;
  const secretsDiffer = () =>
    !withSecrets && !before.hasBodyOf(after) && fieldChanges(...compared(...both(true))).length > 0;
  return (hiddenDiffers?.(before, after) ?? secretsDiffer()) ? { ...changed, hidden: true } : undefined;
}

const signs = { added: "+", changed: "~", removed: "-" } as const;
const colours = { added: paint.good, changed: paint.warn, removed: paint.bad } as const;

/** Longer values help nobody to see what it is about. */
const longestValue = 200;

/** A line for the resource, and below it one for each field. */
export function changeText({ type, name, change, fields = [], hidden }: ChangedResource): string {
  const head = colours[change](`${signs[change]} ${printable(type)} ${printable(name)}`);
  const lines = fields.map(({ path, before, after }) => {
    if (before === undefined) return `    ${printable(path)}: ${paint.good(`+ ${value(after)}`)}`;
    if (after === undefined) return `    ${printable(path)}: ${paint.bad(`- ${value(before)}`)}`;
    return `    ${printable(path)}: ${paint.bad(value(before))} → ${paint.good(value(after))}`;
  });
  if (hidden) lines.push("    only what is not shown of it, such as secrets, is different");
  return `${[head, ...lines].join("\n")}\n`;
}

function value(json: unknown): string {
  const text = printable(JSON.stringify(json));
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}
