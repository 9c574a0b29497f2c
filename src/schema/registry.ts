import { readFileSync } from "node:fs";
import { type DescExtension, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { XdsError } from "../errors.js";
import { lazyRegistry, type SchemaRegistry } from "./lazy-registry.js";

// The same path from src/schema and from dist/schema.
const descriptorSet = new URL("../../gen/envoy.binpb", import.meta.url);

let builtIn: SchemaRegistry | undefined;
let inUse: SchemaRegistry | undefined;
/** What it was made from. */
let bytesInUse: Uint8Array | undefined;

/**
 * Every type of the Envoy v3 API: the one that this package was generated from, or the one that {@link useEnvoyApi} was given. Read
 * at the first call.
 */
export function envoyRegistry(): SchemaRegistry {
  if (!inUse) {
    bytesInUse = readFileSync(descriptorSet);
    builtIn = lazyRegistry(bytesInUse);
    inUse = builtIn;
  }
  return inUse;
}

/**
 * Puts another version of the Envoy API in the place of the built-in one, for the whole process: all that is encoded, decoded,
 * validated and printed goes by it from then on. To be called before anything else of this package is used.
 * @param descriptors a serialized FileDescriptorSet with all imports, such as `extractDescriptors()` reads out of an Envoy. What the
 * server's own services need (CSDS, which no Envoy has, LRS, config dumps) is taken from the built-in API where it is not in there.
 * @throws XdsError WRONG_STATE when an API is in use already; INVALID_OPTION for what is no API of an Envoy
 */
export function useEnvoyApi(descriptors: Uint8Array): SchemaRegistry {
  if (inUse)
    throw new XdsError(
      "WRONG_STATE",
      "an Envoy API is in use already; call useEnvoyApi() once, before any resource is made and any server started",
    );
  const registry = lazyRegistry(descriptors);
  const lacks = (name: string) => registry.fileOf(name) === undefined;
  const lacking = [...neededMessages, ...neededExtensions].filter(lacks);
  if (lacking.length > 0) {
    const others = lacking.length > 3 ? ` and ${lacking.length - 3} more` : "";
    throw new XdsError(
      "INVALID_OPTION",
      `these descriptors are no whole Envoy API: they lack ${lacking.slice(0, 3).join(", ")}${others}; extractDescriptors(), or ` +
        "`xds schema extract`, reads a whole one out of an Envoy binary",
    );
  }
  const added = filesFor(serviceMessages.filter(lacks), registry);
  bytesInUse = added.length === 0 ? descriptors : Buffer.concat([descriptors, ...added]);
  inUse = added.length === 0 ? registry : lazyRegistry(bytesInUse);
  return inUse;
}

/** @internal An API as another thread can take it. */
export interface ApiInUse {
  readonly descriptors: Uint8Array;
  readonly isBuiltIn: boolean;
}

/** @internal The API that this thread goes by. */
export function apiInUse(): ApiInUse {
  envoyRegistry();
  return { descriptors: bytesInUse as Uint8Array, isBuiltIn: inUse === builtIn };
}

/** @internal Goes by another thread's API: to be called before anything else. */
export function takeApi({ descriptors, isBuiltIn }: ApiInUse): void {
  bytesInUse = descriptors;
  inUse = lazyRegistry(descriptors);
  if (isBuiltIn) builtIn = inUse;
}

/** The files of the built-in API that declare these types, and those that they import, where the other API lacks them. */
function filesFor(typeNames: readonly string[], other: SchemaRegistry): Uint8Array[] {
  if (typeNames.length === 0) return [];
  const from = lazyRegistry(readFileSync(descriptorSet));
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

/** Whether a message is one of the API that this package was generated from, as {@link envoyRegistry} has it. */
export const isBuiltIn = (desc: DescMessage): boolean => builtIn?.getMessage(desc.typeName) === desc;

/** What may help where the API lacks something; "" where it is one of the user's own. */
export const otherApiHint = (): string =>
  inUse === builtIn ? "; if your Envoy has it, use its API: --envoy or --descriptors, in code useEnvoyApi()" : "";

// What this package itself uses of the API.
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

/** A message of the API that every version has. */
export const apiMessage = (name: ApiMessage): DescMessage => envoyRegistry().getMessage(name) as DescMessage;

export type ApiExtension = (typeof neededExtensions)[number];

/** An option of the API that every version has. */
export const apiExtension = (name: ApiExtension): DescExtension => envoyRegistry().getExtension(name) as DescExtension;
