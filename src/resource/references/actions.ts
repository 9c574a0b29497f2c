import { type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Any, anyUnpack, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { anyName } from "../../json/any-content.js";
import { FieldPath } from "../../json/field-path.js";

/** A name in an action, and the path of the message with the name. */
export interface ActionName {
  readonly name: string;
  readonly at: FieldPath;
}

/**
 * Returns the names in the actions of an xds.type.matcher.v3.Matcher. Each is a google.protobuf.StringValue.
 * @throws Error for bytes that are not such a message
 */
export function actionNames(matcher: DescMessage, bytes: Uint8Array, at: FieldPath): ActionName[] {
  const names: ActionName[] = [];
  collect(reflect(matcher, fromBinary(matcher, bytes)), at, false, names);
  return names;
}

function collect(message: ReflectMessage, at: FieldPath, inAction: boolean, names: ActionName[]): void {
  if (message.desc.typeName === anyName) {
    // Inputs and custom matchers contain an Any too, but no name.
    const value = inAction ? anyUnpack(message.message as Message as Any, StringValueSchema) : undefined;
    if (value) names.push({ name: value.value, at: at.typed(StringValueSchema.name) });
    return;
  }
  for (const field of message.fields) {
    if (!field.message || !message.isSet(field)) continue;
    const inner = (element: unknown, index?: number | string) =>
      collect(
        element as ReflectMessage,
        FieldPath.field(at, field.name, index),
        inAction || (message.desc.typeName === onMatch && field.name === "action"),
        names,
      );
    if (field.fieldKind === "list")
      Array.from(message.get(field)).forEach((element, index) => void inner(element, index));
    else if (field.fieldKind === "map") for (const [key, element] of message.get(field)) inner(element, String(key));
    else inner(message.get(field));
  }
}

const onMatch = "xds.type.matcher.v3.Matcher.OnMatch";
