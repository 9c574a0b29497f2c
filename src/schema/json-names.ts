import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import type { DescriptorProto, FileDescriptorProto } from "@bufbuild/protobuf/wkt";

/**
 * Sets the JSON name of each field that lacks one.
 *
 * The descriptors that protoc compiles into a C++ program lack JSON names. Without this function, all fields would have
 * the JSON name "".
 */
export function fillJsonNames(proto: FileDescriptorProto | DescriptorProto): void {
  const isFile = proto.$typeName === "google.protobuf.FileDescriptorProto";
  for (const field of isFile ? proto.extension : [...proto.field, ...proto.extension])
    field.jsonName ||= protoCamelCase(field.name);
  for (const message of isFile ? proto.messageType : proto.nestedType) fillJsonNames(message);
}
