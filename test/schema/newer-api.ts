import { readFileSync } from "node:fs";
import { create, fromBinary, setExtension, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { FieldRulesSchema, rules } from "../../gen/validate/validate_pb.js";

const path = new URL("../../gen/envoy.binpb", import.meta.url);

/** The API that this package was generated from, as a set that may be written to. */
export function builtInSet(): FileDescriptorSet {
  return fromBinary(FileDescriptorSetSchema, builtInBytes());
}

/** The same in bytes. */
export const builtInBytes = (): Uint8Array => new Uint8Array(readFileSync(path));

/** Of a set, what declares a top-level message. */
export function messageIn(set: FileDescriptorSet, fileName: string, name: string): DescriptorProto {
  const found = set.file.find((file) => file.name === fileName)?.messageType.find((message) => message.name === name);
  if (!found) throw new Error(`no ${name} in ${fileName}`);
  return found;
}

/**
 * An API that a later Envoy might have: a Cluster has more fields of all kinds (`newer_text`, empty or of at least 3
 * characters, `newer_list`, `newer_map`, `newer_flag`), its `cluster_discovery_type` another choice (`newer_type`), and
 * a Locality, which is in it, a list.
 */
export function newerApi(): Uint8Array {
  const set = builtInSet();
  const cluster = messageIn(set, "envoy/config/cluster/v3/cluster.proto", "Cluster");
  const optional = { label: Label.OPTIONAL, type: Type.STRING };
  const repeated = { label: Label.REPEATED, type: Type.STRING };
  const options = create(FieldOptionsSchema);
  setExtension(
    options,
    rules,
    create(FieldRulesSchema, { type: { case: "string", value: { minLen: 3n, ignoreEmpty: true } } }),
  );
  const oneofIndex = cluster.oneofDecl.findIndex(({ name }) => name === "cluster_discovery_type");
  cluster.nestedType.push(
    create(DescriptorProtoSchema, {
      name: "NewerMapEntry",
      options: { mapEntry: true },
      field: [
        { ...optional, name: "key", number: 1 },
        { ...optional, name: "value", number: 2 },
      ],
    }),
  );
  const entry = ".envoy.config.cluster.v3.Cluster.NewerMapEntry";
  cluster.field.push(
    create(FieldDescriptorProtoSchema, { ...optional, name: "newer_text", number: 901, options }),
    create(FieldDescriptorProtoSchema, { ...repeated, name: "newer_list", number: 902 }),
    create(FieldDescriptorProtoSchema, {
      ...repeated,
      name: "newer_map",
      number: 903,
      type: Type.MESSAGE,
      typeName: entry,
    }),
    create(FieldDescriptorProtoSchema, { ...optional, name: "newer_flag", number: 904, type: Type.BOOL }),
    create(FieldDescriptorProtoSchema, { ...optional, name: "newer_type", number: 905, oneofIndex }),
  );
  messageIn(set, "envoy/config/core/v3/base.proto", "Locality").field.push(
    create(FieldDescriptorProtoSchema, { ...repeated, name: "newer_list", number: 901 }),
  );
  return toBinary(FileDescriptorSetSchema, set);
}
