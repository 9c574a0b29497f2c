import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  addApiOptions,
  envoyOption,
  readApi,
  typeArgument,
  useApi
} from "./chunk-H5AN4Y5K.js";
import {
  Option,
  addExamples,
  outputOption
} from "./chunk-J3J7LZXM.js";
import {
  print
} from "./chunk-R2MMVVGI.js";
import "./chunk-JXEHVJSA.js";
import {
  envoyRegistry
} from "./chunk-5S6OCP5I.js";
import "./chunk-D2S3E5CW.js";
import "./chunk-PTJNKBKB.js";
import "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import {
  lazyRegistry
} from "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import "./chunk-2XSFRHN3.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/commands/schema.js
import { writeFile } from "node:fs/promises";
var targets = ["ts", "js+dts"];
function addSchema(program, exit) {
  const schema = program.command("schema").summary("the Envoy API: extract it from an Envoy, show it, generate types from it").description("The Envoy API: the built-in one, or that of your own Envoy. Other commands take the file that `extract` writes with --descriptors, or the binary itself with --envoy.");
  addExamples(schema, [
    ["xds schema show Cluster", "the fields of a message, with their rules"],
    ["xds schema extract --envoy /usr/bin/envoy", "writes the API of this Envoy into a file for --descriptors"],
    ["xds schema types --out src/gen", "TypeScript for the API"],
    ["xds schema json --envoy /usr/bin/envoy", "a JSON Schema of configuration files, for editors"]
  ]);
  addExtract(schema, exit);
  addShow(schema, exit);
  addTypes(schema, exit);
  addJson(schema, exit);
}
function addExtract(schema, exit) {
  const command = schema.command("extract").summary("write the API that an Envoy was built with into a file").description("Extract the exact API of an Envoy, with its extensions, from its binary, and write it into a file. The file is a FileDescriptorSet with all imports, which also protoc, buf and grpcurl read. The Envoy is not run. The binary can be for Linux or macOS, and can be stripped.").addOption(envoyOption("the binary of the Envoy").makeOptionMandatory()).option("--out <file>", "where to write it", "envoy.binpb").addOption(outputOption());
  addExamples(command, [
    ["xds schema extract --envoy /usr/bin/envoy", "writes envoy.binpb"],
    ["xds serve config/ --descriptors envoy.binpb", "then accepts every field that this Envoy knows"]
  ]);
  command.action(async (options) => exit(await extract(options)));
}
async function extract({ envoy, out, output }) {
  const descriptors = await readApi(envoy);
  const registry = lazyRegistry(descriptors);
  const messages = Array.from(registry).filter(({ kind }) => kind === "message").length;
  await write(out, descriptors);
  const data = { file: out, bytes: descriptors.length, protoFiles: [...registry.files()].length, messages };
  print(output, data, () => `${out}: ${data.messages} messages of ${data.protoFiles} proto files`);
  return 0;
}
async function write(file, content) {
  try {
    await writeFile(file, content);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
}
function addShow(schema, exit) {
  const command = schema.command("show").summary("print a message's fields and rules").description("Print the fields of a message with their numbers, types and rules, or the values of an enum. TYPE is a full name, a type URL, the last part of a name (Cluster), or a resource type's short name (clusters). Append fields to show one of them: Cluster.load_assignment.endpoints.").addArgument(typeArgument("<type>", "a message, an enum or a field")).addOption(outputOption());
  addApiOptions(command);
  addExamples(command, [
    ["xds schema show clusters", "the fields of a cluster"],
    ["xds schema show HttpConnectionManager.access_log", "a field, and the message that it contains"],
    ["xds schema show Cluster --envoy /usr/bin/envoy", "the fields that this Envoy knows"]
  ]);
  command.action(async (name, options) => {
    await useApi(options);
    const { describeSchema, schemaText } = await import("./description-WVHAZJD6.js");
    const { schemaNamed } = await import("./name-PDBQHWE3.js");
    const description = describeSchema(schemaNamed(name, envoyRegistry()));
    print(options.output, description, () => schemaText(description));
    exit(0);
  });
}
function addTypes(schema, exit) {
  const command = schema.command("types").summary("generate TypeScript from the API").description("Generate TypeScript for some messages of the API and their imports, or for the whole API. The generator is protoc-gen-es; install it first: npm install --save-dev @bufbuild/protoc-gen-es. Resource.of() takes messages of the generated types if useEnvoyApi() was given the same API.").addArgument(typeArgument("[type...]", "names as for `xds schema show`; by default the whole API")).requiredOption("--out <directory>", "where to write the files; other files there are kept").addOption(new Option("--target <target>", "TypeScript, or JavaScript with declaration files").choices(targets).default("ts")).addOption(outputOption());
  addApiOptions(command);
  addExamples(command, [
    [
      "xds schema types --envoy /usr/bin/envoy --out src/envoy",
      'the whole API of this Envoy; import { ClusterSchema } from "./envoy/envoy/config/cluster/v3/cluster_pb.js"'
    ],
    ["xds schema types Cluster Listener --descriptors envoy.binpb --out src/envoy", "two messages and their imports"]
  ]);
  command.action(async (names, { out, target, output, ...api }) => {
    await useApi(api);
    const { generateTypes } = await import("./generate-types-3A26LTPV.js");
    const { schemaNamed } = await import("./name-PDBQHWE3.js");
    const registry = envoyRegistry();
    const roots = names.map((name) => schemaNamed(name, registry).desc.file.proto.name);
    const data = await generateTypes(registry, roots.length > 0 ? roots : [...registry.files()], { out, target });
    print(output, data, () => `${out}: ${data.files} files for ${data.protoFiles} proto files`);
    exit(0);
  });
}
function addJson(schema, exit) {
  const command = schema.command("json").summary("write a JSON Schema of configuration files, for editors").description("Write a JSON Schema (draft 7) of the files that `xds serve` and Envoy take. With it, an editor completes and checks YAML and JSON. The package contains the schema of the built-in API: dist/configuration.schema.json. The schema knows fields, values and required fields; `xds validate` checks more.").option("--out <file>", "where to write it", "configuration.schema.json").addOption(outputOption());
  addApiOptions(command);
  addExamples(command, [
    ["xds schema json --envoy /usr/bin/envoy", "with every extension that this Envoy knows"],
    ["xds schema json --descriptors envoy.binpb --out envoy.schema.json", "the same for a descriptor file"]
  ]);
  command.action(async ({ out, output, ...api }) => {
    await useApi(api);
    const { configurationSchema } = await import("./json-schema-EB5BG4UY.js");
    const content = JSON.stringify(configurationSchema(envoyRegistry()));
    await write(out, content);
    const data = { file: out, bytes: Buffer.byteLength(content) };
    print(output, data, () => `${out}: ${data.bytes} bytes`);
    exit(0);
  });
}
export {
  addSchema
};
