import { brotliDecompressSync } from "node:zlib";
import {
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  fromBinary,
  type Registry,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { packedDescriptors } from "../../gen/built-in.js";
import { XdsError } from "../errors.js";
import { lazyRegistry, type SchemaRegistry } from "./lazy-registry.js";

/** An Envoy API: the types, and the serialized FileDescriptorSet that they are built from. */
export interface EnvoyApi {
  readonly registry: SchemaRegistry;
  readonly descriptors: Uint8Array;
}

const builtInDescriptors = (): Uint8Array => brotliDecompressSync(Buffer.from(packedDescriptors, "base64"));

let builtIn: EnvoyApi | undefined;

/** Returns the API from which this package was generated. It is unpacked at the first call. */
export function builtInApi(): EnvoyApi {
  builtIn ??= knownApi(builtInDescriptors());
  return builtIn;
}

/** Whether these descriptors are those of the built-in API. */
export const isBuiltInApi = (descriptors: Uint8Array): boolean =>
  Buffer.compare(builtInDescriptors(), descriptors) === 0;

/**
 * Reads an Envoy API. Messages of the server's own services that the descriptors lack come from the built-in API.
 * @throws XdsError INVALID_OPTION for descriptors that are not a complete Envoy API
 */
export function readApi(descriptors: Uint8Array): EnvoyApi {
  const api = knownApi(descriptors);
  const lacks = (name: string) => api.registry.fileOf(name) === undefined;
  const lacking = [...neededMessages, ...neededExtensions].filter(lacks);
  if (lacking.length > 0) {
    const others = lacking.length > 3 ? ` and ${lacking.length - 3} more` : "";
    throw new XdsError(
      "INVALID_OPTION",
      `these descriptors are not a complete Envoy API: they lack ${lacking.slice(0, 3).join(", ")}${others}; extractDescriptors(), or ` +
        "`xds schema extract`, reads a complete API out of an Envoy binary",
    );
  }
  const added = filesFor(serviceMessages.filter(lacks), api.registry);
  return added.length === 0 ? api : knownApi(Buffer.concat([descriptors, ...added]));
}

/** An API whose descriptors are known to be complete. */
const knownApi = (descriptors: Uint8Array): EnvoyApi => ({ registry: lazyRegistry(descriptors), descriptors });

/** An API in the form that can be posted to another thread. */
export interface PostedApi {
  readonly descriptors: Uint8Array;
  readonly isBuiltIn: boolean;
}

/** Returns an API in the form in which another thread can take it. */
export const postedApi = (api: EnvoyApi): PostedApi => ({
  descriptors: api.descriptors,
  isBuiltIn: api === builtIn,
});

/** Takes another thread's API. */
export function takenApi({ descriptors, isBuiltIn }: PostedApi): EnvoyApi {
  const api = knownApi(descriptors);
  if (isBuiltIn) builtIn = api;
  return api;
}

/**
 * The files of the built-in API that declare these types, and their imports, except the files that the other API has.
 */
function filesFor(typeNames: readonly string[], other: SchemaRegistry): Uint8Array[] {
  if (typeNames.length === 0) return [];
  const from = lazyRegistry(builtInDescriptors());
  const known = new Set(other.files());
  const files: Uint8Array[] = [];
  const add = (name: string | undefined) => {
    const file = name === undefined || known.has(name) ? undefined : from.fileBytes(name);
    if (name === undefined || !file) return;
    known.add(name);
    fromBinary(FileDescriptorProtoSchema, file).dependency.forEach(add);
    files.push(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(file).finish()); // FileDescriptorSet.file
  };
  for (const typeName of typeNames) add(from.fileOf(typeName));
  return files;
}

/** A hint for messages about what an API or a type of one lacks; "" if it is not the built-in API. */
export const otherApiHint = (of: Registry | DescMessage | DescEnum): string =>
  isBuiltIn(of) ? "; if your Envoy has it, use its API: --envoy or --descriptors, in code useEnvoyApi()" : "";

const isBuiltIn = (of: Registry | DescMessage | DescEnum) =>
  of === (of.kind === "registry" ? builtIn?.registry : builtIn?.registry.get(of.typeName));

// The parts of the API that this package itself uses.
const neededMessages = [
  "envoy.config.core.v3.Node",
  "envoy.service.discovery.v3.DiscoveryRequest",
  "envoy.service.discovery.v3.DiscoveryResponse",
  "envoy.service.discovery.v3.Resource",
] as const;
const serviceMessages = [
  "envoy.admin.v3.ConfigDump",
  "envoy.service.load_stats.v3.LoadStatsRequest",
  "envoy.service.load_stats.v3.LoadStatsResponse",
  "envoy.service.status.v3.ClientConfig",
  "envoy.service.status.v3.ClientStatusRequest",
  "envoy.service.status.v3.ClientStatusResponse",
] as const;
const neededExtensions = [
  "envoy.annotations.deprecated_at_minor_version",
  "envoy.annotations.deprecated_at_minor_version_enum",
  "envoy.annotations.disallowed_by_default",
  "envoy.annotations.disallowed_by_default_enum",
  "udpa.annotations.sensitive",
  "validate.disabled",
  "validate.required",
  "validate.rules",
] as const;

type ApiMessage = (typeof neededMessages)[number] | (typeof serviceMessages)[number];

/** Returns a message that every API has. */
export const apiMessage = (registry: Registry, name: ApiMessage): DescMessage =>
  registry.getMessage(name) as DescMessage;

/** The name of an option that every API has. */
export type ApiExtension = (typeof neededExtensions)[number];

const extensions = new WeakMap<DescFile, Map<ApiExtension, DescExtension | undefined>>();

/**
 * Returns an option that descriptors of a file can have; undefined if none of them has it. A file that uses an option
 * imports the file that declares it.
 */
export function apiExtension(file: DescFile, name: ApiExtension): DescExtension | undefined {
  const known = extensions.get(file) ?? new Map<ApiExtension, DescExtension | undefined>();
  extensions.set(file, known);
  if (!known.has(name)) {
    const imported = file.dependencies.flatMap((dependency) => dependency.extensions);
    const found = imported.find(({ typeName }) => typeName === name);
    known.set(name, found);
  }
  return known.get(name);
}
