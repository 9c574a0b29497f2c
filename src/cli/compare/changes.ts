import type { JsonObject } from "@bufbuild/protobuf";
import { printable } from "../../printable.js";
import type { Resource } from "../../resource/resource.js";
import { printedResource } from "../remote/printed-resource.js";
import { paint } from "../terminal/output.js";
import { type FieldChange, fieldChanges } from "./field-changes.js";

/** How one resource has changed. */
export interface ChangedResource {
  readonly type: string;
  readonly name: string;
  readonly change: "added" | "changed" | "removed";
  readonly before?: JsonObject;
  readonly after?: JsonObject;
  /** The changed fields, for `changed`. */
  readonly fields?: readonly FieldChange[];
  /** Set if something is different that is not shown, such as a secret. Then `fields` can be empty. */
  readonly hidden?: true;
}

/** Changes to the default behaviour of {@link changeOf}. */
export interface ComparisonRules {
  /** Picks the parts of two resources that are compared. By default everything that is shown is compared. */
  readonly compared?: ((before: JsonObject, after: JsonObject) => readonly [JsonObject, JsonObject]) | undefined;
  /** Whether something else than `fields` is different that is not shown. By default: whether secrets are different. */
  readonly hiddenDiffers?: ((before: Resource, after: Resource, fields: readonly FieldChange[]) => boolean) | undefined;
}

/** The change from one resource to another, or undefined if there is none. */
export function changeOf(
  before: Resource | undefined,
  after: Resource | undefined,
  withSecrets: boolean,
  { compared = (was, is) => [was, is], hiddenDiffers }: ComparisonRules = {},
): ChangedResource | undefined {
  const either = after ?? before;
  if (!either) return undefined;
  const of = { type: either.type.name, name: either.name };
  if (!before) return { ...of, change: "added", after: printedResource(either, withSecrets) };
  if (!after) return { ...of, change: "removed", before: printedResource(either, withSecrets) };
  const both = (secrets: boolean) => [printedResource(before, secrets), printedResource(after, secrets)] as const;
  const [was, is] = both(withSecrets);
  const fields = fieldChanges(...compared(was, is));
  const secretsDiffer = () =>
    !withSecrets &&
    !before.hasBodyOf(after) &&
    fieldChanges(...compared(...both(true))).some(({ path }) => !fields.some((shown) => isWithin(path, shown.path)));
  const hidden = hiddenDiffers?.(before, after, fields) ?? secretsDiffer();
  if (fields.length === 0 && !hidden) return undefined;
  return { ...of, change: "changed", before: was, after: is, fields, ...(hidden && { hidden }) };
}

/** Whether a field is `other` or inside of it. */
const isWithin = (path: string, other: string) => path.startsWith(other) && /^($|[.[])/.test(path.slice(other.length));

const signs = { added: "+", changed: "~", removed: "-" } as const;
const colours = { added: paint.good, changed: paint.warn, removed: paint.bad } as const;

/** Longer values are cut. */
const longestValue = 200;

/** A line for the resource, and below it one for each field. */
export function changeText({ type, name, change, fields = [], hidden }: ChangedResource): string {
  const head = colours[change](`${signs[change]} ${printable(type)} ${printable(name)}`);
  const lines = fields.map(({ path, before, after }) => {
    if (before === undefined) return `    ${printable(path)}: ${paint.good(`+ ${value(after)}`)}`;
    if (after === undefined) return `    ${printable(path)}: ${paint.bad(`- ${value(before)}`)}`;
    return `    ${printable(path)}: ${paint.bad(value(before))} → ${paint.good(value(after))}`;
  });
  if (hidden)
    lines.push(
      fields.length === 0
        ? "    only parts that are not shown, such as secrets, are different"
        : "    parts that are not shown, such as secrets, are different too",
    );
  return `${[head, ...lines].join("\n")}\n`;
}

function value(json: unknown): string {
  const text = printable(JSON.stringify(json));
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}
