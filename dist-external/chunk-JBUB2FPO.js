import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  wireTypeOf
} from "./chunk-XDPTIA73.js";
import {
  WireReader,
  mustEndAt
} from "./chunk-IKJYNGYW.js";

// dist/wire/message-parts.js
import { WireType } from "@bufbuild/protobuf/wire";
function tooManyParts(schema, bytes, most) {
  const reader = new WireReader(bytes);
  let { messages, fields } = most;
  const isFine = (of, end, depth) => {
    if (depth > deepest)
      throw new Error(`its messages are nested more than ${deepest} levels deep`);
    const parts = partsOf(of);
    while (reader.pos < end) {
      if (fields < 0 || messages < 0)
        return false;
      const [number, wireType] = reader.tag();
      fields--;
      const part = parts.get(number);
      if (!part) {
        if (of.kind === "field")
          throw new Error(`an entry of a map in it has a field ${number}`);
        reader.skip(wireType, number);
      } else if (part.isPackable && wireType === WireType.LengthDelimited) {
        const valueEnd = reader.valueEnd(end);
        fields -= valueEnd - reader.pos;
        passPacked(reader, part.wireType, valueEnd);
      } else if (wireType !== part.wireType)
        throw new Error(`field ${number} in it has the wire type ${wireType}`);
      else if (!part.of)
        reader.skip(wireType, number);
      else {
        messages--;
        if (!isFine(part.of, reader.valueEnd(end), depth + 1))
          return false;
      }
    }
    mustEndAt(reader, end);
    return fields >= 0 && messages >= 0;
  };
  if (isFine(schema, reader.len, 0))
    return void 0;
  return messages < 0 ? "messages" : "fields";
}
function passPacked(reader, wireType, end) {
  const length = end - reader.pos;
  const isWhole = wireType === WireType.Bit64 ? length % 8 === 0 : wireType === WireType.Bit32 ? length % 4 === 0 : length === 0 || reader.all[end - 1] < 128;
  if (!isWhole)
    throw new RangeError("a packed list in it ends in the middle of a number");
  reader.pos = end;
}
var deepest = 100;
var known = /* @__PURE__ */ new WeakMap();
function partsOf(of) {
  let parts = known.get(of);
  if (!parts) {
    parts = new Map(of.kind === "field" ? partsOfEntry(of) : of.fields.map((field) => [field.number, partOf(field)]));
    known.set(of, parts);
  }
  return parts;
}
function partsOfEntry(field) {
  if (field.fieldKind !== "map")
    return [];
  const key = { wireType: wireTypeOf(field.mapKey), isPackable: false };
  return [
    [1, key],
    [2, valuePart(field)]
  ];
}
function partOf(field) {
  if (field.fieldKind === "map")
    return { wireType: WireType.LengthDelimited, of: field, isPackable: false };
  const part = valuePart(field);
  return { ...part, isPackable: field.fieldKind === "list" && part.wireType !== WireType.LengthDelimited };
}
function valuePart({ message, scalar }) {
  if (message)
    return { wireType: WireType.LengthDelimited, of: message, isPackable: false };
  return { wireType: scalar === void 0 ? WireType.Varint : wireTypeOf(scalar), isPackable: false };
}

export {
  tooManyParts
};
