import { create, type DescField, type DescMessage, type DescOneof, type Message, toBinary } from "@bufbuild/protobuf";
import { XdsError } from "../errors.js";

/**
 * The bytes of a message of this type, which may have been made with the schema of another version of the API.
 * @throws XdsError INVALID_RESOURCE for a field that this version does not have, which would be lost; Error for a value that is
 * not of its field's type
 */
export function encodeMessage(desc: DescMessage, message: Message): Uint8Array {
  return toBinary(desc, fitted(desc, message));
}

type Fields = Readonly<Record<string, unknown>>;

/** The message as this version's schema would have made it: itself, or a copy that has what it lacks. */
function fitted(desc: DescMessage, message: Message): Message {
  const shape = shapeOf(desc);
  const fields = message as unknown as Fields;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    const member = shape.members.get(key);
    const fittedValue = member ? fittedMember(desc, member, value) : value;
    if (!member && key[0] !== "$" && isSet(value)) throw unknown(desc, key);
    if (fittedValue !== value) {
      copy ??= { ...fields };
      copy[key] = fittedValue;
    }
  }
  for (const [key, zero] of shape.zeros) {
    if (key in fields) continue;
    copy ??= { ...fields };
    copy[key] = zero;
  }
  return (copy as unknown as Message) ?? message;
}

function fittedMember(desc: DescMessage, member: DescField | DescOneof, value: unknown): unknown {
  if (member.kind === "oneof") {
    const chosen = value as { case?: string; value?: unknown };
    if (chosen.case === undefined) return value;
    const field = member.fields.find(({ localName }) => localName === chosen.case);
    if (!field) throw unknown(desc, chosen.case);
    const inner = field.message ? fittedValue(field.message, chosen.value) : chosen.value;
    return inner === chosen.value ? value : { case: chosen.case, value: inner };
  }
  const inner = member.message;
  if (!inner || typeof value !== "object" || value === null) return value;
  switch (member.fieldKind) {
    case "message":
      return fittedValue(inner, value);
    case "list": {
      const items = value as unknown[];
      const fittedItems = items.map((item) => fittedValue(inner, item));
      return fittedItems.some((item, index) => item !== items[index]) ? fittedItems : value;
    }
    case "map": {
      const entries = Object.entries(value).map(([key, item]) => [key, item, fittedValue(inner, item)] as const);
      if (entries.every(([, item, fittedItem]) => item === fittedItem)) return value;
      return Object.fromEntries(entries.map(([key, , fittedItem]) => [key, fittedItem]));
    }
    default:
      return value;
  }
}

/** Of a wrapper and a Struct, the value is no message. */
const fittedValue = (desc: DescMessage, value: unknown) =>
  typeof value === "object" && value !== null && "$typeName" in value ? fitted(desc, value as Message) : value;

interface Shape {
  readonly members: ReadonlyMap<string, DescField | DescOneof>;
  /** What a new message has, by key. */
  readonly zeros: readonly (readonly [key: string, zero: unknown])[];
}

const shapes = new WeakMap<DescMessage, Shape>();

function shapeOf(desc: DescMessage): Shape {
  let shape = shapes.get(desc);
  if (!shape) {
    const zeros = Object.entries(create(desc)).filter(([key]) => key !== "$typeName");
    shape = { members: new Map(desc.members.map((member) => [member.localName, member])), zeros };
    shapes.set(desc, shape);
  }
  return shape;
}

/** Whether a value of a field of unknown kind is another than that of a new message. */
function isSet(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Boolean(value);
  if ("case" in value && !("$typeName" in value)) return value.case !== undefined; // a oneof
  return Object.keys(value).length > 0;
}

const unknown = (desc: DescMessage, key: string) =>
  new XdsError(
    "INVALID_RESOURCE",
    `${desc.typeName} has no field ${key} in the Envoy API in use, so it would be lost; useEnvoyApi() takes a newer one ` +
      "(xds: --envoy or --descriptors), an Any with the encoded message is served as it is",
  );
