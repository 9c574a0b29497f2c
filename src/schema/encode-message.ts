import { create, type DescField, type DescMessage, type DescOneof, type Message, toBinary } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { XdsError } from "../errors.js";

/**
 * Encodes a message of this type. The message may have been made with the schema of another version of the API.
 * @throws XdsError INVALID_RESOURCE for a field that this version does not have and that would be lost, and
 * for a plain object in place of a message; Error for another value that does not have its field's type
 */
export function encodeMessage(desc: DescMessage, message: Message): Uint8Array {
  return toBinary(desc, fitted(desc, message));
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The message as this version's schema would have made it: the message itself, or a copy with the missing fields added.
 */
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
    const inner = field.message ? fittedValue(field.message, chosen.value, field) : chosen.value;
    return inner === chosen.value ? value : { case: chosen.case, value: inner };
  }
  const inner = member.message;
  if (!inner || value === undefined || value === null) return value;
  switch (member.fieldKind) {
    case "message":
      return fittedValue(inner, value, member);
    case "list": {
      if (!Array.isArray(value)) return value;
      const fittedItems = value.map((item: unknown) => fittedValue(inner, item, member));
      return fittedItems.some((item, index) => item !== value[index]) ? fittedItems : value;
    }
    case "map": {
      const entries = Object.entries(value).map(
        ([key, item]) => [key, item, fittedValue(inner, item, member)] as const,
      );
      if (entries.every(([, item, fittedItem]) => item === fittedItem)) return value;
      return Object.fromEntries(entries.map(([key, , fittedItem]) => [key, fittedItem]));
    }
    default:
      return value;
  }
}

/** A wrapper's or a Struct's field may hold a plain value instead of a message. It is returned as it is. */
function fittedValue(desc: DescMessage, value: unknown, field: DescField): unknown {
  if (typeof value === "object" && value !== null && "$typeName" in value) return fitted(desc, value as Message);
  if (value === undefined || value === null || desc.typeName === "google.protobuf.Struct" || isWrapperDesc(desc))
    return value; // of a wrapper and a Struct, the value is no message
  const schema = `${desc.typeName.slice(desc.file.proto.package.length + 1).replaceAll(".", "_")}Schema`;
  throw new XdsError(
    "INVALID_RESOURCE",
    `${field.parent.typeName}.${field.name} is not a message (${desc.typeName}); make it with create(${schema}, …)`,
  );
}

interface Shape {
  readonly members: ReadonlyMap<string, DescField | DescOneof>;
  /** The fields of a new message, with their values. */
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

/** Whether a value of an unknown field differs from the value in a new message. */
function isSet(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Boolean(value);
  if ("case" in value && !("$typeName" in value)) return value.case !== undefined; // a oneof
  return Object.keys(value).length > 0;
}

const unknown = (desc: DescMessage, key: string) =>
  new XdsError(
    "INVALID_RESOURCE",
    `${desc.typeName} has no field ${key} in the Envoy API in use, so its value would be lost; useEnvoyApi() or an XdsApi takes a newer API ` +
      "(xds: --envoy or --descriptors), and an Any with the encoded message is served unchanged",
  );
