import { writeFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { messageOf, XdsError } from "../errors.js";
import { lazyRegistry } from "../schema/lazy-registry.js";
import { envoyRegistry } from "../schema/registry.js";
import { type ApiOptions, addApiOptions, envoyOption, readApi, useApi } from "./api-options.js";
import { addExamples, type Exit, type OutputOptions, outputOption } from "./command.js";
import type { Target } from "./generate-types.js";
import { print } from "./output.js";
import { typeArgument } from "./resource-type-name.js";

const targets: readonly Target[] = ["ts", "js+dts"];

/** `xds schema`. What a command of it needs is loaded when it is called. */
export function addSchema(program: Command, exit: Exit): void {
  const schema = program
    .command("schema")
    .summary("the Envoy API: read it out of an Envoy, look at it, generate types from it")
    .description(
      "The Envoy API: the built-in one, or that of your own Envoy. Other commands take what `extract` writes as --descriptors, or the " +
        "binary itself as --envoy.",
    );
  addExamples(schema, [
    ["xds schema show Cluster", "the fields of a message, with their rules"],
    ["xds schema extract --envoy /usr/bin/envoy", "the API of this Envoy, as a file for --descriptors"],
    ["xds schema types --out src/gen", "TypeScript of it"],
  ]);
  addExtract(schema, exit);
  addShow(schema, exit);
  addTypes(schema, exit);
}

interface ExtractOptions extends OutputOptions {
  readonly envoy: string;
  readonly out: string;
}

function addExtract(schema: Command, exit: Exit): void {
  const command = schema
    .command("extract")
    .summary("write the API that an Envoy was built with into a file")
    .description(
      "Read the exact API that an Envoy was built with, its extensions included, out of its binary, and write it into a file: a " +
        "FileDescriptorSet with all imports, which protoc, buf, grpcurl and others take, too. The Envoy is not run; it may be one for Linux or for " +
        "macOS, and stripped.",
    )
    .addOption(envoyOption("the Envoy: its binary").makeOptionMandatory())
    .option("--out <file>", "where to write it", "envoy.binpb")
    .addOption(outputOption());
  addExamples(command, [
    ["xds schema extract --envoy /usr/bin/envoy", "writes envoy.binpb"],
    ["xds serve config/ --descriptors envoy.binpb", "then takes every field that this Envoy knows"],
  ]);
  command.action(async (options: ExtractOptions) => exit(await extract(options)));
}

async function extract({ envoy, out, output }: ExtractOptions): Promise<number> {
  const descriptors = await readApi(envoy);
  const registry = lazyRegistry(descriptors);
  const messages = Array.from(registry).filter(({ kind }) => kind === "message").length;
  try {
    await writeFile(out, descriptors);
  } catch (cause) {
    throw new XdsError("INVALID_OPTION", `${out} cannot be written: ${messageOf(cause)}`, { cause });
  }
  const data = { file: out, bytes: descriptors.length, protoFiles: [...registry.files()].length, messages };
  print(output, data, () => `${out}: ${data.messages} messages of ${data.protoFiles} proto files`);
  return 0;
}

function addShow(schema: Command, exit: Exit): void {
  const command = schema
    .command("show")
    .summary("print a message's fields and rules")
    .description(
      "Print the fields of a message with their numbers, types and rules, or the values of an enum. TYPE is a full name, a type URL, the last part " +
        "of a name (Cluster), or a resource type's short name (clusters). After it may come a field, and a field in that: Cluster.load_assignment.endpoints.",
    )
    .addArgument(typeArgument("<type>", "a message or an enum, or a field"))
    .addOption(outputOption());
  addApiOptions(command);
  addExamples(command, [
    ["xds schema show clusters", "the fields of a cluster"],
    ["xds schema show HttpConnectionManager.access_log", "a field, and the message that is in it"],
    ["xds schema show Cluster --envoy /usr/bin/envoy", "the fields that this Envoy knows"],
  ]);
  command.action(async (name: string, options: OutputOptions & ApiOptions) => {
    await useApi(options);
    const { describeSchema, schemaText } = await import("./schema-description.js");
    const { schemaNamed } = await import("./schema-name.js");
    const description = describeSchema(schemaNamed(name, envoyRegistry()));
    print(options.output, description, () => schemaText(description));
    exit(0);
  });
}

interface TypesOptions extends ApiOptions, OutputOptions {
  readonly out: string;
  readonly target: Target;
}

function addTypes(schema: Command, exit: Exit): void {
  const command = schema
    .command("types")
    .summary("generate TypeScript from the API")
    .description(
      "Generate TypeScript for messages of the API and what they import, or for all of it, with protoc-gen-es, which has to be installed beside: " +
        "npm install --save-dev @bufbuild/protoc-gen-es. Resource.of() takes messages made with it, if useEnvoyApi() was given the same API.",
    )
    .addArgument(typeArgument("[type...]", "as `xds schema show` takes them; without any, all of the API"))
    .requiredOption("--out <directory>", "where to write the files; others that are there stay")
    .addOption(
      new Option("--target <target>", "TypeScript, or JavaScript with declarations").choices(targets).default("ts"),
    )
    .addOption(outputOption());
  addApiOptions(command);
  addExamples(command, [
    [
      "xds schema types --envoy /usr/bin/envoy --out src/envoy",
      'all of this Envoy\'s API; import { ClusterSchema } from "./envoy/envoy/config/cluster/v3/cluster_pb.js"',
    ],
    ["xds schema types Cluster Listener --descriptors envoy.binpb --out src/envoy", "two messages and their imports"],
  ]);
  command.action(async (names: string[], { out, target, output, ...api }: TypesOptions) => {
    await useApi(api);
    const { generateTypes } = await import("./generate-types.js");
    const { schemaNamed } = await import("./schema-name.js");
    const registry = envoyRegistry();
    const roots = names.map((name) => schemaNamed(name, registry).desc.file.proto.name);
    const data = await generateTypes(registry, roots.length > 0 ? roots : [...registry.files()], { out, target });
    print(output, data, () => `${out}: ${data.files} files for ${data.protoFiles} proto files`);
    exit(0);
  });
}
