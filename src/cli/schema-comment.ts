import type { DescEnum, DescEnumValue, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { printableLines } from "../printable.js";

type Commented = DescMessage | DescEnum | DescField | DescEnumValue;

// The numbers of the lists in descriptor.proto in which something is declared.
const fileLists = { message: 4, enum: 5 };
const messageLists = { field: 2, message: 3, enum: 4 };
const enumValues = 2;

/** The comment before a declaration, or behind it; "" where the descriptors have none, as those in an Envoy. */
export function commentOf(desc: Commented): string {
  const file = desc.kind === "message" || desc.kind === "enum" ? desc.file : desc.parent.file;
  const comments = commentsIn(file);
  return comments.size === 0 ? "" : (comments.get(pathOf(desc).join(" ")) ?? "");
}

/** Where it stands in its file's descriptor: the numbers and indexes from the outside in. */
function pathOf(desc: Commented): number[] {
  const { proto, parent, kind } = desc;
  switch (kind) {
    case "field":
      return [...pathOf(desc.parent), messageLists.field, desc.parent.proto.field.indexOf(desc.proto)];
    case "enum_value":
      return [...pathOf(desc.parent), enumValues, desc.parent.proto.value.indexOf(desc.proto)];
    case "message": {
      const list = parent ? parent.proto.nestedType : desc.file.proto.messageType;
      return [...(parent ? pathOf(parent) : []), (parent ? messageLists : fileLists).message, list.indexOf(proto)];
    }
    case "enum": {
      const list = parent ? parent.proto.enumType : desc.file.proto.enumType;
      return [...(parent ? pathOf(parent) : []), (parent ? messageLists : fileLists).enum, list.indexOf(proto)];
    }
  }
}

const known = new WeakMap<DescFile, ReadonlyMap<string, string>>();

function commentsIn(file: DescFile): ReadonlyMap<string, string> {
  let comments = known.get(file);
  if (!comments) {
    const locations = file.proto.sourceCodeInfo?.location ?? [];
    const lines = (text: string) => printableLines(text).replace(/^ /gm, "").trimEnd();
    comments = new Map(
      locations.flatMap(({ path, leadingComments, trailingComments }) => {
        const text = lines(leadingComments) || lines(trailingComments);
        return text === "" ? [] : [[path.join(" "), text] as const];
      }),
    );
    known.set(file, comments);
  }
  return comments;
}
