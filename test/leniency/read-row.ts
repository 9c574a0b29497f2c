import { create, fromBinary, fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { TypedStructSchema } from "../../gen/xds/type/v3/typed_struct_pb.js";
import { fromTypedStruct } from "../../src/json/any-content.js";
import { envoyRegistry } from "../../src/resource/default-api.js";
import { formatProblem } from "../../src/source/files/problem.js";
import { readResourceFile } from "../../src/source/reading/resource-file.js";
import { envoyFormat } from "../../src/source/yaml/format.js";
import { parseYaml, type YamlNode } from "../../src/source/yaml/yaml.js";
import { contentOf } from "./ask-envoy.js";
import type { Row } from "./rows.js";

const clusterType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/** What our reader makes of a row in a file: the message as JSON, or the mistakes in it. */
export function readRow(row: Row): JsonValue | string {
  const file = readResourceFile(`row.${row.format}`, Buffer.from(fileOf(row)));
  if (file.problems.length > 0) return file.problems.map(formatProblem).join("\n");
  const bytes = file.resources[0]?.resource.body;
  const desc = envoyRegistry().getMessage("envoy.config.cluster.v3.Cluster");
  if (!bytes || !desc) throw new Error("no cluster was read");
  const cluster = fromBinary(desc, bytes) as unknown as { metadata: { typedFilterMetadata: Record<string, Any> } };
  const any = cluster.metadata.typedFilterMetadata.row;
  if (!any) throw new Error("the cluster has no metadata");
  return jsonOf(any);
}

/** The same of a row as the content of a TypedStruct; undefined: a google.protobuf.Struct has no place for it. */
export function readInTypedStruct(row: Row): JsonValue | string | undefined {
  const text = row.format === "json" ? `{ ${row.text} }` : row.text;
  const { documents, faults: mistakes } = parseYaml(text, envoyFormat(`row.${row.format}`, text));
  const [content] = documents;
  if (!content || mistakes.length > 0 || !fitsStruct(content) || row.type.startsWith("google.protobuf."))
    return undefined;
  const [typeUrl, value] = [`type.googleapis.com/${row.type}`, jsonIn(content) as JsonObject];
  const read = fromTypedStruct(create(TypedStructSchema, { typeUrl, value }), envoyRegistry());
  const { bytes, faults = [], unknownFields = [] } = read ?? {};
  if (bytes && unknownFields.length === 0) return jsonOf(create(AnySchema, { typeUrl, value: bytes }));
  return [...faults, ...unknownFields].map(({ path, message }) => `${path}: ${message}`).join("\n");
}

/** Numbers of a Struct are of floating point, and texts are UTF-8. */
function fitsStruct(node: YamlNode): boolean {
  if (node.kind === "list") return node.items.every(fitsStruct);
  if (node.kind === "map") return node.entries.every(({ value }) => fitsStruct(value));
  const { value } = node;
  if (typeof value === "string") return Buffer.from(value).toString() === value;
  return (typeof value !== "bigint" && typeof value !== "number") || Math.abs(Number(value)) <= 2 ** 53 - 1;
}

function jsonIn(node: YamlNode): JsonValue {
  if (node.kind === "list") return node.items.map(jsonIn);
  if (node.kind === "map") return Object.fromEntries(node.entries.map(({ key, value }) => [key, jsonIn(value)]));
  return typeof node.value === "bigint" ? Number(node.value) : node.value;
}

function fileOf(row: Row): string {
  const content = contentOf(row);
  if (row.format === "json")
    return `{ "@type": "${clusterType}", "name": "c", "metadata": { "typed_filter_metadata": { "row": ${content} } } }`;
  const message = content.replace(/^(?=.)/gm, "      ");
  return `"@type": ${clusterType}\nname: c\nmetadata:\n  typed_filter_metadata:\n    row:\n${message}\n`;
}

/** JSON that Envoy has printed for the message of a row, as we print it. */
export const recordedJson = ({ type }: Row, json: JsonValue): JsonValue =>
  jsonOf(fromJson(AnySchema, { ...(json as JsonObject), "@type": `type.googleapis.com/${type}` }, options()));

const jsonOf = (any: Any) => toJson(AnySchema, any, options());

const options = () => ({ registry: envoyRegistry() });
