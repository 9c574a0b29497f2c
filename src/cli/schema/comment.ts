import { readFileSync } from "node:fs";
import type { DescEnum, DescEnumValue, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { packageRoot } from "../../package-root.js";
import { printableLines } from "../../printable.js";

type Commented = DescMessage | DescEnum | DescField | DescEnumValue;

// Field numbers in descriptor.proto of the lists of declarations.
const fileLists = { message: 4, enum: 5 };
const messageLists = { field: 2, message: 3, enum: 4 };
const enumValues = 2;

/**
 * The comment before a declaration, or behind it. Descriptors without comments, such as those of an Envoy, get the
 * comment of the built-in API for the same full name. Without any comment the result is "".
 */
export function commentOf(desc: Commented): string {
  const file = desc.kind === "message" || desc.kind === "enum" ? desc.file : desc.parent.file;
  const comments = commentsIn(file);
  return (comments.size === 0 ? builtIn()[fullName(desc)] : comments.get(pathOf(desc).join(" "))) ?? "";
}

const fullName = (desc: Commented) =>
  desc.kind === "message" || desc.kind === "enum" ? desc.typeName : `${desc.parent.typeName}.${desc.name}`;

let builtInComments: Record<string, string> | undefined;
function builtIn(): Record<string, string> {
  if (!builtInComments) {
    const file = new URL("gen/comments.json", packageRoot());
    const found = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
    builtInComments = Object.fromEntries(Object.entries(found).map(([name, text]) => [name, tidy(text)]));
  }
  return builtInComments;
}

/** A comment of the API as plain text, without the markup of its documentation. */
const tidy = (comment: string): string =>
  printableLines(comment)
    .replace(/^ /gm, "")
    .replace(/\[#[^\]]*\]/g, "")
    .replace(/:\w+:`([^`<]*?)\s*<[^`>]*>`/g, "$1")
    .replace(/:\w+:`([^`]*)`/g, "$1")
    .replace(/`([^`<]*?)\s*<[^`>]*>`_+/g, "$1")
    .replace(/``/g, "`")
    .replace(/^\s*\.\. (\w+)::\s*/gm, (_, word: string) => `${word[0]?.toUpperCase()}${word.slice(1)}: `)
    .replace(/\n{3,}/g, "\n\n")
    .trim();

/** The path of a declaration in its file's descriptor: field numbers and indexes from the outside in. */
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
    comments = new Map(
      locations.flatMap(({ path, leadingComments, trailingComments }) => {
        const text = tidy(leadingComments) || tidy(trailingComments);
        return text === "" ? [] : [[path.join(" "), text] as const];
      }),
    );
    known.set(file, comments);
  }
  return comments;
}
