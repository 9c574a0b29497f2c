import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import type { DescriptorProto, FileDescriptorProto } from "@bufbuild/protobuf/wkt";

/**
 * Gives each field its name in JSON where it has none. What protoc compiles into a C++ program lacks them, and without them all
 * fields would have the name "" in JSON.
 */
export function fillJsonNames(proto: FileDescriptorProto | DescriptorProto): void {
  const isFile = proto.$typeName === "google.protobuf.FileDescriptorProto";
  for (const field of isFile ? proto.extension : [...proto.field, ...proto.extension])
    field.jsonName ||= protoCamelCase(field.name);
  for (const message of isFile ? proto.messageType : proto.nestedType) fillJsonNames(message);
}
